//! We as the subscriber of a registry of the DCI kind: births and deaths are asked for once, whatever is lost; renewed before the
//! end, ended when the file says nothing of it any more; and an answer that nobody asked for changes nothing.

use std::{sync::Arc, time::Duration};

use conformance::crvs::registry::{Registry, Running, Subscription, Told};
use gateway::admin::client;
use gateway_tests::{
    house::{House, replace},
    message::{
        Notify,
        dci::{CRVS, ON_SUBSCRIBE, ON_UNSUBSCRIBE, birth_event, death_event},
    },
    tape::tape,
};
use schemas::{
    fault::FaultCode::{BadSignature, Conflict, Forbidden, Invalid, UnknownSubject},
    proto::{
        admin::{FollowedLine, ListParcelsRequest},
        insurance::{Context, GetBirthCasesRequest},
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use super::{
    dci_later::{FILE, plan},
    dci_search::signed,
};

/// What stands before the section in the registry's file.
const BEFORE: &str = "signature = \"jws-compact\"\n";

pub(super) fn section(seconds: (u32, u32, u32, u32)) -> String {
    let (length, renew, answer, again) = seconds;
    format!(
        "\n[dci.follow]\nlength_seconds = {length}\nrenew_seconds = {renew}\nanswer_seconds = {answer}\n\
         again_seconds = {again}\n"
    )
}

/// For a month, as it is used.
pub(super) const LONG: (u32, u32, u32, u32) = (2_592_000, 604_800, 86_400, 1);

pub(super) struct Scene {
    pub(super) house: House,
    pub(super) registry: Arc<Registry>,
    pub(super) running: Option<Running>,
    pub(super) port: u16,
    pub(super) section: String,
}

impl Scene {
    pub(super) async fn start(seconds: (u32, u32, u32, u32)) -> Self {
        Self::start_with(seconds, |_| {}).await
    }

    /// The registry behaves as it is set before anybody asks it.
    pub(super) async fn start_with(
        seconds: (u32, u32, u32, u32),
        set: impl FnOnce(&mut conformance::crvs::registry::Mischief),
    ) -> Self {
        Self::start_of(section(seconds), set).await
    }

    /// With these sections in the registry's file.
    pub(super) async fn start_of(
        section: String,
        set: impl FnOnce(&mut conformance::crvs::registry::Mischief),
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let with = format!("{BEFORE}{section}");
        let house = plan(port).replace(FILE, BEFORE, with).start().await;
        let registry = Registry::open(&house.layout.agency(CRVS)).unwrap();
        registry.misbehave(set);
        Self {
            running: Some(registry.serve(listener).unwrap()),
            house,
            registry,
            port,
            section,
        }
    }

    /// The registry again, from what it wrote down.
    pub(super) async fn reopen_registry(&mut self) {
        self.running.take().unwrap().stop().await;
        self.registry = Registry::open(&self.house.layout.agency(CRVS)).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.running = Some(self.registry.serve(listener).unwrap());
    }

    pub(super) async fn lines(&self) -> Vec<FollowedLine> {
        let page = client::status(self.house.gateway().admin()).await;
        page.unwrap().followed
    }

    pub(super) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                Instant::now() < until,
                "{what}: {:?} {:?} {:?} {:?}",
                self.lines().await,
                self.registry.subscriptions(),
                self.registry.violations(),
                self.registry.told(),
            );
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// A birth that the registry registers, and tells of where somebody is subscribed.
    pub(super) fn born(&self, number: u32) -> Value {
        let birth = birth_event(self.house.now(), &self.house.landmarks, number);
        self.registry.registers(&birth).unwrap();
        birth
    }

    /// Waits until births and deaths are in this state.
    pub(super) async fn both(&self, state: &str) -> Vec<FollowedLine> {
        self.until(state, async || {
            let lines = self.lines().await;
            let is_so = lines.len() == 2 && lines.iter().all(|one| one.state == state);
            is_so.then_some(lines)
        })
        .await
    }

    pub(super) async fn quiet(&self) {
        self.until("nothing to say", async || {
            (self.registry.waiting() == 0).then_some(())
        })
        .await;
    }

    pub(super) fn standing(&self) -> Vec<Subscription> {
        let mut all = self.registry.subscriptions();
        all.retain(Subscription::stands);
        all
    }

    /// What the registry said, of one action.
    pub(super) fn told(&self, action: &str) -> Vec<Told> {
        let mut told = self.registry.told();
        told.retain(|one| one.action == action);
        told
    }

    /// The cards of these births.
    pub(super) async fn cards(&self, births: &[Value]) -> Vec<String> {
        let number = |birth: &Value| {
            let record = &birth["data"]["reg_records"][0];
            let number = record["identifier"][1]["identifier_value"].as_str();
            format!("dci-{}", number.unwrap())
        };
        let request = GetBirthCasesRequest {
            context: Some(Context {
                sender: CRVS.to_owned(),
                ..Context::default()
            }),
            case_ids: births.iter().map(number).collect(),
        };
        let insurance = &self.house.gateway().contract().client;
        let soon = Instant::now() + Duration::from_secs(20);
        let cases = insurance.birth_cases(soon, request).await.unwrap().cases;
        let known = cases.into_iter().filter(|case| case.known);
        let cards = known.filter_map(|case| Some(case.card?.number));
        cards.filter(|card| !card.is_empty()).collect()
    }

    /// What we asked about births, and the registry's name for the exchange.
    pub(super) async fn births_asked(&self) -> (String, String) {
        self.until("births are asked for", async || {
            let asked = self.registry.asked().into_iter();
            asked
                .filter_map(|(message, correlation)| {
                    let wish = &message["subscribe_request"][0]["reference_id"];
                    let transaction = message["transaction_id"].as_str()?.to_owned();
                    (wish == "live_birth").then_some((transaction, correlation))
                })
                .next()
        })
        .await
    }
}

fn begun(house: &House, transaction: &str, correlation: &str, code: &str) -> Notify {
    let message = json!({
        "transaction_id": transaction,
        "correlation_id": correlation,
        "subscribe_response": [{
            "reference_id": "live_birth",
            "timestamp": "2026-11-23T08:00:00+07:00",
            "status": "succ",
            "subscriptions": [{ "code": code, "status": "subscribe" }],
        }],
    });
    Notify::callback(house.now(), ON_SUBSCRIBE, message)
}

#[tokio::test(flavor = "multi_thread")]
async fn births_and_deaths_are_followed_and_what_is_told_becomes_a_card() {
    let scene = Scene::start(LONG).await;
    let lines = scene.both("stands").await;
    let codes: Vec<&str> = lines.iter().map(|one| one.code.as_str()).collect();
    let mut theirs = scene.standing();
    theirs.sort_by(|left, right| left.event.cmp(&right.event));
    let theirs: Vec<&str> = theirs.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, theirs);
    assert_eq!(
        (lines[0].event.as_str(), lines[1].event.as_str()),
        ("death", "live_birth")
    );

    let births = [scene.born(59), scene.born(60)];
    let death = death_event(scene.house.now(), &births[1], 60);
    scene.registry.registers(&death).unwrap();
    scene.quiet().await;
    let told = scene.told("notify");
    let answers: Vec<&str> = told.iter().map(|one| one.answer.as_str()).collect();
    assert_eq!(answers, ["ACK"; 3]);
    let cards = scene.cards(&births).await;
    assert_eq!(cards.len(), 2);
    assert!(
        cards.iter().all(|card| card.starts_with("TE1")),
        "{cards:?}"
    );
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
    // what was asked for is asked for once
    assert_eq!(scene.registry.asked().len(), 2);
    let pin = &births[1]["data"]["reg_records"][0]["identifier"][0]["identifier_value"];
    let pin = pin.as_str().unwrap();
    assert!(!tape().everything().contains(pin), "the log has a number");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_asked_for_once_whatever_is_lost_and_whoever_is_killed() {
    let mut scene = Scene::start_with(LONG, |knobs| {
        knobs.drop_replies = 2;
        knobs.busy = 2;
        knobs.hold = true;
    })
    .await;
    scene
        .until("both are asked for", async || {
            (scene.registry.asked().len() == 2).then_some(())
        })
        .await;
    scene.house.kill().await;
    scene.reopen_registry().await;
    scene.registry.misbehave(|knobs| {
        knobs.foreign = 2;
        knobs.forge = 2;
        knobs.repeat = 3;
        knobs.reorder = true;
    });
    scene.house.open().await;
    let lines = scene.both("stands").await;
    scene.quiet().await;
    scene.house.kill().await;
    scene.house.open().await;
    assert_eq!(scene.both("stands").await, lines);
    let birth = scene.born(62);
    scene.quiet().await;
    assert_eq!(scene.cards(&[birth]).await.len(), 1);
    assert_eq!(
        (scene.standing().len(), scene.registry.asked().len()),
        (2, 2)
    );
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_is_renewed_before_its_end_at_either_kind_of_registry() {
    for many in [false, true] {
        let scene = Scene::start_with((60, 57, 30, 1), |knobs| knobs.many_of_a_kind = many).await;
        let first = scene.both("stands").await;
        scene
            .until("renewed", async || {
                let lines = scene.lines().await;
                let renewed = lines.iter().zip(&first);
                let mut renewed = renewed.map(|(now, was)| {
                    now.state == "stands" && now.code != was.code && now.ends > was.ends
                });
                let is_one = scene.standing().len() == 2;
                (renewed.all(|one| one) && is_one).then_some(())
            })
            .await;
        // those before were ended there, and not before the next one stood where that is possible
        let all = scene.registry.subscriptions();
        assert!(all.iter().filter(|one| one.ended).count() >= 2, "{all:?}");
        let began = scene.told("on-subscribe");
        let refused = began
            .iter()
            .filter(|one| one.message["subscribe_response"][0]["status"] == "rjct")
            .count();
        assert_eq!(refused == 0, many, "{began:?}");
        let birth = scene.born(63);
        scene
            .until("a card", async || {
                (scene.cards(std::slice::from_ref(&birth)).await.len() == 1).then_some(())
            })
            .await;
        assert_eq!(scene.registry.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_says_no_more_is_ended_there_and_can_be_begun_anew() {
    let mut scene = Scene::start(LONG).await;
    scene.both("stands").await;
    scene.house.kill().await;
    replace(&scene.house.file(FILE), &scene.section, "");
    scene.house.open().await;
    let lines = scene.both("none").await;
    assert!(lines.iter().all(|one| one.code.is_empty()));
    assert_eq!(scene.standing(), []);
    scene.born(64);
    assert_eq!(scene.told("notify"), []);
    scene.house.kill().await;
    let with = format!("{BEFORE}{}", scene.section);
    replace(&scene.house.file(FILE), BEFORE, &with);
    scene.house.open().await;
    scene.both("stands").await;
    assert_eq!(scene.standing().len(), 2);
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_says_no_is_asked_again_and_a_person_sees_why() {
    let scene = Scene::start_with((2_592_000, 604_800, 86_400, 3), |knobs| {
        knobs.refuse = 1;
        knobs.nack = 1;
    })
    .await;
    scene
        .until("a finding", async || {
            let page = client::status(scene.house.gateway().admin()).await.unwrap();
            let found = page
                .findings
                .iter()
                .find(|one| one.what.contains("crvs does not"))?;
            assert!(
                found.what.ends_with("rjct.notify_types.invalid"),
                "{found:?}"
            );
            Some(())
        })
        .await;
    scene.both("stands").await;
    assert_eq!(scene.standing().len(), 2);
    assert_eq!(scene.registry.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_to_what_was_asked_changes_nothing() {
    let scene = Scene::start_with(LONG, |knobs| knobs.hold = true).await;
    let house = &scene.house;
    let (transaction, correlation) = scene.births_asked().await;
    // the acknowledgement is written down
    scene
        .until("acknowledged", async || {
            let request = ListParcelsRequest {
                partner: CRVS.to_owned(),
                max: 50,
                ..ListParcelsRequest::default()
            };
            let listed = client::parcels(house.gateway().admin(), request).await;
            listed.unwrap().parcels.is_empty().then_some(())
        })
        .await;
    let right = || begun(house, &transaction, &correlation, "sub-1");
    let response = "/message/subscribe_response/0";
    let of = |name: &str| format!("{response}/{name}");
    let ended = |transaction: &str| {
        let message = json!({
            "transaction_id": transaction,
            "correlation_id": correlation,
            "timestamp": "2026-11-23T08:00:00+07:00",
            "status": "succ",
            "subscription_status": [{ "code": "sub-1", "status": "unsubscribe" }],
        });
        Notify::callback(house.now(), ON_UNSUBSCRIBE, message)
    };
    let two =
        json!([{ "code": "a", "status": "subscribe" }, { "code": "b", "status": "subscribe" }]);
    for (wrong, code, reason) in [
        (
            begun(house, "t-nobodys", &correlation, "sub-1"),
            UnknownSubject,
            "no-such-exchange",
        ),
        (
            begun(house, &transaction, "c-other", "sub-1"),
            Conflict,
            "other-correlation",
        ),
        (
            right().with("/message/correlation_id", ""),
            Invalid,
            "bad-correlation-id",
        ),
        (
            right().with("/message/transaction_id", ""),
            Invalid,
            "bad-transaction-id",
        ),
        (
            right().with(&of("reference_id"), "death"),
            Invalid,
            "other-reference",
        ),
        (
            right().with(&of("timestamp"), "soon"),
            Invalid,
            "bad-timestamp",
        ),
        (
            right().with(&of("status"), "success"),
            Invalid,
            "unknown-code",
        ),
        (
            right().with(&of("subscriptions"), two),
            Invalid,
            "missing-field",
        ),
        (
            right().with(&of("subscriptions"), json!([])),
            Invalid,
            "missing-field",
        ),
        (
            right().with(&of("subscriptions/0/status"), "unsubscribe"),
            Invalid,
            "unknown-code",
        ),
        (
            right().with(&of("subscriptions/0/code"), "two words"),
            Invalid,
            "bad-code",
        ),
        (
            right().with("/header/total_count", 2),
            Invalid,
            "total-count-differs",
        ),
        (
            right().with("/header/status", Value::Null),
            Invalid,
            "json-mismatch",
        ),
        (ended(&transaction), Invalid, "other-answer"),
        (ended("t-nobodys"), UnknownSubject, "no-such-exchange"),
    ] {
        let message = signed(house, &wrong);
        house.refuses(CRVS, &message, code, reason).await;
    }
    let mut forged = right();
    let signature = forged.signature(
        certs::dci::Dialect::JwsCompact,
        (&house.key(CRVS), "crvs-1"),
        house.now(),
    );
    forged = forged.with(&of("subscriptions/0/code"), "sub-forged");
    let forged = forged.carrying(Some(&signature));
    house
        .refuses(CRVS, &forged, BadSignature, "dci-payload-differs")
        .await;
    let unsigned = right().carrying(None);
    house
        .refuses(CRVS, &unsigned, BadSignature, "no-signature")
        .await;
    // all the while nothing was taken
    assert!(scene.lines().await.iter().all(|one| one.state == "asked"));

    let message = signed(house, &right());
    let first = house.wire(CRVS).send(&message).await;
    first.assert_ok();
    let again = house.wire(CRVS).send(&message).await;
    assert_eq!(again.assert_ok().body, first.body);
    let second = begun(house, &transaction, &correlation, "sub-2");
    house
        .refuses(CRVS, &signed(house, &second), Conflict, "answered-already")
        .await;
    let lines = scene.lines().await;
    assert_eq!(
        (lines[1].state.as_str(), lines[1].code.as_str()),
        ("stands", "sub-1")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_late_is_told_so_and_one_that_nobody_agreed_to_is_not_taken() {
    let mut scene =
        Scene::start_with((2_592_000, 604_800, 1, 600), |knobs| knobs.hold = true).await;
    let (transaction, correlation) = scene.births_asked().await;
    let lines = scene.both("refused").await;
    assert!(lines.iter().all(|one| one.refused == "no-answer"));
    let late = begun(&scene.house, &transaction, &correlation, "sub-1");
    let late = signed(&scene.house, &late);
    scene
        .house
        .refuses(CRVS, &late, Conflict, "exchange-over")
        .await;
    assert_eq!(scene.lines().await, lines);
    scene.house.kill().await;
    replace(
        &scene.house.file(FILE),
        "[agreements.operations.\"dci.follow\"]\n",
        "",
    );
    scene.house.open().await;
    let late = begun(&scene.house, &transaction, &correlation, "sub-1");
    let late = signed(&scene.house, &late);
    scene
        .house
        .refuses(CRVS, &late, Forbidden, "operation-not-agreed")
        .await;
}
