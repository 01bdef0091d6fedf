//! SQLite: a file of one process.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig, params_from_iter};

use super::{Error, Row, Value};

/// A read-only connection.
pub(crate) fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.pragma_update(None, "cache_size", READER_CACHE_KIB)?;
    planned_once(&connection)?;
    Ok(connection)
}

/// A connection that may write, with the settings that durability rests on.
pub(crate) fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MAX)?;
    // the page size only takes effect before the file turns to WAL
    connection.pragma_update(None, "page_size", PAGE_BYTES)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "cache_size", WRITER_CACHE_KIB)?;
    planned_once(&connection)?;
    Ok(connection)
}

pub(super) fn fold(file: &Connection) -> Result<(), Error> {
    file.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
    Ok(())
}

/// Folds back all of the log as an earlier process left it: what that synced in vain only memory may hold. Whoever
/// looks at the file beside us may hold a part of it back.
pub(crate) fn fold_whole(file: &Connection) -> Result<(), Error> {
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

pub(super) fn leave_log(file: &Connection) -> Result<(), Error> {
    file.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

pub(super) fn fold_by_hand(file: &Connection) -> Result<(), Error> {
    file.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(())
}

/// A statement keeps the plan that it was made with. Without this SQLite plans anew at every new value that
/// is compared with a column of a partial index, which costs more than the statement itself.
fn planned_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

pub(super) fn execute(file: &Connection, text: &str, values: &[Value<'_>]) -> Result<u64, Error> {
    let changed = file
        .prepare_cached(text)?
        .execute(params_from_iter(values))?;
    Ok(changed as u64)
}

pub(super) fn run(file: &Connection, text: &str) -> Result<(), Error> {
    file.prepare_cached(text)?.execute([])?;
    Ok(())
}

pub(super) fn query_opt<T>(
    file: &Connection,
    text: &str,
    values: &[Value<'_>],
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = file.prepare_cached(text)?;
    let read = statement
        .query_row(params_from_iter(values), |row| Ok(read(&Row::Lite(row))))
        .optional()?;
    read.transpose()
}

pub(super) fn query<T>(
    file: &Connection,
    text: &str,
    values: &[Value<'_>],
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut all = Vec::new();
    each(file, text, values, |row| {
        all.push(read(row)?);
        Ok(())
    })?;
    Ok(all)
}

pub(super) fn each(
    file: &Connection,
    text: &str,
    values: &[Value<'_>],
    mut show: impl FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut statement = file.prepare_cached(text)?;
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        show(&Row::Lite(row))?;
    }
    Ok(())
}

const PAGE_BYTES: i64 = 8192;
const CHECKPOINT_PAGES: i64 = 4000;
/// Negative numbers are KiB in SQLite.
const WRITER_CACHE_KIB: i64 = -8192;
const READER_CACHE_KIB: i64 = -2048;
const STATEMENTS_MAX: usize = 64;
const BUSY_MAX: Duration = Duration::from_secs(10);
