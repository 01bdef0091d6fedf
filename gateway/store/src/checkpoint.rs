//! The log of the SQLite file goes back into it beside the writer, so that no commit waits for it.
//!
//! SQLite folds the log back inside a commit when it has grown long: a commit in a few hundred then waits for the
//! writing and syncing of sixteen megabytes. Here a thread with a connection of its own does that while commits
//! go on. What they add meanwhile it can never catch up with, and only a log that is folded back whole begins
//! anew; so the writer folds back that rest itself, which is short, after it has answered a batch.
//!
//! A fold whose sync failed may not be followed by another in the same process, not even as the file is closed:
//! SQLite goes on after what it had folded back before, whose pages the failed sync has lost, and then lets go
//! of the log that still had them. A process that starts folds back everything anew, since nothing that memory
//! holds of the log need be on the disk.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, config::DbConfig};

use crate::health::Health;
use crate::open::OpenError;

/// Pages of the log, 8 KiB each, between two times that it is folded back.
const EVERY: i32 = 2_000;

/// The thread, and what it has told the writer.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    asks: SyncSender<Ask>,
    rest_is_short: Arc<AtomicBool>,
    folding: Arc<Folding>,
    thread: Option<JoinHandle<()>>,
}

/// One fold at a time, and none after one that failed.
#[derive(Debug)]
struct Folding {
    health: Arc<Health>,
    turn: Mutex<()>,
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
        let folding = Arc::new(Folding {
            health: Arc::clone(health),
            turn: Mutex::new(()),
        });
        let (told, hers) = (Arc::clone(&rest_is_short), Arc::clone(&folding));
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || serve(&conn, &asked, &told, &hers))?;
        writer.pragma_update(None, "wal_autocheckpoint", 0)?;
        watch(writer, asks.clone())?;
        Ok(Self {
            asks,
            rest_is_short,
            folding,
            thread: Some(thread),
        })
    }

    /// Folds back what the thread left, where it has just been there; the log begins anew at the next commit.
    pub(crate) fn finish(&self, writer: &Connection) {
        if self.rest_is_short.swap(false, Ordering::AcqRel) {
            self.folding.fold(writer);
        }
    }

    /// Lets the writer close without folding back, where a fold or a commit has failed.
    pub(crate) fn close(&self, writer: &Connection) {
        if self.folding.health.writable().is_ok() {
            return;
        }
        let left = writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        if let Err(error) = left {
            tracing::error!(%error, "the log could not be left as it is");
        }
    }
}

/// Folds back the log as an earlier process left it: all of it, for what its last sync came to is not known.
///
/// # Errors
/// Where the file fails: it may not be used then.
pub(crate) fn fold_whole(conn: &Connection) -> rusqlite::Result<()> {
    // somebody who looks at the file beside us may hold a part of it back, which is no failure
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
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

fn serve(conn: &Connection, asked: &Receiver<Ask>, rest_is_short: &AtomicBool, folding: &Folding) {
    while let Ok(Ask::Fold) = asked.recv() {
        if folding.fold(conn) {
            rest_is_short.store(true, Ordering::Release);
        }
    }
}

impl Folding {
    /// Folds back what no reader stands before, waiting for nobody; says whether it could.
    ///
    /// A full disk or a lock leaves the log longer, and nothing lost. After a failed write or sync nobody knows
    /// what is on the disk, as in a commit.
    fn fold(&self, conn: &Connection) -> bool {
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(turn)) => PoisonError::into_inner(turn),
            Err(TryLockError::WouldBlock) => return false,
        };
        if self.health.writable().is_err() {
            return false;
        }
        let done = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
            row.get::<_, i64>(0)
        });
        match done {
            Ok(busy) => busy == 0,
            Err(error) => {
                if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) {
                    let why = format!("the log could not be folded back: {error}");
                    self.health.halt(why);
                }
                false
            }
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
