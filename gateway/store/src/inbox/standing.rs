//! How requests stand, for whoever looks.

use crate::meta::time;
use crate::sql::{self, Connection, OptionalExtension as _, params};

/// Claims without an answer.
pub(crate) fn open_count(conn: &Connection) -> sql::Result<i64> {
    conn.query_row(
        "SELECT count(*) FROM inbox WHERE answer IS NULL",
        [],
        |row| row.get(0),
    )
}

/// Claims that recovery has given up.
pub(crate) fn poison_count(conn: &Connection) -> sql::Result<i64> {
    let sql = "SELECT count(*) FROM inbox WHERE poison IS NOT NULL";
    conn.query_row(sql, [], |row| row.get(0))
}

/// How a request stands that is still the current one of its id.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) answer: Option<i64>,
    pub(crate) leased_until: Option<jiff::Timestamp>,
    pub(crate) poison: Option<String>,
}

pub(crate) fn state_of(conn: &Connection, request: i64) -> sql::Result<Option<Standing>> {
    let sql = "SELECT answer, iif(owner IS NULL, NULL, leased_until), poison FROM inbox \
        WHERE request = ?1";
    conn.prepare_cached(sql)?
        .query_row([request], |row| {
            Ok(Standing {
                answer: row.get(0)?,
                leased_until: row.get::<Option<i64>>(1)?.and_then(time),
                poison: row.get(2)?,
            })
        })
        .optional()
}

/// The current requests under a message id, of any sender, newest first.
pub(crate) fn requests_under(conn: &Connection, id: &str, max: i64) -> sql::Result<Vec<i64>> {
    let sql = "SELECT request FROM inbox WHERE message_id = ?1 ORDER BY request DESC LIMIT ?2";
    conn.prepare_cached(sql)?
        .query_map(params![id, max], |row| row.get(0))?
        .collect()
}
