//! The front of a subject: its first open parcel. Leases look at fronts only, so that what waits behind
//! a dead or a backing-off one costs nothing.

use crate::sql::{OptionalExtension as _, params};
use crate::writer::{RowError, Turn};

/// Sets the front where it belongs, after a parcel came in or was closed.
pub(super) fn refresh_front(turn: &Turn<'_>, partner: &str, subject: &str) -> Result<(), RowError> {
    let first: Option<i64> = turn
        .conn
        .prepare_cached(FIRST)?
        .query_row([partner, subject], |row| row.get(0))
        .optional()?;
    turn.conn
        .prepare_cached(CLEAR)?
        .execute(params![partner, subject, first])?;
    turn.conn.prepare_cached(SET)?.execute([first])?;
    Ok(())
}

const FIRST: &str = "SELECT position FROM outbox INDEXED BY outbox_open \
    WHERE partner = ?1 AND subject = ?2 AND state <> 2 ORDER BY sequence, position LIMIT 1";
const CLEAR: &str = "UPDATE outbox INDEXED BY outbox_front SET front = 0 \
    WHERE partner = ?1 AND subject = ?2 AND front = 1 AND position IS DISTINCT FROM ?3";
const SET: &str = "UPDATE outbox SET front = 1 WHERE position = ?1 AND front = 0";
