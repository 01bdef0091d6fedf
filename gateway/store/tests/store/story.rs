//! What is told of a message, and what is kept of a refused one.

use std::time::Duration;

use gateway_core::head::Evidence;
use gateway_core::ports::{MessageLog as _, RefusalNote};

use crate::scene::{LEASE, Scene, answer, finish, parcel, partner};

fn note(scene: &Scene, peer: &str) -> RefusalNote {
    RefusalNote {
        evidence: Evidence::fresh(),
        at: scene.now(),
        room: "verify",
        peer: partner(peer),
        sender: Some(partner("tax")),
        code: "BAD_SIGNATURE",
        reason: "digest-differs",
    }
}

#[tokio::test]
async fn a_story_is_found_by_evidence_and_by_message_id_with_its_parcels() {
    let scene = Scene::new();
    let store = scene.open();
    let entry = scene.entry("m-0000001", "x");
    store.claim(entry.clone()).await.unwrap();
    scene.clock.advance(Duration::from_secs(2));
    let parcels = vec![parcel("change-1", "a", 1)];
    store
        .commit(entry.evidence, answer(entry.evidence), parcels, Vec::new())
        .await
        .unwrap();

    let by_evidence = store.story(&entry.evidence.to_string()).await.unwrap();
    assert_eq!(by_evidence, store.story("m-0000001").await.unwrap());
    let story = &by_evidence[0];
    assert_eq!(story.evidence, entry.evidence);
    assert_eq!(
        (&story.sender, &story.peer),
        (&Some(entry.sender), &entry.peer)
    );
    assert_eq!(story.id, Some(entry.id));
    assert_eq!(story.operation.as_deref(), Some("tax.verify-employer"));
    assert_eq!(
        (story.road.as_deref(), story.proof.as_deref()),
        (Some("direct"), Some("xml-dsig"))
    );
    assert_eq!(story.rule, Some(entry.rule));
    assert_eq!(
        (&story.purpose, &story.fields),
        (&Some(entry.purpose), &Some(entry.fields))
    );
    assert_eq!(story.received_at, entry.received_at);
    assert_eq!(story.answered_at, Some(scene.now()));
    assert_eq!(
        (story.status, story.fault.as_deref()),
        (Some(422), Some("INVALID"))
    );
    assert_eq!(story.journal, [1, 2]);
    assert_eq!(story.leased_until, None);
    assert_eq!(
        (story.parcels[0].id.as_str(), story.parcels[0].state.word()),
        ("change-1", "waiting")
    );
}

#[tokio::test]
async fn a_claim_in_progress_tells_until_when_it_is_held() {
    let scene = Scene::new();
    let store = scene.open();
    store.claim(scene.entry("m-0000001", "x")).await.unwrap();
    let story = store.story("m-0000001").await.unwrap().remove(0);
    assert_eq!(story.leased_until, Some(scene.now() + LEASE));
    assert_eq!((story.status, story.journal), (None, vec![1]));
}

#[tokio::test]
async fn nobody_knows_a_story_of_an_unknown_id() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    assert!(store.story("m-0000002").await.unwrap().is_empty());
    assert!(
        store
            .story(&Evidence::fresh().to_string())
            .await
            .unwrap()
            .is_empty()
    );
    assert!(store.story("").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_refusal_is_told_with_room_code_and_reason() {
    let scene = Scene::new();
    let store = scene.open();
    let note = note(&scene, "ngsp");
    store.refuse(note.clone()).await.unwrap();
    let story = store
        .story(&note.evidence.to_string())
        .await
        .unwrap()
        .remove(0);
    assert_eq!(
        (story.room.as_deref(), story.reason.as_deref()),
        (Some("verify"), Some("digest-differs"))
    );
    assert_eq!(
        (story.fault.as_deref(), story.sender),
        (Some("BAD_SIGNATURE"), note.sender)
    );
    assert_eq!((story.peer, story.received_at), (note.peer, note.at));
    assert_eq!((story.id, story.journal), (None, vec![1]));
}

#[tokio::test]
async fn refusals_beyond_a_partners_minute_are_counted_and_not_kept() {
    let scene = Scene::new();
    let mut params = scene.params();
    params.refusals_per_minute_max = 3;
    let store = gateway_store::Store::open(params).unwrap();
    for _ in 0..5 {
        store.refuse(note(&scene, "ngsp")).await.unwrap();
    }
    store.refuse(note(&scene, "portal")).await.unwrap();
    let kept = store.census().await.unwrap();
    assert_eq!((kept.refusals, kept.journal_records), (4, 4));
    assert_eq!(store.refusals_not_kept().await.unwrap(), 2);

    scene.clock.advance(Duration::from_secs(60));
    store.refuse(note(&scene, "ngsp")).await.unwrap();
    assert_eq!(store.census().await.unwrap().refusals, 5);
    store.verify().unwrap();
}

#[tokio::test]
async fn refusals_are_totalled_for_ever_and_their_minutes_kept_for_a_day() {
    let scene = Scene::new();
    let mut params = scene.params();
    params.refusals_per_minute_max = 1;
    let store = gateway_store::Store::open(params).unwrap();
    let minutes = || scene.ask("SELECT partner FROM refusal_count").len();
    for (advance, left) in [
        (0, 1),
        (60, 2),
        (24 * 3600 - 60, 3),
        (60, 3),
        (48 * 3600, 1),
    ] {
        scene.clock.advance(Duration::from_secs(advance));
        for _ in 0..3 {
            store.refuse(note(&scene, "ngsp")).await.unwrap();
        }
        assert_eq!(minutes(), left, "{advance}");
    }
    assert_eq!(store.census().await.unwrap().refusals, 5);
    assert_eq!(store.refusals_not_kept().await.unwrap(), 10);
}
