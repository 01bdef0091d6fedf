//! What one operator stops, undoes and decides: within five seconds, open connections included, with who
//! and why in the journal.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use certs::seal::Vault;
use conformance::portal::{Portal, STATES};
use gateway::admin::client;
use gateway_tests::{
    client::{Reply, is_closed, read_reply},
    house::House,
    message::{Message, Tax, dossier},
};
use schemas::{
    fault::FaultCode,
    proto::admin::{ActRequest, ListParcelsRequest, ParcelLine},
};
use tokio::io::AsyncWriteExt as _;

const AT_MOST: Duration = Duration::from_secs(5);

async fn act(house: &House, deed: &str, target: &str) -> Result<String, String> {
    let request = ActRequest {
        deed: deed.to_owned(),
        target: target.to_owned(),
        who: "an.operator".to_owned(),
        why: "the partner asked for it".to_owned(),
        law: String::new(),
    };
    let acted = client::act(house.gateway().admin(), request).await;
    acted
        .map(|acted| acted.outcome)
        .map_err(|error| error.to_string())
}

async fn parcels(house: &House, state: &str) -> Vec<ParcelLine> {
    let request = ListParcelsRequest {
        state: state.to_owned(),
        ..ListParcelsRequest::default()
    };
    let listed = client::parcels(house.gateway().admin(), request).await;
    listed.unwrap().parcels
}

/// Submits a dossier and gives its code.
async fn submit(house: &House, holder: usize) -> String {
    let holder = &house.landmarks.card_holders[holder];
    let members = dossier::members(house.now(), holder, &holder.name);
    let message = dossier::message(house.now(), &members).sign(&house.key("portal"));
    let reply = house.wire("portal").send(&message).await;
    reply.assert_ok().json()["MaHoSo"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn ping(house: &House, text: &str) -> Message {
    Tax::ping(house.now(), text).sign(&house.key("tax"))
}

fn exact(message: &Message) -> Vec<u8> {
    message.exact(&format!(
        "Host: localhost\r\nContent-Length: {}\r\n",
        message.body.len()
    ))
}

/// What a new message gets: its answer, or nothing where the connection is closed before.
async fn asked(house: &House, text: &str) -> Option<Reply> {
    house
        .wire("tax")
        .raw(&exact(&ping(house, text)))
        .await
        .reply
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_partner_is_refused_and_its_open_connections_are_closed_until_it_is_resumed() {
    let house = House::start().await;
    let (mut open, _) = house.wire("tax").open().await.unwrap();
    open.write_all(&exact(&ping(&house, "before")))
        .await
        .unwrap();
    read_reply(&mut open).await.unwrap().assert_ok();

    let started = Instant::now();
    assert_eq!(act(&house, "suspend-partner", "tax").await.unwrap(), "done");
    assert!(
        is_closed(&mut open, AT_MOST).await,
        "its connection is open"
    );
    assert!(started.elapsed() < AT_MOST);
    if let Some(refused) = asked(&house, "while suspended").await {
        refused.assert_fault(FaultCode::Unauthenticated, "peer-not-active");
    }
    submit(&house, 0).await; // others are served as ever
    let again = act(&house, "suspend-partner", "tax").await.unwrap();
    assert_eq!(again, "already-so");
    let page = client::status(house.gateway().admin()).await.unwrap();
    let told = page.findings.iter().any(|finding| {
        finding.what.contains("tax") && finding.what.contains("an.operator: the partner asked")
    });
    assert!(told, "{:?}", page.findings);
    assert!(
        page.partners
            .iter()
            .any(|line| line.id == "tax" && line.state == "suspended")
    );

    assert_eq!(act(&house, "resume-partner", "tax").await.unwrap(), "done");
    let resumed = Instant::now();
    while asked(&house, "after")
        .await
        .is_none_or(|reply| reply.status != 200)
    {
        assert!(resumed.elapsed() < AT_MOST, "still refused");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_survives_a_restart() {
    let mut house = House::start().await;
    act(&house, "suspend-partner", "tax").await.unwrap();
    house.kill().await;
    house.open().await;
    if let Some(refused) = asked(&house, "after the restart").await {
        refused.assert_fault(FaultCode::Unauthenticated, "peer-not-active");
    }
    let acts = client::acts(house.gateway().admin(), 10).await.unwrap();
    let (standing, done) = (&acts.standing[0], &acts.acts[0]);
    assert_eq!(standing, done);
    assert_eq!(
        (done.deed.as_str(), done.target.as_str()),
        ("suspend-partner", "tax")
    );
    assert_eq!(done.who, "an.operator");
    assert_eq!(done.why, "the partner asked for it");
}

async fn wait_until_told(portal: &Arc<Portal>, code: &str) {
    let told = portal
        .wait_for(code, &STATES, Duration::from_secs(60))
        .await;
    told.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_lane_sends_nothing_while_what_the_partner_sends_is_answered() {
    let house = House::plan().with_portal(50).start().await;
    let portal = house.portal.clone().unwrap();
    assert_eq!(act(&house, "pause-lane", "portal").await.unwrap(), "done");
    let code = submit(&house, 0).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(
        portal.dossier(&code).is_none(),
        "it was told though its lane is paused"
    );
    let waiting = parcels(&house, "waiting").await;
    assert!(
        waiting.iter().any(|parcel| parcel.subject == code),
        "{waiting:?}"
    );
    let page = client::status(house.gateway().admin()).await.unwrap();
    assert!(
        page.lanes.iter().any(|lane| lane.state == "paused"),
        "{page:?}"
    );
    assert_eq!(act(&house, "resume-lane", "portal").await.unwrap(), "done");
    wait_until_told(&portal, &code).await;
    assert_eq!(portal.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_paused_while_it_works_stops_within_five_seconds() {
    let house = House::plan().with_portal(200).start().await;
    let portal = house.portal.clone().unwrap();
    let mut codes = Vec::new();
    for holder in 0..6 {
        codes.push(submit(&house, holder).await);
    }
    while portal.dossier(&codes[0]).is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    act(&house, "pause-lane", "portal").await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let told = || -> Vec<_> { codes.iter().map(|code| portal.dossier(code)).collect() };
    let before = told();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        told(),
        before,
        "something was sent two seconds after the pause"
    );
    act(&house, "resume-lane", "portal").await.unwrap();
    for code in &codes {
        wait_until_told(&portal, code).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parcel_is_cancelled_and_replayed_by_a_person_and_its_history_says_so() {
    let house = House::plan().with_portal(0).start().await;
    act(&house, "pause-lane", "portal").await.unwrap();
    let codes: BTreeSet<_> = [submit(&house, 0).await, submit(&house, 1).await].into();
    let mut waiting = Vec::new();
    for _ in 0..100 {
        waiting = parcels(&house, "waiting").await;
        if waiting.len() == codes.len() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let [one, other] = waiting.as_slice() else {
        panic!("{waiting:?}")
    };
    assert_eq!(act(&house, "cancel", &one.id).await.unwrap(), "done");
    assert_eq!(act(&house, "cancel", &one.id).await.unwrap(), "already-so");
    let refused = act(&house, "replay", &one.id).await.unwrap_err();
    assert!(refused.contains("cancelled"), "{refused}");
    assert_eq!(act(&house, "replay", &other.id).await.unwrap(), "done");
    let refused = act(&house, "cancel", "nobody").await.unwrap_err();
    assert!(refused.contains("no such parcel"), "{refused}");
    let shown = client::parcel(house.gateway().admin(), &one.id)
        .await
        .unwrap();
    assert_eq!(shown.parcel.unwrap().state, "cancelled");
    let acts: Vec<_> = shown
        .acts
        .iter()
        .map(|act| (act.deed.as_str(), act.who.as_str()))
        .collect();
    assert_eq!(acts, [("cancel", "an.operator")]);
    act(&house, "resume-lane", "portal").await.unwrap();
    let portal = house.portal.clone().unwrap();
    for _ in 0..200 {
        if !parcels(&house, "done").await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(portal.dossier(&other.subject).is_some());
    assert!(
        portal.dossier(&one.subject).is_none(),
        "a cancelled parcel was sent"
    );
    let refused = act(&house, "cancel", &other.id).await.unwrap_err();
    assert!(refused.contains("delivered"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_stand_in_the_journal_and_it_verifies() {
    let mut house = House::start().await;
    for deed in [
        "pause-lane",
        "resume-lane",
        "suspend-partner",
        "resume-partner",
    ] {
        assert_eq!(act(&house, deed, "portal").await.unwrap(), "done");
    }
    let acts = client::acts(house.gateway().admin(), 10).await.unwrap();
    let deeds: Vec<_> = acts.acts.iter().map(|act| act.deed.as_str()).collect();
    assert_eq!(
        deeds,
        [
            "resume-partner",
            "suspend-partner",
            "resume-lane",
            "pause-lane"
        ]
    );
    assert!(acts.standing.is_empty());
    house.drain().await;
    let vault = Vault::open_file(&house.file("seal.key")).unwrap();
    gateway_store::verify(&house.file("store.sqlite"), &vault).unwrap();
    let bytes = std::fs::read(house.file("store.sqlite")).unwrap();
    let shown = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(
        !shown(b"the partner asked for it"),
        "why stands unsealed in the file"
    );
}
