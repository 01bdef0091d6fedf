//! Killed between any two steps: what was acknowledged is done, and done once.

use std::{sync::Arc, time::Duration};

use certs::seal::Vault;
use gateway_core::ports::{Clock, MessageLog, Story};
use gateway_store::{Store, StoreParams};
use gateway_tests::{
    clock::TestClock,
    far::{Far, NEAR, anywhere, bring_near, far_at},
    house::{House, replace},
    message::{
        Birth, Json, Message, Notice, dossier, login,
        notice::{HOSPITAL, birth_paper},
    },
    relay::Relay,
};
use jiff::SignedDuration;
use schemas::{fault::FaultCode::InProgress, proto::insurance::InfoRequest};

/// Longer than any lease on a claim.
const LEASE: SignedDuration = SignedDuration::from_secs(31);

/// Sends without waiting for an answer.
fn send(house: &House, partner: &str, message: &Message) {
    let (wire, message) = (house.wire(partner), message.clone());
    tokio::spawn(async move { wire.raw(&bytes(&message)).await });
}

fn bytes(message: &Message) -> Vec<u8> {
    message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ))
}

async fn wait_until_claimed(house: &House) {
    for _ in 0..6_000 {
        if house.gateway().log().census().await.unwrap().in_progress > 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nothing was claimed");
}

async fn wait_until_answered(house: &House, id: &str) -> Story {
    for _ in 0..6_000 {
        let stories = house.gateway().log().story(id).await.unwrap();
        if let Some(story) = stories
            .into_iter()
            .find(|story| story.answered_at.is_some())
        {
            return story;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} was never answered");
}

async fn people(house: &House) -> u64 {
    let registry = house.gateway().contract().registry.clone().unwrap();
    registry.info(InfoRequest {}).await.unwrap().people
}

fn verify_journal(house: &House) {
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    gateway_store::verify(&house.file("store.sqlite"), &vault).unwrap();
}

/// The letters apart from their marks: bytes that a careless hand would compose.
const NAME: &str = "Nguye\u{302}\u{303}n Thi\u{323} Bi\u{300}nh";

#[tokio::test(flavor = "multi_thread")]
async fn killed_before_the_effect_it_is_done_once_after_the_restart() {
    let (_nobody, address) = anywhere().await;
    let mut house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let birth = Birth::named(house.now(), &house.landmarks, 1, NAME);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    send(&house, "dvclt", &message);
    wait_until_claimed(&house).await;
    house.kill().await;
    assert_journaled(&house, &message).await;

    bring_near(&house, address);
    house.open().await;
    let before = people(&house).await;
    let id = format!("LTKS-{}", birth.case_id);
    house.clock.advance(LEASE);
    let story = wait_until_answered(&house, &id).await;
    assert_eq!((story.status, story.fault), (Some(200), None));
    assert_eq!(people(&house).await, before + 1);
    let after = house.fingerprint().await;
    let again = house.wire("dvclt").send(&message).await;
    house.assert_answers_json(&birth.message(house.now()), &id, again.assert_ok());
    assert_eq!(again.evidence(), story.evidence.to_string());
    assert!(house.fingerprint().await == after);
    verify_journal(&house);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospitals_notice_killed_before_its_effect_is_taken_up_from_its_form() {
    let (_nobody, address) = anywhere().await;
    let mut house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let notice = Notice::birth(&birth_paper(house.now(), &house.landmarks, 0));
    let message = notice.sign(&house.key(HOSPITAL));
    send(&house, HOSPITAL, &message);
    wait_until_claimed(&house).await;
    house.kill().await;
    assert_journaled(&house, &message).await;

    bring_near(&house, address);
    house.open().await;
    let before = people(&house).await;
    house.clock.advance(LEASE);
    let story = wait_until_answered(&house, "61-GCS.01001.26.000001-Id-0").await;
    assert_eq!((story.status, story.fault), (Some(200), None));
    assert_eq!(people(&house).await, before + 1);
    let after = house.fingerprint().await;
    let again = house.wire(HOSPITAL).send(&message).await;
    assert_eq!(again.assert_ok().evidence(), story.evidence.to_string());
    assert!(house.fingerprint().await == after);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_under_a_token_is_taken_up_after_a_kill_though_no_token_is_known_any_more() {
    let (_nobody, address) = anywhere().await;
    let plan = House::plan().replace("gateway.toml", NEAR, far_at(address));
    let mut house = login::with_logins(plan).start().await;
    let call = login::call("bv-01001", login::MD5);
    let held = login::token(&house.wire(HOSPITAL).send(&call).await);
    let notice = Notice::birth(&birth_paper(house.now(), &house.landmarks, 0));
    let message = login::under(&notice, &held);
    send(&house, HOSPITAL, &message);
    wait_until_claimed(&house).await;
    house.kill().await;
    let kept = login::kept(&message, &held);
    assert_kept(&house, None, |body| {
        let body: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            body, kept,
            "the digest in the token's place, and no credentials"
        );
    })
    .await;

    bring_near(&house, address);
    house.open().await;
    let before = people(&house).await;
    house.clock.advance(LEASE);
    let story = wait_until_answered(&house, "61-GCS.01001.26.000001-Id-0").await;
    assert_eq!((story.status, story.fault), (Some(200), None));
    assert_eq!(people(&house).await, before + 1);
}

/// T1 has kept the exact bytes, in the form in which they were sent.
async fn assert_journaled(house: &House, message: &Message) {
    assert_kept(house, message.signature.as_ref(), |body| {
        assert!(body == message.body, "the journal holds other bytes");
    })
    .await;
}

async fn assert_kept(house: &House, signature: Option<&String>, is_right: impl Fn(&[u8])) {
    house.clock.advance(LEASE);
    let vault = Arc::new(Vault::open_file(&house.file("seal.key")).unwrap());
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&house.clock);
    let store = Store::open(StoreParams::new(house.file("store.sqlite"), vault, clock)).unwrap();
    let unfinished = store.unfinished(10).await.unwrap();
    assert_eq!(unfinished.len(), 1);
    is_right(&unfinished[0].body);
    assert_eq!(unfinished[0].signature.as_ref(), signature);
    house.clock.advance(-LEASE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_of_what_is_being_done_is_told_to_ask_again() {
    let (_nobody, address) = anywhere().await;
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    send(&house, "dvclt", &message);
    wait_until_claimed(&house).await;
    let again = house.wire("dvclt").send(&message).await;
    again.assert_fault(InProgress, "twin");
    assert_eq!((again.status, again.header("retry-after")), (409, "1"));
    let other = birth
        .with("maGCS", "GCS.99.other")
        .message(house.now())
        .sign(&house.key("dvclt"));
    let refused = house.wire("dvclt").send(&other).await;
    refused.assert_fault(schemas::fault::FaultCode::Conflict, "same-id-other-content");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_the_effect_and_the_answer_the_effect_is_not_repeated() {
    let (listener, address) = anywhere().await;
    let relay = Relay::start(address).await;
    let mut house = House::plan()
        .replace("gateway.toml", NEAR, far_at(relay.address()))
        .start()
        .await;
    let far = Far::serve(&house, listener).await;
    let warm = house.verify(&["fund"]).sign(&house.key("tax"));
    house.wire("tax").send(&warm).await.assert_ok();
    let before = far.registry.info(InfoRequest {}).await.unwrap();

    relay.lose_answers();
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let holder = &house.landmarks.card_holders[0];
    let dossier = dossier::message(
        house.now(),
        &dossier::members(house.now(), holder, &holder.name),
    );
    let messages = [
        (
            "dvclt",
            birth.message(house.now()).sign(&house.key("dvclt")),
        ),
        ("portal", dossier.sign(&house.key("portal"))),
    ];
    for (partner, message) in &messages {
        send(&house, partner, message);
    }
    let mut done = before.clone();
    for _ in 0..500 {
        done = far.registry.info(InfoRequest {}).await.unwrap();
        if (done.people, done.dossiers) == (before.people + 1, before.dossiers + 1) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        (done.people, done.dossiers),
        (before.people + 1, before.dossiers + 1)
    );
    house.kill().await;
    far.stop().await;

    bring_near(&house, relay.address());
    house.clock.advance(LEASE);
    house.open().await;
    let after = house.fingerprint().await;
    let ids = [
        format!("LTKS-{}", birth.case_id),
        dossier.text("jti").to_owned(),
    ];
    for (id, (partner, message)) in ids.iter().zip(&messages) {
        let story = wait_until_answered(&house, id).await;
        let again = house.wire(partner).send(message).await;
        assert_eq!(again.assert_ok().evidence(), story.evidence.to_string());
    }
    assert!(
        house.fingerprint().await == after,
        "the effect was repeated"
    );
    verify_journal(&house);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_changes_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let house = House::start().await;
    let before = people(&house).await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    let (mut stream, _) = house.wire("dvclt").open().await.unwrap();
    stream.write_all(&bytes(&message)).await.unwrap();
    stream.flush().await.unwrap();
    drop(stream);
    let id = format!("LTKS-{}", birth.case_id);
    let reply = house.wire("dvclt").send(&message).await;
    reply.assert_ok();
    let story = wait_until_answered(&house, &id).await;
    assert_eq!(reply.evidence(), story.evidence.to_string());
    assert_eq!(people(&house).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_after_the_claim_finds_its_answer_later() {
    let (listener, address) = anywhere().await;
    let house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let birth = Birth::new(house.now(), &house.landmarks, 1);
    let message = birth.message(house.now()).sign(&house.key("dvclt"));
    let (wire, exact) = (house.wire("dvclt"), bytes(&message));
    let sent = tokio::spawn(async move { wire.raw(&exact).await });
    wait_until_claimed(&house).await;
    sent.abort();
    let _ = sent.await;
    let far = Far::serve(&house, listener).await;
    let story = wait_until_answered(&house, &format!("LTKS-{}", birth.case_id)).await;
    let again = house.wire("dvclt").send(&message).await;
    assert_eq!(again.assert_ok().evidence(), story.evidence.to_string());
    far.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_finishes_what_is_inside_and_refuses_what_comes() {
    let (listener, address) = anywhere().await;
    let mut house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    let poll = Json::poll(house.now(), &["G22.99.08-260101-000001"]).sign(&house.key("dvclt"));
    let birth = Birth::new(house.now(), &house.landmarks, 1)
        .message(house.now())
        .sign(&house.key("dvclt"));
    let inside = {
        let (wire, birth) = (house.wire("dvclt"), birth.clone());
        tokio::spawn(async move { wire.send(&birth).await })
    };
    wait_until_claimed(&house).await;
    let late = house.wire("dvclt");
    let far = Far::serve(&house, listener).await;
    house.drain().await;
    inside.await.unwrap().assert_ok();
    let (_, reply) = tokio::time::timeout(Duration::from_secs(5), late.try_knock(&bytes(&poll)))
        .await
        .unwrap();
    assert!(reply.is_none(), "a drained gateway still answers");
    far.stop().await;
}

/// More than recovery takes up in one round.
const STUCK: u32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_recovered_now_keeps_nothing_else_waiting() {
    let (_nobody, address) = anywhere().await;
    let mut house = House::plan()
        .replace("gateway.toml", NEAR, far_at(address))
        .start()
        .await;
    for number in 0..STUCK {
        let birth = Birth::new(house.now(), &house.landmarks, number).message(house.now());
        send(&house, "dvclt", &birth.sign(&house.key("dvclt")));
    }
    wait_for_claims(&house, u64::from(STUCK)).await;
    let holder = &house.landmarks.card_holders[0];
    let members = dossier::members(house.now(), holder, &holder.name);
    let dossier = dossier::message(house.now(), &members);
    send(&house, "portal", &dossier.sign(&house.key("portal")));
    wait_for_claims(&house, u64::from(STUCK) + 1).await;
    house.kill().await;

    bring_near(&house, address);
    let active = "environment = \"sandbox\"\n";
    replace(
        &house.file("partners/dvclt.toml"),
        active,
        &format!("{active}active = false\n"),
    );
    house.clock.advance(LEASE);
    house.open().await;
    wait_until_answered(&house, dossier.text("jti")).await;
    let census = house.gateway().log().census().await.unwrap();
    assert_eq!(
        census.in_progress,
        u64::from(STUCK),
        "a suspended partner's"
    );
}

async fn wait_for_claims(house: &House, claims: u64) {
    for _ in 0..6_000 {
        if house.gateway().log().census().await.unwrap().in_progress >= claims {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{claims} claims were never made");
}
