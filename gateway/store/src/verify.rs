//! Walks the whole journal and names the first record that is not what was written.
//!
//! It trusts nothing but the vault's key: the anchors are opened first, then every record is digested,
//! chained and opened, and the inbox is held against the records it points to; stored checkpoints must follow
//! each other and say the same. A database and a head file that were both put back to the same older state are
//! found by checkpoints kept elsewhere, and only by them.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use gateway_core::seal::{SealError, Vault, sha256};
use rusqlite::OpenFlags;

use crate::erasure::Erased;
use crate::journal::{Chained, Head, Kind, Record};
use crate::meta::{Meta, Tag};
use crate::postgres::{PostgresParams, Target, base_of, chain_of};
use crate::signed::{Checkpoint, Contradiction, Marks};
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

fn database_chains(
    database: &PostgresParams,
    vault: &Vault,
    only: Option<&str>,
    witnesses: &Witnesses,
) -> Result<Vec<Verified>, Broken> {
    let target = Target::new(database, "verify").map_err(|why| broken(0, What::Unreadable(why)))?;
    let failed = |error: sql::Error| unreadable(0, &error);
    let session = target.connect().map_err(failed)?;
    session.take_time(WALK_MAX).map_err(failed)?;
    let conn = Connection::Postgres(session);
    let cuts = cuts(&conn, vault)?;
    let chains: Vec<Chain> = conn
        .prepare_cached(CHAINS)
        .and_then(|mut chains| chains.query_map([], Chain::read)?.collect())
        .map_err(failed)?;
    let mut all = Vec::new();
    for chain in chains {
        if only.is_none_or(|only| only == chain.writer) {
            all.push(chain.verify(&conn, vault, cuts.clone(), witnesses)?);
        }
    }
    stray_inbox(&conn)?;
    Ok(all)
}

/// The last detached record of each chain, by the chain's id.
type Cuts = HashMap<i64, Head>;

fn cuts(conn: &Connection, vault: &Vault) -> Result<Cuts, Broken> {
    let failed = |error: sql::Error| unreadable(0, &error);
    let mut ends: HashMap<i64, (String, Vec<Vec<u8>>)> = HashMap::new();
    let rows: Vec<(i64, String, Vec<u8>)> = conn
        .prepare_cached(CUTS)
        .and_then(|mut rows| {
            let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
            rows.query_map([], read)?.collect()
        })
        .map_err(failed)?;
    for (chain, writer, anchor) in rows {
        let (_, anchors) = ends.entry(chain).or_insert((writer, Vec::new()));
        anchors.push(anchor);
    }
    let open = |(chain, (writer, anchors)): (i64, (String, Vec<Vec<u8>>))| {
        let end = anchor::open_ends(vault, &writer, anchors.iter().map(Vec::as_slice));
        let end = end.ok_or(broken(base_of(chain).unsigned_abs(), What::HeadRow))?;
        Ok((chain, end))
    };
    ends.into_iter().map(open).collect()
}

/// A chain in a database.
struct Chain {
    id: i64,
    writer: String,
}

impl Chain {
    fn read(row: &Row<'_>) -> sql::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            writer: row.get(1)?,
        })
    }

    /// Page by page, each read in a statement of its own while the chain goes on growing, so that no
    /// snapshot is held for as long as months of journal take; what came meanwhile in one short
    /// transaction at the end.
    fn verify(
        self,
        conn: &Connection,
        vault: &Vault,
        cuts: Cuts,
        witnesses: &Witnesses,
    ) -> Result<Verified, Broken> {
        let begin = Begin {
            writer: self.writer.clone(),
            base: base_of(self.id),
            head: cuts.get(&self.id).copied(),
            cuts,
        };
        let mut walk = Walk::new(conn, vault, self.end(conn, vault)?, begin, witnesses)?;
        loop {
            let before = walk.head.seq;
            walk.up_to_seen()?;
            if walk.head.seq - before <= NEAR {
                break;
            }
            walk.seen = self.end(conn, vault)?;
        }
        let failed = |error: sql::Error| unreadable(0, &error);
        conn.execute_batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .map_err(failed)?;
        let end = self.end(conn, vault)?;
        walk.seen = end;
        walk.whole(&end)?;
        conn.execute_batch("COMMIT").map_err(failed)?;
        Ok(walk.verified())
    }

    /// Its sealed head as it stands now.
    fn end(&self, conn: &Connection, vault: &Vault) -> Result<Head, Broken> {
        let sealed: Vec<u8> = conn
            .query_row(HEAD, [self.id], |row| row.get(0))
            .map_err(|error| unreadable(0, &error))?;
        let place = base_of(self.id).unsigned_abs();
        anchor::open(vault, &self.writer, &sealed).ok_or(broken(place, What::HeadRow))
    }
}

/// Where a walk begins.
struct Begin {
    writer: String,
    /// The number before the first.
    base: i64,
    /// What was cut last, where something was.
    head: Option<Head>,
    cuts: Cuts,
}

struct Walk<'a> {
    conn: &'a Connection,
    vault: &'a Vault,
    writer: String,
    marks: Marks,
    /// Records that acts name as erased, and how many were met.
    erased: (Erased, u64),
    /// What the file beside the database saw; in a database server, what the head says.
    seen: Head,
    /// The number before the first.
    base: i64,
    /// How far the walk has come.
    head: Head,
    /// What was detached of each chain, as far as it has been looked at.
    cuts: Cuts,
}

/// One record as it stands, with its digest and hash.
type Stored = (i64, sql::Result<(Record, [u8; 32], [u8; 32])>);

impl<'a> Walk<'a> {
    fn new(
        conn: &'a Connection,
        vault: &'a Vault,
        seen: Head,
        begin: Begin,
        witnesses: &Witnesses,
    ) -> Result<Self, Broken> {
        let genesis = Head {
            seq: begin.base,
            ..Head::genesis(&begin.writer)
        };
        let head = begin.head.unwrap_or(genesis);
        let copies = witnesses.checkpoints.iter();
        let copies = copies.filter(|copy| copy.writer == begin.writer).cloned();
        let erased = Erased::read(conn, vault).map_err(|error| unreadable(0, &error))?;
        Ok(Self {
            conn,
            vault,
            marks: Marks::new(begin.base, &head, copies.collect()),
            writer: begin.writer,
            erased: (erased, 0),
            seen,
            base: begin.base,
            head,
            cuts: begin.cuts,
        })
    }

    fn verified(self) -> Verified {
        Verified {
            records: (self.head.seq - self.base).unsigned_abs(),
            head: self.head.hash,
            writer: self.writer,
            erased: self.erased.1,
            checkpoints: self.marks.held,
            signer: self.marks.signer,
        }
    }

    fn whole(&mut self, end: &Head) -> Result<(), Broken> {
        let until = match self.conn {
            Connection::Sqlite(_) => i64::MAX,
            Connection::Postgres(_) => self.base + base_of(1),
        };
        self.before(until)?;
        self.ends_at(end)?;
        let beyond = self.marks.beyond(self.conn, &self.writer, &self.head);
        beyond.map_err(|what| broken((self.head.seq + 1).unsigned_abs(), said(what)))
    }

    /// As far as the sealed head that was seen last, and no further: the chain may go on.
    fn up_to_seen(&mut self) -> Result<(), Broken> {
        let seen = self.seen;
        self.before(seen.seq + 1)?;
        if self.head.seq < seen.seq {
            self.look_for_cut()?;
        }
        if self.head.seq < seen.seq {
            return Err(broken((self.head.seq + 1).unsigned_abs(), What::Cut));
        }
        Ok(())
    }

    /// All records before this number.
    fn before(&mut self, until: i64) -> Result<(), Broken> {
        self.witness()?;
        let mut after = self.head.seq;
        loop {
            let page = self.page(after, until)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            for stored in page {
                self.record(stored)?;
                self.witness()?;
            }
        }
        Ok(())
    }

    /// The next records behind this number.
    fn page(&self, after: i64, until: i64) -> Result<Vec<Stored>, Broken> {
        // Numbers before the first are looked for as well, where the file is this chain's alone.
        let after = if after == 0 { i64::MIN } else { after };
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

    /// What is missing may have been detached while we were under way: the walk goes on behind it.
    fn look_for_cut(&mut self) -> Result<(), Broken> {
        if !self.conn.is_postgres() {
            return Ok(());
        }
        self.cuts = cuts(self.conn, self.vault)?;
        let own = self.cuts.get(&chain_of(self.base)).copied();
        if let Some(cut) = own.filter(|cut| cut.seq > self.head.seq) {
            self.head = cut;
        }
        Ok(())
    }

    fn record(&mut self, (seq, stored): Stored) -> Result<(), Broken> {
        if seq != self.head.seq + 1 {
            self.look_for_cut()?;
        }
        if self.conn.is_postgres() && seq <= self.head.seq {
            return Ok(()); // a record behind which the cut stands by now
        }
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
        let passed = self.marks.pass(self.conn, &self.writer, &head);
        passed.map_err(said)?;
        self.head = head;
        Ok(())
    }

    /// It opens, or an act says that it was erased: one of the two.
    fn opens(&mut self, record: &Record) -> Result<(), What> {
        match self.vault.open(&record.bound(), &record.sealed) {
            Ok(_) if self.erased.0.names(record.seq) => Err(What::Unerased),
            Ok(_) => Ok(()),
            Err(SealError::Erased) if self.was_erased(record.seq)? => {
                self.erased.1 += 1;
                Ok(())
            }
            Err(error) => Err(What::Seal(error.reason())),
        }
    }

    /// An act may have come since the walk began.
    fn was_erased(&mut self, seq: i64) -> Result<bool, What> {
        if !self.erased.0.names(seq) {
            self.erased.0 = Erased::read(self.conn, self.vault)
                .map_err(|error| What::Unreadable(error.to_string()))?;
        }
        Ok(self.erased.0.names(seq))
    }

    /// The inbox row of a request names its sender, id and content; the row of an answer's request
    /// names the answer.
    fn inbox_agrees(&mut self, record: &Record) -> Result<(), What> {
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

    fn answer_agrees(&mut self, record: &Record) -> sql::Result<bool> {
        let mut statement = self.conn.prepare_cached(ANSWER_OF_EVIDENCE)?;
        let requests: Vec<(i64, Option<i64>)> = statement
            .query_map([record.evidence.as_slice()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?
            .collect::<sql::Result<_>>()?;
        if requests
            .iter()
            .any(|(_, answer)| *answer == Some(record.seq))
        {
            return Ok(true);
        }
        // Its request may stand in a part that was detached, or is about to be: then its id is forgotten.
        // One that stands here has its row.
        if self.look_for_cut().is_err() {
            return Ok(false);
        }
        let is_cut = |(request, _): &(i64, Option<i64>)| {
            let cut = self.cuts.get(&chain_of(*request));
            cut.is_some_and(|cut| *request <= cut.seq)
        };
        Ok(!self.cuts.is_empty() && requests.iter().all(is_cut))
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

/// Every inbox row stands for a request, and its answer, if any, for the answer of that request. Page by
/// page: each is one statement, and so sees row and records as one commit left them.
fn stray_inbox(conn: &Connection) -> Result<(), Broken> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, bool)> = conn
            .prepare_cached(INBOX_PAGE)
            .and_then(|mut page| {
                let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
                page.query_map([after, INBOX_ROWS], read)?.collect()
            })
            .map_err(|error| unreadable(0, &error))?;
        if let Some((seq, _)) = page.iter().find(|(_, is_stray)| *is_stray) {
            return Err(broken(seq.unsigned_abs(), What::Inbox));
        }
        match page.last() {
            Some((last, _)) => after = *last,
            None => return Ok(()),
        }
    }
}

fn said(what: Contradiction) -> What {
    match what {
        Contradiction::Stored => What::Checkpoint,
        Contradiction::Copy => What::Witness,
        Contradiction::Unreadable => What::Unreadable("the checkpoints cannot be read".into()),
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
const ANSWER_OF_EVIDENCE: &str = "SELECT j.seq, i.answer FROM journal j \
    LEFT JOIN inbox i ON i.request = j.seq WHERE j.evidence = ?1 AND j.kind = 1";
const INBOX_PAGE: &str = "SELECT i.request, coalesce(j.kind, 0) <> 1 OR (i.answer IS NOT NULL AND \
    (coalesce(a.kind, 0) <> 2 OR a.evidence IS DISTINCT FROM j.evidence)) \
    FROM (SELECT request, answer FROM inbox WHERE request > ?1 ORDER BY request LIMIT ?2) i \
    LEFT JOIN journal j ON j.seq = i.request LEFT JOIN journal a ON a.seq = i.answer ORDER BY i.request";
const CHAINS: &str = "SELECT id, writer FROM chain ORDER BY id";
const HEAD: &str = "SELECT anchor FROM chain WHERE id = ?1";
const CUTS: &str = "SELECT d.chain, c.writer, d.anchor FROM detached d JOIN chain c ON c.id = d.chain \
    ORDER BY d.chain, d.seq";
/// Rows of the inbox in one statement.
const INBOX_ROWS: i64 = 1_000;
/// A chain that grew by no more than this during a walk is near enough its end to be held still.
const NEAR: i64 = 4_096;
const PAGE: i64 = 256;
const WALK_MAX: Duration = Duration::from_secs(24 * 3600);

#[cfg(test)]
mod edits;
