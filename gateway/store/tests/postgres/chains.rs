//! Several gateways on one database: one truth, and a chain for each.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::ports::{Claimed, Delivery, MessageLog as _, Outbox as _, Receipt};
use gateway_core::seal::Vault;
use gateway_store::{OpenError, Store, What, verify_all};

use crate::scene::{LEASE, Scene, answer, finish, parcel, partner, vault};

/// The partner has it.
pub(crate) fn delivery() -> Delivery {
    let receipt = Receipt::plain("ok".into(), None);
    Delivery::Delivered { receipt }
}

pub(crate) fn replica(scene: &Scene, writer: &str) -> Store {
    let mut params = scene.params();
    params.writer = writer.into();
    Store::open(params).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_claims_of_one_id_at_several_replicas_exactly_one_is_new() {
    let scene = Scene::new();
    let replicas = [
        replica(&scene, "one"),
        replica(&scene, "two"),
        replica(&scene, "three"),
    ];
    for round in 0..15 {
        let id = format!("m-{round:07}");
        let claims: Vec<_> = (0..12)
            .map(|n: usize| {
                let (store, entry) = (replicas[n % 3].clone(), scene.entry(&id, &id));
                tokio::spawn(
                    async move { (n % 3, entry.evidence, store.claim(entry).await.unwrap()) },
                )
            })
            .collect();
        let mut new = Vec::new();
        for claim in claims {
            match claim.await.unwrap() {
                (at, evidence, Claimed::New) => new.push((at, evidence)),
                (_, _, other) => assert_eq!(other, Claimed::InProgress),
            }
        }
        let [(at, evidence)] = new[..] else {
            panic!("{new:?}");
        };
        let stored = answer(evidence);
        replicas[at]
            .commit(evidence, stored.clone(), Vec::new(), Vec::new())
            .await
            .unwrap();
        for store in &replicas {
            let again = store.claim(scene.entry(&id, &id)).await.unwrap();
            assert_eq!(
                again,
                Claimed::Same(stored.clone()),
                "everywhere the same answer"
            );
        }
    }
    let chains = verify_all(&scene.engine, &vault()).unwrap();
    assert_eq!(chains.len(), 3);
    assert_eq!(chains.iter().map(|chain| chain.records).sum::<u64>(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parcel_is_leased_by_one_replica_and_the_order_of_its_subject_holds_over_all() {
    let scene = Scene::new();
    let replicas = [replica(&scene, "one"), replica(&scene, "two")];
    let parcels = (0..60).map(|n| parcel(&format!("p{n:02}"), &format!("s{}", n % 6), n / 6));
    replicas[0].put(parcels.collect()).await.unwrap();
    let mut sent: Vec<(String, u64)> = Vec::new();
    while sent.len() < 60 {
        let (a, b) = tokio::join!(
            replicas[0].lease(&partner("portal"), 4, LEASE),
            replicas[1].lease(&partner("portal"), 4, LEASE),
        );
        let (a, b) = (a.unwrap(), b.unwrap());
        assert!(
            a.iter()
                .all(|left| b.iter().all(|right| left.subject != right.subject))
        );
        for (store, leased) in replicas.iter().zip([a, b]) {
            let done = leased.iter().map(|leased| (leased.hold(), delivery()));
            store.settle(done.collect()).await.unwrap();
            sent.extend(
                leased
                    .into_iter()
                    .map(|leased| (leased.subject, leased.sequence)),
            );
        }
    }
    for subject in 0..6 {
        let subject = format!("s{subject}");
        let order: Vec<u64> = sent
            .iter()
            .filter(|(s, _)| *s == subject)
            .map(|(_, n)| *n)
            .collect();
        assert_eq!(order, (0..10).collect::<Vec<_>>(), "{subject}");
    }
    let chains = verify_all(&scene.engine, &vault()).unwrap();
    assert_eq!(
        chains.iter().map(|chain| chain.records).sum::<u64>(),
        60,
        "one receipt each"
    );
}

#[tokio::test]
async fn an_abandoned_claim_is_handed_out_by_one_replica_at_a_time() {
    let scene = Scene::new();
    let (one, two) = (replica(&scene, "one"), replica(&scene, "two"));
    for n in 0..8 {
        one.claim(scene.entry(&format!("m-{n:07}"), "x"))
            .await
            .unwrap();
    }
    scene.clock.advance(LEASE);
    let (a, b) = tokio::join!(one.unfinished(8), two.unfinished(8));
    let mut all: Vec<_> = a
        .unwrap()
        .into_iter()
        .chain(b.unwrap())
        .map(|u| u.evidence)
        .collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 8, "each once");
    assert!(two.unfinished(8).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_second_process_of_the_same_name_is_kept_out_and_another_key_too() {
    let scene = Scene::new();
    let store = replica(&scene, "one");
    finish(&scene, &store, "m-0000001").await;
    let mut params = scene.params();
    params.writer = "one".into();
    let gateway_store::Engine::Postgres(database) = &mut params.engine else {
        panic!("not PostgreSQL");
    };
    database.connect_timeout = Duration::from_secs(2);
    assert!(matches!(Store::open(params.clone()), Err(OpenError::InUse)));
    drop(store);
    let mut other = params.clone();
    other.vault = Arc::new(Vault::from_bytes([4; 32]));
    assert!(matches!(Store::open(other), Err(OpenError::OtherKey)));
    let store = Store::open(params).unwrap();
    assert_eq!(store.verify().unwrap().records, 2);
}

#[tokio::test]
async fn a_changed_record_a_cut_tail_and_a_changed_inbox_are_named() {
    for (edit, what, seq) in [
        (
            "UPDATE journal SET ciphertext = '\\x00' WHERE seq = 2",
            What::Digest,
            2,
        ),
        (
            "UPDATE journal SET at = at + 1 WHERE seq = 3",
            What::Chain,
            3,
        ),
        ("DELETE FROM journal WHERE seq = 2", What::Missing, 2),
        ("DELETE FROM journal WHERE seq = 4", What::Cut, 4),
        (
            "UPDATE inbox SET digest = '\\x00' WHERE request = 3",
            What::Inbox,
            3,
        ),
    ] {
        let scene = Scene::new();
        let store = scene.open();
        finish(&scene, &store, "m-0000001").await;
        finish(&scene, &store, "m-0000002").await;
        store.verify().unwrap();
        scene.ask(edit);
        let broken = store.verify().unwrap_err();
        assert_eq!((broken.seq, broken.what), (seq, what), "{edit}");
    }
}

#[tokio::test]
async fn a_store_whose_tail_was_cut_opens_read_only_and_says_why() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    drop(store);
    scene.ask("DELETE FROM journal WHERE seq = 2");
    let store = scene.open();
    assert!(
        store.halted().unwrap().contains("ends at 1"),
        "{:?}",
        store.halted()
    );
    assert!(store.claim(scene.entry("m-0000003", "x")).await.is_err());
    assert!(
        !store
            .story("m-0000001")
            .await
            .unwrap_or_default()
            .is_empty()
            || store.halted().is_some()
    );
}

#[tokio::test]
async fn records_are_numbered_per_chain_and_a_foreign_epoch_stops_the_writing() {
    let scene = Scene::new();
    let (one, two) = (replica(&scene, "one"), replica(&scene, "two"));
    finish(&scene, &one, "m-0000001").await;
    finish(&scene, &two, "m-0000002").await;
    let story = two.story("m-0000002").await.unwrap().remove(0);
    assert_eq!(story.journal, [(1 << 40) + 1, (1 << 40) + 2]);
    scene.ask("UPDATE chain SET epoch = epoch + 1 WHERE writer = 'one'");
    assert!(one.claim(scene.entry("m-0000003", "x")).await.is_err());
    assert!(one.halted().unwrap().contains("another process"));
    finish(&scene, &two, "m-0000004").await;
}
