//! A store that was put back from a backup: what it answers, what it does not begin, and who lets it go on.

use std::time::Duration;

use bytes::Bytes;
use gateway_core::ports::{
    Act, Acted, Claimed, Deed, Leased, MessageLog as _, Office as _, Outbox as _,
};
use gateway_store::Store;
use jiff::Timestamp;

use crate::scene::{LEASE, Scene, answer, finish, parcel, partner};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn act(store: &Store, deed: Deed) -> Acted {
    let (who, why) = ("an.operator".to_owned(), "the disk died".to_owned());
    store.act(Act { who, why, deed }).await.unwrap()
}

async fn claim(scene: &Scene, store: &Store, id: &str) -> Claimed {
    store.claim(scene.entry(id, id)).await.unwrap()
}

/// One that is not fresh any more, sent then.
async fn claim_old(scene: &Scene, store: &Store, id: &str, sent_at: Timestamp) -> Claimed {
    let mut entry = scene.entry(id, id);
    (entry.fresh, entry.sent_at) = (false, sent_at);
    store.claim(entry).await.unwrap()
}

async fn lease(store: &Store) -> Vec<Leased> {
    store.lease(&partner("portal"), 9, LEASE).await.unwrap()
}

#[tokio::test]
async fn nothing_is_begun_or_sent_until_a_person_has_released_it() {
    let scene = Scene::new();
    let store = scene.open();
    let known = finish(&scene, &store, "m-0000001").await;
    let left = scene.entry("m-0000002", "m-0000002");
    store.claim(left.clone()).await.unwrap();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let cut = scene.now();
    assert_eq!(store.recovering().await.unwrap(), None);
    assert_eq!(act(&store, Deed::Restore(cut)).await, Acted::Done);
    drop(store);

    let store = scene.open();
    scene.clock.advance(LEASE * 2);
    let before = store.census().await.unwrap().journal_records;
    assert_eq!(
        claim(&scene, &store, "m-0000003").await,
        Claimed::Recovering
    );
    assert_eq!(
        claim(&scene, &store, "m-0000002").await,
        Claimed::Recovering
    );
    assert_eq!(
        claim(&scene, &store, "m-0000001").await,
        Claimed::Same(known)
    );
    assert!(lease(&store).await.is_empty());
    assert!(store.unfinished(9).await.unwrap().is_empty());
    assert_eq!(store.census().await.unwrap().journal_records, before);
    let read = scene.entry("m-0000004", "m-0000004");
    let answered = answer(read.evidence);
    assert_eq!(
        store.record(read, answered, Vec::new()).await.unwrap(),
        Claimed::New
    );
    let told = store.recovering().await.unwrap().unwrap();
    assert_eq!((told.cut, told.act.who.as_str()), (cut, "an.operator"));
    assert_eq!(told.act.why, "the disk died");

    assert_eq!(act(&store, Deed::Release).await, Acted::Done);
    assert_eq!(act(&store, Deed::Release).await, Acted::AlreadySo);
    assert_eq!(store.recovering().await.unwrap(), None);
    assert_eq!(claim(&scene, &store, "m-0000003").await, Claimed::New);
    assert_eq!(lease(&store).await.len(), 1);
    let unfinished = store.unfinished(9).await.unwrap();
    assert_eq!(unfinished[0].evidence, left.evidence);
    let deeds: Vec<_> = store.acts(9).await.unwrap();
    let deeds: Vec<_> = deeds.iter().map(|act| act.deed.as_str()).collect();
    assert_eq!(deeds, ["release", "restore"]);
    assert_eq!(store.verify().unwrap().records, before + 4);
}

#[tokio::test]
async fn what_was_leased_before_is_not_sent_after() {
    let scene = Scene::new();
    let store = scene.open();
    store.put(vec![parcel("a1", "a", 1)]).await.unwrap();
    let leased = lease(&store).await;
    act(&store, Deed::Restore(scene.now())).await;
    let holds: Vec<_> = leased.iter().map(Leased::hold).collect();
    let words = || Bytes::from_static(b"words");
    let sending = |holds| store.sending(&partner("portal"), holds, words(), Vec::new());
    assert!(!sending(holds.clone()).await.unwrap());
    act(&store, Deed::Release).await;
    assert!(sending(holds).await.unwrap());
}

#[tokio::test]
async fn a_release_by_another_replica_is_known_when_the_orders_are_read() {
    let scene = Scene::new();
    let store = scene.open();
    act(&store, Deed::Restore(scene.now())).await;
    drop(store);
    let store = scene.open();
    // what the other one's release leaves behind
    let sql = "UPDATE recovery SET released = 1, released_at = 1 RETURNING 'released'";
    assert_eq!(scene.ask(sql).len(), 1);
    assert_eq!(
        claim(&scene, &store, "m-0000001").await,
        Claimed::Recovering
    );
    assert_eq!(store.recovering().await.unwrap(), None);
    assert_eq!(claim(&scene, &store, "m-0000001").await, Claimed::New);
}

#[tokio::test]
async fn what_was_sent_in_the_forgotten_time_is_taken_at_any_age_for_seven_days() {
    let scene = Scene::new();
    let store = scene.open();
    let cut = scene.now();
    scene.clock.advance(DAY / 24);
    act(&store, Deed::Restore(cut)).await;
    let forgotten = cut + Duration::from_secs(1_800);
    let early = claim_old(&scene, &store, "m-0000001", forgotten).await;
    assert_eq!(early, Claimed::Recovering);
    act(&store, Deed::Release).await;
    scene.clock.advance(DAY * 6);
    let taken = claim_old(&scene, &store, "m-0000001", forgotten).await;
    assert_eq!(taken, Claimed::New);
    for (id, sent_at) in [
        ("m-0000002", cut - Duration::from_secs(601)),
        ("m-0000003", cut + DAY),
    ] {
        let stale = claim_old(&scene, &store, id, sent_at).await;
        assert_eq!(stale, Claimed::Stale, "{id}");
    }
    scene.clock.advance(DAY * 2);
    let late = claim_old(&scene, &store, "m-0000004", forgotten).await;
    assert_eq!(late, Claimed::Stale);
}
