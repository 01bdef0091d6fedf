//! Reads: request and answer in one write.

use gateway_core::ports::{Claimed, Entry, MessageLog as _};

use crate::scene::{LEASE, Scene, answer};

#[tokio::test]
async fn a_read_is_kept_with_its_answer_and_the_second_gets_the_first_ones() {
    let scene = Scene::new();
    let store = scene.open();
    let (first, second) = (scene.entry("m-0000001", "x"), scene.entry("m-0000001", "x"));
    let stored = answer(first.evidence);
    assert_eq!(
        store
            .record(first, stored.clone(), Vec::new())
            .await
            .unwrap(),
        Claimed::New
    );
    let again = store
        .record(second.clone(), answer(second.evidence), Vec::new())
        .await
        .unwrap();
    assert_eq!(again, Claimed::Same(stored));
    assert_eq!(store.census().await.unwrap().journal_records, 2);
}

#[tokio::test]
async fn a_read_of_other_content_conflicts_and_a_stale_unknown_one_is_not_kept() {
    let scene = Scene::new();
    let store = scene.open();
    let (first, other) = (scene.entry("m-0000001", "x"), scene.entry("m-0000001", "y"));
    let stale = Entry {
        fresh: false,
        ..scene.entry("m-0000002", "z")
    };
    store
        .record(first.clone(), answer(first.evidence), Vec::new())
        .await
        .unwrap();
    let conflict = store
        .record(other.clone(), answer(other.evidence), Vec::new())
        .await
        .unwrap();
    assert_eq!(conflict, Claimed::Conflict);
    let late = store
        .record(stale.clone(), answer(stale.evidence), Vec::new())
        .await
        .unwrap();
    assert_eq!(late, Claimed::Stale);
    assert_eq!(store.census().await.unwrap().journal_records, 2);
}

#[tokio::test]
async fn a_read_waits_for_a_holder_and_takes_over_from_one_who_has_gone() {
    let scene = Scene::new();
    let store = scene.open();
    let (holder, read) = (scene.entry("m-0000001", "x"), scene.entry("m-0000001", "x"));
    store.claim(holder.clone()).await.unwrap();
    let held = store
        .record(read.clone(), answer(read.evidence), Vec::new())
        .await
        .unwrap();
    assert_eq!(held, Claimed::InProgress);
    scene.clock.advance(LEASE);
    let taken = store
        .record(read.clone(), answer(read.evidence), Vec::new())
        .await
        .unwrap();
    assert_eq!(taken, Claimed::New);
    let resend = store.claim(holder).await.unwrap();
    assert_eq!(resend, Claimed::Same(answer(read.evidence)));
    store.verify().unwrap();
}
