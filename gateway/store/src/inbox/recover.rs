//! Recovery's turns: which unheld claims are handed out to be acted upon again, and when next.

use std::collections::HashMap;

use gateway_core::head::Evidence;

use crate::journal::{self, COLUMNS, Record};
use crate::sql::{self, Value, params};
use crate::writer::{Command, RowError, Turn};

/// Hands out claims that nobody holds, the longest due first, and puts them behind the others: one that
/// fails again and again never keeps those behind it from their turn.
///
/// What is handed out at once is bounded in bytes, since it stands in memory; and of those whose last
/// holder died, one of which may be what killed it, only few go together.
#[derive(Debug)]
pub(crate) struct HandOut {
    pub(crate) max: usize,
}

impl Command for HandOut {
    type Out = Vec<(Record, u32)>;

    fn run(&self, turn: &mut Turn<'_>) -> Result<Self::Out, RowError> {
        if turn.terms.fence.is_up() {
            return Ok(Vec::new());
        }
        let max = i64::try_from(self.max).unwrap_or(i64::MAX);
        let due: Vec<Due> = turn
            .conn
            .prepare_cached(DUE)?
            .query_map([turn.now, max], |row| {
                Ok(Due {
                    request: row.get(0)?,
                    bytes: row.get(1)?,
                    lost: row.get(2)?,
                })
            })?
            .collect::<sql::Result<_>>()?;
        let due = together(due);
        push_back(turn, &due)?;
        let mut records = records(turn, &due)?;
        let lost: HashMap<i64, u32> = due.iter().map(|due| (due.request, due.lost)).collect();
        let place: HashMap<i64, usize> =
            (0..).zip(&due).map(|(at, due)| (due.request, at)).collect();
        records.sort_by_key(|record| place.get(&record.seq));
        Ok(records
            .into_iter()
            .map(|record| (lost.get(&record.seq).copied().unwrap_or(0), record))
            .map(|(lost, record)| (record, lost))
            .collect())
    }
}

/// A claim that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Due {
    request: i64,
    bytes: i64,
    lost: u32,
}

/// The first of these that may be handed out at once: at least one.
fn together(due: Vec<Due>) -> Vec<Due> {
    let (mut bytes, mut suspects) = (0, 0);
    due.into_iter()
        .enumerate()
        .take_while(|(nth, due)| {
            bytes += due.bytes;
            suspects += u32::from(due.lost > 0);
            *nth == 0 || (bytes <= BYTES_MAX && suspects <= SUSPECTS_MAX)
        })
        .map(|(_, due)| due)
        .collect()
}

fn push_back(turn: &Turn<'_>, due: &[Due]) -> Result<(), RowError> {
    if turn.conn.is_postgres() {
        let requests: Vec<i64> = due.iter().map(|due| due.request).collect();
        let all = [Value::Ints(&requests), Value::Int(turn.now)];
        turn.conn.prepare_cached(PUSH_ALL_BACK)?.execute(all)?;
        return Ok(());
    }
    let mut push_back = turn.conn.prepare_cached(PUSH_BACK)?;
    for due in due {
        push_back.execute([due.request, turn.now])?;
    }
    Ok(())
}

/// Their requests, in no order.
fn records(turn: &Turn<'_>, due: &[Due]) -> Result<Vec<Record>, RowError> {
    if turn.conn.is_postgres() {
        let requests: Vec<i64> = due.iter().map(|due| due.request).collect();
        let sql = format!("SELECT {COLUMNS} FROM journal j WHERE j.seq = ANY(?1::bigint[])");
        let mut read = turn.conn.prepare_cached(&sql)?;
        let all = read.query_map([Value::Ints(&requests)], Record::read)?;
        return Ok(all.collect::<sql::Result<_>>()?);
    }
    let each = due
        .iter()
        .map(|due| journal::record(turn.conn, due.request));
    Ok(each.collect::<sql::Result<_>>()?)
}

/// Takes a claim that nobody holds out of the turns.
#[derive(Debug)]
pub(crate) struct Quarantine {
    pub(crate) evidence: Evidence,
    pub(crate) reason: &'static str,
}

impl Command for Quarantine {
    type Out = bool;

    fn run(&self, turn: &mut Turn<'_>) -> Result<bool, RowError> {
        let Some(request) = turn.request_of(self.evidence.as_bytes())? else {
            return Ok(false);
        };
        let mut set_aside = turn.conn.prepare_cached(SET_ASIDE)?;
        Ok(set_aside.execute(params![request, self.reason, NEVER])? == 1)
    }
}

/// A person lets recovery take it up again.
pub(crate) fn recover_again(turn: &Turn<'_>, request: i64) -> Result<bool, RowError> {
    let mut again = turn.conn.prepare_cached(AGAIN)?;
    Ok(again.execute([request, turn.now])? == 1)
}

/// What stands in memory of one hand-out.
const BYTES_MAX: i64 = 16 << 20;
/// How many go together whose last holder died.
const SUSPECTS_MAX: u32 = 16;
const DUE: &str = "SELECT i.request, length(j.ciphertext), i.lost \
    FROM inbox i INDEXED BY inbox_open JOIN journal j ON j.seq = i.request \
    WHERE i.answer IS NULL AND i.leased_until <= ?1 ORDER BY i.leased_until, i.request LIMIT ?2/*pg  FOR UPDATE OF i SKIP LOCKED*/";
const PUSH_ALL_BACK: &str = "UPDATE inbox SET owner = NULL, tries = tries + 1, lost = lost + 1, \
    leased_until = ?2 + min(1 << min(tries, 9)::integer, 300) * 1000000 \
    WHERE request = ANY(?1::bigint[]) AND answer IS NULL";
const PUSH_BACK: &str = "UPDATE inbox SET owner = NULL, tries = tries + 1, lost = lost + 1, \
    leased_until = ?2 + min(1 << min(tries, 9)/*pg ::integer*/, 300) * 1000000 \
    WHERE request = ?1 AND answer IS NULL";

/// A turn that does not come.
const NEVER: i64 = i64::MAX;
const SET_ASIDE: &str = "UPDATE inbox SET poison = ?2, leased_until = ?3 \
    WHERE request = ?1 AND answer IS NULL AND owner IS NULL";
const AGAIN: &str = "UPDATE inbox SET poison = NULL, lost = 0, tries = 0, leased_until = ?2 \
    WHERE request = ?1 AND answer IS NULL AND poison IS NOT NULL";

#[cfg(test)]
mod tests {
    use super::*;

    fn due(request: i64, bytes: i64, lost: u32) -> Due {
        Due {
            request,
            bytes,
            lost,
        }
    }

    #[test]
    fn what_is_handed_out_together_is_bounded_in_bytes_and_in_suspects() {
        let small: Vec<_> = (0..100).map(|n| due(n, 2_000, 0)).collect();
        assert_eq!(together(small.clone()), small);
        let large = vec![due(1, BYTES_MAX * 2, 0), due(2, 1, 0)];
        assert_eq!(together(large).len(), 1, "the first goes, however large");
        let half: Vec<_> = (0..4).map(|n| due(n, BYTES_MAX / 2, 0)).collect();
        assert_eq!(together(half).len(), 2);
        let suspects: Vec<_> = (0..100).map(|n| due(n, 1, 1)).collect();
        assert_eq!(together(suspects).len(), 16);
    }
}
