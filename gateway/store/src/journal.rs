//! The journal: exact bytes, each record under a key of its own, chained in the order of their commits.
//!
//! A record's hash covers the hash before it, its number, its time, what it is, its metadata and the
//! digest of its ciphertext. It does not cover the wrapped key: destroying that erases the record and
//! leaves the chain whole.

use gateway_core::head::Evidence;
use gateway_core::ports::StoreError;
use gateway_core::seal::{Sealed, Sha256, Vault, is_erased, sha256};

use crate::sql::{self, Connection, OptionalExtension as _, Row, params};
use crate::writer::{RowError, Turn};

/// What a record holds. The numbers are written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Request = 1,
    Answer = 2,
    Sending = 3,
    Receipt = 4,
    Refusal = 5,
    Act = 6,
}

impl Kind {
    pub(crate) fn from_code(code: i64) -> Option<Self> {
        [
            Self::Request,
            Self::Answer,
            Self::Sending,
            Self::Receipt,
            Self::Refusal,
            Self::Act,
        ]
        .into_iter()
        .find(|kind| i64::from(*kind as u8) == code)
    }
}

/// The newest record: its number and its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: [u8; 32],
}

impl Head {
    /// Before the first record; names the writer, so that two chains never continue each other.
    pub(crate) fn genesis(writer: &str) -> Self {
        let hash = Sha256::new()
            .chain(b"lienthong journal v1\0")
            .chain(writer.as_bytes())
            .finish();
        Self { seq: 0, hash }
    }

    /// The head after one more record.
    pub(crate) fn next(&self, at: i64, record: &Chained<'_>) -> Self {
        let seq = self.seq + 1;
        let kind = [record.kind];
        let (number, time) = (seq.to_be_bytes(), at.to_be_bytes());
        let parts: [&[u8]; 7] = [
            &self.hash,
            &number,
            &time,
            &kind,
            record.evidence,
            record.metadata,
            record.digest,
        ];
        let hash = parts.into_iter().fold(Sha256::new(), |hash, part| {
            hash.chain(&(part.len() as u64).to_be_bytes()).chain(part)
        });
        Self {
            seq,
            hash: hash.finish(),
        }
    }
}

/// What the chain covers of a record, beside its number and time.
#[derive(Debug)]
pub(crate) struct Chained<'a> {
    pub(crate) kind: u8,
    pub(crate) evidence: &'a [u8],
    pub(crate) metadata: &'a [u8],
    pub(crate) digest: &'a [u8],
}

/// A record that is sealed and has no number yet. Made by the caller, so that the writer only chains.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) evidence: Evidence,
    pub(crate) metadata: Vec<u8>,
    pub(crate) sealed: Sealed,
    pub(crate) digest: [u8; 32],
}

impl Draft {
    /// Seals the exact bytes, bound to what they are, to their evidence and to their metadata.
    pub(crate) fn seal(
        vault: &Vault,
        kind: Kind,
        evidence: Evidence,
        metadata: Vec<u8>,
        plain: &[u8],
    ) -> Self {
        let sealed = vault.seal(&bound(kind, evidence.as_bytes(), &metadata), plain);
        let digest = sha256(&sealed.ciphertext);
        Self {
            kind,
            evidence,
            metadata,
            sealed,
            digest,
        }
    }

    /// Appends it to the chain; gives its number.
    pub(crate) fn append(&self, turn: &mut Turn<'_>) -> Result<i64, RowError> {
        let head = turn.head.next(turn.now, &self.chained());
        if let Some(pending) = turn.pending.as_deref_mut() {
            pending.push(&head, self);
            *turn.head = head;
            return Ok(head.seq);
        }
        turn.conn.prepare_cached(INSERT)?.execute(params![
            head.seq,
            self.kind as u8,
            self.evidence.as_bytes(),
            turn.now,
            self.metadata,
            self.sealed.wrapped_key,
            self.sealed.ciphertext,
            self.digest,
            head.hash,
        ])?;
        *turn.head = head;
        Ok(head.seq)
    }

    fn chained(&self) -> Chained<'_> {
        Chained {
            kind: self.kind as u8,
            evidence: self.evidence.as_bytes(),
            metadata: &self.metadata,
            digest: &self.digest,
        }
    }
}

/// A record as read back, still sealed.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) seq: i64,
    pub(crate) kind: Kind,
    pub(crate) evidence: [u8; 16],
    pub(crate) at: i64,
    pub(crate) metadata: Vec<u8>,
    pub(crate) sealed: Sealed,
}

impl Record {
    /// Reads columns 0 to 6 in the order of [`COLUMNS`].
    pub(crate) fn read(row: &Row<'_>) -> sql::Result<Self> {
        let code: i64 = row.get(1)?;
        let kind = Kind::from_code(code).ok_or(sql::Error::out_of_range(1, code))?;
        Ok(Self {
            seq: row.get(0)?,
            kind,
            evidence: row.get(2)?,
            at: row.get(3)?,
            metadata: row.get(4)?,
            sealed: Sealed {
                wrapped_key: row.get(5)?,
                ciphertext: row.get(6)?,
            },
        })
    }

    pub(crate) fn evidence(&self) -> Evidence {
        Evidence::from_bytes(self.evidence)
    }

    /// What its ciphertext is bound to.
    pub(crate) fn bound(&self) -> Vec<u8> {
        bound(self.kind, &self.evidence, &self.metadata)
    }

    /// Whether its key was destroyed.
    pub(crate) fn is_erased(&self) -> bool {
        is_erased(&self.sealed.wrapped_key)
    }

    /// The exact bytes.
    pub(crate) fn open(&self, vault: &Vault) -> Result<Vec<u8>, StoreError> {
        vault.open(&self.bound(), &self.sealed).map_err(|error| {
            StoreError::Corrupt(format!("journal record {}: {}", self.seq, error.reason()))
        })
    }
}

/// One record by its number.
pub(crate) fn record(conn: &Connection, seq: i64) -> sql::Result<Record> {
    conn.prepare_cached(SELECT_BY_SEQ)?
        .query_row([seq], Record::read)
}

/// The number of the request that bears this evidence.
pub(crate) fn request_of(conn: &Connection, evidence: &[u8; 16]) -> sql::Result<Option<i64>> {
    conn.prepare_cached(SELECT_REQUEST)?
        .query_row([evidence.as_slice()], |row| row.get(0))
        .optional()
}

/// How many records there are, over all chains.
pub(crate) fn count(conn: &Connection) -> sql::Result<i64> {
    let sql = if conn.is_postgres() {
        // Numbers begin at id * 2^40.
        "SELECT coalesce(sum(seq - (id::bigint << 40)), 0)::bigint FROM chain"
    } else {
        "SELECT coalesce(max(seq), 0) FROM journal"
    };
    conn.query_row(sql, [], |row| row.get(0))
}

/// What a record's ciphertext is bound to, beside the key.
pub(crate) fn bound(kind: Kind, evidence: &[u8; 16], metadata: &[u8]) -> Vec<u8> {
    [b"journal", [kind as u8].as_slice(), evidence, metadata].concat()
}

/// The columns that [`Record::read`] takes.
pub(crate) const COLUMNS: &str =
    "j.seq, j.kind, j.evidence, j.at, j.metadata, j.wrapped_key, j.ciphertext";

const INSERT: &str = "INSERT INTO journal \
    (seq, kind, evidence, at, metadata, wrapped_key, ciphertext, digest, hash) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const SELECT_BY_SEQ: &str = "SELECT j.seq, j.kind, j.evidence, j.at, j.metadata, j.wrapped_key, \
    j.ciphertext FROM journal j WHERE j.seq = ?1";
const SELECT_REQUEST: &str =
    "SELECT seq FROM journal WHERE evidence = ?1 AND kind = 1 ORDER BY at DESC, seq DESC LIMIT 1";

#[cfg(test)]
mod tests {
    use super::*;

    const fn chained<'a>(evidence: &'a [u8], metadata: &'a [u8], digest: &'a [u8]) -> Chained<'a> {
        Chained {
            kind: 1,
            evidence,
            metadata,
            digest,
        }
    }

    #[test]
    fn every_part_of_a_record_moves_its_hash() {
        let head = Head::genesis("one");
        let base = head.next(5, &chained(b"e", b"m", b"d")).hash;
        assert_eq!(base, head.next(5, &chained(b"e", b"m", b"d")).hash);
        for other in [
            head.next(6, &chained(b"e", b"m", b"d")).hash,
            head.next(5, &chained(b"f", b"m", b"d")).hash,
            head.next(5, &chained(b"e", b"n", b"d")).hash,
            head.next(5, &chained(b"e", b"m", b"x")).hash,
            head.next(5, &chained(b"em", b"", b"d")).hash,
            head.next(
                5,
                &Chained {
                    kind: 2,
                    ..chained(b"e", b"m", b"d")
                },
            )
            .hash,
            Head { seq: 1, ..head }
                .next(5, &chained(b"e", b"m", b"d"))
                .hash,
            Head::genesis("two")
                .next(5, &chained(b"e", b"m", b"d"))
                .hash,
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_kind_is_read_back_from_its_number_and_others_are_refused() {
        for kind in [
            Kind::Request,
            Kind::Answer,
            Kind::Sending,
            Kind::Receipt,
            Kind::Refusal,
            Kind::Act,
        ] {
            assert_eq!(Kind::from_code(i64::from(kind as u8)), Some(kind));
        }
        assert_eq!(Kind::from_code(0), None);
        assert_eq!(Kind::from_code(7), None);
    }
}
