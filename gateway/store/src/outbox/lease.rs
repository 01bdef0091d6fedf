//! Leases: which parcels of a partner go now, and the last words of those that may be there already.

use gateway_core::ports::{Class, Leased, Said, StoreError};
use gateway_core::seal::{Sealed, Vault};
use jiff::Timestamp;
use rusqlite::{Row, params};
use schemas::id::PartnerId;

use super::office::is_stopped;
use super::{ParcelState, bound, instant, state};
use crate::journal::{self, Record};
use crate::meta::time;
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
        if is_stopped(turn.conn, self.partner.as_str())? {
            return Ok(Vec::new());
        }
        let positions = self.due(turn)?;
        let until = turn.now.saturating_add(self.lease_micros);
        let mut take = turn.conn.prepare_cached(TAKE)?;
        let rows = positions.into_iter().map(|position| {
            let parameters = params![turn.terms.writer, until, position];
            let (row, said) = take.query_row(parameters, |row| {
                Ok((LeasedRow::read(row)?, row.get::<_, Option<i64>>(14)?))
            })?;
            let said = said
                .map(|seq| journal::record(turn.conn, seq))
                .transpose()?;
            Ok(LeasedRow { said, ..row })
        });
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Lease {
    /// Positions to lease: urgent subjects first, then those that have waited longest, each in its own
    /// order up to its first parcel that is not due.
    fn due(&self, turn: &Turn<'_>) -> Result<Vec<i64>, RowError> {
        let mut candidates = turn.conn.prepare_cached(DUE)?;
        let mut positions = Vec::new();
        for class in Class::ALL {
            let parameters = params![self.partner.as_str(), class as i64, turn.now];
            let mut rows = candidates.query(parameters)?;
            while positions.len() < self.max {
                let Some(row) = rows.next()? else { break };
                self.open_of(turn, &row.get::<_, String>(0)?, &mut positions)?;
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
        let mut rows = open.query(params![self.partner.as_str(), subject])?;
        while positions.len() < self.max {
            let Some(row) = rows.next()? else { break };
            let stands = state(row.get(1)?, true)?;
            let waits = matches!(stands, ParcelState::Waiting | ParcelState::Leased);
            if !waits || row.get::<_, i64>(2)? > turn.now {
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
    class: Class,
    due: Option<Timestamp>,
    refusals: u32,
    lost: u32,
    reason: Option<String>,
    said: Option<Record>,
    named: Option<String>,
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
            class: super::class(row, 9)?,
            due: row.get::<_, Option<i64>>(10)?.and_then(time),
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
    ORDER BY due_at, position";
const OPEN_OF_SUBJECT: &str = "SELECT position, state, due_at FROM outbox INDEXED BY outbox_open \
    WHERE partner = ?1 AND subject = ?2 AND state <> 2 ORDER BY sequence, position";
/// A parcel that is leased already was lost by whoever leased it.
const TAKE: &str = "UPDATE outbox SET lost = iif(state = 1, lost + 1, 0), \
    state = 1, owner = ?1, due_at = ?2, attempts = attempts + 1 \
    WHERE position = ?3 RETURNING id, partner, subject, sequence, kind, attempts - 1, \
    wrapped_key, ciphertext, coalesce(replayed_at, put_at), class, give_up_at, refusals, lost, reason, \
    iif(asked = 1, sending, NULL), named";
