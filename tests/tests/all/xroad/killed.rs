//! Killed between what is durable and its answer, a SOAP message acts once, and is answered from the envelope that was
//! recorded of it.

use std::time::Duration;

use conformance::security_server::soap::Letter;
use gateway_tests::{
    far::{Far, NEAR, anywhere, bring_near, far_at},
    house::House,
    relay::Relay,
};
use schemas::proto::insurance::InfoRequest;

use super::{PORTAL, SERVER, answered, attested, change, fresh, message, of, reissue, send};

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_and_after_its_effect_a_soap_message_acts_once_and_has_its_answer() {
    let (listener, address) = anywhere().await;
    let relay = Relay::start(address).await;
    let mut house = attested()
        .replace("gateway.toml", NEAR, far_at(relay.address()))
        .start()
        .await;
    // nobody answers there yet: the first is durable and has no effect
    let before = reissue(&house, 0, &fresh());
    let first = unanswered(&house, &before);
    claimed(&house, 1).await;
    house.kill().await;
    first.abort();
    let far = Far::serve(&house, listener).await;
    let none = dossiers(&far.registry).await;

    house.clock.advance(LEASE);
    house.open().await;
    let evidence = taken_up(&house, &before).await;
    assert_eq!(dossiers(&far.registry).await, none + 1);
    let answer = answered(&before, &send(&house, &before).await);
    assert!(of(&answer, "MaHoSo").is_some());

    // the effect of the second is durable, and its answer is lost
    relay.lose_answers();
    let after = change(&house, 1, &fresh(), b"%PDF-1.7 one");
    let second = unanswered(&house, &after);
    for _ in 0..1_000 {
        if dossiers(&far.registry).await == none + 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(dossiers(&far.registry).await, none + 2);
    house.kill().await;
    second.abort();
    far.stop().await;
    bring_near(&house, relay.address());
    house.clock.advance(LEASE);
    house.open().await;
    let done = house.fingerprint().await;
    taken_up(&house, &after).await;
    let reply = send(&house, &after).await;
    let answer = answered(&after, &reply);
    assert_eq!(send(&house, &after).await.body, reply.body);
    assert_eq!(send(&house, &before).await.evidence(), evidence);
    let asked = Letter::status(PORTAL, &fresh(), of(&answer, "MaHoSo").unwrap());
    let told = answered(&asked, &send(&house, &asked).await);
    assert_eq!(of(&told, "TimThay"), Some("1"));
    assert_eq!(house.fingerprint().await, done, "the effect was repeated");
}

/// Longer than any lease on a claim.
const LEASE: jiff::SignedDuration = jiff::SignedDuration::from_secs(31);

/// Sends without waiting for an answer.
fn unanswered(house: &House, letter: &Letter) -> tokio::task::JoinHandle<()> {
    let (wire, message) = (house.wire(SERVER), message(letter.written()));
    tokio::spawn(async move {
        let length = message.body.len();
        let head = format!("Host: localhost\r\nContent-Length: {length}\r\n");
        let _ = wire.raw(&message.exact(&head)).await;
    })
}

async fn claimed(house: &House, number: u64) {
    for _ in 0..1_000 {
        if house.gateway().log().census().await.unwrap().in_progress >= number {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was claimed");
}

/// The evidence id under which recovery has answered this letter, from its recorded envelope.
async fn taken_up(house: &House, letter: &Letter) -> String {
    let id = letter.block[2]
        .replace("<xrd:id>", "")
        .replace("</xrd:id>", "");
    for _ in 0..1_000 {
        let stories = house.gateway().log().story(&id).await.unwrap();
        if let Some(story) = stories.iter().find(|story| story.answered_at.is_some()) {
            assert_eq!((story.status, &story.fault), (Some(200), &None));
            assert_eq!((stories.len(), story.road.as_deref()), (1, Some("xroad")));
            return story.evidence.to_string();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was never taken up");
}

async fn dossiers(registry: &insurance::Registry) -> u64 {
    registry.info(InfoRequest {}).await.unwrap().dossiers
}
