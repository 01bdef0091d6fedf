//! Recovering: the store was put back from a backup, and stands fenced until a person releases it.
//!
//! While the fence is up nothing is leased or sent, nothing unfinished is handed out, and no change is begun
//! whose answer is not here: it may have been made after the backup and be forgotten. What was said in
//! the forgotten time is not too old to be said again.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use gateway_core::ports::{Acted, Recovering, StoreError};
use gateway_core::seal::Vault;
use jiff::Timestamp;

use crate::journal::{COLUMNS, Record};
use crate::meta::{missing, time};
use crate::micros;
use crate::outbox::act_story;
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::writer::{RowError, Turn};

/// What this process knows of it: read when the store opens, and whenever orders are read.
#[derive(Debug, Default)]
pub(crate) struct Fence(RwLock<Vec<Gap>>);

/// From the cut of a backup to the release after it: what came in then may be forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    cut_at: i64,
    /// None while it is Recovering.
    released_at: Option<i64>,
}

impl Fence {
    /// Whether nothing may be begun or sent.
    pub(crate) fn is_up(&self) -> bool {
        let gaps = self.0.read().unwrap_or_else(PoisonError::into_inner);
        gaps.iter().any(|gap| gap.released_at.is_none())
    }

    /// Whether a message of this time may have been taken in once and be forgotten.
    pub(crate) fn forgot(&self, sent_at: i64, now: i64) -> bool {
        let gaps = self.0.read().unwrap_or_else(PoisonError::into_inner);
        gaps.iter().any(|gap| gap.holds(sent_at, now))
    }

    pub(crate) fn set(&self, gaps: Vec<Gap>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = gaps;
    }
}

impl Gap {
    fn holds(&self, sent_at: i64, now: i64) -> bool {
        let until = self.released_at.unwrap_or(now);
        let (slack, kept) = (micros(SLACK), micros(KEPT));
        sent_at >= self.cut_at.saturating_sub(slack)
            && sent_at <= until.saturating_add(slack)
            && now <= until.saturating_add(kept)
    }
}

/// All gaps, the newest last.
pub(crate) fn gaps(conn: &Connection) -> sql::Result<Vec<Gap>> {
    conn.prepare_cached("SELECT cut_at, released_at FROM recovery ORDER BY act")?
        .query_map([], |row| {
            Ok(Gap {
                cut_at: row.get(0)?,
                released_at: row.get(1)?,
            })
        })?
        .collect()
}

/// The newest backup that was put back and is not released: its cut, and the act, still sealed.
pub(crate) fn standing(conn: &Connection) -> sql::Result<Option<(i64, Record)>> {
    let sql = format!(
        "SELECT {COLUMNS}, r.cut_at FROM recovery r JOIN journal j ON j.seq = r.act \
        WHERE r.released IS NULL ORDER BY r.act DESC LIMIT 1"
    );
    conn.prepare_cached(&sql)?
        .query_row([], |row| Ok((row.get(7)?, Record::read(row)?)))
        .optional()
}

/// The same in words.
pub(crate) fn told(
    found: Option<(i64, Record)>,
    vault: &Vault,
) -> Result<Option<Recovering>, StoreError> {
    let Some((cut_at, record)) = found else {
        return Ok(None);
    };
    Ok(Some(Recovering {
        cut: time(cut_at).ok_or_else(|| missing(record.seq))?,
        act: act_story(&record, vault)?,
    }))
}

/// Marks the store; `act` is the record of whoever put it back.
pub(crate) fn mark(turn: &Turn<'_>, act: i64, cut: Timestamp) -> Result<(), RowError> {
    turn.conn
        .prepare_cached("INSERT INTO recovery (act, cut_at) VALUES (?1, ?2)")?
        .execute(params![act, cut.as_microsecond()])?;
    Ok(())
}

/// Whether the store is marked and not released.
pub(crate) fn is_marked(turn: &Turn<'_>) -> Result<bool, RowError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM recovery WHERE released IS NULL)";
    Ok(turn.conn.query_row(sql, [], |row| row.get(0))?)
}

/// Takes the mark away; `act` is the record of whoever releases it.
pub(crate) fn release(turn: &Turn<'_>, act: i64) -> Result<Acted, RowError> {
    let sql = "UPDATE recovery SET released = ?1, released_at = ?2 WHERE released IS NULL";
    turn.conn
        .prepare_cached(sql)?
        .execute(params![act, turn.now])?;
    Ok(Acted::Done)
}

/// How far a sender's clock may be off, and how long a message may have been on its way.
const SLACK: Duration = Duration::from_secs(600);
/// How long after a release forgotten messages may come again.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_holds_what_was_sent_in_it_for_seven_days_after_its_end() {
        let second = |n: i64| n * 1_000_000;
        let open = Gap {
            cut_at: second(10_000),
            released_at: None,
        };
        let closed = Gap {
            released_at: Some(second(20_000)),
            ..open
        };
        let week = 7 * 24 * 3600;
        for (gap, sent, now, holds) in [
            (open, 9_399, 15_000, false),
            (open, 9_400, 15_000, true),
            (open, 15_600, 15_000, true),
            (open, 15_601, 15_000, false),
            (open, 12_000, 90_000_000, true),
            (closed, 20_600, 30_000, true),
            (closed, 20_601, 30_000, false),
            (closed, 15_000, 20_000 + week, true),
            (closed, 15_000, 20_001 + week, false),
        ] {
            assert_eq!(gap.holds(second(sent), second(now)), holds, "{sent} {now}");
        }
    }

    #[test]
    fn the_fence_is_up_until_every_gap_is_closed() {
        let fence = Fence::default();
        assert!(!fence.is_up());
        let gap = |released_at| Gap {
            cut_at: 0,
            released_at,
        };
        fence.set(vec![gap(Some(1)), gap(None)]);
        assert!(fence.is_up());
        fence.set(vec![gap(Some(1)), gap(Some(2))]);
        assert!(!fence.is_up());
    }
}
