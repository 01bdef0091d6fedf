//! How the file is opened: made private, locked, laid out for speed, migrated, and its head checked.

use std::fs;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::ports::Clock;
use gateway_core::seal::Vault;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig};

use crate::anchor::{self, HeadFile};
use crate::checkpoint::{self, Checkpoints};
use crate::health::Health;
use crate::inbox;
use crate::journal::Head;
use crate::reader::Source;
use crate::{PostgresParams, migrate, postgres, sql};

/// Everything a store needs to know; [`StoreParams::new`] fills in the defaults.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoreParams {
    /// Where it is kept.
    pub engine: Engine,
    /// Seals every record at rest.
    pub vault: Arc<Vault>,
    /// Tells the time of records and leases.
    pub clock: Arc<dyn Clock>,
    /// The name of this chain: a file belongs to the writer that made it, and in a PostgreSQL database
    /// each replica has one of its own. Default `gateway`.
    pub writer: String,
    /// How long a claim is held before another may take it over. Default 30 s.
    pub lease: Duration,
    /// Commands that may wait for the writer, and look-ups per reader. Default 4,096.
    pub queue_max: usize,
    /// Reader threads, each with a connection. Default 2.
    pub readers: usize,
    /// SQLite: nothing new is taken in while the file system has no more than this free, in bytes. Default 64 MiB.
    pub headroom_bytes: u64,
    /// Refusals kept per partner and minute; the rest is counted. Default 600.
    pub refusals_per_minute_max: u32,
    /// SQLite: a bound on the size of the file, in pages of 8 KiB. Default none.
    pub pages_max: Option<u32>,
    /// SQLite: accept a head file that is missing or does not match, and write a new one. Only after `verify`
    /// and a person's decision: it is how a cut tail would be waved through. Default no.
    pub danger_accept_head: bool,
}

impl StoreParams {
    /// The defaults for this file.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Self {
        Self::on(Engine::Sqlite(path.into()), vault, clock)
    }

    /// The defaults for this engine.
    #[must_use]
    pub fn on(engine: Engine, vault: Arc<Vault>, clock: Arc<dyn Clock>) -> Self {
        Self {
            engine,
            vault,
            clock,
            writer: "gateway".into(),
            lease: Duration::from_secs(30),
            queue_max: 4096,
            readers: 2,
            headroom_bytes: 64 << 20,
            refusals_per_minute_max: 600,
            pages_max: None,
            danger_accept_head: false,
        }
    }
}

/// Where a store is kept.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Engine {
    /// In this database file; made where it is missing, mode 0600.
    Sqlite(PathBuf),
    /// In a PostgreSQL database, 15 or newer.
    Postgres(PostgresParams),
}

/// Why a store does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or its folder cannot be used.
    #[error("the store file: {0}")]
    File(#[from] std::io::Error),
    /// SQLite refuses it.
    #[error("the store: {0}")]
    Sql(#[from] rusqlite::Error),
    /// PostgreSQL refuses it, or is not reached.
    #[error("the store's database: {0}")]
    Database(String),
    /// Others held what opening needs, for longer than its patience: a replica that migrates or tidies up.
    #[error("the store's database: others hold what is needed: {0}")]
    Waiting(String),
    /// The connection string cannot be used.
    #[error("the store's url: {0}")]
    Url(String),
    /// Another process has it open, or writes this chain.
    #[error("another process has this store open")]
    InUse,
    /// A newer gateway wrote it.
    #[error("the store has version {found}, this build knows {known}: use a newer build")]
    Newer {
        /// The version in the file.
        found: u32,
        /// The newest version this build knows.
        known: u32,
    },
    /// Going back would drop a journal.
    #[error("there is a journal in it: going back would drop it")]
    HoldsRecords,
    /// It is a database of another program.
    #[error("the file is a database of another program")]
    Foreign,
    /// Its chain was begun by another writer.
    #[error("the journal belongs to the writer {found:?}, not to {asked:?}")]
    OtherWriter {
        /// The writer in the file.
        found: String,
        /// The writer in the configuration.
        asked: String,
    },
    /// The vault's key does not open its head.
    #[error("the vault's key is not the one that sealed this store, or its head was changed")]
    OtherKey,
}

impl From<sql::Error> for OpenError {
    fn from(error: sql::Error) -> Self {
        match error {
            sql::Error::Sqlite(error) => Self::Sql(error),
            error if postgres::passes(&error) => Self::Waiting(error.to_string()),
            error => Self::Database(error.to_string()),
        }
    }
}

/// An opened file, before its threads start.
pub(crate) struct Opened {
    pub(crate) checkpoints: Checkpoints,
    pub(crate) conn: sql::Connection,
    pub(crate) readers: Vec<Source>,
    pub(crate) head: Head,
    pub(crate) head_file: HeadFile,
}

/// Opens or makes the file. A head that contradicts the journal halts writing; reads go on.
pub(crate) fn open(
    path: &Path,
    params: &StoreParams,
    health: &Arc<Health>,
) -> Result<Opened, OpenError> {
    let head_file = lock(path)?;
    make_private(path)?;
    let mut conn = Connection::open(path)?;
    lay_out(&conn, params)?;
    checkpoint::fold_whole(&conn)?;
    migrate::migrate(&mut conn)?;
    // The log beside the file has its name from here on. SQLite syncs the folder itself and goes on where that fails:
    // then a power cut would take the log whole, with all that was acknowledged.
    sync_folder(path)?;
    let head = newest(&conn, &params.writer)?;
    check_head(&conn, params, &head, &head_file, health)?;
    let readers = (0..params.readers.max(1))
        .map(|_| reader(path).map(|conn| Source::Kept(sql::Connection::Sqlite(conn))));
    let readers = readers.collect::<rusqlite::Result<_>>()?;
    let checkpoints = Checkpoints::start(path, &mut conn, health)?;
    let conn = sql::Connection::Sqlite(conn);
    if health.writable().is_ok() {
        let now = params.clock.now().as_microsecond();
        inbox::let_go(&conn, &params.writer, now).map_err(OpenError::from)?;
    }
    Ok(Opened {
        checkpoints,
        conn,
        readers,
        head,
        head_file,
    })
}

/// The file's lock, for as long as it is held.
pub(crate) fn lock(path: &Path) -> Result<HeadFile, OpenError> {
    HeadFile::lock(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => OpenError::InUse,
        _ => OpenError::File(error),
    })
}

fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    // A power cut must not take the name of a file whose content was synced.
    sync_folder(path)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    fs::File::open(folder_of(path))?.sync_all()
}

/// The folder that a database stands in.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// The page size has to stand before the first page is written, so before WAL.
fn lay_out(conn: &Connection, params: &StoreParams) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; \
         PRAGMA journal_size_limit = 67108864; \
         PRAGMA cache_size = -16384;",
    )?;
    if let Some(pages) = params.pages_max {
        conn.pragma_update(None, "max_page_count", pages)?;
    }
    planned_once(conn)
}

/// A statement keeps the plan that it was made with. Without this SQLite plans anew at every new value that
/// is compared with a column of a partial index, which costs more than the statement itself.
fn planned_once(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(())
}

fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, read_only())?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -4096;")?;
    planned_once(&conn)?;
    Ok(conn)
}

/// Each connection stays on one thread, so SQLite's own mutexes guard nothing.
fn read_only() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// The newest record, or the genesis of an empty journal.
fn newest(conn: &Connection, writer: &str) -> rusqlite::Result<Head> {
    let sql = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1";
    let newest = conn
        .query_row(sql, [], |row| {
            Ok(Head {
                seq: row.get(0)?,
                hash: row.get(1)?,
            })
        })
        .optional()?;
    Ok(newest.unwrap_or_else(|| Head::genesis(writer)))
}

fn check_head(
    conn: &Connection,
    params: &StoreParams,
    newest: &Head,
    file: &HeadFile,
    health: &Health,
) -> Result<(), OpenError> {
    let row: Option<(String, Vec<u8>)> = conn
        .query_row("SELECT writer, anchor FROM head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    let Some((writer, anchor)) = row else {
        return begin(conn, params, newest, file);
    };
    if writer != params.writer {
        return Err(OpenError::OtherWriter {
            found: writer,
            asked: params.writer.clone(),
        });
    }
    let end = anchor::open(&params.vault, &writer, &anchor).ok_or(OpenError::OtherKey)?;
    if end != *newest {
        health.halt(format!(
            "the journal ends at {}, its head says {}",
            newest.seq, end.seq
        ));
        return Ok(());
    }
    if !file_agrees(conn, params, newest, file)? {
        if !params.danger_accept_head {
            health.halt("the head file is missing or contradicts the journal: verify it".into());
            return Ok(());
        }
        tracing::warn!(
            seq = newest.seq,
            "a new head file is written, as configured"
        );
    }
    write(params, newest, file)
}

/// The head file never leads, and what it saw is still there.
fn file_agrees(
    conn: &Connection,
    params: &StoreParams,
    newest: &Head,
    file: &HeadFile,
) -> Result<bool, OpenError> {
    let bytes = file.read()?;
    if bytes.is_empty() {
        // The process may have died between the making of the two files.
        return Ok(newest.seq == 0);
    }
    let Some(seen) = anchor::open(&params.vault, &params.writer, &bytes) else {
        return Ok(false);
    };
    if seen.seq == 0 {
        return Ok(seen == Head::genesis(&params.writer));
    }
    let hash: Option<[u8; 32]> = conn
        .query_row(
            "SELECT hash FROM journal WHERE seq = ?1",
            [seen.seq],
            |row| row.get(0),
        )
        .optional()?;
    Ok(hash == Some(seen.hash))
}

fn begin(
    conn: &Connection,
    params: &StoreParams,
    genesis: &Head,
    file: &HeadFile,
) -> Result<(), OpenError> {
    let anchor = anchor::seal(&params.vault, &params.writer, genesis);
    let sql = "INSERT INTO head (one, writer, anchor) VALUES (1, ?1, ?2)";
    conn.execute(sql, rusqlite::params![params.writer, anchor])?;
    write(params, genesis, file)
}

fn write(params: &StoreParams, head: &Head, file: &HeadFile) -> Result<(), OpenError> {
    file.write(&anchor::seal(&params.vault, &params.writer, head))?;
    Ok(file.sync()?)
}

#[cfg(test)]
mod tests {
    use gateway_core::ports::SystemClock;
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_it_is_asked_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let vault = Arc::new(Vault::from_bytes([3; 32]));
        let params = StoreParams::new(&path, vault, Arc::new(SystemClock));
        let opened = open(&path, &params, &Arc::new(Health::default())).unwrap();
        let sql::Connection::Sqlite(writer) = opened.conn else {
            panic!("a file is asked for");
        };
        for conn in [&writer, &reader(&path).unwrap()] {
            let open =
                "SELECT position FROM outbox WHERE partner = ?1 AND subject = ?2 AND state <> 2";
            let mut statement = conn.prepare_cached(open).unwrap();
            for subject in ["one", "two", "three"] {
                assert!(!statement.exists(["portal", subject]).unwrap());
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
