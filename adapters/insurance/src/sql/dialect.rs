//! Where the engines differ, all of it.

use super::Engine;

/// How a text with `?1` parameters is told to PostgreSQL.
pub(super) fn numbered(text: &str) -> String {
    text.replace('?', "$")
}

/// The end of a query that takes rows for itself and leaves out those that somebody is taking now.
/// A file has one writer, so there nobody else is taking any.
pub(crate) fn skip_locked(engine: Engine) -> &'static str {
    match engine {
        Engine::Lite => "",
        Engine::Postgres => " FOR UPDATE OF c SKIP LOCKED",
    }
}

/// How many rows a table has. A file counts its smallest index; a server counts up to a bound and believes
/// its own statistics above it, since it would read everything.
pub(crate) fn count(engine: Engine, table: &str) -> String {
    match engine {
        Engine::Lite => format!("SELECT count(*) FROM {table}"),
        Engine::Postgres => format!(
            "SELECT CASE WHEN few.n <= {COUNTED_MAX} THEN few.n ELSE greatest(few.n, (
               SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint FROM pg_class c
               WHERE c.relkind = 'r' AND (c.oid = 'registry.{table}'::regclass OR c.oid IN (
                 SELECT inhrelid FROM pg_inherits WHERE inhparent = 'registry.{table}'::regclass)))) END
             FROM (SELECT count(*) AS n FROM (SELECT 1 FROM {table} LIMIT {COUNTED_MAX} + 1) first_rows) few"
        ),
    }
}

const COUNTED_MAX: u32 = 100_000;

/// A transaction that sees one state of everything, however long it takes.
pub(super) const SNAPSHOT: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0";
