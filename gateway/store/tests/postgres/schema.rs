//! The schema: up and down, older and newer builds, partitions, and the plan of every query that runs.

use std::time::Duration;

use gateway_core::ports::{
    Acted, Again, Judgement, MessageLog as _, Office as _, Outbox as _, ParcelFilter, ParcelState,
    PullBook as _, TimeBook as _,
};
use gateway_store::{Engine, OpenError, PostgresParams, Step, Store, What, schema, verify_all};

use schemas::id::MessageId;

use crate::chains::replica;
use crate::pg::Cluster;
use crate::pulls;
use crate::scene::{LEASE, Scene, answer, finish, parcel, partner, vault};

#[tokio::test]
async fn the_schema_goes_up_and_down_but_not_away_from_under_a_journal() {
    let scene = Scene::new();
    assert_eq!(schema(&scene.engine, Step::Status).unwrap().version, 0);
    let there = schema(&scene.engine, Step::Up(None)).unwrap();
    assert_eq!(there.version, there.known);
    assert_eq!(schema(&scene.engine, Step::Down(0)).unwrap().version, 0);
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    drop(store);
    let refused = schema(&scene.engine, Step::Down(0));
    assert!(
        matches!(refused, Err(OpenError::HoldsRecords)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_newer_schema_is_worked_with_while_it_allows_that_and_refused_when_it_does_not() {
    let scene = Scene::new();
    drop(scene.open());
    let known = schema(&scene.engine, Step::Status).unwrap().known;
    scene.ask(&format!("INSERT INTO migration VALUES (90, {known})"));
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    drop(store);
    scene.ask(&format!(
        "UPDATE migration SET compatible_from = {} WHERE number = 90",
        known + 1
    ));
    let refused = Store::open(scene.params()).unwrap_err();
    assert!(
        matches!(refused, OpenError::Newer { found: 90, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_running_store_stops_writing_once_the_schema_is_migrated_beyond_it() {
    let mut scene = Scene::new();
    let Engine::Postgres(database) = &mut scene.engine else {
        panic!("not PostgreSQL");
    };
    database.schema_check = Duration::from_millis(50);
    let store = scene.open();
    let known = schema(&scene.engine, Step::Status).unwrap().known;
    scene.ask(&format!("INSERT INTO migration VALUES (90, {known})"));
    tokio::time::sleep(Duration::from_millis(300)).await;
    finish(&scene, &store, "m-0000001").await;
    let beyond = known + 1;
    scene.ask(&format!("INSERT INTO migration VALUES (91, {beyond})"));
    let begun = std::time::Instant::now();
    while store.halted().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(store.halted().unwrap().contains("use a newer build"));
    assert!(store.claim(scene.entry("m-0000002", "x")).await.is_err());
}

#[tokio::test]
async fn behind_a_cut_a_lost_row_whose_request_stands_is_found_and_a_head_is_no_cut() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    scene.clock.advance(Duration::from_secs(30 * 86_400));
    finish(&scene, &store, "m-0000002").await;
    let keep = Duration::from_secs(14 * 86_400);
    assert!(!store.tidy(keep).unwrap().is_empty());
    assert_eq!(scene.ask("SELECT count(*) FROM inbox"), ["1"]);
    store.verify().unwrap();
    finish(&scene, &store, "m-0000003").await;
    scene.ask("CREATE TABLE kept AS SELECT * FROM inbox WHERE request = 5");
    scene.ask("DELETE FROM inbox WHERE request = 5");
    let broken = store.verify().unwrap_err();
    assert_eq!((broken.seq, broken.what), (6, What::Inbox));
    scene.ask("INSERT INTO inbox SELECT * FROM kept");
    store.verify().unwrap();
    scene.ask(
        "INSERT INTO detached SELECT id, 4, anchor, 'made up', 0 FROM chain; \
        DELETE FROM inbox WHERE request = 3; DELETE FROM journal WHERE seq IN (3, 4)",
    );
    assert_eq!(store.verify().unwrap_err().what, What::HeadRow);
}

#[tokio::test]
async fn many_ids_are_forgotten_in_several_transactions() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    scene.ask(
        "INSERT INTO journal SELECT 1000 + n, 1, decode(lpad(to_hex(n), 32, '0'), 'hex'), at, metadata, \
        wrapped_key, ciphertext, digest, hash FROM journal, generate_series(1, 12000) n WHERE seq = 1; \
        INSERT INTO inbox (request, sender, message_id, digest, answer) \
        SELECT 1000 + n, 'tax', 'n-' || n, digest, 2 FROM inbox, generate_series(1, 12000) n; \
        CREATE TABLE gone (xid bigint); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
        'BEGIN INSERT INTO lienthong_store.gone VALUES (txid_current()); RETURN NULL; END'; \
        CREATE TRIGGER note AFTER DELETE ON inbox FOR EACH ROW EXECUTE FUNCTION note()",
    );
    scene.clock.advance(Duration::from_secs(30 * 86_400));
    finish(&scene, &store, "m-0000002").await;
    let keep = Duration::from_secs(14 * 86_400);
    assert!(!store.tidy(keep).unwrap().is_empty());
    assert_eq!(scene.ask("SELECT count(*) FROM inbox"), ["1"]);
    let largest =
        "SELECT max(n) <= 5000 AND count(*) >= 3 FROM (SELECT count(*) n FROM gone GROUP BY xid) g";
    assert_eq!(scene.ask(largest), ["t"]);
}

#[tokio::test]
async fn a_list_without_a_partner_walks_what_is_open_and_not_the_history() {
    let Some(cluster) = Cluster::start_with(&EXPLAINED) else {
        return;
    };
    let mut scene = Scene::new();
    let url = cluster.database();
    scene.engine = Engine::Postgres(crate::engine::patient(&url));
    let store = scene.open();
    let parcels = (0..4).map(|n| parcel(&format!("p{n}"), &format!("s{n}"), 0));
    store.put(parcels.collect()).await.unwrap();
    cluster.psql(
        &crate::engine::database(&scene.engine),
        "INSERT INTO lienthong_store.outbox (id, partner, subject, sequence, kind, state, due_at, attempts, \
        put_at, wrapped_key, ciphertext, receipt) SELECT 'd' || n, 'portal', 'd' || n, 0, 'k', 2, 0, 1, 0, '', \
        '', 1 FROM generate_series(1, 20000) n; ANALYZE lienthong_store.outbox",
    );
    for (state, found, index) in [
        (None, 4, "outbox_open"),
        (Some(ParcelState::Waiting), 4, "outbox_open"),
        (Some(ParcelState::Poison), 0, "outbox_stuck"),
        (Some(ParcelState::Cancelled), 0, "outbox_id_key"),
    ] {
        let log = || std::fs::read_to_string(cluster.host().join("log")).unwrap();
        let before = log().len();
        let filter = ParcelFilter {
            state,
            max: 50,
            ..ParcelFilter::default()
        };
        assert_eq!(store.list(filter).await.unwrap().len(), found, "{state:?}");
        let log = log();
        let mut plans = log[before..].split("plan:\n");
        let plan = plans.find(|plan| plan.contains("position + 0")).unwrap();
        assert!(plan.contains(index), "{state:?}: {plan}");
        assert!(!plan.contains("outbox_pkey"), "{state:?}: {plan}");
    }
}

/// A server that writes down each plan.
const EXPLAINED: [&str; 4] = [
    "fsync=off",
    "shared_preload_libraries=auto_explain",
    "auto_explain.log_min_duration=0",
    "auto_explain.log_nested_statements=on",
];

#[tokio::test]
async fn the_journal_has_a_partition_for_this_week_and_those_to_come() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    let names = |scene: &Scene| {
        scene.ask("SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'journal'::regclass ORDER BY 1")
    };
    assert_eq!(names(&scene).len(), 4);
    scene.clock.advance(Duration::from_secs(8 * 86_400));
    finish(&scene, &store, "m-0000002").await;
    assert_eq!(names(&scene).len(), 5);
    let options = scene.ask("SELECT DISTINCT reloptions::text FROM pg_class WHERE relname LIKE 'journal_w%' AND relkind = 'r'");
    assert_eq!(options, ["{toast_tuple_target=8160}"]);
    let across = store.story("m-0000001").await.unwrap().remove(0);
    assert_eq!(across.journal, [1, 2]);
    store.verify().unwrap();
}

#[tokio::test]
async fn an_old_partition_is_detached_with_its_ids_and_the_chain_still_verifies() {
    let scene = Scene::new();
    let store = scene.open();
    finish(&scene, &store, "m-0000001").await;
    store.claim(scene.entry("m-0000002", "x")).await.unwrap();
    scene.clock.advance(Duration::from_secs(30 * 86_400));
    let keep = Duration::from_secs(14 * 86_400);
    finish(&scene, &store, "m-0000003").await;
    assert!(
        store.tidy(keep).unwrap().is_empty(),
        "a claim without an answer leans on it"
    );
    let open = store.unfinished(1).await.unwrap().remove(0);
    store
        .commit(open.evidence, answer(open.evidence), Vec::new(), Vec::new())
        .await
        .unwrap();
    assert!(!store.tidy(keep).unwrap().is_empty());
    assert!(store.story("m-0000001").await.unwrap().is_empty());
    assert_eq!(store.verify().unwrap().records, 6, "counted on");
    finish(&scene, &store, "m-0000004").await;
    drop(store);
    scene.open().verify().unwrap();
}

#[tokio::test]
async fn a_chain_of_which_nothing_is_attached_any_more_goes_on() {
    let scene = Scene::new();
    let idle = scene.open();
    finish(&scene, &idle, "m-0000001").await;
    drop(idle);
    scene.clock.advance(Duration::from_secs(30 * 86_400));
    let other = replica(&scene, "other");
    finish(&scene, &other, "m-0000002").await;
    let keep = Duration::from_secs(14 * 86_400);
    assert!(!other.tidy(keep).unwrap().is_empty());
    let again = scene.open();
    assert_eq!(again.halted(), None);
    finish(&scene, &again, "m-0000003").await;
    again.verify().unwrap();
}

/// Everything that the store asks, with a server that writes down each plan.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_that_runs_reads_a_whole_table() {
    let Some(cluster) = Cluster::start_with(&EXPLAINED) else {
        return;
    };
    let mut scene = Scene::new();
    scene.engine = Engine::Postgres(PostgresParams::new(cluster.database()));
    let store = scene.open();
    run_everything(&scene, &store).await;
    let told = std::fs::read_to_string(cluster.host().join("log")).unwrap();
    let mut seen = 0;
    for plan in told.split("plan:\n").skip(1) {
        let (query, rest) = plan.split_once("LOG:").unwrap_or((plan, ""));
        let _ = rest;
        if !query.contains("lienthong") && !BIG.iter().any(|table| query.contains(table)) {
            continue;
        }
        seen += 1;
        for table in BIG {
            let whole = query.contains(&format!("Seq Scan on {table}"))
                || query.contains(&format!("Seq Scan on lienthong_store.{table}"));
            assert!(!whole, "{query}");
        }
    }
    assert!(seen > 40, "only {seen} plans were written down");
}

async fn run_everything(scene: &Scene, store: &Store) {
    let entry = scene.entry("m-0000001", "x");
    store.claim(entry.clone()).await.unwrap();
    let parcels = (0..6)
        .map(|n| parcel(&format!("p{n}"), &format!("s{}", n % 2), n))
        .collect();
    store
        .commit(entry.evidence, answer(entry.evidence), parcels, Vec::new())
        .await
        .unwrap();
    store.claim(entry.clone()).await.unwrap();
    store
        .known(&entry.sender, &entry.id, &entry.digest)
        .await
        .unwrap();
    let read = scene.entry("m-0000002", "x");
    store
        .record(read.clone(), answer(read.evidence), Vec::new())
        .await
        .unwrap();
    let lost = scene.entry("m-0000003", "x");
    store.claim(lost.clone()).await.unwrap();
    store.release(lost.evidence).await.unwrap();
    store.unfinished(5).await.unwrap();
    store.quarantine(lost.evidence, "test").await.unwrap();
    store.story("m-0000001").await.unwrap();
    store.story(&entry.evidence.to_string()).await.unwrap();
    store.census().await.unwrap();
    let leased = store.lease(&partner("portal"), 4, LEASE).await.unwrap();
    let holds: Vec<_> = leased
        .iter()
        .map(gateway_core::ports::Leased::hold)
        .collect();
    store
        .sending(
            &partner("portal"),
            holds.clone(),
            "bytes".into(),
            Vec::new(),
        )
        .await
        .unwrap();
    let done = holds
        .into_iter()
        .map(|hold| (hold, crate::chains::delivery()));
    store.settle(done.collect()).await.unwrap();
    store
        .list(ParcelFilter {
            max: 5,
            ..ParcelFilter::default()
        })
        .await
        .unwrap();
    store.show("p5").await.unwrap();
    store.orders().await.unwrap();
    store.acts(5).await.unwrap();
    store.newest_act("cancel", "p").await.unwrap();
    let mark = store.mark().await.unwrap();
    store.reach(mark).await.unwrap();
    reconcile(scene, store).await;
}

async fn reconcile(scene: &Scene, store: &Store) {
    let asked = pulls::pull(scene, 60);
    let plans = vec![pulls::planned(&asked)];
    store.plan(plans).await.unwrap();
    store.planned(&asked.partner).await.unwrap();
    let told = store.telling(&asked, 10).await.unwrap().told;
    let leased = store.lease(&asked.partner, 50, LEASE).await.unwrap();
    let done = leased
        .iter()
        .map(|one| (one.hold(), crate::chains::delivery()));
    store.settle(done.collect()).await.unwrap();
    store.answered(&asked.partner, 5).await.unwrap();
    let ids = vec![MessageId::parse("m-0000001").unwrap()];
    store.never_came(&asked.partner, ids).await.unwrap();
    let again = told.first().map(|told| Again {
        id: told.id.clone(),
        receipt: told.receipt,
    });
    let found = Judgement {
        again: again.into_iter().collect(),
        ..pulls::judgement(&asked)
    };
    assert_eq!(store.judge(found).await.unwrap(), Acted::Done);
    store.pulls(None, 5).await.unwrap();
    store.pulls(Some(&asked.partner), 5).await.unwrap();
    store.pull(&asked.id()).await.unwrap();
}

/// Tables that grow without end.
const BIG: [&str; 3] = ["journal", "inbox", "outbox"];

#[test]
fn a_missing_server_is_told_as_not_reached() {
    let engine = Engine::Postgres(PostgresParams::new("host=/nonexistent user=me dbname=db"));
    assert!(matches!(
        schema(&engine, Step::Status),
        Err(OpenError::Database(_))
    ));
    assert!(verify_all(&engine, &vault()).is_err());
}
