//! One chain, record by record, from its first to its sealed head.

use gateway_core::seal::{SealError, Vault, sha256};

use super::chains::{Cuts, cuts};
use super::{Broken, Verified, What, Witnesses, broken, unreadable};
use crate::erasure::Erased;
use crate::journal::{Chained, Head, Record};
use crate::postgres::{base_of, chain_of};
use crate::signed::{Contradiction, Marks};
use crate::sql::{self, Connection, Row};

/// Where a walk begins.
pub(super) struct Begin {
    pub(super) writer: String,
    /// The number before the first.
    pub(super) base: i64,
    /// What was cut last, where something was.
    pub(super) head: Option<Head>,
    pub(super) cuts: Cuts,
}

pub(super) struct Walk<'a> {
    pub(super) conn: &'a Connection,
    vault: &'a Vault,
    writer: String,
    marks: Marks,
    /// Records that acts name as erased, and how many were met.
    erased: (Erased, u64),
    /// What the file beside the database saw; in a database server, what the head says.
    pub(super) seen: Head,
    /// The number before the first.
    base: i64,
    /// How far the walk has come.
    pub(super) head: Head,
    /// What was detached of each chain, as far as it has been looked at.
    pub(super) cuts: Cuts,
}

/// One record as it stands, with its digest and hash.
type Stored = (i64, sql::Result<(Record, [u8; 32], [u8; 32])>);

impl<'a> Walk<'a> {
    pub(super) fn new(
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

    pub(super) fn verified(self) -> Verified {
        Verified {
            records: (self.head.seq - self.base).unsigned_abs(),
            head: self.head.hash,
            writer: self.writer,
            erased: self.erased.1,
            checkpoints: self.marks.held,
            signer: self.marks.signer,
        }
    }

    pub(super) fn whole(&mut self, end: &Head) -> Result<(), Broken> {
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
    pub(super) fn up_to_seen(&mut self) -> Result<(), Broken> {
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
    pub(super) fn look_for_cut(&mut self) -> Result<(), Broken> {
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
        self.ledger_agrees(record)?;
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

fn said(what: Contradiction) -> What {
    match what {
        Contradiction::Stored => What::Checkpoint,
        Contradiction::Copy => What::Witness,
        Contradiction::Unreadable => What::Unreadable("the checkpoints cannot be read".into()),
    }
}

const SELECT: &str = "SELECT seq, kind, evidence, at, metadata, wrapped_key, ciphertext, \
    digest, hash FROM journal WHERE seq > ?1 AND seq < ?2 ORDER BY seq LIMIT ?3";
const PAGE: i64 = 256;
