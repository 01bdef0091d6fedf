//! What is told about parcels, without their content.

use gateway_core::head::Evidence;
use gateway_core::ports::{LaneCensus, ParcelFilter, ParcelState, ParcelStory};

use super::{class, instant, partner, state};
use crate::meta::time;
use crate::sql::{self, Connection, OptionalExtension as _, Row, ToValue};

/// The parcels that came from a message.
pub(crate) fn caused_by(conn: &Connection, evidence: &[u8; 16]) -> sql::Result<Vec<ParcelStory>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE cause = ?1 ORDER BY position");
    conn.prepare_cached(&sql)?
        .query_map([evidence.as_slice()], read)?
        .collect()
}

/// One parcel.
pub(crate) fn one(conn: &Connection, id: &str) -> sql::Result<Option<ParcelStory>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE id = ?1");
    conn.prepare_cached(&sql)?.query_row([id], read).optional()
}

/// How many open parcels of its subject wait behind this one.
pub(crate) fn behind(conn: &Connection, id: &str) -> sql::Result<u64> {
    let sql = "SELECT count(*) FROM outbox o JOIN outbox b ON b.partner = o.partner \
        AND b.subject = o.subject AND b.state <> 2 \
        AND (b.sequence, b.position) > (o.sequence, o.position) WHERE o.id = ?1";
    let count: i64 = conn
        .prepare_cached(sql)?
        .query_row([id], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Parcels, the newest first.
///
/// What is open is found by the index of what is open, what was cancelled by the acts that did it: the
/// history of what was delivered is walked only by whoever asks for that, from its newest end.
pub(crate) fn list(conn: &Connection, filter: &ParcelFilter) -> sql::Result<Vec<ParcelStory>> {
    let (from, wanted) = match filter.state {
        None => (OPEN, "state <> 2"),
        Some(ParcelState::Waiting) => (OPEN, "state <> 2 AND state = 0"),
        Some(ParcelState::Leased) => (OPEN, "state <> 2 AND state = 1"),
        Some(ParcelState::Done) => ("outbox", "state = 2 AND receipt IS NOT NULL"),
        Some(ParcelState::Dead) => (STUCK, "state IN (3, 4) AND state = 3"),
        Some(ParcelState::Poison) => (STUCK, "state IN (3, 4) AND state = 4"),
        Some(ParcelState::Cancelled) => (
            "outbox",
            "state = 2 AND receipt IS NULL AND id IN (SELECT target FROM act)",
        ),
    };
    let mut sql = format!("SELECT {COLUMNS} FROM {from} WHERE {wanted}");
    let mut values: Vec<&dyn ToValue> = Vec::new();
    let id = filter.partner.as_ref().map(|partner| partner.as_str());
    for (value, test) in [
        (id.as_ref().map(|id| id as &dyn ToValue), "partner = ?"),
        (
            filter.subject.as_ref().map(|s| s as &dyn ToValue),
            "subject = ?",
        ),
        (filter.before.as_ref().map(|b| b as &dyn ToValue), BEFORE),
    ] {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(test);
            values.push(value);
        }
    }
    let max = i64::try_from(filter.max.clamp(1, LIST_MAX)).unwrap_or(1);
    sql.push_str(match filter.state {
        Some(ParcelState::Done) => " ORDER BY position DESC LIMIT ?",
        // A sum is in no index: nothing is walked in the order of positions for its sake.
        _ => " ORDER BY position + 0 DESC LIMIT ?",
    });
    values.push(&max);
    conn.prepare_cached(&sql)?
        .query_map(values.as_slice(), read)?
        .collect()
}

/// Counts per partner of what is not done.
pub(crate) fn lanes(conn: &Connection) -> sql::Result<Vec<LaneCensus>> {
    let sql = "SELECT partner, count(*) FILTER (WHERE state < 2), count(*) FILTER (WHERE state = 3), \
        count(*) FILTER (WHERE state = 4), \
        min(CASE WHEN state < 2 THEN put_at END) \
        FROM outbox WHERE state <> 2 GROUP BY partner ORDER BY partner";
    let count = |row: &Row<'_>, column: usize| row.get::<i64>(column).map(i64::unsigned_abs);
    conn.prepare_cached(sql)?
        .query_map([], |row| {
            Ok(LaneCensus {
                partner: partner(row, 0)?,
                waiting: count(row, 1)?,
                dead: count(row, 2)?,
                poison: count(row, 3)?,
                oldest: row.get::<Option<i64>>(4)?.and_then(time),
            })
        })?
        .collect()
}

fn read(row: &Row<'_>) -> sql::Result<ParcelStory> {
    let number = |column| -> sql::Result<Option<u64>> {
        Ok(row.get::<Option<i64>>(column)?.map(i64::unsigned_abs))
    };
    let receipt = number(14)?;
    Ok(ParcelStory {
        id: row.get(0)?,
        partner: partner(row, 1)?,
        subject: row.get(2)?,
        sequence: row.get::<i64>(3)?.unsigned_abs(),
        kind: row.get(4)?,
        class: class(row, 5)?,
        state: state(row.get(6)?, receipt.is_some())?,
        attempts: row.get(7)?,
        reason: row.get(8)?,
        put_at: instant(row, 9)?,
        due_at: instant(row, 10)?,
        due: row.get::<Option<i64>>(11)?.and_then(time),
        owner: row.get(12)?,
        sending: number(13)?,
        receipt,
        cause: row.get::<Option<[u8; 16]>>(15)?.map(Evidence::from_bytes),
    })
}

/// At most so many in one answer.
const LIST_MAX: usize = 1_000;
const OPEN: &str = "outbox INDEXED BY outbox_open";
const STUCK: &str = "outbox INDEXED BY outbox_stuck";
const BEFORE: &str = "position < (SELECT position FROM outbox WHERE id = ?)";
const COLUMNS: &str = "id, partner, subject, sequence, kind, class, state, attempts, reason, put_at, \
    due_at, give_up_at, owner, sending, receipt, cause";
