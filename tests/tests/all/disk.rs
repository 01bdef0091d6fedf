//! After a failed sync nobody knows what is on the disk. Whoever folds a log back once more then loses what
//! was folded back before; whoever only starts again takes for kept what only memory holds.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use certs::seal::Vault;
use gateway_core::ports::{Class, Outbox as _, Parcel, StoreError, SystemClock};
use gateway_store::{Store, StoreParams};
use gateway_tests::{
    house::House,
    message::Birth,
    torture::{
        lossy::{Call, Lossy, Trap},
        random::Random,
    },
};
use insurance::{Params, Registry, registry::Error};
use jiff::Timestamp;
use rusqlite::{Connection, config::DbConfig};
use schemas::{
    id::PartnerId,
    proto::insurance::{Context, Notice, NoticeKind, RecordNoticeRequest, RecordNoticeResponse},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

mod served; // by a process of its own, which goes when its user goes

/// A disk whose power can be cut, and files that are traps.
struct Scene {
    disk: Lossy,
    folder: tempfile::TempDir,
}

impl Drop for Scene {
    /// A disk that somebody has open is taken away all the same, and what of it is mapped would end this process.
    fn drop(&mut self) {
        let closed = is_closed_within(self.folder.path(), PATIENCE);
        assert!(closed || std::thread::panicking(), "it is still open");
    }
}

fn wait_until_closed(path: &Path) {
    assert!(is_closed_within(path, PATIENCE), "it is still open");
}

/// Whether, before long, nobody in this process has a file below there open.
fn is_closed_within(path: &Path, within: Duration) -> bool {
    let open = || {
        let mut open = fs::read_dir("/proc/self/fd").unwrap();
        let below = |fd: std::io::Result<fs::DirEntry>| {
            fs::read_link(fd.unwrap().path()).is_ok_and(|to| to.starts_with(path))
        };
        open.any(below)
    };
    let begun = Instant::now();
    while open() {
        if begun.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

impl Scene {
    fn make() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        match Lossy::mount(&folder.path().join("disk")) {
            Ok(disk) => Some(Self { folder, disk }),
            Err(error) => {
                println!("not run: no FUSE file system can be mounted here: {error}");
                None
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("disk").join(name)
    }

    /// The next sync of that file fails.
    fn trap(&self, file: &'static str) {
        self.disk.fail(Some(Trap {
            call: Call::Sync,
            file: Some(file),
            nth: 1,
            full: false,
        }));
    }

    /// The power goes, with every byte that was not synced; names a file system writes by itself before long.
    fn cut(&mut self) {
        let folder = fs::File::open(self.folder.path().join("disk")).unwrap();
        folder.sync_all().unwrap();
        drop(folder);
        let mut random = Random::of(1, &[]);
        // the dice are of the number that is drawn, and this is the first that they are thrown for
        while Random::of(random.clone().draw(), &[]).percent(50) {
            random.draw();
        }
        self.disk.fail(None);
        self.disk.cut(&mut random).unwrap();
    }
}

/// Somebody reads, so that a log is folded back only as far as they have seen it.
struct Reading {
    _conn: Connection,
}

impl Reading {
    fn of(path: &Path) -> Self {
        let conn = Connection::open(path).unwrap();
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .unwrap();
        conn.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
            .unwrap();
        Self { _conn: conn }
    }
}

fn whole(path: &Path) -> String {
    let conn = Connection::open(path).unwrap();
    conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .unwrap()
}

/// Why most of this is. Should it fail one day, SQLite has become wiser than what is built here on its not being so.
#[test]
fn sqlite_goes_on_after_a_failed_sync_and_loses_what_it_had_folded_back_before() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let path = scene.path("a.sqlite");
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; \
             CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)",
        )
        .unwrap();
    let put = |k: i64| {
        let text = "INSERT INTO t VALUES (?1, randomblob(20000))";
        writer.execute(text, [k]).unwrap();
    };
    let fold = || {
        writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        })
    };
    fold().unwrap();
    put(1);
    let reading = Reading::of(&path);
    put(2);
    let (log, folded) = fold().unwrap();
    assert!(folded < log, "the reader stands before the rest");
    drop(reading);
    scene.trap("a.sqlite");
    fold().unwrap_err();
    assert!(scene.disk.sprung());
    let (log, folded) = fold().unwrap();
    assert_eq!(folded, log, "it says that all is there now");
    put(3);
    writer
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    drop(writer);
    scene.cut();
    assert_ne!(whole(&path), "ok");
}

fn store(path: &Path) -> Store {
    let vault = Arc::new(Vault::from_bytes([7; 32]));
    let mut params = StoreParams::new(path, vault, Arc::new(SystemClock));
    params.headroom_bytes = 0;
    Store::open(params).unwrap()
}

async fn put(store: &Store, n: usize) -> Result<Vec<String>, StoreError> {
    let parcel = Parcel {
        id: format!("parcel-{n}"),
        partner: portal(),
        subject: n.to_string(),
        sequence: 1,
        kind: "portal.progress",
        content: Bytes::from(vec![b'x'; PARCEL_BYTES]),
        class: Class::Normal,
        due: None,
    };
    store.put(vec![parcel]).await
}

fn portal() -> PartnerId {
    PartnerId::parse("portal").unwrap()
}

const PARCEL_BYTES: usize = 400_000;
/// More than the store lets its log grow by before it folds it back.
const FOLDED_AFTER: usize = 2_000 * 8_192 / PARCEL_BYTES + 2;

/// Every parcel that was acknowledged, read back.
async fn assert_holds(store: &Store, parcels: usize) {
    let leased = store.lease(&portal(), parcels + 10, Duration::from_secs(60));
    let leased = leased.await.unwrap();
    assert!(leased.len() >= parcels, "{} of {parcels}", leased.len());
    assert!(
        leased
            .iter()
            .all(|parcel| parcel.content.len() == PARCEL_BYTES)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_folds_nothing_back_after_a_failed_sync() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let path = scene.path("store.sqlite");
    let running = store(&path);
    let mut kept = 0;
    for _ in 0..5 {
        put(&running, kept).await.unwrap();
        kept += 1;
    }
    let reading = Reading::of(&path);
    let before = fs::metadata(&path).unwrap().len();
    while fs::metadata(&path).unwrap().len() == before {
        assert!(kept < 2 * FOLDED_AFTER, "nothing was folded back");
        put(&running, kept).await.unwrap();
        kept += 1;
        // beside the writer, as far as the reader has seen it
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    drop(reading);
    // the writer folds back the rest, after a batch
    scene.trap("store.sqlite");
    let begun = Instant::now();
    while put(&running, kept).await.is_ok() {
        assert!(begun.elapsed() < PATIENCE, "nothing failed");
        kept += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(scene.disk.sprung());
    let why = running.halted().unwrap();
    assert!(why.contains("could not be folded back"), "{why}");
    drop(running);
    scene.cut();
    assert_eq!(whole(&path), "ok");
    assert_holds(&store(&path), kept).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_opened_again_after_a_failed_sync_keeps_what_it_acknowledges() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let path = scene.path("store.sqlite");
    let running = store(&path);
    put(&running, 0).await.unwrap();
    scene.trap("store.sqlite-wal");
    let unknown = put(&running, 1).await.unwrap_err();
    assert!(matches!(unknown, StoreError::Unavailable(_)), "{unknown:?}");
    assert!(running.halted().is_some());
    drop(running);
    // no power was cut between
    let again = store(&path);
    put(&again, 1).await.unwrap();
    put(&again, 2).await.unwrap();
    drop(again);
    scene.cut();
    assert_holds(&store(&path), 3).await;
}

fn registry(path: &Path) -> Registry {
    Registry::open(Params::synthetic(path), Arc::new(Timestamp::now)).unwrap()
}

async fn note(registry: &Registry, n: usize) -> Result<RecordNoticeResponse, Error> {
    let notice = Notice {
        tax_code: EMPLOYER.into(),
        kind: NoticeKind::Suspended.into(),
        effective_on: "2026-11-01".into(),
        status: "05".into(),
        status_reason: "1".into(),
        ..Notice::default()
    };
    let request = RecordNoticeRequest {
        context: Some(context(Some(n))),
        notice: Some(notice),
    };
    registry.record_notice(request).await
}

fn context(key: Option<usize>) -> Context {
    Context {
        key: key.map_or_else(Vec::new, |n| format!("{n:032}").into_bytes()),
        sender: "tax".into(),
        rule: "AG-1".into(),
        purpose: "test".into(),
        ..Context::default()
    }
}

const EMPLOYER: &str = "9900000016";
const PATIENCE: Duration = Duration::from_secs(60);
/// More than the registry takes before it folds its log back.
const COMMANDS: usize = 520;

/// Notices until the disk has failed the registry: what it answered to each before.
async fn until_it_fails(registry: &Registry, answers: &mut Vec<RecordNoticeResponse>) {
    for _ in 0..2 * COMMANDS {
        match note(registry, answers.len()).await {
            Ok(answer) => answers.push(answer),
            Err(_) => break,
        }
    }
    assert!(registry.halted());
    let refused = note(registry, answers.len() + 1).await;
    assert!(matches!(refused, Err(Error::Unanswered)), "{refused:?}");
}

/// Each that was acknowledged is answered as it was, and was not kept twice.
async fn assert_kept(registry: &Registry, answers: &[RecordNoticeResponse]) {
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(&note(registry, n).await.unwrap(), answer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_folds_nothing_back_after_a_failed_sync() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let path = scene.path("registry.sqlite");
    let running = registry(&path);
    let mut answers = Vec::new();
    for n in 0..COMMANDS {
        answers.push(note(&running, n).await.unwrap());
    }
    let reading = Reading::of(&path);
    for n in COMMANDS..2 * COMMANDS {
        answers.push(note(&running, n).await.unwrap());
    }
    drop(reading);
    scene.trap("registry.sqlite");
    until_it_fails(&running, &mut answers).await;
    assert!(scene.disk.sprung());
    drop(running);
    wait_until_closed(&path);
    scene.cut();
    assert_eq!(whole(&path), "ok");
    assert_kept(&registry(&path), &answers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_opened_again_after_a_failed_sync_keeps_what_it_answers() {
    let Some(mut scene) = Scene::make() else {
        return;
    };
    let path = scene.path("registry.sqlite");
    let running = registry(&path);
    let mut answers = vec![note(&running, 0).await.unwrap()];
    scene.trap("registry.sqlite-wal");
    until_it_fails(&running, &mut answers).await;
    assert_eq!(answers.len(), 1);
    drop(running);
    wait_until_closed(&path);
    // no power was cut between
    let again = registry(&path);
    for n in 1..4 {
        answers.push(note(&again, n).await.unwrap());
    }
    drop(again);
    wait_until_closed(&path);
    scene.cut();
    assert_kept(&registry(&path), &answers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_whose_disk_failed_changes_nothing_and_tells_the_probes() {
    let Some(scene) = Scene::make() else {
        return;
    };
    let path = scene.path("registry.sqlite").display().to_string();
    let mut house = House::plan()
        .replace("gateway.toml", "registry.sqlite", path)
        .start()
        .await;
    let birth = |child| {
        Birth::new(house.now(), &house.landmarks, child)
            .message(house.now())
            .sign(&house.key("dvclt"))
    };
    house.wire("dvclt").send(&birth(1)).await.assert_ok();
    assert_eq!(probe(&house).await, 200);
    scene.trap("registry.sqlite-wal");
    let before = house.fingerprint().await;
    let second = birth(2);
    let reply = house.wire("dvclt").send(&second).await;
    assert_eq!(reply.status, 503, "{reply:?}");
    assert_eq!(house.fingerprint().await, before);
    let begun = Instant::now();
    while probe(&house).await != 503 {
        assert!(begun.elapsed() < PATIENCE, "the probes were not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // what only reads is answered as before
    let asked = house.verify(&["fund"]).sign(&house.key("tax"));
    house.wire("tax").send(&asked).await.assert_ok();
    house.kill().await;
    house.open().await;
    assert_eq!(probe(&house).await, 200);
    house.wire("dvclt").send(&second).await.assert_ok();
}

/// What the readiness probe is told.
async fn probe(house: &House) -> u16 {
    let mut admin = TcpStream::connect(house.gateway().admin()).await.unwrap();
    let ask = b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    admin.write_all(ask).await.unwrap();
    let mut said = String::new();
    admin.read_to_string(&mut said).await.unwrap();
    said[9..12].parse().unwrap()
}
