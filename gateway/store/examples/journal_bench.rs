//! How fast the store is, beside a raw reference in the same run: `cargo run --release -p gateway-store
//! --example journal_bench`. It makes its own cluster (with fsync) and its own files in the temporary
//! folder, and takes about two minutes; `-- sqlite` or `-- postgresql` measures one of them.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measuring program prints, and stops where it fails"
)]

#[path = "../../../tests/support/pg.rs"]
mod pg;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_core::head::Evidence;
use gateway_core::ports::{
    Class, Clock, Entry, MessageLog as _, Outbox as _, Parcel, StoredAnswer, SystemClock,
};
use gateway_core::seal::{Vault, sha256};
use gateway_store::{Engine, PostgresParams, Store, StoreParams};
use schemas::id::{MessageId, PartnerId};

const CLIENTS: usize = 64;
const SPELL: Duration = Duration::from_secs(6);
const BACKLOG: u64 = 1_000_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    disk(folder.path());
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("sqlite") {
        let lite = Engine::Sqlite(folder.path().join("store.sqlite"));
        runtime.block_on(measure("sqlite", open(&lite), || ()));
        backlog_sqlite(&runtime, &lite);
    }
    if wanted("postgresql") {
        postgresql(&runtime);
    }
}

/// Its log has room before it grows, as a server's has that has run for a day: a new segment is 16 MiB of zeros
/// written and synced while a commit waits.
const SERVER: [&str; 3] = [
    "shared_buffers=512MB",
    "min_wal_size=2GB",
    "max_wal_size=4GB",
];

fn postgresql(runtime: &tokio::runtime::Runtime) {
    let Some(cluster) = pg::Cluster::start_with(&SERVER) else {
        return;
    };
    let url = cluster.database();
    let raw = runtime.block_on(raw(&url));
    let mut params = PostgresParams::new(&url);
    params.statement_timeout = Duration::from_secs(5);
    let pg = Engine::Postgres(params);
    let settle = || drop(cluster.psql("test0", "CHECKPOINT"));
    let rows = runtime.block_on(measure("postgresql", open(&pg), settle));
    println!(
        "postgresql: journal rows / raw batched inserts on one connection = {:.2}",
        rows / raw
    );
    backlog_postgres(runtime, &pg, &cluster);
}

fn open(engine: &Engine) -> Store {
    let vault = Arc::new(Vault::from_bytes([3; 32]));
    Store::open(StoreParams::on(
        engine.clone(),
        vault,
        Arc::new(SystemClock),
    ))
    .unwrap()
}

/// Durable messages a second with all clients, and the wait for a commit at half that load; gives
/// journal rows a second.
async fn measure(name: &str, store: Store, settle: impl Fn()) -> f64 {
    let (changes, waits) = spell(&store, CLIENTS, None, 2).await;
    report(name, "changes (claim + commit)", changes, waits);
    let (reads, waits) = spell(&store, CLIENTS, None, 1).await;
    report(name, "reads (one write)", reads, waits);
    settle();
    let (half, waits) = spell(&store, CLIENTS, Some(changes / 2.0), 2).await;
    report(name, "changes at half load", half, waits);
    store.verify().unwrap();
    changes.max(reads) * 2.0
}

fn report(name: &str, what: &str, rate: f64, mut waits: Vec<Duration>) {
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{name}: {what}: {rate:.0} messages/s; a commit waits p50 {:.1} ms, p99 {:.1} ms",
        at(0.5),
        at(0.99)
    );
}

/// Runs for a while; gives messages a second and every wait for a commit.
async fn spell(
    store: &Store,
    clients: usize,
    rate: Option<f64>,
    writes: u32,
) -> (f64, Vec<Duration>) {
    let begun = Instant::now();
    let pause = rate.map(|rate| Duration::from_secs_f64(clients as f64 / rate));
    let work = (0..clients).map(|client| {
        let store = store.clone();
        // Spread over the pause: at half load clients are not all there at once.
        let offset = pause.map(|pause| pause * client as u32 / clients as u32);
        tokio::spawn(async move {
            let mut waits = Vec::new();
            let mut next = tokio::time::Instant::now() + offset.unwrap_or_default();
            while begun.elapsed() < SPELL {
                if let Some(pause) = pause {
                    tokio::time::sleep_until(next).await;
                    next += pause;
                }
                let entry = entry();
                let evidence = entry.evidence;
                let asked = Instant::now();
                if writes == 1 {
                    store
                        .record(entry, answer(evidence), Vec::new())
                        .await
                        .unwrap();
                    waits.push(asked.elapsed());
                    continue;
                }
                store.claim(entry).await.unwrap();
                waits.push(asked.elapsed());
                let asked = Instant::now();
                store
                    .commit(evidence, answer(evidence), Vec::new(), Vec::new())
                    .await
                    .unwrap();
                waits.push(asked.elapsed());
            }
            waits
        })
    });
    let mut waits = Vec::new();
    for client in work.collect::<Vec<_>>() {
        waits.extend(client.await.unwrap());
    }
    let messages = waits.len() as f64 / f64::from(writes);
    (messages / begun.elapsed().as_secs_f64(), waits)
}

/// What the disk itself does: 32 KiB written and synced, as a batch of commits is, over a file that is there.
fn disk(folder: &std::path::Path) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::File::create(folder.join("disk")).unwrap();
    let (room, batch) = (64 << 20, vec![7u8; 32 << 10]);
    file.write_all_at(&vec![0; room as usize], 0).unwrap();
    file.sync_all().unwrap();
    let (begun, mut at, mut waits) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < SPELL {
        let asked = Instant::now();
        file.write_all_at(&batch, at % room).unwrap();
        file.sync_data().unwrap();
        waits.push(asked.elapsed());
        at += batch.len() as u64;
    }
    let rate = waits.len() as f64 / begun.elapsed().as_secs_f64();
    report("disk", "32 KiB synced", rate, waits);
}

/// Rows of the same size, 128 a commit, nothing else: what one connection can do at all.
async fn raw(url: &str) -> f64 {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE TABLE raw (id bigint PRIMARY KEY, a bytea, b bytea) WITH (toast_tuple_target = 8160); \
            ALTER TABLE raw ALTER b SET STORAGE EXTERNAL",
        )
        .await
        .unwrap();
    let sql = "INSERT INTO raw SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])";
    let insert = client.prepare(sql).await.unwrap();
    let (small, large) = (vec![vec![7u8; 300]; 128], vec![vec![9u8; 2_048]; 128]);
    let (begun, mut rows) = (Instant::now(), 0i64);
    while begun.elapsed() < SPELL {
        let ids: Vec<i64> = (rows..rows + 128).collect();
        client
            .execute(&insert, &[&ids, &small, &large])
            .await
            .unwrap();
        rows += 128;
    }
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    println!("postgresql: raw: {rate:.0} rows/s, one connection, 128 rows a commit");
    rate
}

fn backlog_sqlite(runtime: &tokio::runtime::Runtime, engine: &Engine) {
    let store = open(engine);
    runtime.block_on(fill(&store));
    drop(store);
    let Engine::Sqlite(path) = engine else { return };
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {BACKLOG}) \
            INSERT INTO outbox (id, partner, subject, sequence, kind, state, due_at, attempts, put_at, \
            wrapped_key, ciphertext, front) SELECT 'b' || i, 'portal', 't' || (i / 4), i % 4, 'k', 0, {now}, 0, {now}, \
            x'', zeroblob(300), i % 4 = 0 OR i = 1 FROM n",
            now = now()
        ))
        .unwrap();
    let store = open(engine);
    runtime.block_on(lease("sqlite", &store));
}

fn backlog_postgres(runtime: &tokio::runtime::Runtime, engine: &Engine, cluster: &pg::Cluster) {
    let store = open(engine);
    runtime.block_on(fill(&store));
    cluster.psql(
        "test0",
        &format!(
            "SET search_path = lienthong_store; \
            INSERT INTO outbox (id, partner, subject, sequence, kind, state, due_at, attempts, put_at, \
            wrapped_key, ciphertext, front) SELECT 'b' || i, 'portal', 't' || (i / 4), i % 4, 'k', 0, {now}, 0, {now}, \
            '', decode(repeat('00', 300), 'hex'), CASE WHEN i % 4 = 0 OR i = 1 THEN 1 ELSE 0 END \
            FROM generate_series(1, {BACKLOG}) i; ANALYZE outbox",
            now = now()
        ),
    );
    runtime.block_on(lease("postgresql", &store));
}

fn now() -> i64 {
    SystemClock.now().as_microsecond()
}

/// Parcels that are older than the backlog, so that they are the ones leased.
async fn fill(store: &Store) {
    for page in 0..20 {
        let parcels = (0..50).map(|n| Parcel {
            id: format!("p{page}-{n}"),
            partner: portal(),
            subject: format!("s{page}-{n}"),
            sequence: 1,
            kind: "portal.progress",
            content: Bytes::from(vec![1; 300]),
            class: Class::Normal,
            due: None,
        });
        store.put(parcels.collect()).await.unwrap();
    }
}

async fn lease(name: &str, store: &Store) {
    let mut waits = Vec::new();
    for _ in 0..90 {
        let asked = Instant::now();
        let leased = store
            .lease(&portal(), 10, Duration::from_secs(60))
            .await
            .unwrap();
        waits.push(asked.elapsed());
        assert_eq!(leased.len(), 10);
    }
    waits.sort();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{name}: a claim of 10 parcels out of {BACKLOG} waiting: p50 {:.2} ms, p99 {:.2} ms",
        at(0.5),
        at(0.99)
    );
}

fn portal() -> PartnerId {
    PartnerId::parse("portal").unwrap()
}

fn entry() -> Entry {
    let (evidence, now) = (Evidence::fresh(), SystemClock.now());
    let id = MessageId::parse(&evidence.to_string()).unwrap();
    Entry {
        evidence,
        sender: PartnerId::parse("tax").unwrap(),
        digest: sha256(id.as_str().as_bytes()),
        id,
        operation: "tax.verify-employer",
        received_at: now,
        sent_at: now,
        fresh: true,
        peer: PartnerId::parse("tax").unwrap(),
        peer_certificate: [7; 32],
        road: "direct",
        path: "/tax/v1/messages".into(),
        proof: "xml-dsig",
        rule: "QC-01/tax.verify-employer".into(),
        purpose: "tax-compliance".into(),
        fields: "participants,arrears".into(),
        content_type: "application/xml".into(),
        signature: None,
        attested: None,
        body: Bytes::from(vec![b'x'; 2_048]),
    }
}

fn answer(evidence: Evidence) -> StoredAnswer {
    StoredAnswer {
        evidence,
        status: 200,
        content_type: "application/xml".into(),
        signature: None,
        fault: None,
        body: Bytes::from(vec![b'y'; 2_048]),
    }
}
