//! Walks the whole journal and names the first record that is not what was written.
//!
//! It trusts nothing but the vault's key: the anchors are opened first, then every record is digested,
//! chained and opened, and the inbox is held against the records it points to. What it cannot find is a
//! database and a head file that were both put back to the same older state; a copy of an anchor kept
//! elsewhere finds that.

use std::path::Path;

use gateway_core::seal::{Vault, sha256};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, Rows};

use crate::anchor;
use crate::journal::{Chained, Head, Kind, Record};
use crate::meta::{Meta, Tag};

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

/// Verifies the journal of the database at `path`, which may be in use.
pub fn verify(path: &Path, vault: &Vault) -> Result<Verified, Broken> {
    // First the file, then the snapshot: the file never leads.
    let file = std::fs::read(anchor::path_of(path)).unwrap_or_default();
    let unreadable = |error: rusqlite::Error| broken(0, What::Unreadable(error.to_string()));
    let mut conn =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(unreadable)?;
    let snapshot = conn.transaction().map_err(unreadable)?;
    let (writer, row): (String, Vec<u8>) = snapshot
        .query_row("SELECT writer, anchor FROM head", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .map_err(|_| broken(0, What::HeadRow))?;
    let end = anchor::open(vault, &writer, &row).ok_or(broken(0, What::HeadRow))?;
    let seen = anchor::open(vault, &writer, &file).ok_or(broken(0, What::HeadFile))?;
    let mut walk = Walk {
        conn: &snapshot,
        vault,
        seen,
        head: Head::genesis(&writer),
    };
    walk.records()?;
    walk.ends_at(&end)?;
    walk.inbox_points_to_requests()?;
    Ok(Verified {
        records: walk.head.seq.unsigned_abs(),
        head: walk.head.hash,
        writer,
    })
}

struct Walk<'a> {
    conn: &'a Connection,
    vault: &'a Vault,
    /// What the file beside the database saw.
    seen: Head,
    /// How far the walk has come.
    head: Head,
}

impl Walk<'_> {
    fn records(&mut self) -> Result<(), Broken> {
        let mut statement = self
            .conn
            .prepare(SELECT)
            .map_err(|error| self.unreadable(&error))?;
        let mut rows = statement
            .query([])
            .map_err(|error| self.unreadable(&error))?;
        self.witness()?;
        while let Some(row) = self.next(&mut rows)? {
            self.record(row)?;
            self.witness()?;
        }
        Ok(())
    }

    fn next<'r>(&self, rows: &'r mut Rows<'_>) -> Result<Option<&'r Row<'r>>, Broken> {
        rows.next().map_err(|error| self.unreadable(&error))
    }

    fn record(&mut self, row: &Row<'_>) -> Result<(), Broken> {
        let due = self.head.seq + 1;
        let seq: i64 = row.get(0).map_err(|error| self.unreadable(&error))?;
        if seq != due {
            // Beyond the due number a record is missing; below it there is one before the first.
            return Err(broken(seq.min(due).unsigned_abs(), What::Missing));
        }
        let shape =
            |error: rusqlite::Error| broken(due.unsigned_abs(), What::Shape(error.to_string()));
        let record = Record::read(row).map_err(shape)?;
        let (digest, hash): ([u8; 32], [u8; 32]) =
            (row.get(7).map_err(shape)?, row.get(8).map_err(shape)?);
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

    fn request_agrees(&self, record: &Record) -> rusqlite::Result<bool> {
        let row = self
            .conn
            .prepare_cached(INBOX_OF_REQUEST)?
            .query_row([record.seq], |row| {
                Ok((
                    row.get::<_, String>(0)?,
                    row.get::<_, String>(1)?,
                    row.get::<_, Vec<u8>>(2)?,
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

    fn answer_agrees(&self, record: &Record) -> rusqlite::Result<bool> {
        let mut statement = self.conn.prepare_cached(ANSWER_OF_EVIDENCE)?;
        let mut rows = statement.query([record.evidence.as_slice()])?;
        while let Some(row) = rows.next()? {
            if row.get::<_, Option<i64>>(0)? == Some(record.seq) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every inbox row stands for a request, and its answer, if any, for the answer of that request.
    fn inbox_points_to_requests(&self) -> Result<(), Broken> {
        let stray: Option<i64> = self
            .conn
            .query_row(STRAY_INBOX, [], |row| row.get(0))
            .optional()
            .map_err(|error| self.unreadable(&error))?;
        match stray {
            None => Ok(()),
            Some(seq) => Err(broken(seq.unsigned_abs(), What::Inbox)),
        }
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

    fn unreadable(&self, error: &rusqlite::Error) -> Broken {
        broken(
            (self.head.seq + 1).unsigned_abs(),
            What::Unreadable(error.to_string()),
        )
    }
}

fn broken(seq: u64, what: What) -> Broken {
    Broken { seq, what }
}

const SELECT: &str = "SELECT seq, kind, evidence, at, metadata, wrapped_key, ciphertext, \
    digest, hash FROM journal ORDER BY seq";
const INBOX_OF_REQUEST: &str = "SELECT sender, message_id, digest FROM inbox WHERE request = ?1";
const ANSWER_OF_EVIDENCE: &str = "SELECT i.answer FROM journal j JOIN inbox i ON i.request = j.seq \
    WHERE j.evidence = ?1 AND j.kind = 1";
const STRAY_INBOX: &str = "SELECT i.request FROM inbox i \
    LEFT JOIN journal j ON j.seq = i.request LEFT JOIN journal a ON a.seq = i.answer \
    WHERE coalesce(j.kind, 0) <> 1 OR (i.answer IS NOT NULL AND \
    (coalesce(a.kind, 0) <> 2 OR a.evidence IS NOT j.evidence)) ORDER BY i.request LIMIT 1";
