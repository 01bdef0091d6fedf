//! A copy of a registry's file, and how far back the change feed has to be handed out again.
//!
//! A gateway's store and its registry are two databases and never one transaction, so they are copied one
//! after the other: the store first. Then a copied store never says "done" of what the copied registry does
//! not have. What the feed handed over between the two copies is acknowledged here and not yet there: it is
//! handed out again, under its own ids, which a store that knows them ignores.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread::park_timeout;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::open::{aside, on_thread};
use super::{OpenError, Place, schema};
use crate::sql::{self, Sql, values};

/// A change's place in the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeedMark(pub i64);

/// From which change on a store that is copied after this was asked may lack what was acknowledged: every
/// change before it has been handed over by now. Blocks.
///
/// # Errors
/// Where the registry cannot be reached.
pub fn feed_mark(place: &Place) -> Result<FeedMark, OpenError> {
    on_thread(|| {
        let sql = match place {
            Place::File(path) => Sql::Lite(sql::open_read_only(path).map_err(sql::Error::from)?),
            Place::Server(_) => aside(place)?,
        };
        let first: Option<i64> = sql.query_opt(FIRST_OPEN, &[], |row| row.get(0))?;
        let mark = match first {
            Some(first) => first,
            None => sql.query_one(BEHIND_ALL, &[], |row| row.get(0))?,
        };
        Ok(FeedMark(mark))
    })
}

/// Hands out again what was acknowledged from this mark on; counts the changes. No gateway may be at
/// work. Blocks.
///
/// # Errors
/// Where the registry cannot be reached.
pub fn hand_out_again(place: &Place, from: FeedMark) -> Result<u64, OpenError> {
    on_thread(|| Ok(aside(place)?.execute(AGAIN, values![from.0])?))
}

/// Copies a registry's file, which may be in use, to `to`, which must not be there, with what was
/// acknowledged from the mark on open again; gives its schema version. The copy is checked page by page and on
/// the disk when this returns. Blocks.
///
/// # Errors
/// Where it is not a registry of ours, or the copy cannot be written or is damaged.
pub fn copy(from: &Path, to: &Path, mark: FeedMark) -> Result<i64, OpenError> {
    let source = sql::open_read_only(from).map_err(sql::Error::from)?;
    let mut create = OpenOptions::new();
    create.write(true).create_new(true).mode(0o600).open(to)?;
    let mut target = Connection::open(to).map_err(sql::Error::from)?;
    all_pages(&source, &mut target)?;
    drop(target);
    hand_out_again(&Place::File(to.to_owned()), mark)?;
    let target = sql::open_file(to).map_err(sql::Error::from)?;
    let settle = || -> rusqlite::Result<String> {
        // a file of its own, that nobody has to open for writing to read it
        target.execute_batch("PRAGMA journal_mode = DELETE")?;
        target.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
    };
    let found = settle().map_err(sql::Error::from)?;
    if found != "ok" {
        return Err(std::io::Error::other(format!("the copy is damaged: {found}")).into());
    }
    let version = schema::of_file(&target)?;
    drop(target);
    OpenOptions::new().read(true).open(to)?.sync_all()?;
    Ok(version)
}

/// In one step, so that no commit of the gateway's makes it begin again.
fn all_pages(source: &Connection, target: &mut Connection) -> Result<(), OpenError> {
    let backup = Backup::new(source, target).map_err(sql::Error::from)?;
    for _ in 0..BUSY_TRIES {
        match backup.step(-1).map_err(sql::Error::from)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => park_timeout(BUSY_WAIT),
        }
    }
    Err(std::io::Error::other("the registry stays locked").into())
}

const FIRST_OPEN: &str = "SELECT seq FROM changes WHERE acked_at IS NULL ORDER BY seq LIMIT 1";
const BEHIND_ALL: &str = "SELECT coalesce(max(seq), 0) + 1 FROM changes";
const AGAIN: &str = "UPDATE changes SET acked_at = NULL, leased_by = NULL, leased_until_ms = NULL \
    WHERE seq >= ?1 AND acked_at IS NOT NULL";
const BUSY_WAIT: Duration = Duration::from_millis(100);
const BUSY_TRIES: usize = 100;
