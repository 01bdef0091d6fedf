//! A database that is frozen, killed and started again.

use std::time::{Duration, Instant};

use gateway_core::ports::{Claimed, Known, MessageLog as _, StoreError};
use gateway_store::{Engine, OpenError, PostgresParams, Step, Store, schema};

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
async fn a_frozen_database_is_unavailable_in_bounded_time_and_back_when_it_thaws() {
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
            .commit(entry.evidence, stored.clone(), Vec::new(), Vec::new())
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

/// Waits until this query counts something.
async fn until(scene: &Scene, cluster: &Cluster, sql: &str) {
    let begun = Instant::now();
    let database = crate::engine::database(&scene.engine);
    while cluster.psql(&database, sql) == "0" {
        assert!(begun.elapsed() < Duration::from_secs(30), "{sql}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_wait_for_the_standby_was_cancelled_is_not_acknowledged() {
    let Some((cluster, mut scene)) = alone() else {
        return;
    };
    let database = crate::engine::database(&scene.engine);
    scene.engine = Engine::Postgres(crate::engine::patient(&cluster.url(&database)));
    let store = scene.open();
    let standbys = |names: &str| {
        cluster.psql(
            "postgres",
            &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"),
        );
        cluster.psql("postgres", "SELECT pg_reload_conf()");
    };
    standbys("nobody");
    until(&scene, &cluster, "SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'").await;
    let entry = scene.entry("m-0000001", "x");
    let (claimer, claimed) = (store.clone(), entry.clone());
    let claim = tokio::spawn(async move { claimer.claim(claimed).await });
    let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    until(&scene, &cluster, &format!("SELECT count(*) {waiting}")).await;
    cluster.psql(
        &database,
        &format!("SELECT pg_cancel_backend(pid) {waiting}"),
    );
    let told = claim.await.unwrap();
    assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    standbys("");
    let back = Instant::now();
    // It may be committed all the same: then it is given back, and not held until its lease ends.
    while !matches!(store.claim(entry.clone()).await, Ok(Claimed::New)) {
        assert!(back.elapsed() < Duration::from_secs(30), "it stays held");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    store.verify().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_somebody_holds_turns_away_its_own_command_and_no_other() {
    let Some((cluster, scene)) = alone() else {
        return;
    };
    let store = scene.open();
    let held = scene.entry("m-0000000", "x");
    store.claim(held.clone()).await.unwrap();
    let database = crate::engine::database(&scene.engine);
    let url = cluster.url(&database);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let lock =
        "BEGIN; SELECT * FROM lienthong_store.inbox WHERE message_id = 'm-0000000' FOR UPDATE";
    client.batch_execute(lock).await.unwrap();
    let stored = answer(held.evidence);
    let answered = tokio::spawn({
        let (store, stored) = (store.clone(), stored.clone());
        async move {
            store
                .commit(stored.evidence, stored, Vec::new(), Vec::new())
                .await
        }
    });
    let claims: Vec<_> = (1..=40)
        .map(|n| {
            let (store, entry) = (store.clone(), scene.entry(&format!("m-{n:07}"), "x"));
            tokio::spawn(async move { store.claim(entry).await })
        })
        .collect();
    for claim in claims {
        assert_eq!(claim.await.unwrap().unwrap(), Claimed::New);
    }
    let answered = answered.await.unwrap();
    assert!(matches!(answered, Err(StoreError::Busy)), "{answered:?}");
    client.batch_execute("ROLLBACK").await.unwrap();
    let begun = Instant::now();
    while store
        .commit(held.evidence, stored.clone(), Vec::new(), Vec::new())
        .await
        .is_err()
    {
        assert!(begun.elapsed() < Duration::from_secs(30), "still refused");
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

/// Holds what this takes, until the store has been opened or the thread that opens it has given up.
async fn opened_while_held(scene: &Scene, hold: &str, opens: bool) -> Result<Store, OpenError> {
    let Engine::Postgres(database) = &scene.engine else {
        panic!("not PostgreSQL");
    };
    let config: tokio_postgres::Config = database.url.parse().unwrap();
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
    let held = tokio::spawn(connection);
    let begin = format!("SET search_path = lienthong_store; BEGIN; {hold}");
    client.batch_execute(&begin).await.unwrap();
    let params = scene.params();
    let opening = tokio::task::spawn_blocking(move || Store::open(params));
    if opens {
        // it has met the lock, whoever else is slow
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        let (watcher, connection) = config.connect(tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let mut met = 0;
        while met < 2 {
            let waiting: i64 = watcher.query_one(waits, &[]).await.unwrap().get(0);
            met += u32::from(waiting > 0);
            assert!(!opening.is_finished(), "{hold}: it did not wait");
            // longer than a statement waits for a lock: the second time is another try
            tokio::time::sleep(Duration::from_millis(if waiting > 0 { 400 } else { 5 })).await;
        }
        client.batch_execute("COMMIT").await.unwrap();
    }
    let opened = opening.await.unwrap();
    drop(client);
    held.await.unwrap().unwrap();
    opened
}

/// What a replica at work holds, one after the other.
const HELD: [&str; 5] = [
    // a migration, or a part of the journal that is detached
    "LOCK TABLE chain IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE journal IN ACCESS EXCLUSIVE MODE",
    "LOCK TABLE recovery IN ACCESS EXCLUSIVE MODE",
    // ids that are forgotten
    "LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE",
    // this writer's own chain, by a session that is not gone yet
    "UPDATE chain SET epoch = epoch WHERE writer = 'gateway'",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_waits_for_what_another_replica_holds_and_then_opens() {
    let Some((_cluster, scene)) = alone() else {
        return;
    };
    let store = scene.open();
    store.claim(scene.entry("m-0000001", "x")).await.unwrap();
    drop(store);
    for hold in HELD {
        let store = opened_while_held(&scene, hold, true).await;
        let store = store.unwrap_or_else(|error| panic!("{hold}: {error}"));
        assert!(store.halted().is_none(), "{hold}");
        // its claim was let go at the start, whatever was in the way
        let again = store.claim(scene.entry("m-0000001", "x")).await.unwrap();
        assert_eq!(again, Claimed::New, "{hold}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_waits_for_a_migration_of_another_and_gives_up_after_its_patience() {
    let Some((_cluster, mut scene)) = alone() else {
        return;
    };
    drop(scene.open());
    schema(&scene.engine, Step::Down(2)).unwrap();
    let hold = "LOCK TABLE outbox IN SHARE MODE";
    drop(opened_while_held(&scene, hold, true).await.unwrap());
    let Engine::Postgres(database) = &mut scene.engine else {
        panic!("not PostgreSQL");
    };
    database.open_patience = Duration::from_millis(600);
    let refused = opened_while_held(&scene, HELD[0], false).await.unwrap_err();
    assert!(matches!(refused, OpenError::Waiting(_)), "{refused:?}");
    assert!(refused.to_string().contains("55P03"), "{refused}");
    scene.open();
}
