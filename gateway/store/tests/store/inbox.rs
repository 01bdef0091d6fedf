//! Claims: exactly one holder, exactly one answer.

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use gateway_core::ports::{Claimed, Entry, Known, MessageLog as _, StoreError};
use gateway_store::Store;

use crate::scene::{LEASE, Scene, answer, finish, parcel, partner};

async fn known(store: &Store, entry: &Entry) -> Known {
    store
        .known(&entry.sender, &entry.id, &entry.digest)
        .await
        .unwrap()
}

fn refused(result: Result<(), StoreError>, reason: &str) {
    match result {
        Err(StoreError::Unavailable(told)) => assert!(told.contains(reason), "{told}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_new_message_is_claimed_once_and_its_answer_comes_back_byte_for_byte() {
    let scene = Scene::new();
    let store = scene.open();
    let first = scene.entry("m-0000001", "one");
    let twin = scene.entry("m-0000001", "one");
    assert_eq!(known(&store, &first).await, Known::Unknown);
    assert_eq!(store.claim(first.clone()).await.unwrap(), Claimed::New);
    assert_eq!(known(&store, &twin).await, Known::InProgress);
    assert_eq!(
        store.claim(twin.clone()).await.unwrap(),
        Claimed::InProgress
    );

    let stored = answer(first.evidence);
    store
        .commit(first.evidence, stored.clone(), Vec::new(), Vec::new())
        .await
        .unwrap();
    assert_eq!(known(&store, &twin).await, Known::Same(stored.clone()));
    assert_eq!(store.claim(twin).await.unwrap(), Claimed::Same(stored));
}

#[tokio::test]
async fn another_content_under_a_known_id_is_a_conflict_before_and_after_the_answer() {
    let scene = Scene::new();
    let store = scene.open();
    let first = scene.entry("m-0000001", "one");
    let other = scene.entry("m-0000001", "two");
    store.claim(first.clone()).await.unwrap();
    assert_eq!(store.claim(other.clone()).await.unwrap(), Claimed::Conflict);
    store
        .commit(
            first.evidence,
            answer(first.evidence),
            Vec::new(),
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(store.claim(other.clone()).await.unwrap(), Claimed::Conflict);
    assert_eq!(known(&store, &other).await, Known::Conflict);
}

#[tokio::test]
async fn the_same_id_of_another_sender_is_another_message() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let other = Entry {
        sender: partner("dvclt"),
        ..scene.entry("m-0000001", "m-0000001")
    };
    assert_eq!(store.claim(other).await.unwrap(), Claimed::New);
}

#[tokio::test]
async fn a_stale_message_is_refused_when_unknown_and_answered_when_known() {
    let scene = Scene::new();
    let store = scene.open();
    let stale = Entry {
        fresh: false,
        ..scene.entry("m-0000001", "m-0000001")
    };
    assert_eq!(store.claim(stale.clone()).await.unwrap(), Claimed::Stale);
    assert_eq!(store.census().await.unwrap().journal_records, 0);
    let stored = finish(&scene, &store, "m-0000001").await;
    assert_eq!(store.claim(stale).await.unwrap(), Claimed::Same(stored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_claims_of_one_id_at_once_exactly_one_is_new() {
    let scene = Scene::new();
    let store = scene.open();
    for round in 0..20 {
        let id = format!("m-{round:07}");
        let claims: Vec<_> = (0..16)
            .map(|_| {
                let (store, entry) = (store.clone(), scene.entry(&id, &id));
                tokio::spawn(async move { store.claim(entry).await.unwrap() })
            })
            .collect();
        let mut new = 0;
        for claim in claims {
            match claim.await.unwrap() {
                Claimed::New => new += 1,
                other => assert_eq!(other, Claimed::InProgress),
            }
        }
        assert_eq!(new, 1);
    }
}

#[tokio::test]
async fn a_claim_is_held_to_the_end_of_its_lease_and_no_longer() {
    let scene = Scene::new();
    let lost = scene.entry("m-0000001", "the exact bytes");
    let store = scene.open();
    store.claim(lost.clone()).await.unwrap();
    assert!(store.unfinished(10).await.unwrap().is_empty());
    scene.clock.advance(LEASE - Duration::from_micros(1));
    assert_eq!(
        store.claim(lost.clone()).await.unwrap(),
        Claimed::InProgress
    );
    scene.clock.advance(Duration::from_micros(1));
    assert_eq!(known(&store, &lost).await, Known::Unknown);
    assert_eq!(store.unfinished(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_claim_left_behind_by_a_crash_is_free_as_soon_as_its_writer_is_back() {
    let scene = Scene::new();
    let dead = scene.entry("m-0000001", "the exact bytes");
    let store = scene.open();
    store.claim(dead.clone()).await.unwrap();
    drop(store);

    let store = scene.open();
    assert_eq!(known(&store, &dead).await, Known::Unknown);

    let found = store.unfinished(10).await.unwrap().remove(0);
    assert_eq!(found.evidence, dead.evidence);
    assert_eq!(
        (found.path, found.peer),
        (dead.path.clone(), dead.peer.clone())
    );
    assert_eq!(found.peer_certificate, dead.peer_certificate);
    assert_eq!(found.received_at, dead.received_at);
    assert_eq!(
        (found.content_type, found.signature),
        (dead.content_type.clone(), dead.signature.clone())
    );
    assert_eq!(found.body, dead.body);

    assert_eq!(store.claim(dead.clone()).await.unwrap(), Claimed::New);
    assert_eq!(
        store.claim(dead.clone()).await.unwrap(),
        Claimed::InProgress
    );
    assert!(store.unfinished(10).await.unwrap().is_empty());
    assert_eq!(
        store.census().await.unwrap().journal_records,
        1,
        "its bytes were there already"
    );
    store
        .commit(dead.evidence, answer(dead.evidence), Vec::new(), Vec::new())
        .await
        .unwrap();
}

#[tokio::test]
async fn unfinished_messages_come_oldest_first_and_no_more_than_asked() {
    let scene = Scene::new();
    let store = scene.open();
    let entries: Vec<_> = (0..5)
        .map(|n| scene.entry(&format!("m-{n:07}"), "x"))
        .collect();
    for entry in &entries {
        store.claim(entry.clone()).await.unwrap();
    }
    scene.clock.advance(LEASE);
    let found = store.unfinished(3).await.unwrap();
    let found: Vec<_> = found.iter().map(|unfinished| unfinished.evidence).collect();
    assert_eq!(
        found,
        [
            entries[0].evidence,
            entries[1].evidence,
            entries[2].evidence
        ]
    );
}

#[tokio::test]
async fn whoever_lost_a_claim_to_another_cannot_answer_it_any_more() {
    let scene = Scene::new();
    let store = scene.open();
    let (slow, quick) = (scene.entry("m-0000001", "x"), scene.entry("m-0000001", "x"));
    store.claim(slow.clone()).await.unwrap();
    scene.clock.advance(LEASE);
    let resent_late = Entry {
        fresh: false,
        ..quick.clone()
    };
    assert_eq!(
        store.claim(resent_late).await.unwrap(),
        Claimed::New,
        "known ids need no freshness"
    );
    let parcels = vec![parcel("late", "a", 1)];
    let late = store
        .commit(slow.evidence, answer(slow.evidence), parcels, Vec::new())
        .await;
    refused(late, "taken over");
    store
        .commit(
            quick.evidence,
            answer(quick.evidence),
            Vec::new(),
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        known(&store, &slow).await,
        Known::Same(answer(quick.evidence))
    );
    let census = store.census().await.unwrap();
    assert_eq!(
        (census.journal_records, census.in_progress),
        (3, 0),
        "two requests, one answer"
    );
    assert!(census.lanes.is_empty(), "the late one's parcel is not sent");
}

#[tokio::test]
async fn a_slow_holder_may_answer_while_nobody_took_over() {
    let scene = Scene::new();
    let store = scene.open();
    let entry = scene.entry("m-0000001", "x");
    store.claim(entry.clone()).await.unwrap();
    scene.clock.advance(LEASE * 2);
    store
        .commit(
            entry.evidence,
            answer(entry.evidence),
            Vec::new(),
            Vec::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        known(&store, &entry).await,
        Known::Same(answer(entry.evidence))
    );
}

#[tokio::test]
async fn a_second_answer_and_an_answer_to_nothing_are_refused_and_leave_no_record() {
    let scene = Scene::new();
    let store = scene.open();
    let stored = finish(&scene, &store, "m-0000001").await;
    let again = store
        .commit(
            stored.evidence,
            answer(stored.evidence),
            Vec::new(),
            Vec::new(),
        )
        .await;
    refused(again, "answered");
    let stranger = scene.entry("m-0000002", "x").evidence;
    refused(
        store
            .commit(stranger, answer(stranger), Vec::new(), Vec::new())
            .await,
        "never claimed",
    );
    assert_eq!(store.census().await.unwrap().journal_records, 2);
    store.verify().unwrap();
}

#[tokio::test]
async fn a_claim_given_back_may_be_taken_at_once() {
    let scene = Scene::new();
    let store = scene.open();
    let (first, next) = (scene.entry("m-0000001", "x"), scene.entry("m-0000001", "x"));
    store.claim(first.clone()).await.unwrap();
    store.release(first.evidence).await.unwrap();
    assert_eq!(store.unfinished(10).await.unwrap().len(), 1);
    assert_eq!(store.claim(next.clone()).await.unwrap(), Claimed::New);
    store.release(first.evidence).await.unwrap();
    assert_eq!(
        known(&store, &next).await,
        Known::InProgress,
        "it is no longer the first one's"
    );
}

#[tokio::test]
async fn a_claim_of_which_nobody_heard_is_given_back_long_before_its_lease_ends() {
    let scene = Scene::new();
    let store = scene.open();
    for round in 0..20 {
        let id = format!("m-{round:07}");
        // Asked for, and the caller is gone before it can be told: the clock stands still meanwhile.
        let entry = scene.entry(&id, "x");
        let mut claim = store.claim(entry.clone());
        match (&mut claim).now_or_never() {
            // It was faster than we are: then we have heard of it.
            Some(told) => {
                assert_eq!(told.unwrap(), Claimed::New);
                store.release(entry.evidence).await.unwrap();
            }
            None => tokio::time::sleep(Duration::from_millis(round)).await,
        }
        drop(claim);
        let begun = Instant::now();
        while store.claim(scene.entry(&id, "x")).await.unwrap() != Claimed::New {
            assert!(begun.elapsed() < Duration::from_secs(30), "{id} stays held");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert_eq!(store.census().await.unwrap().in_progress, 20);
    store.verify().unwrap();
}

#[tokio::test]
async fn a_message_that_fails_every_time_never_keeps_the_others_from_their_turn() {
    let scene = Scene::new();
    let store = scene.open();
    let entries: Vec<_> = (0..6)
        .map(|n| scene.entry(&format!("m-{n:07}"), "x"))
        .collect();
    for entry in &entries {
        store.claim(entry.clone()).await.unwrap();
    }
    scene.clock.advance(LEASE);
    let mut turns = Vec::new();
    for _ in 0..3 {
        for found in store.unfinished(2).await.unwrap() {
            // One dies before it is claimed, the next gives its claim back.
            turns.push(found.evidence);
            if turns.len() % 2 == 0 {
                let entry = entries.iter().find(|e| e.evidence == found.evidence);
                assert_eq!(
                    store.claim(entry.unwrap().clone()).await.unwrap(),
                    Claimed::New
                );
                store.release(found.evidence).await.unwrap();
            }
        }
    }
    let all: Vec<_> = entries.iter().map(|entry| entry.evidence).collect();
    assert_eq!(turns, all, "each once before any again");
    assert!(store.unfinished(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_wait_for_the_next_turn_doubles_up_to_five_minutes_and_is_no_lease() {
    let scene = Scene::new();
    let store = scene.open();
    let (first, resent) = (scene.entry("m-0000001", "x"), scene.entry("m-0000001", "x"));
    store.claim(first.clone()).await.unwrap();
    scene.clock.advance(LEASE);
    for wait in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert_eq!(store.unfinished(1).await.unwrap().len(), 1);
        scene
            .clock
            .advance(Duration::from_secs(wait) - Duration::from_micros(1));
        assert!(store.unfinished(1).await.unwrap().is_empty(), "{wait}");
        scene.clock.advance(Duration::from_micros(1));
    }
    assert_eq!(store.unfinished(1).await.unwrap().len(), 1);
    assert_eq!(
        store.story("m-0000001").await.unwrap()[0].leased_until,
        None
    );
    assert_eq!(known(&store, &first).await, Known::Unknown);
    assert_eq!(store.claim(first.clone()).await.unwrap(), Claimed::New);
    assert_eq!(
        store.claim(resent.clone()).await.unwrap(),
        Claimed::InProgress
    );
    store.release(first.evidence).await.unwrap();
    assert_eq!(store.claim(resent).await.unwrap(), Claimed::New);
    let late = store
        .commit(
            first.evidence,
            answer(first.evidence),
            Vec::new(),
            Vec::new(),
        )
        .await;
    refused(late, "taken over");
}
