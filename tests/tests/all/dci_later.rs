//! We as a registry of the DCI kind that answers by callbacks: a promise is durable before it is made, goes to the
//! registered address and nowhere else, once, in granted fields; and whoever asks is told what became of it.

use std::{sync::Arc, time::Duration};

use conformance::crvs::inbox::{BASE, Callback, Inbox, Serving};
use gateway::admin::client;
use gateway_tests::{
    client::Reply,
    house::{House, Plan},
    message::{
        Notify,
        dci::{CRVS, RECEIVER_ID, SENDER_ID, STATUS, SYNC_STATUS},
    },
    tape::tape,
};
use schemas::{
    fault::FaultCode::{Conflict, Forbidden, Invalid, TooLarge, UnknownSubject},
    proto::admin::{AccessLine, AccessRequest, ActRequest, ListParcelsRequest, ParcelLine},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use super::dci_search::{pin_of, question, signed, told};

pub(super) const FILE: &str = "partners/crvs.toml";
/// What stands last in the registry's file.
const LAST: &str = "[agreements.operations.\"dci.txn-status-async\"]\n";

/// The registry's own server at a port of this machine.
pub(super) fn plan(port: u16) -> Plan {
    let terms = format!(
        "{LAST}[delivery]\nwords = \"dci\"\nuri = \"https://localhost:{port}{BASE}\"\nprivate = true\n\
         anchors = \"../ca.pem\"\nbreaker_failures = 1000\nper_minute = 60000\nconcurrency = 4\n\
         timeout_ms = 2000\n"
    );
    House::plan().replace(FILE, LAST, terms).replace(
        "gateway.toml",
        "poll_ms = 100",
        "poll_ms = 20\nbackoff_ms = 20",
    )
}

pub(super) struct Scene {
    pub(super) house: House,
    pub(super) inbox: Arc<Inbox>,
    pub(super) port: u16,
    pub(super) serving: Option<Serving>,
}

impl Scene {
    pub(super) async fn start() -> Self {
        Self::start_with(|plan| plan).await
    }

    pub(super) async fn start_with(change: impl FnOnce(Plan) -> Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let house = change(plan(port)).start().await;
        let inbox = Inbox::open(&house.layout.agency(CRVS)).unwrap();
        Self {
            serving: Some(inbox.serve(listener).unwrap()),
            house,
            inbox,
            port,
        }
    }

    /// Begins an exchange with these questions.
    pub(super) async fn asks(&self, transaction: &str, questions: &[Value]) -> Reply {
        self.inbox.asks(transaction).unwrap();
        let search = Notify::search_async(self.house.now(), transaction, questions);
        self.send(&search).await
    }

    pub(super) async fn send(&self, notify: &Notify) -> Reply {
        let message = signed(&self.house, notify);
        self.house.wire(CRVS).send(&message).await
    }

    /// The one callback of an exchange.
    pub(super) async fn callback(&self, transaction: &str) -> Callback {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let all = self.inbox.told(transaction);
            if let [one] = &all[..] {
                return one.clone();
            }
            assert!(
                all.is_empty() && Instant::now() < until,
                "{all:?} {:?} {:?}",
                self.inbox.violations(),
                self.parcels().await
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What is said at once of an exchange.
    pub(super) async fn stands(&self, kind: &str, value: impl Into<Value>) -> Value {
        let asked = ("t-asks-1", kind, value.into());
        let status = Notify::status(self.house.now(), SYNC_STATUS, asked);
        self.send(&status).await.assert_ok().json()
    }

    /// Waits until its callback is known to have arrived.
    pub(super) async fn settled(&self, transaction: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let said = self.stands("transaction_id", transaction).await;
            if said["header"]["status"] != "pdng" {
                return said;
            }
            assert!(Instant::now() < until, "{said}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn accesses(&self, person: &str) -> Vec<AccessLine> {
        let request = AccessRequest {
            person: person.to_owned(),
            who: "the auditor".to_owned(),
            why: "who was told".to_owned(),
            max: 50,
        };
        let found = client::accesses(self.house.gateway().admin(), request).await;
        found.unwrap().accesses
    }

    pub(super) async fn parcels(&self) -> Vec<ParcelLine> {
        let request = ListParcelsRequest {
            partner: CRVS.to_owned(),
            max: 50,
            ..ListParcelsRequest::default()
        };
        let listed = client::parcels(self.house.gateway().admin(), request).await;
        listed.unwrap().parcels
    }
}

pub(super) fn ack(reply: &Reply) -> (String, String) {
    let ack = reply.assert_ok().json()["message"].clone();
    assert_eq!(ack["error"], Value::Null);
    let text = |name: &str| ack[name].as_str().unwrap().to_owned();
    (text("ack_status"), text("correlation_id"))
}

fn responses(callback: &Callback) -> Vec<Value> {
    callback.message["search_response"]
        .as_array()
        .unwrap()
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_acknowledged_at_once_and_answered_once_at_the_registered_address() {
    let scene = Scene::start().await;
    let pin = pin_of(&told(&scene.house, 20).await);
    let before = scene.house.fingerprint().await;
    let mut wrong = question("q-2", "live_birth", &pin);
    wrong["search_criteria"]["query_type"] = json!("graphql");
    let questions = [question("q-1", "live_birth", &pin), wrong];
    let reply = scene.asks("t-20", &questions).await;
    let (status, correlation) = ack(&reply);
    assert_eq!(
        (status.as_str(), correlation.as_str()),
        ("ACK", reply.evidence())
    );

    let callback = scene.callback("t-20").await;
    let header = &callback.header;
    assert_eq!(
        (
            &header["action"],
            &header["status"],
            &header["completed_count"]
        ),
        (&json!("on-search"), &json!("succ"), &json!(1))
    );
    assert_eq!(
        (&header["sender_id"], &header["receiver_id"]),
        (&json!(RECEIVER_ID), &json!(SENDER_ID))
    );
    assert_eq!(callback.message["correlation_id"], correlation);
    let all = responses(&callback);
    assert_eq!(all[1]["status_reason_code"], "rjct.search_criteria.invalid");
    let record = &all[0]["data"]["reg_records"][0];
    // granted: name, sex, birthDate, deathDate, registration; withheld: address, parents
    assert_eq!(record["identifier"][0]["identifier_value"], pin);
    assert_eq!(record["sex"], "female");
    assert_eq!(
        (&record["address"], &record["parent1_identifier"]),
        (&Value::Null, &Value::Null)
    );

    // what went is in the ledger as told, what came as asked
    let lines = scene.accesses(&pin).await;
    let of = |line: &AccessLine| (line.operation.clone(), line.fields.clone());
    let lines: Vec<_> = lines.iter().map(of).collect();
    let operation = "dci.search-async".to_owned();
    assert!(
        lines.contains(&(operation.clone(), String::new())),
        "{lines:?}"
    );
    let granted = "birthDate,name,registration,sex".to_owned();
    assert!(lines.contains(&(operation, granted)), "{lines:?}");

    // sent again, the same acknowledgement and no second callback
    let again = scene.asks("t-20", &questions).await;
    assert_eq!(again.assert_ok().body, reply.body);
    scene.settled("t-20").await;
    assert_eq!(scene.callback("t-20").await.times, 1);
    assert!(scene.house.fingerprint().await == before);
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
    assert!(
        !tape().everything().contains(&pin),
        "the log names somebody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_one_exchange_and_under_its_name_nothing_else_is_asked() {
    let scene = Scene::start().await;
    let one = question("q-1", "death", "099193999999");
    let first = scene.asks("t-21", std::slice::from_ref(&one)).await;
    ack(&first);
    let other = question("q-1", "live_birth", "099193999999");
    let now = scene.house.now();
    let clash = signed(&scene.house, &Notify::search_async(now, "t-21", &[other]));
    let reply = scene
        .house
        .refuses(CRVS, &clash, Conflict, "same-id-other-content")
        .await;
    let error = &reply.json()["message"]["error"];
    assert_eq!(error["code"], "rjct.message_id.duplicate");
    let told = scene.callback("t-21").await;
    assert_eq!(responses(&told)[0]["data"]["reg_records"], json!([]));
}

/// Another `transaction_id` makes no other message of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_messages_id_is_its_own_whatever_exchange_it_names() {
    let scene = Scene::start().await;
    let one = question("q-1", "death", "099193999999");
    let now = scene.house.now();
    let first = Notify::search_async(now, "t-31", std::slice::from_ref(&one));
    scene.inbox.asks("t-31").unwrap();
    let promised = scene.send(&first).await;
    ack(&promised);
    let other = first.clone().with("/message/transaction_id", "t-32");
    let clash = signed(&scene.house, &other);
    let reply = scene
        .house
        .refuses(CRVS, &clash, Conflict, "same-id-other-content")
        .await;
    let error = &reply.json()["message"]["error"];
    assert_eq!(error["code"], "rjct.message_id.duplicate");
    scene.settled("t-31").await;
    // as a message it is known by its id, as an exchange by its name: either way the same acknowledgement
    assert_eq!(scene.send(&first).await.assert_ok().body, promised.body);
    let anew = Notify::search_async(scene.house.now(), "t-31", &[one]);
    assert_eq!(scene.send(&anew).await.assert_ok().body, promised.body);
    assert_eq!(scene.callback("t-31").await.times, 1);
    assert_eq!(scene.inbox.told("t-32"), []);
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_for_whatever_purpose_the_agreement_names() {
    let purposes = "purposes = [\"child-health-insurance\", \"end-of-participation\"]";
    let scene = Scene::start_with(|plan| {
        plan.replace(
            FILE,
            purposes,
            purposes.replace("[", "[\"social-allowance\", "),
        )
    })
    .await;
    let pin = pin_of(&told(&scene.house, 33).await);
    let mut one = question("q-1", "live_birth", &pin);
    one["search_criteria"]["authorize"]["purpose"]["code"] = json!("social-allowance");
    ack(&scene.asks("t-33", &[one]).await);
    let callback = scene.callback("t-33").await;
    assert_eq!(callback.header["status"], "succ");
    let lines = scene.accesses(&pin).await;
    let of = |line: &AccessLine| line.purpose.clone();
    assert!(lines.iter().any(|line| of(line) == "social-allowance"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_keeps_its_answer_when_nobody_is_called_back_any_more() {
    let mut scene = Scene::start().await;
    let one = question("q-1", "death", "099193999999");
    let now = scene.house.now();
    let search = Notify::search_async(now, "t-34", std::slice::from_ref(&one));
    scene.inbox.asks("t-34").unwrap();
    let message = signed(&scene.house, &search);
    let promised = scene.house.wire(CRVS).send(&message).await;
    ack(&promised);
    scene.settled("t-34").await;
    scene.house.kill().await;
    let file = scene.house.file(FILE);
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, _) = text.split_once("[delivery]").unwrap();
    std::fs::write(&file, before).unwrap();
    scene.house.open().await;
    let again = scene.house.wire(CRVS).send(&message).await;
    assert_eq!(again.assert_ok().body, promised.body);
    let other = Notify::search_async(scene.house.now(), "t-35", &[one]);
    let message = signed(&scene.house, &other);
    scene
        .house
        .refuses(CRVS, &message, Invalid, "no-callback-address")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_outlives_lost_replies_errors_and_a_killed_gateway_and_is_taken_once() {
    let mut scene = Scene::start().await;
    let pin = pin_of(&told(&scene.house, 22).await);
    scene.inbox.misbehave(|knobs| {
        knobs.server_errors = 1;
        knobs.busy = 1;
        knobs.mumble = 1;
        knobs.echoes = 1;
        knobs.drop_replies = 1;
    });
    ack(&scene
        .asks("t-22", &[question("q-1", "live_birth", &pin)])
        .await);
    let said = scene.settled("t-22").await;
    assert_eq!(said["header"]["status"], "succ");
    let callback = scene.callback("t-22").await;
    // taken with an unreadable reply, with a lost one, and then acknowledged
    assert!((2..=3).contains(&callback.times), "{callback:?}");

    // its server is away, and the gateway is killed behind its promise
    scene.serving.take().unwrap().stop().await;
    let (_, correlation) = ack(&scene
        .asks("t-23", &[question("q-1", "live_birth", &pin)])
        .await);
    assert_eq!(
        scene.stands("transaction_id", "t-23").await["header"]["status"],
        "pdng"
    );
    scene.house.kill().await;
    scene.house.open().await;
    let listener = TcpListener::bind(("127.0.0.1", scene.port)).await.unwrap();
    scene.serving = Some(scene.inbox.serve(listener).unwrap());
    let callback = scene.callback("t-23").await;
    assert_eq!(callback.message["correlation_id"], correlation);
    scene.settled("t-23").await;
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
    assert!(
        !tape().everything().contains(&pin),
        "the log names somebody"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_search_is_told_question_by_question_and_names_nobody() {
    let mut scene = Scene::start().await;
    let pin = pin_of(&told(&scene.house, 24).await);
    scene.serving.take().unwrap().stop().await;
    let mut wrong = question("q-2", "live_birth", &pin);
    wrong["timestamp"] = json!("yesterday");
    let reply = scene
        .asks("t-24", &[question("q-1", "live_birth", &pin), wrong])
        .await;
    let (_, correlation) = ack(&reply);

    let waiting = scene.stands("correlation_id", correlation.as_str()).await;
    let header = &waiting["header"];
    assert_eq!(
        (&header["action"], &header["status"]),
        (&json!("txn-on-status"), &json!("pdng"))
    );
    assert_eq!(
        (&header["total_count"], &header["completed_count"]),
        (&json!(2), &json!(0))
    );
    let told = &waiting["message"]["txnstatus_response"];
    assert_eq!(told["txn_type"], "search");
    assert_eq!(
        (
            &told["txn_status"]["transaction_id"],
            &told["txn_status"]["correlation_id"]
        ),
        (&json!("t-24"), &json!(correlation))
    );
    let states = |said: &Value| -> Vec<Value> {
        let all = &said["message"]["txnstatus_response"]["txn_status"]["search_response"];
        let all = all.as_array().unwrap().iter();
        all.map(|one| {
            json!([
                one["reference_id"],
                one["status"],
                one["status_reason_code"]
            ])
        })
        .collect()
    };
    let pending = [json!(["q-1", "pdng", null]), json!(["q-2", "pdng", null])];
    assert_eq!(states(&waiting), pending);

    // the same by a callback, which waits behind nothing
    scene.inbox.asks("t-25").unwrap();
    let asked = ("t-25", "transaction_id", json!("t-24"));
    let later = Notify::status(scene.house.now(), STATUS, asked);
    let (_, correlation) = ack(&scene.send(&later).await);
    let listener = TcpListener::bind(("127.0.0.1", scene.port)).await.unwrap();
    scene.serving = Some(scene.inbox.serve(listener).unwrap());
    let callback = scene.callback("t-25").await;
    assert_eq!(callback.header["action"], "txn-on-status");
    assert_eq!(callback.message["correlation_id"], correlation);
    assert_eq!(states(&json!({ "message": callback.message })), pending);

    let over = scene.settled("t-24").await;
    let first = json!(["q-1", "succ", null]);
    let second = json!(["q-2", "rjct", "rjct.timestamp.invalid"]);
    assert_eq!(states(&over), [first, second.clone()]);
    assert_eq!(over["header"]["completed_count"], 2);
    assert!(!over.to_string().contains(&pin));
    // of a list of references, those alone, in the exchange that the message names
    let asked = ("t-24", "reference_id_list", json!(["q-2"]));
    let status = Notify::status(scene.house.now(), SYNC_STATUS, asked);
    let said = scene.send(&status).await.assert_ok().json();
    assert_eq!(states(&said), [second]);
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_a_person_takes_back_is_told_as_refused() {
    let scene = Scene::start().await;
    scene.inbox.misbehave(|knobs| knobs.refuse = u32::MAX);
    let one = question("q-1", "death", "099193999999");
    ack(&scene.asks("t-26", &[one]).await);
    let until = Instant::now() + Duration::from_secs(60);
    let stuck = loop {
        let parcels = scene.parcels().await;
        if let Some(parcel) = parcels.iter().find(|parcel| !parcel.reason.is_empty()) {
            break parcel.clone();
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(stuck.reason, "refused");
    let said = scene.stands("transaction_id", "t-26").await;
    assert_eq!(said["header"]["status"], "pdng");
    let request = ActRequest {
        deed: "cancel".to_owned(),
        target: stuck.id,
        who: "an".to_owned(),
        why: "asked by mistake".to_owned(),
        ..ActRequest::default()
    };
    let admin = scene.house.gateway().admin();
    client::act(admin, request).await.unwrap();
    let said = scene.stands("transaction_id", "t-26").await;
    assert_eq!(
        (
            &said["header"]["status"],
            &said["header"]["status_reason_code"]
        ),
        (&json!("rjct"), &json!("err.service.unavailable"))
    );
    assert_eq!(scene.inbox.told("t-26"), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_promised_or_is_nobodys_is_refused_with_its_reason() {
    let scene = Scene::start().await;
    let house = &scene.house;
    let one = question("q-1", "death", "099193999999");
    ack(&scene.asks("t-27", std::slice::from_ref(&one)).await);
    scene.settled("t-27").await;
    let search = |questions: &[Value]| Notify::search_async(house.now(), "t-28", questions);
    let status = |asked: (&str, &str, Value)| Notify::status(house.now(), SYNC_STATUS, asked);
    let of = |kind: &str, value: Value| status(("t-27", kind, value));
    let right = || of("transaction_id", json!("t-27"));
    let purposed = |code: &str| {
        let mut other = one.clone();
        other["search_criteria"]["authorize"]["purpose"]["code"] = json!(code);
        search(&[other])
    };
    let many: Vec<String> = (0..21).map(|n| format!("q-{n}")).collect();
    let address = "https://127.0.0.1:1/steal";
    for (message, code, reason, said) in [
        (
            search(std::slice::from_ref(&one)).with("/header/sender_uri", address),
            Invalid,
            "sender-uri-not-registered",
            "err.sender_uri.invalid",
        ),
        (
            search(std::slice::from_ref(&one)).with("/header/action", "txn-status"),
            Invalid,
            "operation-and-path-differ",
            "rjct.action.not_supported",
        ),
        (
            purposed("curiosity"),
            Forbidden,
            "purpose-not-agreed",
            "err.request.forbidden",
        ),
        (
            of("transaction_id", json!("t-99")),
            UnknownSubject,
            "no-such-exchange",
            "err.request.not_found",
        ),
        (
            of(
                "correlation_id",
                json!("01890a5d-ac96-774b-bcce-b302099a8057"),
            ),
            UnknownSubject,
            "no-such-exchange",
            "err.request.not_found",
        ),
        (
            of("correlation_id", json!("mine")),
            Invalid,
            "bad-code",
            "err.request.bad",
        ),
        (
            of("transaction_id", json!(27)),
            Invalid,
            "bad-code",
            "err.request.bad",
        ),
        (
            of("reference_id_list", json!(["q-1", "q-9"])),
            UnknownSubject,
            "no-such-reference",
            "rjct.reference_id.invalid",
        ),
        (
            of("reference_id_list", json!([])),
            Invalid,
            "bad-reference-id",
            "rjct.reference_id.invalid",
        ),
        (
            of("reference_id_list", json!(["q-1", "q-1"])),
            Invalid,
            "reference-id-twice",
            "rjct.reference_id.duplicate",
        ),
        (
            of("reference_id_list", json!(many)),
            TooLarge,
            "too-many-events",
            "rjct.total_count.limit_exceeded",
        ),
        (
            of("subscription_code_list", json!(["s"])),
            Invalid,
            "unknown-code",
            "err.request.bad",
        ),
        (
            right().with("/message/txnstatus_request/txn_type", "subscribe"),
            UnknownSubject,
            "no-such-exchange",
            "err.request.not_found",
        ),
        (
            right().with("/message/txnstatus_request/txn_type", "notify"),
            Invalid,
            "unknown-code",
            "err.request.bad",
        ),
        (
            right().with("/message/transaction_id", "x".repeat(100)),
            Invalid,
            "bad-transaction-id",
            "err.request.bad",
        ),
        (
            right().with("/message/txnstatus_request/reference_id", ""),
            Invalid,
            "bad-reference-id",
            "rjct.reference_id.invalid",
        ),
        (
            right().with("/header/total_count", 2),
            Invalid,
            "total-count-differs",
            "rjct.total_count.invalid",
        ),
    ] {
        let message = signed(house, &message);
        let reply = house.refuses(CRVS, &message, code, reason).await;
        let error = &reply.json()["message"]["error"];
        assert_eq!(error["code"], said, "{reason}");
    }
    // nothing more was promised than the one
    assert_eq!(scene.inbox.told("t-28"), []);
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_registered_address_or_an_agreement_nothing_is_promised() {
    let one = question("q-1", "death", "099193999999");
    let nowhere = House::start().await;
    let search = Notify::search_async(nowhere.now(), "t-29", std::slice::from_ref(&one));
    let asked = ("t-29", "transaction_id", json!("t-29"));
    let status = Notify::status(nowhere.now(), STATUS, asked);
    for message in [search, status] {
        let message = signed(&nowhere, &message);
        let reply = nowhere
            .refuses(CRVS, &message, Invalid, "no-callback-address")
            .await;
        let error = &reply.json()["message"]["error"];
        assert_eq!(error["code"], "err.sender_uri.invalid");
    }
    let scene = Scene::start_with(|plan| {
        plan.replace(
            FILE,
            "[agreements.operations.\"dci.search-async\"]\nfields = [\"name\", \"sex\", \"birthDate\", \"deathDate\", \"registration\"]\n",
            "",
        )
    })
    .await;
    let search = Notify::search_async(scene.house.now(), "t-30", &[one]);
    let message = signed(&scene.house, &search);
    scene
        .house
        .refuses(CRVS, &message, Forbidden, "operation-not-agreed")
        .await;
    assert_eq!(scene.parcels().await, []);
}
