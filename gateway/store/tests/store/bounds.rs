//! Full queue, full disk, no headroom: refused, never acknowledged, and over when there is room again.

use gateway_core::ports::{Claimed, MessageLog as _, Outbox as _, StoreError};
use gateway_store::Store;
use rusqlite::Connection;

use crate::scene::{Scene, answer, parcel};

fn unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>, reason: &str) {
    match result {
        Err(StoreError::Unavailable(told)) => assert!(told.contains(reason), "{told}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn without_headroom_nothing_new_is_taken_in_but_what_was_claimed_is_answered() {
    let scene = Scene::new();
    let entry = scene.entry("m-0000001", "x");
    let store = scene.open();
    store.claim(entry.clone()).await.unwrap();
    drop(store);

    let mut params = scene.params();
    params.headroom_bytes = u64::MAX;
    let store = Store::open(params).unwrap();
    let next = scene.entry("m-0000002", "x");
    unavailable(store.claim(next.clone()).await, "journal headroom");
    unavailable(
        store
            .record(next.clone(), answer(next.evidence), Vec::new())
            .await,
        "journal headroom",
    );
    unavailable(
        store.put(vec![parcel("p", "a", 1)]).await,
        "journal headroom",
    );
    store
        .commit(
            entry.evidence,
            answer(entry.evidence),
            Vec::new(),
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(store.story("m-0000001").await.unwrap()[0].status, Some(422));
}

#[tokio::test]
async fn a_full_queue_says_busy_and_what_was_queued_is_done() {
    let scene = Scene::new();
    let mut params = scene.params();
    params.queue_max = 1;
    let store = Store::open(params).unwrap();
    let blocker = Connection::open(scene.path()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let claims = (0..8).map(|n| store.claim(scene.entry(&format!("m-{n:07}"), "x")));
    let all = futures_util::future::join_all(claims);
    let unblock = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        blocker.execute_batch("ROLLBACK").unwrap();
    };
    let (answers, ()) = tokio::join!(all, unblock);
    let busy = answers
        .iter()
        .filter(|answer| matches!(answer, Err(StoreError::Busy)))
        .count();
    let new = answers
        .iter()
        .filter(|answer| matches!(answer, Ok(Claimed::New)))
        .count();
    assert!(busy > 0 && new > 0 && busy + new == 8, "{answers:?}");
    assert_eq!(store.census().await.unwrap().in_progress, new as u64);
}

#[tokio::test]
async fn a_full_file_is_told_and_never_acknowledged_and_ends_when_there_is_room() {
    let scene = Scene::new();
    let mut params = scene.params();
    params.pages_max = Some(80);
    let store = Store::open(params).unwrap();
    let body = "x".repeat(20_000);
    let mut acknowledged = Vec::new();
    let refused = loop {
        let entry = scene.entry(&format!("m-{:07}", acknowledged.len()), &body);
        match store.claim(entry.clone()).await {
            Ok(claimed) => {
                assert_eq!(claimed, Claimed::New);
                acknowledged.push(entry);
            }
            Err(error) => break (entry, error),
        }
        assert!(
            acknowledged.len() < 100,
            "80 pages hold less than 100 such messages"
        );
    };
    unavailable::<()>(Err(refused.1), "full");
    assert!(!acknowledged.is_empty());
    assert_eq!(store.halted(), None);
    assert_eq!(
        store.census().await.unwrap().in_progress,
        acknowledged.len() as u64
    );
    unavailable(store.claim(refused.0.clone()).await, "full");
    store.verify().unwrap();
    drop(store);

    let store = scene.open();
    assert_eq!(store.claim(refused.0).await.unwrap(), Claimed::New);
    // whoever held the others has gone: each is there, free, and no row more
    let there = acknowledged.len() as u64 + 1;
    assert_eq!(store.census().await.unwrap().in_progress, there);
    for entry in acknowledged {
        assert_eq!(store.claim(entry).await.unwrap(), Claimed::New);
    }
    assert_eq!(store.census().await.unwrap().in_progress, there);
    store.verify().unwrap();
}
