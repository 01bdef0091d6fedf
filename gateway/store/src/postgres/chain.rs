//! The chain that this process writes: taken over at every connection, and fenced from whoever held it
//! before.
//!
//! A session lock keeps a second process of the same name out while this one is connected. The epoch in
//! the chain's row is what makes it certain: a transaction that was begun under an older one changes
//! nothing.

use std::sync::Arc;

use gateway_core::seal::Vault;

use super::Session;
use super::ahead::{Ahead, Questions};
use crate::anchor;
use crate::journal::Head;
use crate::sql::{Connection, Error, OptionalExtension as _, Result, params};

/// Which chain, and under which epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) id: i64,
    pub(crate) epoch: i64,
}

/// Why a chain could not be taken.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Another process holds it.
    InUse,
    /// The vault's key does not open its head.
    OtherKey,
    /// It contradicts itself: nothing may be written.
    Broken(String),
    Sql(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

/// The first number of a chain; its first record is one behind.
pub(crate) fn base_of(chain: i64) -> i64 {
    chain << PLACES_BITS
}

/// The chain that a record's number belongs to.
pub(crate) fn chain_of(seq: i64) -> i64 {
    seq >> PLACES_BITS
}

/// Takes the chain of this writer over, or begins it. `known` is where this process left it.
pub(crate) fn take(
    conn: &Connection,
    writer: &str,
    vault: &Arc<Vault>,
    known: Option<Head>,
) -> std::result::Result<(Hold, Head), Refused> {
    let Connection::Postgres(session) = conn else {
        return Err(Refused::Broken("not a PostgreSQL connection".into()));
    };
    if !lock(conn, writer)? {
        return Err(Refused::InUse);
    }
    session.batch("BEGIN")?;
    let taken = take_locked(conn, writer, vault, known);
    session.batch(if taken.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    let (hold, head) = taken?;
    session.batch(&format!("SET lienthong.chain = '{}'", hold.id))?;
    Ok((hold, head))
}

fn lock(conn: &Connection, writer: &str) -> Result<bool> {
    let sql = "SELECT pg_try_advisory_lock(hashtextextended('lienthong chain ' || ?1, 0))";
    conn.query_row(sql, params![writer], |row| row.get(0))
}

fn take_locked(
    conn: &Connection,
    writer: &str,
    vault: &Arc<Vault>,
    known: Option<Head>,
) -> std::result::Result<(Hold, Head), Refused> {
    let row: Option<(Hold, Head, Vec<u8>)> = conn
        .query_row(TAKE, params![writer], |row| {
            let hold = Hold {
                id: row.get(0)?,
                epoch: row.get(1)?,
            };
            Ok((
                hold,
                Head {
                    seq: row.get(2)?,
                    hash: row.get(3)?,
                },
                row.get(4)?,
            ))
        })
        .optional()?;
    let Some((hold, head, sealed)) = row else {
        return match known {
            None => begin(conn, writer, vault),
            Some(_) => Err(Refused::Broken("the chain of this writer has gone".into())),
        };
    };
    let anchor = anchor::open(vault, writer, &sealed).ok_or(Refused::OtherKey)?;
    let newest = newest(conn, writer, vault, hold.id)?;
    if anchor != head || newest != head {
        let (ends, says) = (place(newest.seq), place(anchor.seq));
        return Err(Refused::Broken(format!(
            "the journal ends at {ends}, its head says {says}"
        )));
    }
    // What was acknowledged must be there: a standby that was promoted without it is not our database.
    if known.is_some_and(|known| known.seq > head.seq || (known.seq == head.seq && known != head)) {
        let ends = place(head.seq);
        return Err(Refused::Broken(format!(
            "acknowledged records are missing behind {ends}"
        )));
    }
    Ok((hold, head))
}

fn begin(
    conn: &Connection,
    writer: &str,
    vault: &Arc<Vault>,
) -> std::result::Result<(Hold, Head), Refused> {
    conn.prepare_cached("LOCK TABLE chain IN SHARE ROW EXCLUSIVE MODE")?
        .execute([])?;
    let id: i64 = conn.query_row(
        "SELECT coalesce(max(id) + 1, 0)::bigint FROM chain",
        [],
        |row| row.get(0),
    )?;
    let head = Head {
        seq: base_of(id),
        ..Head::genesis(writer)
    };
    conn.prepare_cached(BEGIN)?.execute(params![
        id,
        writer,
        head.seq,
        head.hash,
        anchor::seal(vault, writer, &head),
    ])?;
    let sql = "INSERT INTO refusal_total (chain, kept, overflow) VALUES (?1, 0, 0)";
    conn.prepare_cached(sql)?.execute([id])?;
    Ok((Hold { id, epoch: 1 }, head))
}

/// The newest record of a chain; where all of it was detached, what the last of it left behind.
fn newest(
    conn: &Connection,
    writer: &str,
    vault: &Vault,
    chain: i64,
) -> std::result::Result<Head, Refused> {
    let base = base_of(chain);
    let attached = conn
        .query_row(NEWEST, [base, base_of(chain + 1)], |row| {
            Ok(Head {
                seq: row.get(0)?,
                hash: row.get(1)?,
            })
        })
        .optional()?;
    if let Some(newest) = attached {
        return Ok(newest);
    }
    let left: Vec<Vec<u8>> = conn
        .prepare_cached(LEFT_BEHIND)?
        .query_map([chain], |row| row.get(0))?
        .collect::<Result<_>>()?;
    if left.is_empty() {
        return Ok(Head {
            seq: base,
            ..Head::genesis(writer)
        });
    }
    let ends = left.iter().map(Vec::as_slice);
    anchor::open_ends(vault, writer, ends).ok_or(Refused::OtherKey)
}

/// The place of a record in its chain: 1, 2, 3, …
pub(crate) fn place(seq: i64) -> i64 {
    seq & ((1 << PLACES_BITS) - 1)
}

impl Hold {
    /// Begins a transaction and asks a batch's questions with it; nothing where another has taken the chain.
    pub(super) fn begin(
        &self,
        session: &Session,
        head: &Head,
        questions: &Questions<'_>,
    ) -> Result<Option<Ahead>> {
        use crate::sql::ToValue as _;
        let fence = [self.id.value(), self.epoch.value(), head.seq.value()];
        let (rows, claims) = (questions.rows(), questions.claims());
        let mut first: Vec<(&str, &[_])> = vec![(FENCE, &fence)];
        first.extend(rows.as_ref().map(|(sql, values)| (*sql, values.as_slice())));
        first.extend(
            claims
                .as_ref()
                .map(|(sql, values)| (*sql, values.as_slice())),
        );
        let mut answers = session.begin(&first)?.into_iter();
        let mut next = |asked: bool| match asked {
            true => answers.next().unwrap_or_default(),
            false => Vec::new(),
        };
        if next(true).is_empty() {
            return Ok(None);
        }
        let (rows, claims) = (next(rows.is_some()), next(claims.is_some()));
        Ahead::read(questions, session, &rows, &claims).map(Some)
    }
}

/// 2^40 records a chain; numbers stay below 2^53, which every language can say.
const PLACES_BITS: u32 = 40;
const TAKE: &str = "UPDATE chain SET epoch = epoch + 1 WHERE writer = ?1 \
    RETURNING id, epoch, seq, hash, anchor";
const BEGIN: &str =
    "INSERT INTO chain (id, writer, epoch, seq, hash, anchor) VALUES (?1, ?2, 1, ?3, ?4, ?5)";
const NEWEST: &str =
    "SELECT seq, hash FROM journal WHERE seq > ?1 AND seq < ?2 ORDER BY seq DESC LIMIT 1";
const LEFT_BEHIND: &str = "SELECT anchor FROM detached WHERE chain = ?1 ORDER BY seq";
const FENCE: &str = "SELECT 1 FROM chain WHERE id = ?1 AND epoch = ?2 AND seq = ?3 FOR UPDATE";
/// Last in a transaction that appended.
pub(super) const ADVANCE: &str = "UPDATE chain SET seq = ?2, hash = ?3, anchor = ?4 WHERE id = ?1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_last_chain_are_below_two_to_the_53() {
        assert_eq!(base_of(0), 0);
        assert!(base_of(8192) <= 1 << 53);
        assert_eq!(place(base_of(3) + 7), 7);
    }
}
