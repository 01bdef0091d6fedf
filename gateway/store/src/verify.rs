//! Walks the whole journal and names the first record that is not what was written.
//!
//! It trusts nothing but the vault's key: the anchors are opened first, then every record is digested,
//! chained and opened, and the inbox and the access ledger are held against the records; stored checkpoints must follow
//! each other and say the same. A database and a head file that were both put back to the same older state are
//! found by checkpoints kept elsewhere, and only by them.

mod chains;
mod inbox;
mod walk;

use std::path::Path;

use gateway_core::seal::Vault;
use rusqlite::OpenFlags;

use crate::signed::Checkpoint;
use crate::sql::{self, Connection};
use crate::{Engine, anchor};
use chains::{Cuts, database_chains};
use inbox::stray_inbox;
use walk::{Begin, Walk};

/// A journal that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// How many records there are.
    pub records: u64,
    /// The hash of the last one: SHA-256, 32 bytes.
    pub head: [u8; 32],
    /// The writer whose chain it is.
    pub writer: String,
    /// How many of the records were erased, each named by an act that says under which article.
    pub erased: u64,
    /// How many signed checkpoints were held against it, stored ones.
    pub checkpoints: u64,
    /// The certificate, DER, that signed the newest of them.
    pub signer: Option<Vec<u8>>,
}

/// What is known of a store from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Witnesses {
    /// Checkpoints kept outside of the store, of any writer and in any order. They are taken for true: whoever
    /// keeps them has checked their signatures.
    pub checkpoints: Vec<Checkpoint>,
}

/// A journal that does not hold, by its first bad record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal record {seq}: {what}")]
#[non_exhaustive]
pub struct Broken {
    /// The number of the first bad record; one after the last where the tail is missing; 0 where no
    /// record can be named.
    pub seq: u64,
    /// What is wrong with it.
    pub what: What,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum What {
    /// The file cannot be read as a store.
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
    /// The sealed head beside the journal does not open with this key.
    #[error("the sealed head in the database does not open")]
    HeadRow,
    /// The sealed head in the file beside the database is missing or does not open.
    #[error("the head file is missing or does not open")]
    HeadFile,
    /// A number is missing: the record was deleted.
    #[error("it is missing")]
    Missing,
    /// The journal ends before the head: its tail was cut.
    #[error("it is missing: the journal was cut before it")]
    Cut,
    /// The journal goes on after the head.
    #[error("it was added behind the sealed head")]
    Added,
    /// A column does not have its shape.
    #[error("a column does not have its shape: {0}")]
    Shape(String),
    /// The ciphertext is not the one that was digested.
    #[error("the ciphertext does not have its digest")]
    Digest,
    /// Hash of the record before, number, time, kind, evidence, metadata and digest do not give the hash.
    #[error("it does not follow from the record before")]
    Chain,
    /// The wrapped key or the ciphertext does not open.
    #[error("it does not open: {0}")]
    Seal(&'static str),
    /// The sealed head names another hash for this number.
    #[error("a sealed head names another hash")]
    HeadHash,
    /// The inbox says something else than the record.
    #[error("the inbox does not agree with it")]
    Inbox,
    /// Rows of the access ledger beside it were taken away, changed or added.
    #[error("the access ledger does not agree with it")]
    Ledger,
    /// A stored checkpoint is forged, is missing in its row of checkpoints, or says something else.
    #[error("a stored checkpoint contradicts it")]
    Checkpoint,
    /// A checkpoint that was kept elsewhere says something else, or goes on behind the end.
    #[error("a checkpoint kept elsewhere contradicts it: the store was put back or changed")]
    Witness,
    /// Its key is there again though an act erased it.
    #[error("it was erased and can be read again")]
    Unerased,
}

impl Broken {
    pub(crate) fn no_chain() -> Self {
        broken(0, What::HeadRow)
    }
}

/// Verifies the journal of the database file at `path`, which may be in use.
pub fn verify(path: &Path, vault: &Vault) -> Result<Verified, Broken> {
    verify_file(path, vault, &Witnesses::default())
}

fn verify_file(path: &Path, vault: &Vault, witnesses: &Witnesses) -> Result<Verified, Broken> {
    // First the file, then the snapshot: the file never leads.
    let file = std::fs::read(anchor::path_of(path)).unwrap_or_default();
    let opened = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let conn = Connection::Sqlite(opened.map_err(|error| unreadable(0, &error.into()))?);
    let begun = conn.execute_batch("BEGIN");
    begun.map_err(|error| unreadable(0, &error))?;
    verify_lite(&conn, &file, vault, witnesses)
}

/// The journal as this connection to a file sees it, beside what its head file holds.
pub(crate) fn verify_lite(
    conn: &Connection,
    file: &[u8],
    vault: &Vault,
    witnesses: &Witnesses,
) -> Result<Verified, Broken> {
    let (writer, row): (String, Vec<u8>) = conn
        .query_row("SELECT writer, anchor FROM head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(|_| broken(0, What::HeadRow))?;
    let end = anchor::open(vault, &writer, &row).ok_or(broken(0, What::HeadRow))?;
    let seen = anchor::open(vault, &writer, file).ok_or(broken(0, What::HeadFile))?;
    let begin = Begin {
        writer,
        base: 0,
        head: None,
        cuts: Cuts::new(),
    };
    let mut walk = Walk::new(conn, vault, seen, begin, witnesses)?;
    walk.whole(&end)?;
    stray_inbox(conn)?;
    Ok(walk.verified())
}

/// Verifies every chain of a store, which may be in use: one of a file, one of each replica in a
/// database.
///
/// A record's number in [`Broken`] is its number in the database: the chain's own place in its lower
/// 40 bits.
pub fn verify_all(engine: &Engine, vault: &Vault) -> Result<Vec<Verified>, Broken> {
    chains(engine, vault, None, &Witnesses::default())
}

/// The same, held against what is known from elsewhere.
pub fn verify_beside(
    engine: &Engine,
    vault: &Vault,
    witnesses: &Witnesses,
) -> Result<Vec<Verified>, Broken> {
    chains(engine, vault, None, witnesses)
}

/// All chains, or the one of this writer.
pub(crate) fn chains(
    engine: &Engine,
    vault: &Vault,
    only: Option<&str>,
    witnesses: &Witnesses,
) -> Result<Vec<Verified>, Broken> {
    match engine {
        Engine::Sqlite(path) => Ok(vec![verify_file(path, vault, witnesses)?]),
        // A session brings a runtime of its own, and the caller's thread may drive one already.
        Engine::Postgres(database) => std::thread::scope(|scope| {
            let walk = scope.spawn(|| database_chains(database, vault, only, witnesses));
            walk.join().unwrap_or_else(|_| Err(Broken::no_chain()))
        }),
    }
}
fn unreadable(seq: i64, error: &sql::Error) -> Broken {
    broken(seq.unsigned_abs(), What::Unreadable(error.to_string()))
}

fn broken(seq: u64, what: What) -> Broken {
    Broken { seq, what }
}

#[cfg(test)]
mod edits;
