//! OpenCRVS 2.0 over the wire: its core asks by a trigger, hears 202 when it is durable, and later what became of it; whatever is
//! lost, repeated, forged or late, each action is confirmed as its case is decided, and nothing else changes.

mod lost;
mod refused;

use std::{sync::Arc, time::Duration};

use certs::hub::{HubForm, HubSecret};
use conformance::opencrvs::{
    WEBHOOK, body,
    bundle::{self, Registered},
    core::{self, AuthKey, CLIENT, Confirmed, Core, Serving, claims, names, path, plain_header},
};
use gateway_tests::{
    client::Reply,
    house::{House, Plan},
    message::{Message, birth as births, dci::CRVS},
    tape::tape,
};
use jiff::ToSpan as _;
use schemas::{
    date::day_in_viet_nam,
    fault::FaultCode::{self, TokenRefused, UnknownRoute},
    proto::{
        admin::{DecideReviewRequest, decide_review_request::Decision},
        insurance::{Context, GetBirthCasesRequest, InfoRequest},
    },
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use crate::civil::{show, waiting};

const SECRET: &str = "made up for a test of triggers";
const FILE: &str = "partners/crvs.toml";

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// A house that an OpenCRVS asks by triggers and tells by webhooks, and its core.
struct Scene {
    house: House,
    core: Arc<Core>,
    serving: Option<Serving>,
}

/// The registry of every house, asking by triggers; its core listens there.
fn plan(port: u16, jwks: &Value) -> Plan {
    let sections = format!(
        "[opencrvs]\nsignature = \"sha256\"\nsecret_file = \"../crvs.secret\"\n\n\
         [opencrvs.triggers]\njwks = \"../crvs.jwks.json\"\ntoken = \"https://localhost:{port}/token\"\nprivate = true\n\
         client_id = \"{}\"\nclient_secret_file = \"../system.secret\"\nask_seconds = 1\n\n\
         [delivery]\nwords = \"opencrvs\"\nuri = \"https://localhost:{port}/events\"\nprivate = true\nanchors = \"../ca.pem\"\n\
         breaker_failures = 100\n\n[dci]\n",
        CLIENT.0
    );
    let operations = [
        "opencrvs.birth",
        "opencrvs.trigger.birth",
        "opencrvs.trigger.death",
        "opencrvs.trigger.other",
        "opencrvs.confirm",
        "dci.notify",
    ];
    let operations = operations.map(|one| format!("[agreements.operations.\"{one}\"]\n\n"));
    House::plan()
        .replace(FILE, "[dci]\n", sections)
        .replace(
            FILE,
            "[agreements.operations.\"dci.notify\"]\n",
            operations.concat(),
        )
        .write("crvs.jwks.json", jwks.to_string())
        .secret("crvs.secret", SECRET)
        .secret("system.secret", CLIENT.1)
}

impl Scene {
    async fn start() -> Self {
        Self::start_as(|plan| plan).await
    }

    async fn start_as(change: impl FnOnce(Plan) -> Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let key = AuthKey::make("auth-1", jiff::Timestamp::now()).unwrap();
        let house = change(plan(port, &key.jwks().unwrap())).start().await;
        let core = Core::open(&house.layout.agency(CRVS), key).unwrap();
        let serving = Some(core.serve(listener).unwrap());
        Self {
            house,
            core,
            serving,
        }
    }

    fn child(&self, number: u32) -> Registered {
        let house = &self.house;
        let (place, mother) = (&house.landmarks.places[0], &house.landmarks.mothers[0]);
        let born = day_in_viet_nam(house.now()).saturating_sub(10.days());
        Registered {
            number: format!("2026B{number:09}"),
            pin: births::pin(2, born, house.landmarks.child_pin_serial_from + number),
            name: "Nguyễn Thị Hoà Bình".to_owned(),
            sex: 2,
            born: born.to_string(),
            commune: place.commune.clone(),
            province: place.province.clone(),
            facility: place.facility.clone(),
            mother: (
                mother.name.clone(),
                births::mother_of(&house.landmarks, number),
                mother.birth_date.clone(),
            ),
            at: house.now().to_string(),
        }
    }

    /// A birth, asked for under this action.
    fn birth(&self, number: u32) -> Value {
        core::birth(&self.child(number), (&event(number), &action(number)))
    }

    fn death(&self, number: u32) -> Value {
        let today = day_in_viet_nam(self.house.now());
        let ids = (event(number + 500), action(number + 500));
        let its = format!("2026D{number:09}");
        core::death(&self.child(number), &its, today, (&ids.0, &ids.1))
    }

    async fn ask(&self, record: &Value) -> Reply {
        let (event, action) = names(record);
        self.core.hold(&event, &action);
        let claims = claims(&event, &action, self.house.now());
        let token = self.core.key().sign(&plain_header(), &claims).unwrap();
        self.ask_with(record, &token).await
    }

    async fn ask_with(&self, record: &Value, token: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        let more = [("authorization", bearer.as_str())];
        let message = message(record, "REGISTER");
        self.house.wire(CRVS).send_with(&message, &more).await
    }

    /// Shows that it is refused so, that the core hears this status, and that not one row has changed.
    async fn refuses(
        &self,
        reply: impl Future<Output = Reply>,
        (code, reason, status): (FaultCode, &str, u16),
    ) {
        let before = self.house.fingerprint().await;
        let reply = reply.await;
        let said = reply.json();
        assert_eq!(
            (
                reply.header("lienthong-fault"),
                said["reason"].as_str(),
                reply.status
            ),
            (code.row().code, Some(reason), status)
        );
        let after = self.house.fingerprint().await;
        assert!(after == before, "{reason}: changed");
    }

    async fn confirmed(&self, number: u32) -> Confirmed {
        self.until(&format!("{number} is confirmed"), || {
            self.core.confirmed(&action(number))
        })
        .await
    }

    async fn until<T>(&self, what: &str, holds: impl Fn() -> Option<T>) -> T {
        for _ in 0..600 {
            if let Some(held) = holds() {
                return held;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("not in time: {what}; {:?}", self.core.violations());
    }

    async fn people(&self) -> u64 {
        let insurance = &self.house.gateway().contract().client;
        insurance.info(soon(), InfoRequest {}).await.unwrap().people
    }

    /// The card of a birth: its number and state.
    async fn card(&self, number: u32) -> (String, i32) {
        let request = GetBirthCasesRequest {
            context: Some(Context {
                sender: CRVS.to_owned(),
                ..Context::default()
            }),
            case_ids: vec![format!("dci-2026B{number:09}")],
        };
        let insurance = &self.house.gateway().contract().client;
        let mut told = insurance.birth_cases(soon(), request).await.unwrap();
        let card = told.cases.remove(0).card.unwrap_or_default();
        (card.number, card.state)
    }

    fn told_nothing_wrong(&self) {
        assert_eq!(self.core.violations(), Vec::<String>::new());
    }
}

fn event(number: u32) -> String {
    format!("1c5f0b6a-0000-4000-8000-{number:012}")
}

fn action(number: u32) -> String {
    format!("2c5f0b6a-0000-4000-8000-{number:012}")
}

fn message(record: &Value, kind: &str) -> Message {
    Message {
        path: Box::leak(path(record, kind).into_boxed_str()),
        content_type: "application/json".to_owned(),
        signature: None,
        body: record.to_string().into(),
    }
}

fn accepted(number: u32) -> Confirmed {
    Confirmed::Accepted(format!("2026B{number:09}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_birth_and_a_death_are_asked_for_taken_and_confirmed_under_their_numbers() {
    let scene = Scene::start().await;
    let before = scene.people().await;
    let record = scene.birth(0);
    let taken = scene.ask(&record).await;
    assert_eq!(taken.status, 202, "{}", taken.text());
    assert_eq!(taken.json()["evidence"], taken.evidence());
    assert_eq!(scene.confirmed(0).await, accepted(0));
    let (card, state) = scene.card(0).await;
    assert!(card.starts_with("TE1") && state == 1, "{state}");
    assert_eq!(scene.people().await, before + 1);

    // the same action again: the same answer to the byte, and nothing new
    let after = scene.house.fingerprint().await;
    let again = scene.ask(&record).await;
    assert_eq!((again.status, &again.body), (202, &taken.body));
    // the registry adds something of its own meanwhile
    let mut later = record.clone();
    later["updatedAt"] = scene.house.now().to_string().into();
    later["actions"][1]["annotation"] = json!({ "review.comment": "x" });
    later["actions"][1]["declaration"]["child.weightAtBirth"] = 3.into();
    assert_eq!(scene.ask(&later).await.body, taken.body);
    assert!(scene.house.fingerprint().await == after);

    let dead = scene.ask(&scene.death(0)).await;
    assert_eq!(dead.status, 202, "{}", dead.text());
    let number = Confirmed::Accepted("2026D000000000".to_owned());
    assert_eq!(scene.confirmed(500).await, number);
    assert_eq!(scene.card(0).await, (card, 3));
    assert_eq!(scene.core.calls(), 2);
    scene.told_nothing_wrong();

    let child = scene.child(0);
    let log = tape().everything();
    let names = [child.pin.as_str(), "Hoà Bình", &child.mother.0, CLIENT.1];
    for one in names.into_iter().chain(["eyJhbGciOiJSUzI1NiI", "made.up-"]) {
        assert!(!log.contains(one), "the log tells {one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_actions_may_be_and_nothing_of_them_is_kept() {
    let scene = Scene::start().await;
    let before = scene.house.fingerprint().await;
    let record = scene.birth(1);
    let (event, action) = names(&record);
    let claims = claims(&event, &action, scene.house.now());
    let token = scene.core.key().sign(&plain_header(), &claims).unwrap();
    let bearer = format!("Bearer {token}");
    for kind in ["DECLARE", "NOTIFY", "PRINT_CERTIFICATE", "CUSTOM"] {
        let more = [("authorization", bearer.as_str())];
        let message = message(&record, kind);
        let reply = scene.house.wire(CRVS).send_with(&message, &more).await;
        reply.assert_ok();
    }
    assert!(scene.house.fingerprint().await == before);
    // they are not open to whoever has no token
    let bare = scene
        .house
        .wire(CRVS)
        .send(&message(&record, "DECLARE"))
        .await;
    bare.assert_fault(TokenRefused, "token-missing");
    let unknown = message(&record, "DANCE");
    let more = [("authorization", bearer.as_str())];
    let unknown = scene.house.wire(CRVS).send_with(&unknown, &more).await;
    unknown.assert_fault(UnknownRoute, "route");
    assert_eq!(scene.core.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_and_a_webhook_of_one_number_are_one_case_in_either_order() {
    let scene = Scene::start().await;
    let before = scene.people().await;
    for (number, webhook_first) in [(10, true), (11, false)] {
        let text = body(
            "BIRTH_REGISTERED",
            scene.house.now(),
            &bundle::birth(&scene.child(number)),
        );
        let hash = HubSecret::new(HubForm::Sha256, SECRET.as_bytes()).sign(text.as_bytes());
        let webhook = Message {
            path: WEBHOOK,
            content_type: "application/json".to_owned(),
            signature: None,
            body: text.into(),
        };
        let more = [("x-hub-signature", hash.as_str())];
        let wire = scene.house.wire(CRVS);
        if webhook_first {
            wire.send_with(&webhook, &more).await.assert_ok();
        }
        let asked = scene.ask(&scene.birth(number)).await;
        assert_eq!(asked.status, 202, "{}", asked.text());
        assert_eq!(scene.confirmed(number).await, accepted(number));
        if !webhook_first {
            wire.send_with(&webhook, &more).await.assert_ok();
        }
    }
    assert_eq!(scene.people().await, before + 2);
    scene.told_nothing_wrong();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_birth_waits_for_a_person_and_is_confirmed_as_that_person_decides() {
    for (decision, expected) in [
        (Decision::Candidate(1), accepted(31)),
        (
            Decision::Refuse("not our child".to_owned()),
            Confirmed::Rejected,
        ),
    ] {
        let scene = Scene::start().await;
        let mother = scene.house.landmarks.mothers[0].pin.clone();
        let of_one_mother = |number| {
            let mut child = scene.child(number);
            child.mother.1.clone_from(&mother);
            core::birth(&child, (&event(number), &action(number)))
        };
        assert_eq!(scene.ask(&of_one_mother(30)).await.status, 202);
        assert_eq!(scene.confirmed(30).await, accepted(30));
        assert_eq!(scene.ask(&of_one_mother(31)).await.status, 202);
        // another is not held up by it
        assert_eq!(scene.ask(&scene.birth(32)).await.status, 202);
        assert_eq!(scene.confirmed(32).await, accepted(32));
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(scene.core.confirmed(&action(31)), None);
        let reviews = waiting(&scene.house).await;
        assert_eq!(reviews.len(), 1);
        let shown = show(&scene.house, reviews[0].id).await;
        let request = DecideReviewRequest {
            id: reviews[0].id,
            decision: Some(decision),
            version: shown.version,
            who: "an.operator".to_owned(),
            why: "asked the ward".to_owned(),
        };
        let admin = scene.house.gateway().admin();
        let decided = gateway::admin::client::decide_review(admin, request).await;
        decided.unwrap();
        assert_eq!(scene.confirmed(31).await, expected);
        scene.told_nothing_wrong();
    }
}
