//! Walks the whole journal and names the first record that is not what was written.
//!
//! It trusts nothing but the vault's key: the anchors are opened first, then every record is digested,
//! chained and opened, and the inbox is held against the records it points to. What it cannot find is a
//! database and a head file that were both put back to the same older state; a copy of an anchor kept
//! elsewhere finds that.

use std::path::Path;
use std::time::Duration;

use gateway_core::seal::{Vault, sha256};
use rusqlite::OpenFlags;

use crate::journal::{Chained, Head, Kind, Record};
use crate::meta::{Meta, Tag};
use crate::postgres::{PostgresParams, Target, base_of};
use crate::sql::{self, Connection, OptionalExtension as _, Row};
use crate::{Engine, anchor};

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
}

impl Broken {
    pub(crate) fn no_chain() -> Self {
        broken(0, What::HeadRow)
    }
}

/// Verifies the journal of the database file at `path`, which may be in use.
pub fn verify(path: &Path, vault: &Vault) -> Result<Verified, Broken> {
    // First the file, then the snapshot: the file never leads.
    let file = std::fs::read(anchor::path_of(path)).unwrap_or_default();
    let opened = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let conn = Connection::Sqlite(opened.map_err(|error| unreadable(0, &error.into()))?);
    let begun = conn.execute_batch("BEGIN");
    begun.map_err(|error| unreadable(0, &error))?;
    let (writer, row): (String, Vec<u8>) = conn
        .query_row("SELECT writer, anchor FROM head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(|_| broken(0, What::HeadRow))?;
    let end = anchor::open(vault, &writer, &row).ok_or(broken(0, What::HeadRow))?;
    let seen = anchor::open(vault, &writer, &file).ok_or(broken(0, What::HeadFile))?;
    let walk = Walk {
        conn: &conn,
        vault,
        seen,
        base: 0,
        head: Head::genesis(&writer),
        is_cut_off: false,
    };
    let head = walk.whole(&end)?;
    stray_inbox(&conn)?;
    Ok(Verified {
        records: head.seq.unsigned_abs(),
        head: head.hash,
        writer,
    })
}

/// Verifies every chain of a store, which may be in use: one of a file, one of each replica in a
/// database.
///
/// A record's number in [`Broken`] is its number in the database: the chain's own place in its lower
/// 40 bits.
pub fn verify_all(engine: &Engine, vault: &Vault) -> Result<Vec<Verified>, Broken> {
    chains(engine, vault, None)
}

/// All chains, or the one of this writer.
pub(crate) fn chains(
    engine: &Engine,
    vault: &Vault,
    only: Option<&str>,
) -> Result<Vec<Verified>, Broken> {
    match engine {
        Engine::Sqlite(path) => Ok(vec![verify(path, vault)?]),
        // A session brings a runtime of its own, and the caller's thread may drive one already.
        Engine::Postgres(database) => std::thread::scope(|scope| {
            let walk = scope.spawn(|| database_chains(database, vault, only));
            walk.join().unwrap_or_else(|_| Err(Broken::no_chain()))
        }),
    }
}

fn database_chains(
    database: &PostgresParams,
    vault: &Vault,
    only: Option<&str>,
) -> Result<Vec<Verified>, Broken> {
    let target = Target::new(database, "verify").map_err(|why| broken(0, What::Unreadable(why)))?;
    let failed = |error: sql::Error| unreadable(0, &error);
    let session = target.connect().map_err(failed)?;
    session.take_time(WALK_MAX).map_err(failed)?;
    let conn = Connection::Postgres(session);
    conn.execute_batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .map_err(failed)?;
    let chains: Vec<Chain> = conn
        .prepare_cached(CHAINS)
        .and_then(|mut chains| chains.query_map([], Chain::read)?.collect())
        .map_err(failed)?;
    let mut all = Vec::new();
    for chain in chains {
        if only.is_none_or(|only| only == chain.writer) {
            all.push(chain.verify(&conn, vault)?);
        }
    }
    stray_inbox(&conn)?;
    Ok(all)
}

/// A chain in a database, and what was detached of it.
struct Chain {
    id: i64,
    writer: String,
    anchor: Vec<u8>,
    detached: Option<Vec<u8>>,
    /// Whether parts of any chain were.
    is_cut_off: bool,
}

impl Chain {
    fn read(row: &Row<'_>) -> sql::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            writer: row.get(1)?,
            anchor: row.get(2)?,
            detached: row.get(3)?,
            is_cut_off: row.get(4)?,
        })
    }

    fn verify(self, conn: &Connection, vault: &Vault) -> Result<Verified, Broken> {
        let base = base_of(self.id);
        let open = |sealed: &[u8]| {
            anchor::open(vault, &self.writer, sealed)
                .ok_or(broken(base.unsigned_abs(), What::HeadRow))
        };
        let end = open(&self.anchor)?;
        let genesis = Head {
            seq: base,
            ..Head::genesis(&self.writer)
        };
        let head = match &self.detached {
            Some(sealed) => open(sealed)?,
            None => genesis,
        };
        let walk = Walk {
            conn,
            vault,
            seen: end,
            base,
            head,
            is_cut_off: self.is_cut_off,
        };
        let head = walk.whole(&end)?;
        Ok(Verified {
            records: (head.seq - base).unsigned_abs(),
            head: head.hash,
            writer: self.writer,
        })
    }
}

struct Walk<'a> {
    conn: &'a Connection,
    vault: &'a Vault,
    /// What the file beside the database saw; in a database server, what the head says.
    seen: Head,
    /// The number before the first.
    base: i64,
    /// How far the walk has come.
    head: Head,
    /// Whether older parts were detached.
    is_cut_off: bool,
}

/// One record as it stands, with its digest and hash.
type Stored = (i64, sql::Result<(Record, [u8; 32], [u8; 32])>);

impl Walk<'_> {
    fn whole(mut self, end: &Head) -> Result<Head, Broken> {
        self.witness()?;
        let mut after = self.head.seq;
        loop {
            let page = self.page(after)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for stored in page {
                self.record(stored)?;
                self.witness()?;
            }
        }
        self.ends_at(end)?;
        Ok(self.head)
    }

    /// The next records behind this number.
    fn page(&self, after: i64) -> Result<Vec<Stored>, Broken> {
        // Numbers before the first are looked for as well, where the file is this chain's alone.
        let after = if after == 0 { i64::MIN } else { after };
        let until = match self.conn {
            Connection::Sqlite(_) => i64::MAX,
            Connection::Postgres(_) => self.base + base_of(1),
        };
        let after = if self.conn.is_postgres() {
            after.max(self.base)
        } else {
            after
        };
        let read = |row: &Row<'_>| -> sql::Result<Stored> {
            let seq = row.get(0)?;
            let read = || Ok((Record::read(row)?, row.get(7)?, row.get(8)?));
            Ok((seq, read()))
        };
        let mut statement = self
            .conn
            .prepare_cached(SELECT)
            .map_err(|error| self.unreadable(&error))?;
        statement
            .query_map([after, until, PAGE], read)
            .and_then(Iterator::collect)
            .map_err(|error| self.unreadable(&error))
    }

    fn record(&mut self, (seq, stored): Stored) -> Result<(), Broken> {
        let due = self.head.seq + 1;
        if seq != due {
            // Beyond the due number a record is missing; below it there is one before the first.
            return Err(broken(seq.min(due).unsigned_abs(), What::Missing));
        }
        let shape = |error: sql::Error| broken(due.unsigned_abs(), What::Shape(error.to_string()));
        let (record, digest, hash) = stored.map_err(shape)?;
        self.check(&record, &digest, &hash)
            .map_err(|what| broken(due.unsigned_abs(), what))
    }

    fn check(&mut self, record: &Record, digest: &[u8], hash: &[u8]) -> Result<(), What> {
        if sha256(&record.sealed.ciphertext) != *digest {
            return Err(What::Digest);
        }
        let chained = Chained {
            kind: record.kind as u8,
            evidence: &record.evidence,
            metadata: &record.metadata,
            digest,
        };
        let head = self.head.next(record.at, &chained);
        if head.hash != *hash {
            return Err(What::Chain);
        }
        self.opens(record)?;
        self.inbox_agrees(record)?;
        self.head = head;
        Ok(())
    }

    fn opens(&self, record: &Record) -> Result<(), What> {
        match self.vault.open(&record.bound(), &record.sealed) {
            Ok(_) => Ok(()),
            Err(error) => Err(What::Seal(error.reason())),
        }
    }

    /// The inbox row of a request names its sender, id and content; the row of an answer's request
    /// names the answer.
    fn inbox_agrees(&self, record: &Record) -> Result<(), What> {
        let agrees = match record.kind {
            Kind::Request => self.request_agrees(record),
            Kind::Answer => self.answer_agrees(record),
            Kind::Sending | Kind::Receipt | Kind::Refusal | Kind::Act => Ok(true),
        };
        match agrees {
            Ok(true) => Ok(()),
            Ok(false) => Err(What::Inbox),
            Err(error) => Err(What::Shape(error.to_string())),
        }
    }

    fn request_agrees(&self, record: &Record) -> sql::Result<bool> {
        let row = self
            .conn
            .prepare_cached(INBOX_OF_REQUEST)?
            .query_row([record.seq], |row| {
                Ok((
                    row.get::<String>(0)?,
                    row.get::<String>(1)?,
                    row.get::<Vec<u8>>(2)?,
                ))
            })
            .optional()?;
        // A request without a row was taken over by a later one.
        let Some((sender, id, digest)) = row else {
            return Ok(true);
        };
        let Some(meta) = Meta::parse(&record.metadata) else {
            return Ok(false);
        };
        Ok(meta.bytes(Tag::Sender) == Some(sender.as_bytes())
            && meta.bytes(Tag::MessageId) == Some(id.as_bytes())
            && meta.bytes(Tag::ContentDigest) == Some(&digest))
    }

    fn answer_agrees(&self, record: &Record) -> sql::Result<bool> {
        let mut statement = self.conn.prepare_cached(ANSWER_OF_EVIDENCE)?;
        let answers: Vec<Option<i64>> = statement
            .query_map([record.evidence.as_slice()], |row| row.get(0))?
            .collect::<sql::Result<_>>()?;
        // The request may stand in a part that was detached.
        Ok(answers.contains(&Some(record.seq)) || (answers.is_empty() && self.is_cut_off))
    }

    /// At the number that the file saw, the hash must be the one it saw.
    fn witness(&self) -> Result<(), Broken> {
        let differs = self.head.seq == self.seen.seq && self.head.hash != self.seen.hash;
        if differs {
            Err(broken(self.head.seq.unsigned_abs(), What::HeadHash))
        } else {
            Ok(())
        }
    }

    fn ends_at(&self, end: &Head) -> Result<(), Broken> {
        let last = self.head.seq;
        if last < end.seq || last < self.seen.seq {
            return Err(broken((last + 1).unsigned_abs(), What::Cut));
        }
        if last > end.seq {
            return Err(broken((end.seq + 1).unsigned_abs(), What::Added));
        }
        if self.head.hash != end.hash {
            return Err(broken(last.unsigned_abs(), What::HeadHash));
        }
        Ok(())
    }

    fn unreadable(&self, error: &sql::Error) -> Broken {
        unreadable(self.head.seq + 1, error)
    }
}

/// Every inbox row stands for a request, and its answer, if any, for the answer of that request.
fn stray_inbox(conn: &Connection) -> Result<(), Broken> {
    let stray: Option<i64> = conn
        .query_row(STRAY_INBOX, [], |row| row.get(0))
        .optional()
        .map_err(|error| unreadable(0, &error))?;
    match stray {
        None => Ok(()),
        Some(seq) => Err(broken(seq.unsigned_abs(), What::Inbox)),
    }
}

fn unreadable(seq: i64, error: &sql::Error) -> Broken {
    broken(seq.unsigned_abs(), What::Unreadable(error.to_string()))
}

fn broken(seq: u64, what: What) -> Broken {
    Broken { seq, what }
}

const SELECT: &str = "SELECT seq, kind, evidence, at, metadata, wrapped_key, ciphertext, \
    digest, hash FROM journal WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
const INBOX_OF_REQUEST: &str = "SELECT sender, message_id, digest FROM inbox WHERE request = ?1";
const ANSWER_OF_EVIDENCE: &str = "SELECT i.answer FROM journal j JOIN inbox i ON i.request = j.seq \
    WHERE j.evidence = ?1 AND j.kind = 1";
const STRAY_INBOX: &str = "SELECT i.request FROM inbox i \
    LEFT JOIN journal j ON j.seq = i.request LEFT JOIN journal a ON a.seq = i.answer \
    WHERE coalesce(j.kind, 0) <> 1 OR (i.answer IS NOT NULL AND \
    (coalesce(a.kind, 0) <> 2 OR a.evidence IS DISTINCT FROM j.evidence)) ORDER BY i.request LIMIT 1";
const CHAINS: &str = "SELECT c.id, c.writer, c.anchor, (SELECT d.anchor FROM detached d \
    WHERE d.chain = c.id ORDER BY d.seq DESC LIMIT 1), EXISTS (SELECT 1 FROM detached) FROM chain c ORDER BY c.id";
const PAGE: i64 = 256;
const WALK_MAX: Duration = Duration::from_secs(24 * 3600);
