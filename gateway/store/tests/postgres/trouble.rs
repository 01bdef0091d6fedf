//! A database that is frozen, killed and started again.

use std::time::{Duration, Instant};

use gateway_core::ports::{Claimed, Known, MessageLog as _, StoreError};
use gateway_store::{Engine, PostgresParams, Store};

use crate::pg::{Cluster, NOT_RUN};
use crate::scene::{Scene, answer};

/// A cluster of the test's own, and a scene in it with the bounds of production.
fn alone() -> Option<(Cluster, Scene)> {
    let Some(cluster) = Cluster::start() else {
        println!("{NOT_RUN}");
        return None;
    };
    let mut scene = Scene::new();
    scene.engine = Engine::Postgres(PostgresParams::new(cluster.database()));
    Some((cluster, scene))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_database_is_unavailable_within_a_second_and_back_when_it_thaws() {
    let Some((cluster, scene)) = alone() else {
        return;
    };
    let store = scene.open();
    store.claim(scene.entry("m-0000001", "x")).await.unwrap();
    cluster.signal("STOP");
    for round in 0..3 {
        let entry = scene.entry(&format!("m-100000{round}"), "x");
        let asked = Instant::now();
        let (claim, known) = tokio::join!(
            store.claim(entry.clone()),
            store.known(&entry.sender, &entry.id, &entry.digest)
        );
        let took = asked.elapsed();
        assert!(
            matches!(claim, Err(StoreError::Unavailable(_))),
            "{claim:?}"
        );
        assert!(
            matches!(known, Err(StoreError::Unavailable(_))),
            "{known:?}"
        );
        assert!(
            took < Duration::from_secs(10),
            "{took:?}: longer than any bound, on a busy machine too"
        );
    }
    cluster.signal("CONT");
    let back = Instant::now();
    loop {
        match store.claim(scene.entry("m-2000000", "x")).await {
            Ok(Claimed::New) => break,
            Ok(other) => assert_eq!(other, Claimed::InProgress),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        assert!(back.elapsed() < Duration::from_secs(20), "never came back");
    }
    assert_eq!(store.halted(), None);
    store.verify().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_before_the_server_was_killed_is_there_after_it() {
    let Some((mut cluster, scene)) = alone() else {
        return;
    };
    let store = scene.open();
    let mut acknowledged = Vec::new();
    for n in 0..20 {
        let entry = scene.entry(&format!("m-{n:07}"), "x");
        let stored = answer(entry.evidence);
        store.claim(entry.clone()).await.unwrap();
        store
            .commit(entry.evidence, stored.clone(), Vec::new())
            .await
            .unwrap();
        acknowledged.push((entry, stored));
    }
    cluster.signal("KILL");
    assert!(store.claim(scene.entry("m-9000000", "x")).await.is_err());
    cluster.restart(&[]);
    let back = Instant::now();
    while store.claim(scene.entry("m-9000001", "x")).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(20), "never came back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (entry, stored) in acknowledged {
        let known = store
            .known(&entry.sender, &entry.id, &entry.digest)
            .await
            .unwrap();
        assert_eq!(known, Known::Same(stored));
    }
    store.verify().unwrap();
}

#[tokio::test]
async fn of_two_hosts_the_one_that_takes_writes_is_used() {
    let Some((cluster, mut scene)) = alone() else {
        return;
    };
    let database = crate::engine::database(&scene.engine);
    let hosts = format!("/nonexistent,{}", cluster.host().display());
    let words = format!("host={hosts} user=postgres dbname={database}");
    scene.engine = Engine::Postgres(PostgresParams::new(words));
    let store = scene.open();
    assert_eq!(
        store.claim(scene.entry("m-0000001", "x")).await.unwrap(),
        Claimed::New
    );
    let nowhere = PostgresParams::new("host=/nonexistent user=me dbname=db");
    let mut params = scene.params();
    params.engine = Engine::Postgres(nowhere);
    assert!(Store::open(params).is_err());
}
