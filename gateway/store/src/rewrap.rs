//! Brings the wrapped keys of records and parcels under the vault's newest generation.
//!
//! The chain does not cover wrapped keys, so nothing else changes. It runs beside the gateway; a key that was
//! erased meanwhile stays erased, since each is exchanged only where it is still the one that was read.

use gateway_core::seal::{SealError, Vault};
use rusqlite::OpenFlags;

use crate::postgres::Target;
use crate::sql::{self, Connection, Row, params};
use crate::{Engine, OpenError};

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rewrapped {
    /// Records and parcels looked at.
    pub seen: u64,
    /// Those that are under the newest generation now and were not before.
    pub changed: u64,
    /// Those that open under no generation: the older ones must not be forgotten, and `verify` says more.
    pub stuck: u64,
}

/// Re-wraps every record and parcel of the store, which may be in use.
///
/// # Errors
/// Where the store cannot be read or written; what was done stays done.
pub fn rewrap(engine: &Engine, vault: &Vault) -> Result<Rewrapped, OpenError> {
    match engine {
        Engine::Sqlite(path) => {
            let conn = rusqlite::Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            conn.busy_timeout(std::time::Duration::from_secs(30))?;
            let done = all(&Connection::Sqlite(conn), vault)?;
            head_file(path, vault)?;
            Ok(done)
        }
        // A session brings a runtime of its own, and the caller's thread may drive one already.
        Engine::Postgres(database) => std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let target = Target::new(database, "rewrap").map_err(OpenError::Url)?;
                let session = target.connect()?;
                session.take_time(WORK_MAX)?;
                Ok(all(&Connection::Postgres(session), vault)?)
            });
            work.join()
                .unwrap_or_else(|_| Err(OpenError::Database("it panicked".into())))
        }),
    }
}

/// The file that a running gateway holds is under its own newest generation; that of a stopped one is brought there.
fn head_file(path: &std::path::Path, vault: &Vault) -> Result<(), OpenError> {
    let Ok(file) = crate::anchor::HeadFile::lock(path) else {
        return Ok(());
    };
    if let Ok(Some(anchor)) = crate::anchor::rewrap(vault, &file.read()?) {
        file.write(&anchor)?;
        file.sync()?;
    }
    Ok(())
}

fn all(conn: &Connection, vault: &Vault) -> sql::Result<Rewrapped> {
    let mut done = Rewrapped::default();
    for (page, exchange) in [(RECORDS, RECORD), (PARCELS, PARCEL)] {
        let mut after = -1_i64;
        loop {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let keys: Vec<(i64, Vec<u8>)> = conn
                .prepare_cached(page)?
                .query_map([after, PAGE], read)?
                .collect::<sql::Result<_>>()?;
            let Some((last, _)) = keys.last() else { break };
            after = *last;
            exchange_all(conn, vault, &keys, exchange, &mut done)?;
        }
    }
    let anchors: &[(&str, &str)] = match conn.is_postgres() {
        false => &[(HEADS_LITE, HEAD_LITE)],
        true => &[(HEADS, HEAD), (ENDS, END)],
    };
    for (list, exchange) in anchors {
        rewrap_anchors(conn, vault, (list, exchange), &mut done)?;
    }
    Ok(done)
}

/// The sealed heads, each exchanged only where the gateway has not written another meanwhile.
fn rewrap_anchors(
    conn: &Connection,
    vault: &Vault,
    (list, exchange): (&str, &str),
    done: &mut Rewrapped,
) -> sql::Result<()> {
    let anchors: Vec<Vec<u8>> = conn
        .prepare_cached(list)?
        .query_map([], |row| row.get(0))?
        .collect::<sql::Result<_>>()?;
    for old in anchors {
        done.seen += 1;
        match crate::anchor::rewrap(vault, &old) {
            Ok(Some(new)) => {
                let changed = conn.prepare_cached(exchange)?.execute([&old, &new])?;
                done.changed += changed as u64;
            }
            Ok(None) => {}
            Err(_) => done.stuck += 1,
        }
    }
    Ok(())
}

/// One page in one transaction, so that the gateway's writer waits for no more than that.
fn exchange_all(
    conn: &Connection,
    vault: &Vault,
    keys: &[(i64, Vec<u8>)],
    exchange: &str,
    done: &mut Rewrapped,
) -> sql::Result<()> {
    let mut fresh = Vec::new();
    for (place, old) in keys {
        done.seen += 1;
        match vault.rewrap(old) {
            Ok(Some(new)) => fresh.push((*place, old, new)),
            Ok(None) | Err(SealError::Erased) => {}
            Err(_) => done.stuck += 1,
        }
    }
    if fresh.is_empty() {
        return Ok(());
    }
    conn.execute_batch("BEGIN")?;
    for (place, old, new) in fresh {
        let changed = conn
            .prepare_cached(exchange)?
            .execute(params![place, *old, new])?;
        done.changed += changed as u64;
    }
    conn.execute_batch("COMMIT")
}

const PAGE: i64 = 500;
const RECORDS: &str = "SELECT seq, wrapped_key FROM journal WHERE seq > ?1 ORDER BY seq LIMIT ?2";
const RECORD: &str = "UPDATE journal SET wrapped_key = ?3 WHERE seq = ?1 AND wrapped_key = ?2";
const PARCELS: &str =
    "SELECT position, wrapped_key FROM outbox WHERE position > ?1 ORDER BY position LIMIT ?2";
const PARCEL: &str = "UPDATE outbox SET wrapped_key = ?3 WHERE position = ?1 AND wrapped_key = ?2";
const HEADS_LITE: &str = "SELECT anchor FROM head";
const HEAD_LITE: &str = "UPDATE head SET anchor = ?2 WHERE anchor = ?1";
const HEADS: &str = "SELECT anchor FROM chain";
const HEAD: &str = "UPDATE chain SET anchor = ?2 WHERE anchor = ?1";
const ENDS: &str = "SELECT anchor FROM detached";
const END: &str = "UPDATE detached SET anchor = ?2 WHERE anchor = ?1";
const WORK_MAX: std::time::Duration = std::time::Duration::from_secs(24 * 3600);
