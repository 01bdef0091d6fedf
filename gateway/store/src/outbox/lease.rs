//! Leases: which parcels of a partner go now, and the last words of those that may be there already.

use gateway_core::ports::{Class, Leased, Said, StoreError};
use gateway_core::seal::{Sealed, Vault};
use jiff::Timestamp;
use schemas::id::PartnerId;

use super::office::is_stopped;
use super::{ParcelState, bound, instant, state};
use crate::journal::{self, Record};
use crate::meta::time;
use crate::sql::{self, OptionalExtension as _, Row, params};
use crate::writer::{Command, RowError, Turn};

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
        if is_stopped(turn, self.partner.as_str())? {
            return Ok(Vec::new());
        }
        let positions = self.due(turn)?;
        let until = turn.now.saturating_add(self.lease_micros);
        let mut take = turn.conn.prepare_cached(TAKE)?;
        let mut rows = Vec::with_capacity(positions.len());
        for position in positions {
            let parameters = params![turn.terms.writer, until, position];
            let taken = take
                .query_row(parameters, |row| {
                    Ok((LeasedRow::read(row)?, row.get::<Option<i64>>(14)?))
                })
                .optional()?;
            // Not there: another replica has closed it since it was looked at.
            let Some((row, said)) = taken else { continue };
            let said = said
                .map(|seq| journal::record(turn.conn, seq))
                .transpose()?;
            rows.push(LeasedRow { said, ..row });
        }
        Ok(rows)
    }
}

impl Lease {
    /// Positions to lease: urgent subjects first, then those that have waited longest, each in its own
    /// order up to its first parcel that is not due.
    fn due(&self, turn: &Turn<'_>) -> Result<Vec<i64>, RowError> {
        let mut candidates = turn.conn.prepare_cached(DUE)?;
        let mut positions = Vec::new();
        for class in Class::ALL {
            // Each front gives at least itself.
            let left = self.left(&positions);
            let parameters = params![self.partner.as_str(), class as i64, turn.now, left];
            let subjects = candidates.query_map(parameters, |row| row.get::<String>(0))?;
            for subject in subjects {
                self.open_of(turn, &subject?, &mut positions)?;
            }
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
        let parameters = params![self.partner.as_str(), subject, self.left(positions)];
        let rows = open.query_map(parameters, |row| {
            let stands = state(row.get(1)?, true)?;
            let waits = matches!(stands, ParcelState::Waiting | ParcelState::Leased);
            let due_at: i64 = row.get(2)?;
            Ok((row.get::<i64>(0)?, waits && due_at <= turn.now))
        })?;
        for row in rows {
            let (position, is_due) = row?;
            if !is_due {
                break;
            }
            positions.push(position);
        }
        Ok(())
    }

    /// How many more may be leased.
    fn left(&self, positions: &[i64]) -> i64 {
        i64::try_from(self.max.saturating_sub(positions.len())).unwrap_or(i64::MAX)
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
    class: Class,
    due: Option<Timestamp>,
    refusals: u32,
    lost: u32,
    reason: Option<String>,
    said: Option<Record>,
    named: Option<String>,
}

impl LeasedRow {
    fn read(row: &Row<'_>) -> sql::Result<Self> {
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
            class: super::class(row, 9)?,
            due: row.get::<Option<i64>>(10)?.and_then(time),
            refusals: row.get(11)?,
            lost: row.get(12)?,
            reason: row.get(13)?,
            said: None,
            named: row.get(15)?,
        })
    }

    pub(crate) fn open(self, vault: &Vault) -> Result<Leased, StoreError> {
        let bound = bound(
            &self.partner,
            self.named.as_ref().unwrap_or(&self.id),
            &self.subject,
            self.sequence,
            &self.kind,
        );
        let content = vault.open(&bound, &self.content).map_err(|error| {
            StoreError::Corrupt(format!("parcel {}: {}", self.id, error.reason()))
        })?;
        let said = self.said.as_ref().map(|record| said(record, vault));
        Ok(Leased {
            id: self.id,
            subject: self.subject,
            sequence: self.sequence.unsigned_abs(),
            kind: self.kind,
            content: content.into(),
            class: self.class,
            due: self.due,
            attempts: self.attempts,
            refusals: self.refusals,
            lost: self.lost,
            reason: self.reason,
            said: said.transpose()?,
            put_at: self.put_at,
        })
    }
}

fn said(record: &Record, vault: &Vault) -> Result<Said, StoreError> {
    let at = time(record.at).ok_or_else(|| crate::meta::missing(record.seq))?;
    let body = record.open(vault)?.into();
    Ok(Said { body, at })
}

const DUE: &str = "SELECT subject FROM outbox INDEXED BY outbox_due \
    WHERE partner = ?1 AND class = ?2 AND state IN (0, 1) AND front = 1 AND due_at <= ?3 \
    ORDER BY due_at, position LIMIT ?4/*pg  FOR UPDATE SKIP LOCKED*/";
const OPEN_OF_SUBJECT: &str = "SELECT position, state, due_at FROM outbox INDEXED BY outbox_open \
    WHERE partner = ?1 AND subject = ?2 AND state <> 2 ORDER BY sequence, position LIMIT ?3";
/// A parcel that is leased already was lost by whoever leased it.
const TAKE: &str = "UPDATE outbox SET lost = iif(state = 1, lost + 1, 0), \
    state = 1, owner = ?1, due_at = ?2, attempts = attempts + 1 \
    WHERE position = ?3 AND state IN (0, 1) RETURNING id, partner, subject, sequence, kind, attempts - 1, \
    wrapped_key, ciphertext, coalesce(replayed_at, put_at), class, give_up_at, refusals, lost, reason, \
    iif(asked = 1, sending, NULL), named";
