//! What was seen in other implementations of DCI beside the signatures of `dci.rs`: each is a message that they take, lose
//! or lock out, and that we do not.

use std::time::Duration;

use gateway_tests::{
    house::House,
    message::{
        Notify,
        dci::{CRVS, ON_SUBSCRIBE, ON_UNSUBSCRIBE, STATUS, SYNC_STATUS, birth_event},
    },
};
use schemas::{
    fault::FaultCode::{BadSignature, Invalid, RateLimited, Unauthenticated},
    proto::insurance::InfoRequest,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::dci_search::{pin_of, question, signed, told};

const FILE: &str = "partners/crvs.toml";

async fn people(house: &House) -> u64 {
    let insurance = &house.gateway().contract().client;
    let until = Instant::now() + Duration::from_secs(20);
    insurance.info(until, InfoRequest {}).await.unwrap().people
}

fn birth(house: &House, number: u32) -> Notify {
    let event = birth_event(house.now(), &house.landmarks, number);
    Notify::new(house.now(), &[event])
}

/// OpenSPP takes any bearer where none is configured, and dci-crvs-api a message without a signature.
#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_that_nobody_agreed_on_takes_no_signatures_place() {
    let house = House::start().await;
    let message = birth(&house, 30).carrying(None);
    let before = house.fingerprint().await;
    for token in ["x", "eyJhbGciOiJub25lIn0.e30."] {
        let bearer = format!("Bearer {token}");
        let more = [("authorization", bearer.as_str())];
        let reply = house.wire(CRVS).send_with(&message, &more).await;
        reply.assert_fault(BadSignature, "no-signature");
    }
    assert!(house.fingerprint().await == before);
}

/// OpenSPP counts a minute from the last request, so whoever asks steadily is locked out for ever.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_stays_below_its_rate_is_never_locked_out() {
    let house = House::plan()
        .replace(
            FILE,
            "[agreements.operations.\"dci.search\"]\n",
            "[agreements.operations.\"dci.search\"]\nper_minute = 600\nburst = 2\n",
        )
        .start()
        .await;
    let mut every = tokio::time::interval(Duration::from_millis(150));
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    for _ in 0..20 {
        every.tick().await;
        let search = Notify::search(house.now(), &[question("q-1", "death", "099193999999")]);
        house
            .wire(CRVS)
            .send(&signed(&house, &search))
            .await
            .assert_ok();
    }
}

/// OpenSPP's limiter comes after the signature was looked at: whoever has no key has no limit.
#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_peer_comes_before_its_signature_is_looked_at() {
    let house = House::plan()
        .replace(
            FILE,
            "per_minute = 6000000\nburst = 100000",
            "per_minute = 1\nburst = 3",
        )
        .start()
        .await;
    let before = house.fingerprint().await;
    let message = birth(&house, 31).carrying(None);
    for _ in 0..3 {
        let reply = house.wire(CRVS).send(&message).await;
        reply.assert_fault(BadSignature, "no-signature");
    }
    let reply = house.wire(CRVS).send(&message).await;
    reply.assert_fault(RateLimited, &reply.reason());
    assert_ne!(reply.reason(), "sender-operation");
    assert!(reply.header("retry-after").parse::<u64>().unwrap() <= 60);
    assert!(house.fingerprint().await == before);
}

/// OpenSPP reads its counter and writes it afterwards: many at once are all below the limit.
#[tokio::test(flavor = "multi_thread")]
async fn as_many_at_once_get_through_as_the_limit_lets_and_no_more() {
    let house = House::plan()
        .replace(
            FILE,
            "[agreements.operations.\"dci.search\"]\n",
            "[agreements.operations.\"dci.search\"]\nper_minute = 1\nburst = 3\n",
        )
        .start()
        .await;
    let one = [question("q-1", "death", "099193999999")];
    let messages: Vec<_> = (0..12)
        .map(|_| signed(&house, &Notify::search(house.now(), &one)))
        .collect();
    let wire = house.wire(CRVS);
    let all = messages.iter().map(|message| wire.send(message));
    let replies = futures_util::future::join_all(all).await;
    let (taken, limited): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((taken.len(), limited.len()), (3, 9));
    for reply in limited {
        reply.assert_fault(RateLimited, "sender-operation");
        let wait = reply.header("retry-after").parse::<u64>().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
}

/// dci-crvs-api fetches keys from `sender_id` and calls `sender_uri`: whoever writes a message says whom its server calls.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_where_a_message_points() {
    let trap = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = trap.local_addr().unwrap().port();
    let house = House::start().await;
    let here = format!("https://localhost:{port}");
    let one = [question("q-1", "death", "099193999999")];
    for message in [
        birth(&house, 39),
        Notify::search(house.now(), &one),
        Notify::search_async(house.now(), "t-39", &one),
        Notify::subscribe(house.now(), "t-39", &one),
    ] {
        for (member, code, reason) in [
            ("/header/sender_id", Unauthenticated, "unknown-sender"),
            ("/header/sender_uri", Invalid, "sender-uri-not-registered"),
        ] {
            let message = message.clone().with(member, here.as_str());
            house
                .refuses(CRVS, &signed(&house, &message), code, reason)
                .await;
        }
        // a key that the message brings is none
        let message = message.with("/header/meta", json!({ "jku": here, "x5u": here }));
        house.wire(CRVS).send(&signed(&house, &message)).await;
    }
    let called = tokio::time::timeout(Duration::from_secs(2), trap.accept()).await;
    assert!(called.is_err(), "somebody was called: {called:?}");
}

/// OpenSPP looks whether it knows a message and writes it down afterwards: two at once are two.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_many_times_at_once_is_one_message() {
    let house = House::start().await;
    let before = people(&house).await;
    let message = signed(&house, &birth(&house, 32));
    let wire = house.wire(CRVS);
    let all = (0..12).map(|_| wire.send(&message));
    let replies = futures_util::future::join_all(all).await;
    let taken: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
    assert!(!taken.is_empty());
    for reply in &replies {
        // whoever came too soon is told to come again, and finds the same answer
        match reply.status {
            200 => assert_eq!(reply.body, taken[0].body),
            _ => assert_eq!(reply.header("lienthong-fault"), "IN-PROGRESS"),
        }
    }
    let again = wire.send(&message).await;
    assert_eq!(again.assert_ok().body, taken[0].body);
    assert_eq!(people(&house).await, before + 1);

    // the same entry of the register in many messages at once: one child
    let messages: Vec<_> = (0..6).map(|_| signed(&house, &birth(&house, 33))).collect();
    let all = messages.iter().map(|message| wire.send(message));
    for reply in futures_util::future::join_all(all).await {
        assert!([200, 503].contains(&reply.status), "{}", reply.text());
    }
    assert_eq!(people(&house).await, before + 2);
}

/// dci-crvs-api does not wait for its own encryption: what goes out is no message. We send no encrypted message and take
/// none: whoever sends one is told so on every path, whatever is in the place of the message, and nothing is promised.
#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_message_is_refused_by_name_on_every_path() {
    let house = House::start().await;
    let flattened = json!({
        "header": { "alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "vss-1" },
        "ciphertext": "AA", "encrypted_key": "AA", "tag": "AA", "iv": "AA",
    });
    let now = house.now();
    let one = [question("q-1", "death", "099193999999")];
    let asked = ("t-36", "transaction_id", json!("t-35"));
    let codes = ["s-1".to_owned()];
    for message in [
        birth(&house, 36),
        Notify::search(now, &one),
        Notify::search_async(now, "t-36", &one),
        Notify::status(now, SYNC_STATUS, asked.clone()),
        Notify::status(now, STATUS, asked),
        Notify::subscribe(now, "t-36", &one),
        Notify::unsubscribe(now, "t-36", &codes),
        Notify::callback(now, ON_SUBSCRIBE, json!({ "transaction_id": "t-36" })),
        Notify::callback(now, ON_UNSUBSCRIBE, json!({ "transaction_id": "t-36" })),
    ] {
        let encrypted = message.with("/header/is_msg_encrypted", true);
        let whole = encrypted.clone().with("/message", flattened.clone());
        for message in [encrypted, whole] {
            let reply = house
                .refuses(
                    CRVS,
                    &signed(&house, &message),
                    Invalid,
                    "encryption-not-supported",
                )
                .await;
            let said = reply.json()["message"].clone();
            assert_eq!(
                (&said["ack_status"], &said["error"]["code"]),
                (&json!("ERR"), &json!("err.encryption.invalid")),
                "{}",
                message.path
            );
        }
    }
}

/// dci-crvs-api reads a predicate's `or` and `not` as `and`, and its other attributes not at all. We are asked about one person by
/// their number: whatever else asks is told that it was not understood, never answered as something narrower or wider.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_people_by_anything_but_their_number_is_refused_and_never_answered_in_part()
 {
    let house = House::start().await;
    let event = told(&house, 37).await;
    let pin = pin_of(&event);
    let record = &event["data"]["reg_records"][0];
    let born = json!({ "attribute_name": "birth_date", "operator": "eq", "attribute_value": record["birth_date"] });
    let there =
        json!({ "attribute_name": "birth_place", "operator": "eq", "attribute_value": "Hà Nội" });
    let joined = |condition: &str| json!([{ "seq_num": 1, "expression1": born, "condition": condition, "expression2": there }]);
    let before = house.fingerprint().await;
    let number = json!({ "type": "UIN", "value": pin });
    for (kind, query) in [
        ("predicate", json!([{ "seq_num": 1, "expression1": born }])),
        ("predicate", joined("and")),
        ("predicate", joined("or")),
        ("predicate", joined("not")),
        (
            "expression",
            json!({ "birth_date": { "eq": record["birth_date"] } }),
        ),
        ("graphql", json!("{ persons { name } }")),
        // what is not the question's own type is not read as it
        ("predicate", number.clone()),
        ("idtype-value", joined("and")),
        (
            "idtype-value",
            json!({ "type": "BRN", "value": "B37/2026" }),
        ),
        ("idtype-value", json!({ "type": "UIN", "value": "0991*" })),
    ] {
        let mut asked = question("q-1", "live_birth", &pin);
        asked["search_criteria"]["query_type"] = kind.into();
        asked["search_criteria"]["query"] = query.clone();
        let search = Notify::search(house.now(), &[asked]);
        let reply = house.wire(CRVS).send(&signed(&house, &search)).await;
        let body = reply.assert_ok().json();
        let one = &body["message"]["search_response"][0];
        assert_eq!(
            (&one["status"], &one["status_reason_code"], &one["data"]),
            (
                &json!("rjct"),
                &json!("rjct.search_criteria.invalid"),
                &Value::Null
            ),
            "{kind} {query}"
        );
        assert!(!reply.text().contains("Bình"), "{kind} {query}");
    }
    assert!(house.fingerprint().await == before);
}

/// openIMIS says `status: "success"` and `registry_data`: of an acknowledgement or an answer in those words nothing is read.
#[tokio::test(flavor = "multi_thread")]
async fn words_that_the_standard_does_not_have_are_refused_where_they_come_in() {
    let house = House::start().await;
    let event = birth_event(house.now(), &house.landmarks, 38);
    let mut off = event.clone();
    let data = off["data"].as_object_mut().unwrap();
    let records = data.remove("reg_records").unwrap();
    data.insert("registry_data".to_owned(), records);
    let both = Notify::new(house.now(), std::slice::from_ref(&event))
        .with("/message/notify_event/0/data/registry_data", json!([]));
    let cases = [
        Notify::new(house.now(), &[off]),
        both,
        birth(&house, 38).with("/message/status", "success"),
    ];
    for notify in &cases {
        let reply = house
            .refuses(CRVS, &signed(&house, notify), Invalid, "json-mismatch")
            .await;
        let said = reply.json()["message"].clone();
        assert_eq!(said["error"]["code"], "err.request.bad");
    }
    let done =
        json!({ "transaction_id": "t-38", "correlation_id": "c-38", "subscribe_response": [] });
    let success =
        Notify::callback(house.now(), ON_SUBSCRIBE, done).with("/header/status", "success");
    let message = signed(&house, &success);
    let reply = house.refuses_any(CRVS, &message, Invalid).await;
    assert_eq!(reply.json()["message"]["ack_status"], "ERR");
}

/// openIMIS says `success` and `registry_data`, which no reader of the standard knows.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_has_the_standards_members_and_words_and_no_others() {
    let house = House::start().await;
    let pin = pin_of(&told(&house, 34).await);
    let search = Notify::search(house.now(), &[question("q-1", "live_birth", &pin)]);
    let reply = house.wire(CRVS).send(&signed(&house, &search)).await;
    let body = reply.assert_ok().json();
    let names = |value: &Value| -> Vec<String> {
        let members = value.as_object().unwrap().keys();
        members.map(String::to_owned).collect()
    };
    assert_eq!(names(&body), ["header", "message", "signature"]);
    let known = [
        "message_id",
        "message_ts",
        "action",
        "status",
        "status_reason_code",
        "status_reason_message",
        "total_count",
        "completed_count",
        "sender_id",
        "receiver_id",
        "is_msg_encrypted",
        "meta",
        "version",
    ];
    for name in names(&body["header"]) {
        assert!(known.contains(&&*name), "{name}");
    }
    let message = &body["message"];
    assert_eq!(
        names(message),
        ["correlation_id", "search_response", "transaction_id"]
    );
    let one = &message["search_response"][0];
    assert_eq!(
        names(one),
        ["data", "pagination", "reference_id", "status", "timestamp"]
    );
    assert_eq!(
        names(&one["data"]),
        ["reg_event_type", "reg_record_type", "reg_records"]
    );
    for status in [&body["header"]["status"], &one["status"]] {
        assert_eq!(status, "succ");
    }
}
