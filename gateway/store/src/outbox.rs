//! The outbox: parcels claimed by state and lease, in the order of their subject.
//!
//! A parcel that is not done holds back all that come after it in its subject, a dead one too: until a
//! person replays or abandons it.

mod front;
mod put;
mod settle;

use gateway_core::ports::{LaneCensus, Leased, ParcelStory, StoreError};
use gateway_core::seal::{Sealed, Vault};
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use schemas::id::PartnerId;

pub(crate) use put::{Put, SealedParcel, insert};
pub(crate) use settle::{Decide, Sending, Settle};

use crate::meta::{list, time};
use crate::writer::{Command, RowError, Turn};

/// Where a parcel stands. The numbers are written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting = 0,
    Leased = 1,
    Done = 2,
    Dead = 3,
}

impl State {
    fn from_code(code: i64) -> rusqlite::Result<Self> {
        [Self::Waiting, Self::Leased, Self::Done, Self::Dead]
            .into_iter()
            .find(|state| *state as i64 == code)
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(0, code))
    }

    fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }
}

/// What a parcel's ciphertext is bound to.
fn bound(partner: &str, id: &str, subject: &str, sequence: i64, kind: &str) -> Vec<u8> {
    let number = sequence.to_string();
    [
        b"outbox".as_slice(),
        &list([partner, id, subject, &number, kind]),
    ]
    .concat()
}

/// Leases due parcels of one partner.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) partner: PartnerId,
    pub(crate) max: usize,
    pub(crate) lease_micros: i64,
}

impl Command for Lease {
    type Out = Vec<LeasedRow>;

    fn run(&self, turn: &mut Turn<'_>) -> Result<Self::Out, RowError> {
        let positions = self.due(turn)?;
        let until = turn.now.saturating_add(self.lease_micros);
        let mut take = turn.conn.prepare_cached(TAKE)?;
        let rows = positions.into_iter().map(|position| {
            take.query_row(params![turn.terms.writer, until, position], LeasedRow::read)
        });
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Lease {
    /// Positions to lease: the subjects that have waited longest first, each in its own order up to its
    /// first parcel that is not due.
    fn due(&self, turn: &Turn<'_>) -> Result<Vec<i64>, RowError> {
        let mut candidates = turn.conn.prepare_cached(DUE)?;
        let mut rows = candidates.query(params![self.partner.as_str(), turn.now])?;
        let mut positions = Vec::new();
        while positions.len() < self.max {
            let Some(row) = rows.next()? else { break };
            self.open_of(turn, &row.get::<_, String>(0)?, &mut positions)?;
        }
        Ok(positions)
    }

    /// The subject's open parcels from its front up to the first that is not due.
    fn open_of(
        &self,
        turn: &Turn<'_>,
        subject: &str,
        positions: &mut Vec<i64>,
    ) -> Result<(), RowError> {
        let mut open = turn.conn.prepare_cached(OPEN_OF_SUBJECT)?;
        let mut rows = open.query(params![self.partner.as_str(), subject])?;
        while positions.len() < self.max {
            let Some(row) = rows.next()? else { break };
            let (state, due_at): (i64, i64) = (row.get(1)?, row.get(2)?);
            if State::from_code(state)? == State::Dead || due_at > turn.now {
                break;
            }
            positions.push(row.get(0)?);
        }
        Ok(())
    }
}

/// A leased parcel, still sealed.
#[derive(Debug)]
pub(crate) struct LeasedRow {
    id: String,
    partner: String,
    subject: String,
    sequence: i64,
    kind: String,
    attempts: u32,
    content: Sealed,
    put_at: Timestamp,
}

impl LeasedRow {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            partner: row.get(1)?,
            subject: row.get(2)?,
            sequence: row.get(3)?,
            kind: row.get(4)?,
            attempts: row.get(5)?,
            content: Sealed {
                wrapped_key: row.get(6)?,
                ciphertext: row.get(7)?,
            },
            put_at: instant(row, 8)?,
        })
    }

    pub(crate) fn open(self, vault: &Vault) -> Result<Leased, StoreError> {
        let bound = bound(
            &self.partner,
            &self.id,
            &self.subject,
            self.sequence,
            &self.kind,
        );
        let content = vault.open(&bound, &self.content).map_err(|error| {
            StoreError::Corrupt(format!("parcel {}: {}", self.id, error.reason()))
        })?;
        Ok(Leased {
            id: self.id,
            subject: self.subject,
            sequence: self.sequence.unsigned_abs(),
            kind: self.kind,
            content: content.into(),
            attempts: self.attempts,
            put_at: self.put_at,
        })
    }
}

/// The parcels that came from a message.
pub(crate) fn caused_by(
    conn: &Connection,
    evidence: &[u8; 16],
) -> rusqlite::Result<Vec<ParcelStory>> {
    let sql = "SELECT id, partner, state, attempts, reason FROM outbox \
        WHERE cause = ?1 ORDER BY position";
    conn.prepare_cached(sql)?
        .query_map([evidence.as_slice()], |row| {
            Ok(ParcelStory {
                id: row.get(0)?,
                partner: partner(row, 1)?,
                state: State::from_code(row.get(2)?)?.word().into(),
                attempts: row.get(3)?,
                reason: row.get(4)?,
            })
        })?
        .collect()
}

/// Counts per partner of what is not done.
pub(crate) fn lanes(conn: &Connection) -> rusqlite::Result<Vec<LaneCensus>> {
    let sql = "SELECT partner, sum(state < 2), sum(state = 3), \
        min(CASE WHEN state < 2 THEN put_at END) \
        FROM outbox WHERE state <> 2 GROUP BY partner ORDER BY partner";
    conn.prepare_cached(sql)?
        .query_map([], |row| {
            Ok(LaneCensus {
                partner: partner(row, 0)?,
                waiting: row.get::<_, i64>(1)?.unsigned_abs(),
                dead: row.get::<_, i64>(2)?.unsigned_abs(),
                oldest: row.get::<_, Option<i64>>(3)?.and_then(time),
            })
        })?
        .collect()
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let micros = row.get(column)?;
    time(micros).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, micros))
}

fn partner(row: &Row<'_>, column: usize) -> rusqlite::Result<PartnerId> {
    PartnerId::parse(&row.get::<_, String>(column)?).map_err(|error| {
        let kind = rusqlite::types::Type::Text;
        rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
    })
}

const DUE: &str = "SELECT subject FROM outbox INDEXED BY outbox_due \
    WHERE partner = ?1 AND state IN (0, 1) AND front = 1 AND due_at <= ?2 ORDER BY due_at, position";
const OPEN_OF_SUBJECT: &str = "SELECT position, state, due_at FROM outbox INDEXED BY outbox_open \
    WHERE partner = ?1 AND subject = ?2 AND state <> 2 ORDER BY sequence, position";
const TAKE: &str = "UPDATE outbox SET state = 1, owner = ?1, due_at = ?2, attempts = attempts + 1 \
    WHERE position = ?3 RETURNING id, partner, subject, sequence, kind, attempts - 1, \
    wrapped_key, ciphertext, put_at";
