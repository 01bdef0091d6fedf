//! The journal's partitions, one a week: made ahead, detached when their time is over.

use std::time::Duration;

use super::Session;
use super::chain::base_of;
use crate::sql::{Connection, Error, Result, params};

/// Which times have partitions, so that the writer need not ask each time.
#[derive(Debug, Default)]
pub(crate) struct Cover {
    until: i64,
}

impl Cover {
    /// Makes sure that a record of now has a place, and that the weeks to come have theirs.
    pub(crate) fn reach(&mut self, conn: &Connection, session: &Session, now: i64) -> Result<()> {
        if now < self.until {
            return Ok(());
        }
        let this = week_of(now);
        for week in this..=this + WEEKS_AHEAD {
            make(conn, session, week)?;
        }
        // Long before the last one is full.
        self.until = start_of(this + 1);
        Ok(())
    }
}

/// A table of its own is attached, since that locks out nobody; creating it in place would.
fn make(conn: &Connection, session: &Session, week: i64) -> Result<()> {
    let name = name_of(week);
    let there: bool = conn.query_row(
        "SELECT to_regclass(?1) IS NOT NULL",
        params![format!("lienthong_store.{name}")],
        |row| row.get(0),
    )?;
    if there {
        return Ok(());
    }
    let (from, to) = (start_of(week), start_of(week + 1));
    session.batch(&format!(
        "BEGIN; SELECT pg_advisory_xact_lock({LOCK}); \
        CREATE TABLE IF NOT EXISTS {name} (LIKE journal INCLUDING ALL) WITH (toast_tuple_target = 8160); \
        DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhrelid = '{name}'::regclass) THEN \
        ALTER TABLE journal ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to}); \
        END IF; END $$; COMMIT"
    ))
    .inspect_err(|_| drop(session.batch("ROLLBACK")))
}

/// Detaches every partition whose last record is older than `keep`; gives their names. The ids that
/// they hold are forgotten with them. One that still holds something unfinished stays.
pub(crate) fn detach(
    conn: &Connection,
    session: &Session,
    vault: &gateway_core::seal::Vault,
    now: i64,
    keep: Duration,
) -> Result<Vec<String>> {
    finish_detaching(conn, session)?;
    let oldest = week_of(now.saturating_sub(crate::micros(keep)));
    let mut gone = Vec::new();
    for (name, week) in attached(conn)? {
        if week >= oldest || is_needed(conn, week)? {
            break;
        }
        seal_ends(conn, vault, &name, week)?;
        let transactions = forget_ids(conn, &name)?;
        tracing::info!(partition = name, transactions, "its ids were forgotten");
        session.batch(&format!(
            "ALTER TABLE journal DETACH PARTITION {name} CONCURRENTLY"
        ))?;
        tracing::info!(partition = name, "a part of the journal was detached");
        gone.push(name);
    }
    Ok(gone)
}

/// A detaching that was interrupted hides its records already and has to be ended before another begins.
fn finish_detaching(conn: &Connection, session: &Session) -> Result<()> {
    let half_gone: Vec<String> = conn
        .prepare_cached(HALF_GONE)?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for name in half_gone {
        session.batch(&format!(
            "ALTER TABLE journal DETACH PARTITION {name} FINALIZE"
        ))?;
        tracing::info!(
            partition = name,
            "an interrupted detaching was brought to its end"
        );
    }
    Ok(())
}

/// The attached partitions, oldest first.
pub(crate) fn attached(conn: &Connection) -> Result<Vec<(String, i64)>> {
    let sql = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
        WHERE i.inhparent = 'journal'::regclass ORDER BY 1";
    let names = conn
        .prepare_cached(sql)?
        .query_map([], |row| row.get::<String>(0))?;
    let mut all = Vec::new();
    for name in names {
        let name = name?;
        let week = name.strip_prefix(PREFIX).and_then(|week| week.parse().ok());
        let week = week.ok_or_else(|| Error::Shape(0, format!("a partition is called {name}")))?;
        all.push((name, week));
    }
    Ok(all)
}

/// Whether a claim without an answer, an open parcel or a standing order leans on a record of that week
/// or before.
fn is_needed(conn: &Connection, week: i64) -> Result<bool> {
    conn.query_row(NEEDED, [start_of(week + 1)], |row| row.get(0))
}

/// What each chain's last record in it was, so that `verify` goes on behind it.
fn seal_ends(
    conn: &Connection,
    vault: &gateway_core::seal::Vault,
    name: &str,
    week: i64,
) -> Result<()> {
    let all: Vec<(i64, String)> = conn
        .prepare_cached("SELECT id, writer FROM chain ORDER BY id")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    let last = format!(
        "SELECT seq, hash FROM {name} WHERE seq > ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1"
    );
    for (chain, writer) in all {
        use crate::sql::OptionalExtension as _;
        let end = conn
            .query_row(&last, [base_of(chain), base_of(chain + 1)], |row| {
                Ok(crate::journal::Head {
                    seq: row.get(0)?,
                    hash: row.get(1)?,
                })
            })
            .optional()?;
        if let Some(end) = end {
            conn.prepare_cached(DETACHED)?.execute(params![
                chain,
                end.seq,
                crate::anchor::seal_end(vault, &writer, &end),
                name,
                start_of(week),
            ])?;
        }
    }
    Ok(())
}

/// A few thousand in a transaction, so that nobody waits long for a row and a round that is cut short has
/// done part of it.
fn forget_ids(conn: &Connection, name: &str) -> Result<u64> {
    let forget = format!(
        "WITH page AS (SELECT seq FROM {name} WHERE kind + 0 = 1 AND seq > ?1 ORDER BY seq LIMIT ?2), \
        gone AS (DELETE FROM inbox i USING page p WHERE i.request = p.seq AND i.answer IS NOT NULL) \
        SELECT max(seq) FROM page"
    );
    let mut forget = conn.prepare_cached(&forget)?;
    let (mut last, mut transactions) = (Some(-1_i64), 0);
    while let Some(after) = last {
        last = forget.query_row([after, FORGOTTEN_AT_ONCE], |row| row.get(0))?;
        transactions += 1;
    }
    Ok(transactions)
}

/// Weeks since Monday, 5 January 1970.
fn week_of(at: i64) -> i64 {
    (at - FIRST_MONDAY).div_euclid(WEEK)
}

fn start_of(week: i64) -> i64 {
    FIRST_MONDAY + week * WEEK
}

fn name_of(week: i64) -> String {
    format!("{PREFIX}{week:05}")
}

const FORGOTTEN_AT_ONCE: i64 = 5_000;
const HALF_GONE: &str = "SELECT c.relname::text FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = 'journal'::regclass AND i.inhdetachpending ORDER BY 1";
const PREFIX: &str = "journal_w";
const WEEK: i64 = 7 * 86_400 * 1_000_000;
const FIRST_MONDAY: i64 = 4 * 86_400 * 1_000_000;
const WEEKS_AHEAD: i64 = 3;
const LOCK: i64 = 0x4c54_7061;
const NEEDED: &str = "SELECT EXISTS (SELECT 1 FROM inbox i JOIN journal j ON j.seq = i.request \
    WHERE i.answer IS NULL AND j.at < ?1) \
    OR EXISTS (SELECT 1 FROM outbox o WHERE o.state <> 2 AND o.put_at < ?1) \
    OR EXISTS (SELECT 1 FROM standing_order o JOIN journal j ON j.seq = o.act WHERE j.at < ?1) \
    OR EXISTS (SELECT 1 FROM stopped_operation o JOIN journal j ON j.seq = o.act WHERE j.at < ?1) \
    OR EXISTS (SELECT 1 FROM registration r JOIN journal j ON j.seq = r.act WHERE j.at < ?1)";
const DETACHED: &str = "INSERT INTO detached (chain, seq, anchor, name, at) VALUES (?1, ?2, ?3, ?4, ?5) \
    ON CONFLICT (chain, seq) DO NOTHING";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday_at_midnight() {
        let monday: jiff::Timestamp = "2026-11-16T00:00:00Z".parse().unwrap();
        let week = week_of(monday.as_microsecond());
        assert_eq!(start_of(week), monday.as_microsecond());
        assert_eq!(week_of(monday.as_microsecond() - 1), week - 1);
        assert_eq!(name_of(week), "journal_w02967");
    }
}
