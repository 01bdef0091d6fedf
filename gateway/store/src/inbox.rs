//! The inbox: who said what under which id, who acts upon it, and which record holds its answer.

mod claim;
mod close;
mod content;
mod recover;
mod standing;

use schemas::id::{MessageId, PartnerId};

pub(crate) use claim::{Claim, ClaimOut, Exchange};
pub(crate) use close::{Commit, Release, let_go};
pub(crate) use content::{open_answer, reopen, seal_answer};
pub(crate) use recover::{HandOut, Quarantine, recover_again};
pub(crate) use standing::{open_count, poison_count, requests_under, state_of};

use crate::sql::{self, Connection, OptionalExtension as _};

/// What is remembered of one (sender, id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) request: i64,
    pub(crate) digest: [u8; 32],
    pub(crate) answer: Option<i64>,
    /// Until when somebody holds it; none where nobody does.
    pub(crate) held_until: Option<i64>,
}

impl Row {
    /// Reads request, digest, answer and the end of the lease from this column on.
    pub(crate) fn read(row: &sql::Row<'_>, from: usize) -> sql::Result<Self> {
        Ok(Self {
            request: row.get(from)?,
            digest: row.get(from + 1)?,
            answer: row.get(from + 2)?,
            held_until: row.get(from + 3)?,
        })
    }
}

/// What that means for one more message under the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Never seen.
    Unknown,
    /// The same, answered by this record.
    Same(i64),
    /// Other content.
    Conflict,
    /// The same, and somebody acts upon it.
    Held,
    /// The same, and whoever acted upon it has gone; this record holds the request.
    Abandoned(i64),
}

/// Decides, without regard to freshness.
pub(crate) fn judge(row: Option<&Row>, digest: &[u8; 32], now: i64) -> Verdict {
    let Some(row) = row else {
        return Verdict::Unknown;
    };
    if row.digest != *digest {
        return Verdict::Conflict;
    }
    match (row.answer, row.held_until) {
        (Some(answer), _) => Verdict::Same(answer),
        (None, Some(until)) if until > now => Verdict::Held,
        (None, _) => Verdict::Abandoned(row.request),
    }
}

/// The row of (sender, id).
pub(crate) fn look_up(
    conn: &Connection,
    sender: &PartnerId,
    id: &MessageId,
) -> sql::Result<Option<Row>> {
    find(conn, LOOK_UP, sender, id)
}

/// The same, held until the end of the transaction, where others may write too.
fn look_up_locked(
    conn: &Connection,
    sender: &PartnerId,
    id: &MessageId,
) -> sql::Result<Option<Row>> {
    find(conn, LOOK_UP_LOCKED, sender, id)
}

fn find(
    conn: &Connection,
    sql: &str,
    sender: &PartnerId,
    id: &MessageId,
) -> sql::Result<Option<Row>> {
    conn.prepare_cached(sql)?
        .query_row([id.as_str(), sender.as_str()], |row| Row::read(row, 0))
        .optional()
}

const LOOK_UP: &str = "SELECT request, digest, answer, iif(owner IS NULL, NULL, leased_until) \
    FROM inbox WHERE message_id = ?1 AND sender = ?2";
const LOOK_UP_LOCKED: &str = "SELECT request, digest, answer, iif(owner IS NULL, NULL, leased_until) \
    FROM inbox WHERE message_id = ?1 AND sender = ?2/*pg  FOR UPDATE*/";
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_decides_and_the_lease_ends_at_its_very_end() {
        let digest = [1; 32];
        let row = |digest, answer, held_until| Row {
            request: 7,
            digest,
            answer,
            held_until,
        };
        for (row, verdict) in [
            (None, Verdict::Unknown),
            (Some(row([2; 32], None, Some(99))), Verdict::Conflict),
            (Some(row([2; 32], Some(8), None)), Verdict::Conflict),
            (Some(row(digest, Some(8), None)), Verdict::Same(8)),
            (Some(row(digest, None, Some(11))), Verdict::Held),
            (Some(row(digest, None, Some(10))), Verdict::Abandoned(7)),
            (Some(row(digest, None, None)), Verdict::Abandoned(7)),
        ] {
            assert_eq!(judge(row.as_ref(), &digest, 10), verdict, "{row:?}");
        }
    }
}
