//! We as a registry of the DCI kind that tells of births and deaths as they come: to whoever has subscribed, in granted fields,
//! once, at the registered address; not a word to anybody else, and none when the subscription is over.

use std::time::Duration;

use conformance::crvs::inbox::Callback;
use gateway::admin::client;
use gateway_tests::{
    message::{
        Birth, Notify,
        dci::{CRVS, RECEIVER_ID, SENDER_ID, STATUS, SYNC_STATUS},
    },
    tape::tape,
};
use schemas::{
    fault::FaultCode::{
        BadSignature, Conflict, Forbidden, Invalid, Malformed, TooLarge, Unauthenticated,
        UnknownSubject,
    },
    proto::admin::{AccessLine, ActRequest},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::Instant};

use super::{
    civil::{death, send},
    dci_later::{FILE, Scene, ack},
    dci_search::{signed, told},
};

fn wish(reference: &str, event: &str) -> Value {
    let purpose = match event.ends_with("eath") {
        true => "end-of-participation",
        false => "child-health-insurance",
    };
    json!({
        "reference_id": reference,
        "timestamp": "2026-11-23T08:00:00+07:00",
        "subscribe_criteria": {
            "reg_event_type": event,
            "filter": { "type": "*", "value": "*" },
            "notify_record_type": "CRVSPerson",
            "authorize": { "purpose": { "code": purpose } },
        },
    })
}

impl Scene {
    /// Begins an exchange with these wishes; what `on-subscribe` says of each.
    async fn subscribes(&self, transaction: &str, wishes: &[Value]) -> Vec<Value> {
        self.inbox.asks(transaction).unwrap();
        let subscribe = Notify::subscribe(self.house.now(), transaction, wishes);
        let (status, correlation) = ack(&self.send(&subscribe).await);
        assert_eq!(status, "ACK");
        let callback = self.callback(transaction).await;
        assert_eq!(callback.header["action"], "on-subscribe");
        assert_eq!(callback.message["correlation_id"], correlation);
        let responses = callback.message["subscribe_response"].as_array();
        responses.unwrap().clone()
    }

    async fn subscribed(&self, transaction: &str, event: &str) -> String {
        let said = self.subscribes(transaction, &[wish("w-1", event)]).await;
        code_of(&said[0])
    }

    async fn unsubscribes(&self, transaction: &str, codes: &[String]) -> Callback {
        self.inbox.asks(transaction).unwrap();
        let end = Notify::unsubscribe(self.house.now(), transaction, codes);
        ack(&self.send(&end).await);
        let callback = self.callback(transaction).await;
        assert_eq!(callback.header["action"], "on-unsubscribe");
        callback
    }

    /// Notices, as soon as there are so many.
    async fn notices(&self, wanted: usize) -> Vec<Callback> {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let all = self.inbox.notices();
            if all.len() >= wanted {
                assert_eq!(self.inbox.violations(), Vec::<String>::new());
                return all;
            }
            assert!(Instant::now() < until, "{} of {wanted}", all.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn born(&self, number: u32) -> Birth {
        let birth = Birth::new(self.house.now(), &self.house.landmarks, number);
        send(&self.house, &birth).await;
        birth
    }

    async fn act(&self, deed: &str, target: &str) {
        let request = ActRequest {
            deed: deed.to_owned(),
            target: target.to_owned(),
            who: "an".to_owned(),
            why: "a test".to_owned(),
            ..ActRequest::default()
        };
        let admin = self.house.gateway().admin();
        client::act(admin, request).await.unwrap();
    }

    /// Waits until nothing is on its way any more.
    async fn quiet(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.parcels().await.is_empty() {
            assert!(Instant::now() < until, "{:?}", self.parcels().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn code_of(response: &Value) -> String {
    assert_eq!(response["status"], "succ", "{response}");
    let subscription = &response["subscriptions"][0];
    assert_eq!(subscription["status"], "subscribe");
    subscription["code"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn births_and_deaths_are_told_once_in_order_and_in_granted_fields_alone() {
    let scene = Scene::start().await;
    scene.born(40).await;
    let births = scene.subscribed("t-40", "live_birth").await;
    let event = "spdci-common:RegistryEventType:Death";
    let deaths = scene.subscribed("t-41", event).await;
    let birth = scene.born(41).await;
    let message = death(&scene.house, &birth).sign(&scene.house.key("dvclt"));
    scene.house.wire("dvclt").send(&message).await.assert_ok();
    // what the subscriber tells of itself is not told back
    told(&scene.house, 42).await;

    let all = scene.notices(2).await;
    let [first, second] = &all[..] else {
        panic!("{}", all.len())
    };
    let header = &first.header;
    assert_eq!(
        (&header["sender_id"], &header["receiver_id"]),
        (&json!(RECEIVER_ID), &json!(SENDER_ID))
    );
    assert_eq!(
        (&header["total_count"], &header["status"]),
        (&json!(1), &Value::Null)
    );
    let event = &first.message["notify_event"][0];
    assert_eq!(
        (&event["reference_id"], &event["data"]["reg_event_type"]),
        (&json!(births), &json!("live_birth"))
    );
    let record = &event["data"]["reg_records"][0];
    assert_eq!(record["identifier"][0]["identifier_value"], birth.pin);
    assert_eq!(record["name"]["given_name"], "Bình");
    // granted: name, sex, birthDate, deathDate, registration; withheld: address, parents
    let told: Vec<&String> = record.as_object().unwrap().keys().collect();
    assert_eq!(
        told,
        ["birth_date", "identifier", "name", "sex", "viet_nam"]
    );
    let viet_nam: Vec<&String> = record["viet_nam"].as_object().unwrap().keys().collect();
    assert!(
        !viet_nam
            .iter()
            .any(|name| ["mother", "father"].contains(&name.as_str()))
    );
    let event = &second.message["notify_event"][0];
    assert_eq!(
        (&event["reference_id"], &event["data"]["reg_event_type"]),
        (&json!(deaths), &json!("death"))
    );
    assert!(event["data"]["reg_records"][0]["death_date"].is_string());

    // who was told what stands in the ledger of accesses, once each
    let lines = scene.accesses(&birth.pin).await;
    let lines = lines
        .iter()
        .filter(|line| line.operation == "dci.subscribe");
    let of = |line: &AccessLine| (line.fields.clone(), line.purpose.clone());
    let mut lines: Vec<_> = lines.map(of).collect();
    lines.sort();
    let row = |fields: &str, purpose: &str| (fields.to_owned(), purpose.to_owned());
    assert_eq!(
        lines,
        [
            row("birthDate,name,registration,sex", "child-health-insurance"),
            row("deathDate,name,registration,sex", "end-of-participation"),
        ]
    );
    scene.quiet().await;
    assert!(scene.inbox.notices().iter().all(|one| one.times == 1));
    for number in [&birth.pin, &births] {
        assert!(
            !tape().everything().contains(number),
            "the log has {number}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_outlive_lost_replies_refusals_and_a_killed_gateway_and_are_one_each() {
    let mut scene = Scene::start().await;
    scene.subscribed("t-42", "live_birth").await;
    scene.inbox.misbehave(|knobs| {
        knobs.server_errors = 1;
        knobs.busy = 1;
        knobs.mumble = 1;
        knobs.echoes = 1;
        knobs.drop_replies = 1;
    });
    for number in 43..46 {
        scene.born(number).await;
    }
    scene.notices(3).await;
    scene.quiet().await;
    scene.serving.take().unwrap().stop().await;
    scene.born(46).await;
    scene.house.kill().await;
    scene.house.open().await;
    scene.born(47).await;
    let listener = TcpListener::bind(("127.0.0.1", scene.port)).await.unwrap();
    scene.serving = Some(scene.inbox.serve(listener).unwrap());
    scene.notices(5).await;
    scene.quiet().await;
    assert_eq!(scene.notices(5).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_it_is_over_nothing_is_told_not_even_what_waited() {
    let scene = Scene::start().await;
    let code = scene.subscribed("t-43", "live_birth").await;
    // the birth waits in the lane while the subscription ends
    scene.act("pause-lane", CRVS).await;
    scene.born(48).await;
    let until = Instant::now() + Duration::from_secs(60);
    while scene.parcels().await.is_empty() {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    scene.inbox.asks("t-44").unwrap();
    let codes = [code.clone(), "sub-nobodys".to_owned()];
    let end = Notify::unsubscribe(scene.house.now(), "t-44", &codes);
    let first = scene.send(&end).await;
    ack(&first);
    scene.act("resume-lane", CRVS).await;
    let told = scene.callback("t-44").await;
    assert_eq!(
        (&told.header["status"], &told.header["completed_count"]),
        (&json!("succ"), &json!(1))
    );
    let said = &told.message;
    let status = &said["subscription_status"];
    assert_eq!(
        (
            status.as_array().unwrap().len(),
            &status[0]["code"],
            &status[0]["status"]
        ),
        (1, &json!(code), &json!("unsubscribe"))
    );
    assert_eq!(
        said["status_reason_message"],
        "#2 rjct.subscription_code.invalid"
    );
    scene.born(49).await;
    scene.quiet().await;
    assert_eq!(scene.inbox.notices(), []);
    // it ended once: another exchange is told so, the same one has its promise
    let mut again = Notify::unsubscribe(scene.house.now(), "t-44", &codes);
    again.message.clone_from(&end.message);
    assert_eq!(scene.send(&again).await.assert_ok().body, {
        first.assert_ok().body.clone()
    });
    let told = scene.unsubscribes("t-45", &[code]).await;
    assert_eq!(
        (&told.message["status"], &told.message["status_reason_code"]),
        (&json!("rjct"), &json!("rjct.event.already_unsubscribed"))
    );
    assert_eq!(told.message["subscription_status"], Value::Null);
    // and can be begun anew
    scene.subscribed("t-46", "live_birth").await;
    scene.born(50).await;
    scene.notices(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agreement_grants_no_more_is_not_told() {
    let mut scene = Scene::start().await;
    scene.subscribed("t-47", "live_birth").await;
    scene.house.kill().await;
    let subscribe = "[agreements.operations.\"dci.subscribe\"]\nfields = [\"name\", \"sex\", ";
    gateway_tests::house::replace(
        &scene.house.file(FILE),
        subscribe,
        &subscribe.replace("\"sex\", ", ""),
    );
    scene.house.open().await;
    scene.born(51).await;
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let parcels = scene.parcels().await;
        if parcels.iter().any(|one| one.reason == "field-not-agreed") {
            break;
        }
        assert!(Instant::now() < until, "{parcels:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(scene.inbox.notices(), []);
    // one that is begun now tells what is granted now
    let mut person = wish("w-1", "live_birth");
    let next = Birth::new(scene.house.now(), &scene.house.landmarks, 52);
    person["subscribe_criteria"]["filter"] = json!({ "type": "UIN", "value": next.pin });
    let code = code_of(&scene.subscribes("t-48", &[person]).await[0]);
    assert!(code.starts_with("sub-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_wish_that_cannot_be_met_is_told_why_and_the_others_are() {
    let scene = Scene::start().await;
    let with = |reference: &str, pointer: &str, value: Value| {
        let mut one = wish(reference, "live_birth");
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        one.pointer_mut(parent).unwrap()[name] = value;
        one
    };
    let criteria = "/subscribe_criteria";
    let of = |name: &str| format!("{criteria}/{name}");
    let late = (scene.house.now() + jiff::SignedDuration::from_hours(24 * 370)).to_string();
    let wrong = [
        (
            of("reg_event_type"),
            json!("marriage"),
            "rjct.notify_types.invalid",
        ),
        (
            of("reg_event_type"),
            json!("REGISTER"),
            "rjct.notify_types.invalid",
        ),
        (
            of("notify_record_type"),
            json!("Member"),
            "rjct.notify_details.invalid",
        ),
        (
            of("frequency"),
            json!({ "frequency": "* * * * *" }),
            "rjct.notify_details.invalid",
        ),
        (
            of("frequency"),
            json!({ "start_time": "soon" }),
            "rjct.notify_details.invalid",
        ),
        (
            of("frequency"),
            json!({ "end_time": "2020-01-01T00:00:00Z" }),
            "rjct.notify_details.invalid",
        ),
        (
            of("frequency"),
            json!({ "end_time": late }),
            "rjct.notify_details.invalid",
        ),
        (of("filter_type"), json!("graphql"), "rjct.filter.invalid"),
        (
            of("filter"),
            json!({ "type": "BRN", "value": "1" }),
            "rjct.filter.invalid",
        ),
        (
            of("filter"),
            json!({ "type": "UIN", "value": "1" }),
            "rjct.person_id.invalid",
        ),
        (
            "/timestamp".to_owned(),
            json!("today"),
            "rjct.timestamp.invalid",
        ),
    ];
    let mut wishes: Vec<Value> = vec![wish("w-0", "live_birth")];
    for (at, (pointer, value, _)) in wrong.iter().enumerate() {
        wishes.push(with(&format!("w-{}", at + 1), pointer, value.clone()));
    }
    wishes.push(wish("w-twice", "live_birth"));
    let said = scene.subscribes("t-49", &wishes).await;
    code_of(&said[0]);
    for (response, (pointer, _, code)) in said[1..].iter().zip(&wrong) {
        assert_eq!(
            (&response["status"], &response["status_reason_code"]),
            (&json!("rjct"), &json!(code)),
            "{pointer}"
        );
        assert_eq!(response["subscriptions"], Value::Null);
    }
    let last = said.last().unwrap();
    assert_eq!(last["status_reason_code"], "rjct.event.already_subscribed");
    let callback = scene.callback("t-49").await;
    assert_eq!(
        (
            &callback.header["total_count"],
            &callback.header["completed_count"]
        ),
        (&json!(13), &json!(1))
    );
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_subscribes_for_another_elsewhere_or_beyond_the_limits() {
    let scene = Scene::start().await;
    let house = &scene.house;
    let one = wish("w-1", "live_birth");
    let subscribe = |wishes: &[Value]| Notify::subscribe(house.now(), "t-50", wishes);
    let right = || subscribe(std::slice::from_ref(&one));
    let many: Vec<Value> = (0..21).map(|n| wish(&format!("w-{n}"), "death")).collect();
    let long = "x".repeat(100);
    let mut curious = one.clone();
    curious["subscribe_criteria"]["authorize"]["purpose"]["code"] = json!("curiosity");
    let mut aimless = one.clone();
    aimless["subscribe_criteria"]["authorize"] = Value::Null;
    let mut stranger = one.clone();
    stranger["subscribe_criteria"]["webhook"] = json!("https://127.0.0.1:1/steal");
    let end = |codes: &[&str]| {
        let codes: Vec<String> = codes.iter().map(|&code| code.to_owned()).collect();
        Notify::unsubscribe(house.now(), "t-50", &codes)
    };
    let elsewhere = "https://127.0.0.1:1/steal";
    for (message, code, reason, said) in [
        (
            right().with("/header/sender_uri", elsewhere),
            Invalid,
            "sender-uri-not-registered",
            "err.sender_uri.invalid",
        ),
        (
            right().with("/header/sender_id", "https://another.example"),
            Unauthenticated,
            "unknown-sender",
            "err.sender_id.invalid",
        ),
        (
            right().with("/header/action", "unsubscribe"),
            Invalid,
            "operation-and-path-differ",
            "rjct.action.not_supported",
        ),
        (
            right().with("/header/action", "on-search"),
            Invalid,
            "unknown-code",
            "rjct.action.invalid",
        ),
        (
            right().with("/header/action", "on-subscribe"),
            Invalid,
            "operation-and-path-differ",
            "rjct.action.not_supported",
        ),
        (
            right().with("/header/total_count", 2),
            Invalid,
            "total-count-differs",
            "rjct.total_count.invalid",
        ),
        (
            right().with("/message/transaction_id", long.as_str()),
            Invalid,
            "bad-transaction-id",
            "err.request.bad",
        ),
        (
            subscribe(&[wish(&long, "death")]),
            Invalid,
            "bad-reference-id",
            "rjct.reference_id.invalid",
        ),
        (
            subscribe(&[one.clone(), one.clone()]),
            Invalid,
            "reference-id-twice",
            "rjct.reference_id.duplicate",
        ),
        (
            subscribe(&[one.clone(), wish("w-2", "death")]),
            Invalid,
            "purposes-differ",
            "err.request.bad",
        ),
        (
            subscribe(&many),
            TooLarge,
            "too-many-events",
            "rjct.total_count.limit_exceeded",
        ),
        (subscribe(&[]), Invalid, "missing-field", "err.request.bad"),
        (
            subscribe(&[curious]),
            Forbidden,
            "purpose-not-agreed",
            "err.request.forbidden",
        ),
        (
            subscribe(&[aimless]),
            Invalid,
            "missing-field",
            "err.request.bad",
        ),
        (
            subscribe(&[stranger]),
            Invalid,
            "json-mismatch",
            "err.request.bad",
        ),
        (
            end(&["a", "a"]),
            Invalid,
            "bad-code",
            "rjct.subscription_code.invalid",
        ),
        (
            end(&[&long]),
            Invalid,
            "bad-code",
            "rjct.subscription_code.invalid",
        ),
        (end(&[]), Invalid, "missing-field", "err.request.bad"),
        (
            end(&["a"]).with("/message/timestamp", "now"),
            Invalid,
            "bad-timestamp",
            "rjct.timestamp.invalid",
        ),
    ] {
        let reply = house
            .refuses(CRVS, &signed(house, &message), code, reason)
            .await;
        let error = &reply.json()["message"]["error"];
        assert_eq!(error["code"], said, "{reason}");
    }
    // what was signed for another, or edited
    let edited = right().sign(&house.key("dvclt"), house.now());
    let reply = house.wire(CRVS).send(&edited).await;
    assert!(
        [BadSignature, Malformed]
            .iter()
            .any(|code| { reply.header("lienthong-fault") == code.row().code })
    );
    // a wish under the name of another exchange
    scene.subscribes("t-51", &[wish("w-1", "death")]).await;
    let clash = Notify::subscribe(house.now(), "t-51", &[one]);
    house
        .refuses(
            CRVS,
            &signed(house, &clash),
            Conflict,
            "same-id-other-content",
        )
        .await;
    let clash = Notify::unsubscribe(house.now(), "t-51", &["sub-1".to_owned()]);
    house
        .refuses(
            CRVS,
            &signed(house, &clash),
            Conflict,
            "same-id-other-content",
        )
        .await;
    scene.born(53).await;
    scene.quiet().await;
    assert_eq!(scene.inbox.notices(), []);
    assert_eq!(scene.inbox.told("t-50"), []);
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_a_wish_is_told_once_its_callback_has_arrived() {
    let mut scene = Scene::start().await;
    scene.serving.take().unwrap().stop().await;
    scene.inbox.asks("t-60").unwrap();
    let wishes = [wish("w-1", "live_birth"), {
        let mut wrong = wish("w-2", "live_birth");
        wrong["timestamp"] = json!("today");
        wrong
    }];
    let subscribe = Notify::subscribe(scene.house.now(), "t-60", &wishes);
    let (_, correlation) = ack(&scene.send(&subscribe).await);
    let of = |house: &gateway_tests::house::House, path, kind: &str, asked: (&str, Value)| {
        let (attribute, value) = asked;
        Notify::status(house.now(), path, ("t-60", attribute, value))
            .with("/message/txnstatus_request/txn_type", kind)
    };
    let house = &scene.house;
    let ask =
        |attribute: &str, value: Value| of(house, SYNC_STATUS, "subscribe", (attribute, value));
    let said = scene.send(&ask("correlation_id", json!(correlation))).await;
    let said = said.assert_ok().json();
    assert_eq!(said["header"]["status"], "pdng");
    let told = &said["message"]["txnstatus_response"];
    assert_eq!(told["txn_type"], "subscribe");
    let states = |said: &Value| -> Vec<Value> {
        let told = &said["message"]["txnstatus_response"]["txn_status"]["subscribe_response"];
        let all = told.as_array().unwrap().iter();
        all.map(|one| {
            json!([
                one["reference_id"],
                one["status"],
                one["status_reason_code"]
            ])
        })
        .collect()
    };
    assert_eq!(
        states(&said),
        [json!(["w-1", "pdng", null]), json!(["w-2", "pdng", null])]
    );
    assert!(
        !said.to_string().contains("sub-"),
        "a code before its callback"
    );
    // what was begun for something else is nobody's, and so is what it has no words for
    let search = of(
        house,
        SYNC_STATUS,
        "search",
        ("transaction_id", json!("t-60")),
    );
    house
        .refuses(
            CRVS,
            &signed(house, &search),
            UnknownSubject,
            "no-such-exchange",
        )
        .await;
    for (kind, attribute) in [
        ("search", "subscription_code_list"),
        ("unsubscribe", "reference_id_list"),
    ] {
        let wrong = of(house, SYNC_STATUS, kind, (attribute, json!(["w-1"])));
        house
            .refuses(CRVS, &signed(house, &wrong), Invalid, "unknown-code")
            .await;
    }

    let listener = TcpListener::bind(("127.0.0.1", scene.port)).await.unwrap();
    scene.serving = Some(scene.inbox.serve(listener).unwrap());
    let callback = scene.callback("t-60").await;
    let code = code_of(&callback.message["subscribe_response"][0]);
    scene.quiet().await;
    let house = &scene.house;
    let ask =
        |attribute: &str, value: Value| of(house, SYNC_STATUS, "subscribe", (attribute, value));
    let said = scene.send(&ask("transaction_id", json!("t-60"))).await;
    let said = said.assert_ok().json();
    assert_eq!(said["header"]["status"], "succ");
    let second = json!(["w-2", "rjct", "rjct.timestamp.invalid"]);
    assert_eq!(
        states(&said),
        [json!(["w-1", "succ", null]), second.clone()]
    );
    let said = scene.send(&ask("reference_id_list", json!(["w-2"]))).await;
    assert_eq!(states(&said.assert_ok().json()), [second]);
    let said = scene
        .send(&ask("subscription_code_list", json!([code])))
        .await;
    assert_eq!(
        states(&said.assert_ok().json()),
        [json!(["w-1", "succ", null])]
    );
    let unknown = ask("subscription_code_list", json!(["sub-1"]));
    house
        .refuses(
            CRVS,
            &signed(house, &unknown),
            UnknownSubject,
            "no-such-reference",
        )
        .await;

    // the end of one, by a callback
    scene
        .unsubscribes("t-61", std::slice::from_ref(&code))
        .await;
    scene.quiet().await;
    scene.inbox.asks("t-62").unwrap();
    let ended = of(
        &scene.house,
        STATUS,
        "unsubscribe",
        ("transaction_id", json!("t-61")),
    )
    .with("/message/transaction_id", "t-62");
    ack(&scene.send(&ended).await);
    let told = scene.callback("t-62").await;
    let status = &told.message["txnstatus_response"]["txn_status"];
    assert_eq!(
        (&status["status"], &status["subscription_status"][0]["code"]),
        (&json!("succ"), &json!(code))
    );
    assert_eq!(scene.inbox.violations(), Vec::<String>::new());
}
