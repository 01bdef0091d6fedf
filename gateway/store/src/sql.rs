//! One face over both drivers, so that the same commands and look-ups run on SQLite and on PostgreSQL.
//!
//! It has rusqlite's names. The SQL is SQLite's; for PostgreSQL it is rewritten: `?1` becomes `$1`,
//! `INDEXED BY …` goes, and what stands in `/*pg …*/` comes to life. It refuses to know what is asked.

mod error;
mod row;
mod value;

use std::cell::Cell;

pub(crate) use error::{Error, Result};
pub(crate) use row::Row;
pub(crate) use value::{Params, ToValue, Value, params};

use crate::postgres::Session;

/// A connection of either kind. It stays on one thread.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a thread has one, and keeps it where it is"
)]
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Session),
}

impl Connection {
    /// A statement, prepared once per connection.
    pub(crate) fn prepare_cached<'c>(&'c self, sql: &'c str) -> Result<Statement<'c>> {
        Ok(match self {
            Self::Sqlite(conn) => Statement::Sqlite(conn.prepare_cached(sql)?),
            Self::Postgres(session) => Statement::Postgres(session, session.prepare(sql)?),
        })
    }

    /// The one row that it gives; [`Error::NoRows`] where it gives none.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        self.prepare_cached(sql)?.query_row(params, read)
    }

    /// Statements without parameters.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.execute_batch(sql)?),
            Self::Postgres(session) => session.batch(sql),
        }
    }

    /// Whether SQLite has ended the transaction of its own accord.
    pub(crate) fn is_autocommit(&self) -> bool {
        match self {
            Self::Sqlite(conn) => conn.is_autocommit(),
            Self::Postgres(_) => false,
        }
    }

    /// Whether the rows belong to PostgreSQL.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// A prepared statement.
pub(crate) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    Postgres(&'c Session, tokio_postgres::Statement),
}

impl Statement<'_> {
    /// Gives how many rows it changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize> {
        params.with(|values| match self {
            Self::Sqlite(statement) => Ok(statement.execute(rusqlite::params_from_iter(values))?),
            Self::Postgres(session, statement) => session.execute(statement, values),
        })
    }

    /// The one row that it gives; [`Error::NoRows`] where it gives none.
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        params.with(|values| match self {
            Self::Sqlite(statement) => {
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let row = rows.next()?.ok_or(Error::NoRows)?;
                read(&Row::Sqlite(row))
            }
            Self::Postgres(session, statement) => {
                let rows = session.query(statement, values)?;
                read(&Row::Postgres(rows.first().ok_or(Error::NoRows)?))
            }
        })
    }

    /// All the rows that it gives, each read at once.
    pub(crate) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<std::vec::IntoIter<Result<T>>> {
        let all: Vec<Result<T>> = params.with(|values| match self {
            Self::Sqlite(statement) => {
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let mut all = Vec::new();
                while let Some(row) = rows.next()? {
                    all.push(read(&Row::Sqlite(row)));
                }
                Ok::<_, Error>(all)
            }
            Self::Postgres(session, statement) => {
                let rows = session.query(statement, values)?;
                Ok(rows.iter().map(|row| read(&Row::Postgres(row))).collect())
            }
        })?;
        Ok(all.into_iter())
    }
}

/// A missing row as nothing.
pub(crate) trait OptionalExtension<T> {
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(Error::NoRows) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The same statement in PostgreSQL's words.
pub(crate) fn in_postgres(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let bare = Cell::new(0);
    let mut rest = sql;
    while let Some(at) = rest.find(['?', '/', 'I']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('?') {
            out.push('$');
            if !after.starts_with(|next: char| next.is_ascii_digit()) {
                bare.set(bare.get() + 1);
                out.push_str(&bare.get().to_string());
            }
            rest = after;
        } else if let Some((inside, after)) = rest
            .strip_prefix("/*pg ")
            .and_then(|inside| inside.split_once("*/"))
        {
            out.push_str(inside);
            rest = after;
        } else if let Some(after) = rest.strip_prefix("INDEXED BY ") {
            rest = after.find([' ', '\n']).map_or("", |end| &after[end..]);
        } else {
            out.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_become_numbers_hints_come_to_life_and_sqlite_s_own_words_go() {
        for (lite, pg) in [
            (
                "SELECT a FROM t WHERE b = ?1 AND c = ?12",
                "SELECT a FROM t WHERE b = $1 AND c = $12",
            ),
            (
                "INSERT INTO t VALUES (?, ?)",
                "INSERT INTO t VALUES ($1, $2)",
            ),
            (
                "SELECT a FROM t INDEXED BY t_b WHERE c",
                "SELECT a FROM t  WHERE c",
            ),
            ("SELECT a/*pg  FOR UPDATE*/", "SELECT a FOR UPDATE"),
            (
                "SELECT 1 / 2 /* no */ IN (I)",
                "SELECT 1 / 2 /* no */ IN (I)",
            ),
        ] {
            assert_eq!(in_postgres(lite), pg);
        }
    }
}
