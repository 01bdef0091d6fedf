use std::sync::atomic::Ordering;

use gateway_core::ports::SystemClock;
use rusqlite::ffi;

use super::*;
use crate::StoreParams;

/// Runs its SQL; the counter says how often.
struct Raw(&'static str);

impl Command for Raw {
    type Out = usize;

    fn run(&self, turn: &mut Turn<'_>) -> Result<usize, RowError> {
        Ok(turn.conn.prepare_cached(self.0)?.execute([])?)
    }
}

fn parts(folder: &tempfile::TempDir, pages_max: Option<u32>) -> WriterParts {
    let vault = Arc::new(Vault::from_bytes([3; 32]));
    let mut params = StoreParams::new(folder.path().join("s"), vault, Arc::new(SystemClock));
    params.pages_max = pages_max;
    let health = Arc::new(Health::default());
    let opened = crate::open::open(&folder.path().join("s"), &params, &health).unwrap();
    WriterParts {
        checkpoints: opened.checkpoints,
        conn: opened.conn,
        head: opened.head,
        head_file: opened.head_file,
        terms: Terms {
            writer: params.writer,
            lease_micros: 1,
            refusals_per_minute_max: 1,
            fence: Arc::default(),
        },
        headroom: Headroom::new(&folder.path().join("s"), 0),
        vault: params.vault,
        clock: params.clock,
        health,
    }
}

fn batch(sql: &[&'static str]) -> (Vec<Box<dyn Job>>, Vec<Answer<Raw>>) {
    let (jobs, _) = mpsc::channel(1);
    sql.iter().map(|sql| ticket(Raw(sql), &jobs)).unzip()
}

/// Serves the SQL as one batch; gives what each was told.
fn serve(parts: &mut WriterParts, sql: &[&'static str]) -> Vec<Result<usize, StoreError>> {
    let (jobs, replies) = batch(sql);
    parts.serve(jobs);
    replies
        .into_iter()
        .map(|mut reply| reply.try_recv().unwrap().heard())
        .collect()
}

fn minutes(parts: &WriterParts) -> Vec<i64> {
    let sql = "SELECT minute FROM refusal_count ORDER BY minute";
    let mut statement = parts.conn.prepare_cached(sql).unwrap();
    statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

const ONE: &str = "INSERT INTO refusal_count VALUES ('tax', 1, 0, 0)";
const TWO: &str = "INSERT INTO refusal_count VALUES ('tax', 2, 0, 0)";
const THREE: &str = "INSERT INTO refusal_count VALUES ('tax', 3, 0, 0)";
/// Writes minute 4, then breaks the rule that a partner has a minute once.
const BAD: &str = "INSERT INTO refusal_count VALUES ('tax', 4, 0, 0), ('tax', 4, 0, 0)";

#[test]
fn one_bad_row_never_fails_its_batch_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = parts(&folder, None);
    let told = serve(&mut parts, &[ONE, BAD, TWO, ONE, THREE]);
    for (at, refused) in [(0, false), (1, true), (2, false), (3, true), (4, false)] {
        assert_eq!(told[at].is_err(), refused, "{at}: {told:?}");
    }
    assert_eq!(minutes(&parts), [1, 2, 3]);
    assert_eq!(parts.health.halted(), None);
}

#[test]
fn after_a_failed_sync_nobody_in_the_batch_is_acknowledged_and_nothing_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut failing = parts(&folder, None);
    assert!(serve(&mut failing, &[ONE])[0].is_ok());
    failing
        .health
        .fail_next_commit
        .store(true, Ordering::SeqCst);
    for told in serve(&mut failing, &[TWO, THREE]) {
        assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
    }
    let later = serve(&mut failing, &[TWO]).remove(0);
    assert!(matches!(&later, Err(StoreError::Unavailable(why)) if why.contains("read-only")));
    assert_eq!(minutes(&failing), [1], "reads go on");
    drop(failing);

    let mut reopened = parts(&folder, None);
    assert!(serve(&mut reopened, &[TWO])[0].is_ok());
    assert_eq!(minutes(&reopened), [1, 2]);
}

#[test]
fn a_full_file_fails_the_batch_and_the_next_one_may_try_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = parts(&folder, Some(80));
    let big = "INSERT INTO head VALUES (1, 'x', zeroblob(800000)) \
        ON CONFLICT (one) DO UPDATE SET anchor = excluded.anchor";
    for told in serve(&mut parts, &[ONE, big, TWO]) {
        assert!(
            matches!(&told, Err(StoreError::Unavailable(why)) if why.contains("full")),
            "{told:?}"
        );
    }
    assert!(minutes(&parts).is_empty());
    assert_eq!(parts.health.halted(), None);
    assert!(serve(&mut parts, &[ONE])[0].is_ok());
}

#[test]
fn a_failed_sync_halts_a_full_disk_fails_the_batch_and_a_broken_rule_only_its_row() {
    for (code, halting, whole) in [
        (ffi::SQLITE_IOERR_FSYNC, true, true),
        (ffi::SQLITE_IOERR_WRITE, true, true),
        (ffi::SQLITE_CORRUPT, true, true),
        (ffi::SQLITE_READONLY, true, true),
        (ffi::SQLITE_FULL, false, true),
        (ffi::SQLITE_BUSY, false, true),
        (ffi::SQLITE_CONSTRAINT_UNIQUE, false, false),
        (ffi::SQLITE_TOOBIG, false, false),
    ] {
        let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None).into();
        assert_eq!(
            (halts(&error), breaks_batch(&error)),
            (halting, whole),
            "{code}"
        );
    }
}
