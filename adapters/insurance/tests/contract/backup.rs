//! Copies of the registry's file, taken while it works.

use std::fs;

use insurance::registry::OpenError;
use insurance::registry::backup::{FeedMark, copy, feed_mark, hand_out_again};
use insurance::{Insurance, Place};
use schemas::proto::insurance::{AckRequest, LeaseRequest};

use crate::scene::{Scene, open, soon};

async fn submit(insurance: &Insurance, scene: &Scene, n: u32) -> String {
    let dossier = insurance.submit_reissue(soon(), scene.reissue(n)).await;
    dossier.unwrap().dossier.unwrap().code
}

async fn lease(insurance: &Insurance) -> Vec<String> {
    let request = LeaseRequest {
        owner: "gateway".into(),
        max: 100,
        lease_seconds: 60,
    };
    let leased = insurance.lease(soon(), request).await.unwrap();
    leased.changes.into_iter().map(|change| change.id).collect()
}

async fn take(insurance: &Insurance) -> Vec<String> {
    let ids = lease(insurance).await;
    let request = AckRequest {
        owner: "gateway".into(),
        ids: ids.clone(),
    };
    insurance.ack(soon(), request).await.unwrap();
    ids
}

#[tokio::test]
async fn a_copy_hands_out_again_what_was_taken_after_the_mark_and_nothing_from_before() {
    let scene = Scene::embedded();
    let Place::File(path) = &scene.place else {
        unreachable!("an embedded scene lies in a file")
    };
    submit(&scene.insurance, &scene, 1).await;
    let before = take(&scene.insurance).await;
    assert!(!before.is_empty());
    submit(&scene.insurance, &scene, 2).await;
    let mark = feed_mark(&scene.place).unwrap();
    submit(&scene.insurance, &scene, 3).await;
    let between = take(&scene.insurance).await;
    let copied = scene.folder.path().join("copy.sqlite");
    let version = copy(path, &copied, mark).unwrap();
    assert!(version > 0);
    let again = copy(path, &copied, mark);
    assert!(matches!(again, Err(OpenError::Io(_))), "{again:?}");

    let place = Place::File(copied.clone());
    let old = Insurance::embedded(open(&place, &scene.time));
    assert_eq!(lease(&old).await, between);
    // the original goes on as it was
    assert!(lease(&scene.insurance).await.is_empty());
    let side = fs::metadata(scene.folder.path().join("copy.sqlite-journal"));
    assert!(side.is_err());
}

#[tokio::test]
async fn a_feed_without_open_changes_is_marked_behind_its_last() {
    let scene = Scene::embedded();
    assert_eq!(feed_mark(&scene.place).unwrap(), FeedMark(1));
    submit(&scene.insurance, &scene, 1).await;
    let taken = take(&scene.insurance).await;
    let mark = feed_mark(&scene.place).unwrap();
    assert_eq!(hand_out_again(&scene.place, mark).unwrap(), 0);
    let again = hand_out_again(&scene.place, FeedMark(1)).unwrap();
    assert_eq!(again, taken.len() as u64);
    assert_eq!(lease(&scene.insurance).await, taken);
}

#[test]
fn the_mark_and_the_feed_of_a_database_are_the_same() {
    let Some(scene) = Scene::on_postgresql() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        submit(&scene.insurance, &scene, 1).await;
        let mark = feed_mark(&scene.place).unwrap();
        let taken = take(&scene.insurance).await;
        assert!(lease(&scene.insurance).await.is_empty());
        hand_out_again(&scene.place, mark).unwrap();
        assert_eq!(lease(&scene.insurance).await, taken);
    });
}
