//! What is killed, lost or decided elsewhere on its way in or out.

use std::time::Duration;

use conformance::opencrvs::core::{Confirmed, claims, names, plain_header};
use gateway_tests::{
    far::{NEAR, anywhere, bring_near, far_at},
    message::dci::CRVS,
    tape::tape,
};
use jiff::SignedDuration;
use tokio::net::TcpListener;

use super::{Scene, accepted, action, message};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_before_a_kill_is_acknowledged_again_and_confirmed_once_the_core_is_there() {
    let mut scene = Scene::start().await;
    // the core is gone, and with it whoever gives tokens
    let address = scene.serving.as_ref().unwrap().address();
    scene.serving.take().unwrap().stop().await;
    let record = scene.birth(20);
    let first = scene.ask(&record).await;
    assert_eq!(first.status, 202);
    let before = scene.people().await;
    scene.house.kill().await;
    scene.house.open().await;
    let again = scene.ask(&record).await;
    assert_eq!((again.status, again.body), (202, first.body));
    assert_eq!(scene.people().await, before);
    // killed while it is sent: whatever was done of it, at the end it is done once
    let next = scene.birth(21);
    let (event, action) = names(&next);
    scene.core.hold(&event, &action);
    let claims = claims(&event, &action, scene.house.now());
    let token = scene.core.key().sign(&plain_header(), &claims).unwrap();
    let (wire, sent) = (scene.house.wire(CRVS), message(&next, "REGISTER"));
    let sending = tokio::spawn(async move {
        let bearer = format!("Bearer {token}");
        let more = [("authorization", bearer.as_str())];
        let patience = Duration::from_millis(3);
        let _ = tokio::time::timeout(patience, wire.send_with(&sent, &more)).await;
    });
    sending.await.unwrap();
    scene.house.kill().await;
    scene.house.open().await;
    assert_eq!(scene.ask(&next).await.status, 202);
    assert_eq!(scene.people().await, before + 1);
    assert_eq!(scene.core.calls(), 0);

    // it is back, and at first not well: no tokens, failures, an answer that is lost
    scene.core.misbehave(|knobs| {
        (knobs.no_tokens, knobs.fail, knobs.drop_replies) = (1, 1, 1);
    });
    let listener = TcpListener::bind(address).await.unwrap();
    scene.serving = Some(scene.core.serve(listener).unwrap());
    // whoever was killed may have held a parcel: longer than any lease on it
    scene.house.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(scene.confirmed(20).await, accepted(20));
    assert_eq!(scene.confirmed(21).await, accepted(21));
    scene.told_nothing_wrong();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_decided_at_the_registry_is_not_decided_again_here() {
    let scene = Scene::start().await;
    let record = scene.birth(50);
    scene.core.decide(&action(50), Confirmed::Rejected);
    assert_eq!(scene.ask(&record).await.status, 202);
    let set_aside = || {
        let log = tape().everything();
        log.contains("rejected-already").then_some(())
    };
    scene.until("a person is asked", set_aside).await;
    assert_eq!(scene.core.confirmed(&action(50)), Some(Confirmed::Rejected));
    scene.told_nothing_wrong();
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_its_commit_and_its_effect_it_is_done_once_without_its_token() {
    let (_nobody, address) = anywhere().await;
    let mut scene =
        Scene::start_as(|plan| plan.replace("gateway.toml", NEAR, far_at(address))).await;
    let record = scene.birth(22);
    let (event, action) = names(&record);
    scene.core.hold(&event, &action);
    let claims = claims(&event, &action, scene.house.now());
    let token = scene.core.key().sign(&plain_header(), &claims).unwrap();
    let (wire, sent) = (scene.house.wire(CRVS), message(&record, "REGISTER"));
    tokio::spawn(async move {
        let bearer = format!("authorization: Bearer {token}");
        let head = format!(
            "Host: localhost\r\n{bearer}\r\nContent-Length: {}\r\n",
            sent.body.len()
        );
        wire.raw(&sent.exact(&head)).await
    });
    let claimed = async {
        while scene
            .house
            .gateway()
            .log()
            .census()
            .await
            .unwrap()
            .in_progress
            == 0
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let claimed = tokio::time::timeout(Duration::from_secs(60), claimed);
    claimed.await.expect("nothing was claimed");
    scene.house.kill().await;

    bring_near(&scene.house, address);
    scene.house.open().await;
    // longer than any lease on a claim
    scene.house.clock.advance(SignedDuration::from_secs(31));
    assert_eq!(scene.confirmed(22).await, accepted(22));
    let (card, state) = scene.card(22).await;
    assert!(card.starts_with("TE1") && state == 1, "{state}");
    let after = scene.house.fingerprint().await;
    assert_eq!(scene.ask(&record).await.status, 202);
    assert!(scene.house.fingerprint().await == after);
    assert_eq!(scene.core.calls(), 1);
    scene.told_nothing_wrong();
}
