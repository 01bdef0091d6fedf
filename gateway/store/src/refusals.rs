//! Refusals of the verify and permit rooms: records without a body, so many per partner and minute; the
//! rest is only counted.

use gateway_core::ports::RefusalNote;
use gateway_core::seal::Vault;

use crate::journal::{Draft, Kind};
use crate::meta::{Fields, Tag};
use crate::sql::{self, Connection, params};
use crate::writer::{Command, RowError, Turn};

/// One refusal, ready to be kept.
#[derive(Debug)]
pub(crate) struct Refuse {
    peer: String,
    record: Draft,
}

impl Refuse {
    pub(crate) fn seal(vault: &Vault, note: &RefusalNote) -> Self {
        let metadata = Fields::new()
            .put_some(
                Tag::Sender,
                note.sender.as_ref().map(|sender| sender.as_str()),
            )
            .put_time(Tag::ReceivedAt, note.at)
            .put(Tag::Peer, note.peer.as_str())
            .put(Tag::Fault, note.code)
            .put(Tag::Room, note.room)
            .put(Tag::Reason, note.reason)
            .finish();
        let record = Draft::seal(vault, Kind::Refusal, note.evidence, metadata, &[]);
        Self {
            peer: note.peer.as_str().into(),
            record,
        }
    }
}

impl Command for Refuse {
    type Out = ();

    fn run(&self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        let minute = turn.now.div_euclid(60 * 1_000_000);
        let max = turn.terms.refusals_per_minute_max;
        let (kept, overflow): (i64, i64) = turn
            .conn
            .prepare_cached(COUNT)?
            .query_row(params![self.peer, minute, max], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let keep = overflow == 0;
        turn.conn
            .prepare_cached(ADD)?
            .execute([i64::from(keep), i64::from(!keep)])?;
        if kept + overflow == 1 {
            let mut forget = turn.conn.prepare_cached(FORGET)?;
            forget.execute([minute - MINUTES_KEPT])?;
        }
        if keep {
            self.record.append(turn)?;
        }
        Ok(())
    }
}

/// How many were kept, and how many only counted.
pub(crate) fn totals(conn: &Connection) -> sql::Result<(i64, i64)> {
    conn.prepare_cached("SELECT coalesce(sum(kept), 0)/*pg ::bigint*/, coalesce(sum(overflow), 0)/*pg ::bigint*/ FROM refusal_total")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Counts one more for the partner and minute; gives both counts after it; an overflow of 0 means that it is to be kept.
const COUNT: &str = "INSERT INTO refusal_count (partner, minute, kept, overflow) \
    VALUES (?1, ?2, iif(?3 > 0, 1, 0), iif(?3 > 0, 0, 1)) \
    ON CONFLICT (/*pg chain, */partner, minute) DO UPDATE SET \
    kept = refusal_count.kept + iif(refusal_count.kept < ?3, 1, 0), \
    overflow = refusal_count.overflow + iif(refusal_count.kept < ?3, 0, 1) \
    RETURNING kept, overflow";
const ADD: &str = "UPDATE refusal_total SET kept = kept + ?1, overflow = overflow + ?2 \
    /*pg WHERE chain = this_chain()*/";
const FORGET: &str = "DELETE FROM refusal_count INDEXED BY refusal_minute WHERE minute < ?1 \
    /*pg AND chain = this_chain()*/";
const MINUTES_KEPT: i64 = 24 * 60;
