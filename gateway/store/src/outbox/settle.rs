//! What becomes of a leased parcel: sent, delivered, tried again, dead, and what a person decides then.

use gateway_core::head::Evidence;
use gateway_core::ports::Delivery;
use gateway_core::seal::Vault;
use rusqlite::{OptionalExtension as _, params};
use schemas::id::PartnerId;

use super::State;
use super::front::refresh_front;
use crate::journal::{Draft, Kind};
use crate::meta::{Fields, Tag, list};
use crate::writer::{Command, RowError, Turn};

/// The exact bytes about to be sent.
#[derive(Debug)]
pub(crate) struct Sending {
    ids: Vec<String>,
    record: Draft,
}

impl Sending {
    pub(crate) fn seal(vault: &Vault, partner: &PartnerId, ids: Vec<String>, bytes: &[u8]) -> Self {
        let metadata = Fields::new()
            .put(Tag::Partner, partner.as_str())
            .put(Tag::Parcels, list(ids.iter().map(String::as_str)))
            .finish();
        Self {
            ids,
            record: Draft::seal(vault, Kind::Sending, Evidence::fresh(), metadata, bytes),
        }
    }
}

impl Command for Sending {
    type Out = ();

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        let seq = self.record.append(turn)?;
        for id in &self.ids {
            let sql = "UPDATE outbox SET sending = ?1 WHERE id = ?2";
            known(turn.conn.prepare_cached(sql)?.execute(params![seq, id])?)?;
        }
        Ok(())
    }
}

/// How deliveries ended.
#[derive(Debug)]
pub(crate) struct Settle(Vec<(String, Ending)>);

#[derive(Debug)]
enum Ending {
    Delivered(Draft),
    Retry {
        after_micros: i64,
        reason: &'static str,
    },
    Dead {
        reason: &'static str,
    },
}

impl Settle {
    pub(crate) fn seal(vault: &Vault, results: Vec<(String, Delivery)>) -> Self {
        let seal = |(id, delivery): (String, Delivery)| {
            let ending = match delivery {
                Delivery::Delivered { receipt } => {
                    let metadata = Fields::new()
                        .put(Tag::Parcels, list([id.as_str()]))
                        .finish();
                    let evidence = Evidence::fresh();
                    let record = Draft::seal(vault, Kind::Receipt, evidence, metadata, &receipt);
                    Ending::Delivered(record)
                }
                Delivery::Retry { after, reason } => Ending::Retry {
                    after_micros: crate::micros(after),
                    reason,
                },
                // The worker sends other words itself; were it to tell us, the parcel is due at once.
                Delivery::Instead { reason, .. } => Ending::Retry {
                    after_micros: 0,
                    reason,
                },
                Delivery::Dead { reason } => Ending::Dead { reason },
            };
            (id, ending)
        };
        Self(results.into_iter().map(seal).collect())
    }
}

impl Command for Settle {
    type Out = ();

    /// A delivery counts whenever it is told, since the partner has it. Another ending counts only
    /// while the parcel is leased: a late one says nothing about the try that came after.
    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        for (id, ending) in &self.0 {
            let state = turn
                .conn
                .prepare_cached("SELECT state FROM outbox WHERE id = ?1")?
                .query_row([id], |row| row.get(0))
                .optional()?
                .ok_or_else(|| RowError::refused(UNKNOWN_PARCEL))?;
            match (State::from_code(state)?, ending) {
                (State::Done, _) => {}
                (_, Ending::Delivered(receipt)) => {
                    let seq = receipt.append(turn)?;
                    finish(turn, DELIVERED, params![id, seq])?;
                }
                (
                    State::Leased,
                    Ending::Retry {
                        after_micros,
                        reason,
                    },
                ) => {
                    let due_at = turn.now.saturating_add(*after_micros);
                    put_down(turn, id, State::Waiting, due_at, reason)?;
                }
                (State::Leased, Ending::Dead { reason }) => {
                    put_down(turn, id, State::Dead, turn.now, reason)?;
                }
                (State::Waiting | State::Dead, _) => {}
            }
        }
        Ok(())
    }
}

fn put_down(
    turn: &Turn<'_>,
    id: &str,
    state: State,
    due_at: i64,
    reason: &str,
) -> Result<(), RowError> {
    let sql = "UPDATE outbox SET state = ?1, owner = NULL, due_at = ?2, reason = ?3 WHERE id = ?4";
    turn.conn
        .prepare_cached(sql)?
        .execute(params![state as i64, due_at, reason, id])?;
    Ok(())
}

/// What a person decides about a dead parcel.
#[derive(Debug)]
pub(crate) enum Decide {
    /// Try again, from the beginning.
    Replay(String),
    /// Never; those behind it may go.
    Abandon(String),
}

impl Command for Decide {
    type Out = bool;

    fn run(&self, turn: &mut Turn<'_>) -> Result<bool, RowError> {
        match self {
            Self::Replay(id) => {
                let mut replay = turn.conn.prepare_cached(REPLAY)?;
                Ok(replay.execute(params![id, turn.now])? == 1)
            }
            Self::Abandon(id) => finish(turn, ABANDON, params![id, turn.now]),
        }
    }
}

/// Closes a parcel for good and lets the one behind it go; false where nothing was closed.
fn finish(
    turn: &Turn<'_>,
    sql: &str,
    parameters: &[&dyn rusqlite::ToSql],
) -> Result<bool, RowError> {
    let closed: Option<(String, String)> = turn
        .conn
        .prepare_cached(sql)?
        .query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match closed {
        None => Ok(false),
        Some((partner, subject)) => {
            refresh_front(turn, &partner, &subject)?;
            Ok(true)
        }
    }
}

fn known(changed: usize) -> Result<(), RowError> {
    if changed == 1 {
        Ok(())
    } else {
        Err(RowError::refused(UNKNOWN_PARCEL))
    }
}

const UNKNOWN_PARCEL: &str = "no such parcel";
const REPLAY: &str = "UPDATE outbox SET state = 0, due_at = ?2 WHERE id = ?1 AND state = 3";
const DELIVERED: &str = "UPDATE outbox SET state = 2, front = 0, owner = NULL, receipt = ?2 \
    WHERE id = ?1 RETURNING partner, subject";
const ABANDON: &str = "UPDATE outbox SET state = 2, front = 0, reason = 'abandoned', due_at = ?2 \
    WHERE id = ?1 AND state = 3 RETURNING partner, subject";
