//! What was seen in other implementations of DCI beside the signatures of `dci.rs`: each is a message that they take, lose
//! or lock out, and that we do not.

use std::time::Duration;

use gateway_tests::{
    house::House,
    message::{
        Notify,
        dci::{CRVS, birth_event},
    },
};
use schemas::{
    fault::FaultCode::{BadSignature, RateLimited},
    proto::insurance::InfoRequest,
};
use serde_json::Value;
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
