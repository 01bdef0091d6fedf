//! The log of the SQLite file goes back into it beside the writer, so that no commit waits for it.
//!
//! SQLite folds the log back inside a commit when it has grown long: a commit in a few hundred then waits for the
//! writing and syncing of sixteen megabytes. Here a thread with a connection of its own does that while commits
//! go on. What they add meanwhile it can never catch up with, and only a log that is folded back whole begins
//! anew; so the writer folds back that rest itself, which is short, after it has answered a batch.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::health::Health;
use crate::open::OpenError;

/// Pages of the log, 8 KiB each, between two times that it is folded back.
const EVERY: i32 = 2_000;

/// The thread, and what it has told the writer.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    asks: SyncSender<Ask>,
    rest_is_short: Arc<AtomicBool>,
    health: Arc<Health>,
    thread: Option<JoinHandle<()>>,
}

enum Ask {
    Fold,
    End,
}

impl Checkpoints {
    /// Starts the thread over the file that `writer` has open, and takes the folding out of its commits.
    pub(crate) fn start(
        path: &Path,
        writer: &mut Connection,
        health: &Arc<Health>,
    ) -> Result<Self, OpenError> {
        let conn = Connection::open(path)?;
        conn.busy_timeout(Duration::ZERO)?;
        // The thread's own commits would be none; its checkpoints sync like the writer's.
        conn.execute_batch("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;")?;
        let (asks, asked) = sync_channel(1);
        let rest_is_short = Arc::new(AtomicBool::new(false));
        let (told, told_to) = (Arc::clone(&rest_is_short), Arc::clone(health));
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || serve(&conn, &asked, &told, &told_to))?;
        writer.pragma_update(None, "wal_autocheckpoint", 0)?;
        watch(writer, asks.clone())?;
        Ok(Self {
            asks,
            rest_is_short,
            health: Arc::clone(health),
            thread: Some(thread),
        })
    }

    /// Folds back what the thread left, where it has just been there; the log begins anew at the next commit.
    pub(crate) fn finish(&self, writer: &Connection) {
        if self.rest_is_short.swap(false, Ordering::AcqRel) {
            fold(writer, &self.health);
        }
    }
}

impl Drop for Checkpoints {
    /// Its connection is closed before the writer's, which folds all back when it closes.
    fn drop(&mut self) {
        let _ = self.asks.send(Ask::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Asks for a fold each time the log has grown by so much; one that is asked for already is enough.
fn watch(writer: &mut Connection, asks: SyncSender<Ask>) -> rusqlite::Result<()> {
    let mut asked_at = 0;
    writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
        if pages < asked_at {
            asked_at = 0;
        }
        if pages - asked_at >= EVERY && asks.try_send(Ask::Fold).is_ok() {
            asked_at = pages;
        }
        Ok(())
    }))
}

fn serve(conn: &Connection, asked: &Receiver<Ask>, rest_is_short: &AtomicBool, health: &Health) {
    while let Ok(Ask::Fold) = asked.recv() {
        if health.writable().is_ok() && fold(conn, health) {
            rest_is_short.store(true, Ordering::Release);
        }
    }
}

/// Folds back what no reader stands before, waiting for nobody; says whether it could.
///
/// A full disk or a lock leaves the log longer, and nothing lost. After a failed write or sync nobody knows what is
/// on the disk, as in a commit.
fn fold(conn: &Connection, health: &Health) -> bool {
    let done = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(0));
    match done {
        Ok(busy) => {
            let busy: i64 = busy;
            busy == 0
        }
        Err(error) => {
            if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                health.halt(format!("the log could not be folded back: {error}"));
            }
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, std::path::PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let conn = Connection::open(&path).unwrap();
        conn.execute_batch(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
             CREATE TABLE t (x BLOB)",
        )
        .unwrap();
        (folder, path, conn)
    }

    fn log_bytes(path: &Path) -> u64 {
        let log = format!("{}-wal", path.display());
        std::fs::metadata(log).unwrap().len()
    }

    #[test]
    fn the_log_stays_short_while_the_writer_goes_on() {
        let (_folder, path, mut conn) = file();
        let health = Arc::new(Health::default());
        let checkpoints = Checkpoints::start(&path, &mut conn, &health).unwrap();
        let commit = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) \
            INSERT INTO t SELECT zeroblob(8000) FROM n";
        for _ in 0..5 {
            for _ in 0..EVERY / 100 {
                conn.execute_batch(commit).unwrap();
            }
            wait_for(&checkpoints);
            checkpoints.finish(&conn);
        }
        let asked_for = u64::try_from(EVERY).unwrap() * 8_192;
        assert!(log_bytes(&path) < 2 * asked_for, "{}", log_bytes(&path));
        assert_eq!(health.halted(), None);
        let rows: i32 = conn
            .query_row("SELECT count(*) FROM t", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 5 * EVERY);
    }

    /// Until the thread has folded back what it was asked for.
    fn wait_for(checkpoints: &Checkpoints) {
        let begun = std::time::Instant::now();
        while !checkpoints.rest_is_short.load(Ordering::Acquire) {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "it was not asked"
            );
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    #[test]
    fn the_log_is_folded_back_whole_when_all_is_closed() {
        let (_folder, path, mut conn) = file();
        let health = Arc::new(Health::default());
        let checkpoints = Checkpoints::start(&path, &mut conn, &health).unwrap();
        conn.execute_batch("INSERT INTO t VALUES (x'01')").unwrap();
        drop(checkpoints);
        conn.close().unwrap();
        assert!(!std::path::Path::new(&format!("{}-wal", path.display())).exists());
    }
}
