//! Connections: how each is set up, before anything runs on it.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::{OpenError, Params, schema};

/// The write connection of a registry that is what the parameters say it is.
pub(super) fn writer(params: &Params) -> Result<Connection, OpenError> {
    make_private(&params.path)?;
    let mut connection = second_writer(&params.path)?;
    schema::migrate(&mut connection)?;
    settle_population(&connection, params)?;
    Ok(connection)
}

/// A read-only connection.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection.pragma_update(None, "cache_size", READER_CACHE_KIB)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// A connection that may write, with the settings that durability rests on.
pub(super) fn second_writer(path: &Path) -> rusqlite::Result<Connection> {
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
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// SQLite gives its side files the mode of the main file, so that one is made first.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

fn settle_population(connection: &Connection, params: &Params) -> Result<(), OpenError> {
    let wanted = params.population.as_str();
    let found: Option<String> = connection
        .query_row(
            "SELECT value FROM meta WHERE name = 'population'",
            [],
            |row| row.get(0),
        )
        .optional()?;
    match found {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(OpenError::Population { found, wanted }),
        None => {
            connection.execute(
                "INSERT INTO meta (name, value) VALUES ('population', ?1)",
                [wanted],
            )?;
            Ok(())
        }
    }
}

const PAGE_BYTES: i64 = 8192;
const CHECKPOINT_PAGES: i64 = 4000;
/// Negative numbers are KiB in SQLite.
const WRITER_CACHE_KIB: i64 = -8192;
const READER_CACHE_KIB: i64 = -2048;
const STATEMENTS_MAX: usize = 64;
const BUSY_MAX: Duration = Duration::from_secs(10);
