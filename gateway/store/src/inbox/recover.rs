//! Recovery's turns: which unheld claims are handed out to be acted upon again, and when next.

use crate::journal::{COLUMNS, Record};
use crate::writer::{Command, RowError, Turn};

/// Hands out claims that nobody holds, the longest due first, and puts them behind the others: one that
/// fails again and again never keeps those behind it from their turn.
#[derive(Debug)]
pub(crate) struct HandOut {
    pub(crate) max: usize,
}

impl Command for HandOut {
    type Out = Vec<Record>;

    fn run(&self, turn: &mut Turn<'_>) -> Result<Vec<Record>, RowError> {
        let max = i64::try_from(self.max).unwrap_or(i64::MAX);
        let records: Vec<_> = turn
            .conn
            .prepare_cached(&due())?
            .query_map([turn.now, max], Record::read)?
            .collect::<rusqlite::Result<_>>()?;
        let mut push_back = turn.conn.prepare_cached(PUSH_BACK)?;
        for record in &records {
            push_back.execute([record.seq, turn.now])?;
        }
        Ok(records)
    }
}

fn due() -> String {
    format!(
        "SELECT {COLUMNS} FROM inbox i INDEXED BY inbox_open JOIN journal j ON j.seq = i.request \
        WHERE i.answer IS NULL AND i.leased_until <= ?1 ORDER BY i.leased_until, i.request LIMIT ?2"
    )
}

const PUSH_BACK: &str = "UPDATE inbox SET owner = NULL, tries = tries + 1, \
    leased_until = ?2 + min(1 << min(tries, 9), 300) * 1000000 \
    WHERE request = ?1 AND answer IS NULL";
