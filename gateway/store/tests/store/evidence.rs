//! What may go and what may not: erasure, holds, retention; and the keys that everything is under.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::head::Evidence;
use gateway_core::ports::{
    Act, Acted, Claimed, Deed, Known, MessageLog as _, Office as _, Outbox as _, StoredAnswer,
};
use gateway_core::seal::{Vault, sha256};
use gateway_store::{Retention, Store, rewrap};
use schemas::id::MessageId;

use crate::scene::{Scene, finish, partner};

const DAY: Duration = Duration::from_secs(24 * 3600);
const LAW: &str = "Law 91/2025, article 14";

async fn act(store: &Store, deed: Deed) -> Acted {
    let act = Act {
        who: "an.officer".into(),
        why: "ordered by a court".into(),
        deed,
    };
    store.act(act).await.unwrap()
}

async fn erase(store: &Store, evidence: Evidence) -> Acted {
    let law = LAW.into();
    act(store, Deed::Erase { evidence, law }).await
}

/// How many records are there and how many of them were erased.
fn counted(store: &Store) -> (u64, u64) {
    let verified = store.verify().unwrap();
    (verified.records, verified.erased)
}

fn rules(days: u32) -> Retention {
    Retention {
        default: Some(DAY * days),
        law: LAW.into(),
        ..Retention::default()
    }
}

async fn known(store: &Store, id: &str) -> Known {
    let id_ = MessageId::parse(id).unwrap();
    let digest = sha256(id.as_bytes());
    store.known(&partner("tax"), &id_, &digest).await.unwrap()
}

#[tokio::test]
async fn an_erased_message_is_gone_for_ever_and_verify_says_erased_not_broken() {
    let scene = Scene::new();
    let store = scene.open();
    let gone = finish(&scene, &store, "m-0000001").await;
    let stays = finish(&scene, &store, "m-0000002").await;
    assert_eq!(erase(&store, gone.evidence).await, Acted::Done);
    assert_eq!(counted(&store), (5, 2));
    assert_eq!(known(&store, "m-0000001").await, Known::Unknown);
    assert_eq!(known(&store, "m-0000002").await, Known::Same(stays));
    // the same message again is neither answered nor acted upon
    let again = store.claim(scene.entry("m-0000001", "m-0000001")).await;
    assert!(matches!(again.unwrap(), Claimed::Stale));
    assert_eq!(erase(&store, gone.evidence).await, Acted::AlreadySo);
    assert_eq!(counted(&store), (5, 2));
    assert_eq!(store.halted(), None);
    let told = store.acts(9).await.unwrap();
    assert_eq!(
        (told[0].deed.as_str(), told[0].who.as_str()),
        ("erase", "an.officer")
    );
    drop(store);
    assert_eq!(counted(&scene.open()), (5, 2));
}

#[tokio::test]
async fn what_is_unknown_or_not_answered_yet_is_not_erased() {
    let scene = Scene::new();
    let store = scene.open();
    assert_eq!(erase(&store, Evidence::fresh()).await, Acted::NotFound);
    let entry = scene.entry("m-0000001", "x");
    let evidence = entry.evidence;
    store.claim(entry).await.unwrap();
    assert_eq!(erase(&store, evidence).await, Acted::NotNow("in-progress"));
    assert_eq!(counted(&store), (1, 0));
}

#[tokio::test]
async fn a_legal_hold_wins_over_erasure_and_retention_until_it_is_lifted() {
    let scene = Scene::new();
    let store = scene.open();
    let held = finish(&scene, &store, "m-0000001").await;
    let free = finish(&scene, &store, "m-0000002").await;
    let name = held.evidence.to_string();
    assert_eq!(act(&store, Deed::Hold(name.clone())).await, Acted::Done);
    assert_eq!(
        act(&store, Deed::Hold(name.clone())).await,
        Acted::AlreadySo
    );
    assert_eq!(
        erase(&store, held.evidence).await,
        Acted::NotNow("legal-hold")
    );
    assert_eq!(counted(&store).1, 0);
    scene.clock.advance(DAY * 31);
    assert_eq!(store.retain(&rules(30)).await.unwrap(), 2, "the other one");
    assert_eq!(known(&store, "m-0000001").await, Known::Same(held));
    assert_eq!(known(&store, "m-0000002").await, Known::Unknown);
    assert_eq!(erase(&store, free.evidence).await, Acted::AlreadySo);
    assert_eq!(act(&store, Deed::Unhold(name)).await, Acted::Done);
    assert_eq!(
        store.retain(&rules(30)).await.unwrap(),
        2,
        "now it goes too"
    );
    assert_eq!(counted(&store).1, 4);
}

#[tokio::test]
async fn a_hold_on_a_partner_keeps_all_that_it_said() {
    let scene = Scene::new();
    let store = scene.open();
    let told = finish(&scene, &store, "m-0000001").await;
    assert_eq!(act(&store, Deed::Hold("tax".into())).await, Acted::Done);
    assert_eq!(
        erase(&store, told.evidence).await,
        Acted::NotNow("legal-hold")
    );
    scene.clock.advance(DAY * 400);
    assert_eq!(store.retain(&rules(30)).await.unwrap(), 0);
    let unknown = Evidence::fresh().to_string();
    assert_eq!(act(&store, Deed::Hold(unknown)).await, Acted::NotFound);
    assert_eq!(
        act(&store, Deed::Unhold("portal".into())).await,
        Acted::AlreadySo
    );
    assert_eq!(counted(&store).1, 0);
}

#[tokio::test]
async fn each_is_kept_as_long_as_its_agreement_then_its_operation_then_the_house_says() {
    let scene = Scene::new();
    let store = scene.open();
    for (id, rule, operation) in [
        ("m-agreement", "QC-01/tax.ping", "tax.ping"),
        ("m-operation", "QC-02/tax.ping", "tax.ping"),
        (
            "m-otherwise",
            "QC-02/tax.verify-employer",
            "tax.verify-employer",
        ),
    ] {
        let mut entry = scene.entry(id, id);
        (entry.rule, entry.operation) = (rule.into(), operation);
        let answer: StoredAnswer = crate::scene::answer(entry.evidence);
        store.record(entry, answer, Vec::new()).await.unwrap();
    }
    let named = |name: &str, days: u32| BTreeMap::from([(name.to_owned(), DAY * days)]);
    let rules = Retention {
        agreements: named("QC-01", 10),
        operations: named("tax.ping", 20),
        ..rules(30)
    };
    let mut left = vec!["m-agreement", "m-operation", "m-otherwise"];
    for _ in 0..3 {
        scene.clock.advance(DAY * 9);
        assert_eq!(store.retain(&rules).await.unwrap(), 0);
        scene.clock.advance(DAY + Duration::from_secs(1));
        assert_eq!(store.retain(&rules).await.unwrap(), 2);
        let gone = left.remove(0);
        assert_eq!(known(&store, gone).await, Known::Unknown, "{gone}");
        for id in &left {
            assert!(matches!(known(&store, id).await, Known::Same(_)), "{id}");
        }
    }
    assert_eq!(counted(&store).1, 6);
    assert_eq!(store.retain(&rules).await.unwrap(), 0, "nothing is left");
}

#[tokio::test]
async fn a_length_that_changes_reaches_what_a_round_has_passed() {
    let scene = Scene::new();
    let store = scene.open();
    for (id, rule) in [("m-0000001", "QC-01/1"), ("m-0000002", "QC-02/1")] {
        let mut entry = scene.entry(id, id);
        entry.rule = rule.into();
        let answer = crate::scene::answer(entry.evidence);
        store.record(entry, answer, Vec::new()).await.unwrap();
    }
    let kept = |agreement: u32| Retention {
        agreements: BTreeMap::from([
            ("QC-01".to_owned(), DAY * agreement),
            ("QC-02".to_owned(), DAY * 10),
        ]),
        ..rules(90)
    };
    scene.clock.advance(DAY * 31);
    assert_eq!(store.retain(&kept(60)).await.unwrap(), 2, "of the other");
    assert!(matches!(known(&store, "m-0000001").await, Known::Same(_)));
    // the round of ten days has passed both; now the first agreement is one of them
    assert_eq!(store.retain(&kept(10)).await.unwrap(), 2);
    assert_eq!(known(&store, "m-0000001").await, Known::Unknown);
    assert_eq!(store.retain(&kept(10)).await.unwrap(), 0);
    assert_eq!(counted(&store), (6, 4), "two tombstones among them");
}

#[tokio::test]
async fn retention_waits_for_what_is_not_answered_yet() {
    let scene = Scene::new();
    let store = scene.open();
    let entry = scene.entry("m-0000001", "x");
    let evidence = entry.evidence;
    store.claim(entry).await.unwrap();
    scene.clock.advance(DAY * 31);
    assert_eq!(store.retain(&rules(30)).await.unwrap(), 0);
    let answer = crate::scene::answer(evidence);
    store
        .commit(evidence, answer, Vec::new(), Vec::new())
        .await
        .unwrap();
    assert_eq!(store.retain(&rules(30)).await.unwrap(), 2);
    assert_eq!(counted(&store), (3, 2));
}

#[tokio::test]
async fn after_rewrapping_everything_opens_under_the_newest_generation_alone() {
    let scene = Scene::new();
    let open = |vault: Vault| {
        let mut params = scene.params();
        params.vault = Arc::new(vault);
        Store::open(params)
    };
    let both = || Vault::from_bytes([3; 32]).with_newer([4; 32]);
    let store = scene.open();
    let old = finish(&scene, &store, "m-0000001").await;
    let gone = finish(&scene, &store, "m-0000002").await;
    erase(&store, gone.evidence).await;
    store
        .put(vec![crate::scene::parcel("p1", "s", 1)])
        .await
        .unwrap();
    drop(store);
    let store = open(both()).unwrap();
    finish(&scene, &store, "m-0000003").await;
    let done = rewrap(&scene.engine, &both()).unwrap();
    // request and answer of the first message, the act and the parcel; the head was written anew by the last commit
    assert_eq!((done.changed, done.stuck), (4, 0));
    let again = rewrap(&scene.engine, &both()).unwrap();
    assert_eq!((again.changed, again.stuck, again.seen), (0, 0, done.seen));
    assert_eq!(store.verify().unwrap().erased, 2);
    drop(store);
    rewrap(&scene.engine, &both()).unwrap();
    let store = open(Vault::from_bytes([4; 32])).unwrap();
    assert_eq!(counted(&store), (7, 2));
    assert_eq!(known(&store, "m-0000001").await, Known::Same(old));
    assert_eq!(
        store.lease(&partner("portal"), 9, DAY).await.unwrap().len(),
        1
    );
    drop(store);
    let stuck = rewrap(&scene.engine, &Vault::from_bytes([5; 32])).unwrap();
    assert_eq!(stuck.changed, 0);
    assert!(
        stuck.stuck > 0,
        "another key opens nothing and changes nothing"
    );
}
