//! Recovery's turns: which unheld claims are handed out to be acted upon again, and when next.

use gateway_core::head::Evidence;

use crate::journal::{COLUMNS, Record};
use crate::sql::{self, params};
use crate::writer::{Command, RowError, Turn};

/// Hands out claims that nobody holds, the longest due first, and puts them behind the others: one that
/// fails again and again never keeps those behind it from their turn.
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
        let records: Vec<_> = turn
            .conn
            .prepare_cached(&due())?
            .query_map([turn.now, max], |row| Ok((Record::read(row)?, row.get(7)?)))?
            .collect::<sql::Result<_>>()?;
        let mut push_back = turn.conn.prepare_cached(PUSH_BACK)?;
        for (record, _) in &records {
            push_back.execute([record.seq, turn.now])?;
        }
        Ok(records)
    }
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

fn due() -> String {
    format!(
        "SELECT {COLUMNS}, i.lost FROM inbox i INDEXED BY inbox_open JOIN journal j ON j.seq = i.request \
        WHERE i.answer IS NULL AND i.leased_until <= ?1 ORDER BY i.leased_until, i.request LIMIT ?2/*pg  FOR UPDATE OF i SKIP LOCKED*/"
    )
}

const PUSH_BACK: &str = "UPDATE inbox SET owner = NULL, tries = tries + 1, lost = lost + 1, \
    leased_until = ?2 + min(1 << min(tries, 9)/*pg ::integer*/, 300) * 1000000 \
    WHERE request = ?1 AND answer IS NULL";

/// A turn that does not come.
const NEVER: i64 = i64::MAX;
const SET_ASIDE: &str = "UPDATE inbox SET poison = ?2, leased_until = ?3 \
    WHERE request = ?1 AND answer IS NULL AND owner IS NULL";
const AGAIN: &str = "UPDATE inbox SET poison = NULL, lost = 0, tries = 0, leased_until = ?2 \
    WHERE request = ?1 AND answer IS NULL AND poison IS NOT NULL";
