//! What becomes of a leased parcel: sent, delivered, tried again, quarantined, dead.

use gateway_core::head::Evidence;
use gateway_core::ports::{Delivery, Hold, ParcelState, Receipt, ReceiptProof};
use gateway_core::seal::Vault;
use schemas::id::PartnerId;

use super::front::refresh_front;
use super::office::is_stopped;
use super::state;
use crate::access::Shown;
use crate::journal::{Draft, Kind};
use crate::meta::{Fields, Tag, list};
use crate::sql::{OptionalExtension as _, params};
use crate::writer::{Command, RowError, Turn};

/// The exact bytes about to be sent.
#[derive(Debug)]
pub(crate) struct Sending {
    partner: PartnerId,
    holds: Vec<Hold>,
    record: Draft,
    shown: Shown,
}

impl Sending {
    /// The bytes, and whom they tell of.
    pub(crate) fn seal(
        vault: &Vault,
        partner: &PartnerId,
        holds: Vec<Hold>,
        (bytes, shown): (&[u8], Shown),
    ) -> Self {
        let metadata = Fields::new()
            .put(Tag::Partner, partner.as_str())
            .put(
                Tag::Parcels,
                list(holds.iter().map(|hold| hold.id.as_str())),
            )
            .put_some(Tag::Shown, shown.digest())
            .finish();
        Self {
            partner: partner.clone(),
            record: Draft::seal(vault, Kind::Sending, Evidence::fresh(), metadata, bytes),
            holds,
            shown,
        }
    }
}

impl Command for Sending {
    type Out = bool;

    fn run(&self, turn: &mut Turn<'_>) -> Result<bool, RowError> {
        if is_stopped(turn, self.partner.as_str())? {
            return Ok(false);
        }
        for hold in &self.holds {
            if !Parcel::find(turn, hold)?.is_held_in_time {
                return Ok(false);
            }
        }
        let seq = self.record.append(turn)?;
        self.shown.write(turn, seq, self.record.evidence)?;
        let alone = self.holds.len() == 1;
        for hold in &self.holds {
            let sql = "UPDATE outbox SET sending = ?1, asked = ?2 WHERE id = ?3";
            turn.conn
                .prepare_cached(sql)?
                .execute(params![seq, alone, hold.id])?;
        }
        Ok(true)
    }
}

/// How deliveries ended.
#[derive(Debug)]
pub(crate) struct Settle(Vec<(Hold, Ending)>);

#[derive(Debug)]
enum Ending {
    Delivered(Draft),
    Later(Later),
    Untried { after_micros: i64 },
    Stuck(ParcelState, &'static str),
}

/// The parcel waits for its next try.
#[derive(Debug)]
struct Later {
    after_micros: i64,
    reason: &'static str,
    refused: bool,
    unknown: bool,
}

impl Settle {
    pub(crate) fn seal(vault: &Vault, results: Vec<(Hold, Delivery)>) -> Self {
        let seal = |(hold, delivery): (Hold, Delivery)| {
            let ending = Ending::of(vault, &hold.id, delivery);
            (hold, ending)
        };
        Self(results.into_iter().map(seal).collect())
    }
}

impl Ending {
    fn of(vault: &Vault, id: &str, delivery: Delivery) -> Self {
        let later = |after, reason| Later {
            after_micros: crate::micros(after),
            reason,
            refused: false,
            unknown: false,
        };
        match delivery {
            Delivery::Delivered { receipt } => Self::Delivered(receipt_of(vault, id, &receipt)),
            Delivery::Retry { after, reason } => Self::Later(later(after, reason)),
            Delivery::Refused { after, reason } => Self::Later(Later {
                refused: true,
                ..later(after, reason)
            }),
            Delivery::Untried { after } => Self::Untried {
                after_micros: crate::micros(after),
            },
            Delivery::Unknown { after, reason } => Self::Later(Later {
                unknown: true,
                ..later(after, reason)
            }),
            // The worker sends other words itself; were it to tell us, the parcel is due at once.
            Delivery::Instead { reason, .. } => {
                Self::Later(later(std::time::Duration::ZERO, reason))
            }
            Delivery::Quarantined { reason } => Self::Stuck(ParcelState::Poison, reason),
            Delivery::Dead { reason } => Self::Stuck(ParcelState::Dead, reason),
        }
    }
}

fn receipt_of(vault: &Vault, id: &str, receipt: &Receipt) -> Draft {
    let fields = Fields::new();
    let fields = match &receipt.proof {
        ReceiptProof::Signed { key, digest } => fields
            .put(Tag::ContentDigest, digest)
            .put(Tag::Proof, "signed")
            .put(Tag::Signature, key),
        ReceiptProof::Plain { certificate } => fields
            .put_some(Tag::PeerCertificate, *certificate)
            .put(Tag::Proof, "plain"),
    };
    let metadata = fields.put(Tag::Parcels, list([id])).finish();
    let evidence = Evidence::fresh();
    Draft::seal(vault, Kind::Receipt, evidence, metadata, &receipt.bytes)
}

impl Command for Settle {
    type Out = ();

    fn moves_parcels(&self) -> bool {
        true
    }

    /// A delivery counts whoever tells it, since the partner has it. Another ending counts only from
    /// whoever still holds the parcel: a late one says nothing about the try that came after.
    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        for (hold, ending) in &self.0 {
            let parcel = Parcel::find(turn, hold)?;
            match ending {
                _ if parcel.state == ParcelState::Done => {}
                Ending::Delivered(receipt) => {
                    let seq = receipt.append(turn)?;
                    close(turn, &hold.id, seq)?;
                }
                _ if !parcel.is_held => {}
                Ending::Later(later) => put_back(turn, &hold.id, later)?,
                Ending::Untried { after_micros } => hand_back(turn, &hold.id, *after_micros)?,
                Ending::Stuck(state, reason) => put_down(turn, &hold.id, *state, reason)?,
            }
        }
        Ok(())
    }
}

/// A parcel as somebody who says that they hold it finds it.
struct Parcel {
    state: ParcelState,
    is_held: bool,
    /// And the lease is not over.
    is_held_in_time: bool,
}

impl Parcel {
    fn find(turn: &Turn<'_>, hold: &Hold) -> Result<Self, RowError> {
        let sql = "SELECT state, receipt IS NOT NULL, attempts - 1, due_at FROM outbox WHERE id = ?1/*pg  FOR UPDATE*/";
        let found = turn
            .conn
            .prepare_cached(sql)?
            .query_row([&hold.id], |row| {
                let state = state(row.get(0)?, row.get(1)?)?;
                let is_held = state == ParcelState::Leased && row.get::<u32>(2)? == hold.turn;
                Ok(Self {
                    state,
                    is_held,
                    is_held_in_time: is_held && row.get::<i64>(3)? > turn.now,
                })
            })
            .optional()?;
        found.ok_or_else(|| RowError::refused(UNKNOWN_PARCEL))
    }
}

fn put_back(turn: &Turn<'_>, id: &str, later: &Later) -> Result<(), RowError> {
    let due_at = turn.now.saturating_add(later.after_micros);
    turn.conn.prepare_cached(PUT_BACK)?.execute(params![
        id,
        due_at,
        later.reason,
        later.refused,
        later.unknown
    ])?;
    Ok(())
}

/// Nothing was tried: the lease does not count as an attempt, and what went before it stands as it stood.
fn hand_back(turn: &Turn<'_>, id: &str, after_micros: i64) -> Result<(), RowError> {
    let sql = "UPDATE outbox SET state = 0, owner = NULL, due_at = ?2, attempts = attempts - 1 WHERE id = ?1";
    let due_at = turn.now.saturating_add(after_micros);
    turn.conn
        .prepare_cached(sql)?
        .execute(params![id, due_at])?;
    Ok(())
}

fn put_down(turn: &Turn<'_>, id: &str, state: ParcelState, reason: &str) -> Result<(), RowError> {
    turn.conn
        .prepare_cached(PUT_DOWN)?
        .execute(params![id, state as i64, turn.now, reason])?;
    Ok(())
}

/// Closes a parcel for good and lets the one behind it go.
fn close(turn: &Turn<'_>, id: &str, receipt: i64) -> Result<(), RowError> {
    let (partner, subject): (String, String) = turn
        .conn
        .prepare_cached(DELIVERED)?
        .query_row(params![id, receipt, turn.now], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    refresh_front(turn, &partner, &subject)
}

const UNKNOWN_PARCEL: &str = "no such parcel";
/// Refusals count while they give one reason; an unknown outcome keeps the words that may be there.
const PUT_BACK: &str = "UPDATE outbox SET state = 0, owner = NULL, due_at = ?2, lost = 0, \
    refusals = iif(?4, iif(reason IS NOT DISTINCT FROM ?3, refusals + 1, 1), iif(?5, refusals, 0)), reason = ?3, \
    asked = iif(?5, asked, 0) WHERE id = ?1";
const PUT_DOWN: &str = "UPDATE outbox SET state = ?2, owner = NULL, due_at = ?3, reason = ?4, lost = 0 \
    WHERE id = ?1";
const DELIVERED: &str = "UPDATE outbox SET state = 2, front = 0, owner = NULL, receipt = ?2, asked = 0, \
    due_at = ?3 \
    WHERE id = ?1 RETURNING partner, subject";
