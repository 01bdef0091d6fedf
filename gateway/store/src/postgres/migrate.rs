//! Numbered migrations, up and down, embedded. Each says from which build on it is understood, so that
//! an older build goes on working beside a newer one until a change that it cannot live with.

use super::{SCHEMA, Session};
use crate::OpenError;
use crate::migrate::Migration;
use crate::sql::{Connection, Error, Result, params};

/// What the database says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The newest migration that was applied.
    pub(crate) version: u32,
    /// The oldest build that understands it all.
    pub(crate) compatible_from: u32,
}

/// Brings the schema to the newest version that this build knows; refuses one that it cannot live with.
pub(crate) fn up(conn: &Connection, to: Option<u32>) -> std::result::Result<Standing, OpenError> {
    let session = session(conn)?;
    locked(session, || {
        prepare(session)?;
        let found = standing(conn)?;
        check(found)?;
        let last = to.unwrap_or(KNOWN);
        for migration in MIGRATIONS
            .iter()
            .filter(|m| m.number > found.version && m.number <= last)
        {
            apply(session, conn, migration)?;
        }
        Ok(standing(conn)?)
    })
}

/// Takes back every migration above `to`.
pub(crate) fn down(conn: &Connection, to: u32) -> std::result::Result<Standing, OpenError> {
    let session = session(conn)?;
    locked(session, || {
        prepare(session)?;
        let found = standing(conn)?;
        if found.version > KNOWN {
            return Err(OpenError::Newer {
                found: found.version,
                known: KNOWN,
            });
        }
        let undo = MIGRATIONS.iter().rev();
        for migration in undo.filter(|m| m.number <= found.version && m.number > to) {
            let script = format!(
                "BEGIN; {BRIEFLY}; {} DELETE FROM migration WHERE number = {}; COMMIT",
                migration.down, migration.number
            );
            session.batch(&script)?;
        }
        Ok(standing(conn)?)
    })
}

/// Whether this build can work with what is there.
pub(crate) fn check(found: Standing) -> std::result::Result<(), OpenError> {
    if found.compatible_from > KNOWN {
        return Err(OpenError::Newer {
            found: found.version,
            known: KNOWN,
        });
    }
    Ok(())
}

/// Whether a process of this build may go on with what it finds beneath it.
///
/// # Errors
/// Why not: it was migrated on to what this build does not know, or back to before it.
pub(crate) fn understood(found: Standing) -> std::result::Result<(), String> {
    let Standing {
        version,
        compatible_from,
    } = found;
    if compatible_from > KNOWN {
        return Err(format!(
            "the schema has version {version} by now, this build knows {KNOWN}: use a newer build"
        ));
    }
    if version < KNOWN {
        return Err(format!(
            "the schema was taken back to version {version}, this build needs {KNOWN}"
        ));
    }
    Ok(())
}

/// Nothing applied is version 0.
pub(crate) fn standing(conn: &Connection) -> Result<Standing> {
    let there: bool = conn.query_row(
        "SELECT to_regclass('lienthong_store.migration') IS NOT NULL",
        [],
        |row| row.get(0),
    )?;
    if !there {
        return Ok(Standing {
            version: 0,
            compatible_from: 0,
        });
    }
    let sql = "SELECT coalesce(max(number), 0), coalesce(max(compatible_from), 0) FROM migration";
    conn.query_row(sql, [], |row| {
        Ok(Standing {
            version: row.get(0)?,
            compatible_from: row.get(1)?,
        })
    })
}

fn session(conn: &Connection) -> Result<&Session> {
    match conn {
        Connection::Postgres(session) => Ok(session),
        Connection::Sqlite(_) => Err(Error::Gone("not a PostgreSQL connection".into())),
    }
}

/// One at a time, over all replicas.
fn locked<T>(
    session: &Session,
    work: impl FnOnce() -> std::result::Result<T, OpenError>,
) -> std::result::Result<T, OpenError> {
    session.batch(&format!("SELECT pg_advisory_lock({LOCK})"))?;
    let done = work();
    if done.is_err() {
        let _ = session.batch("ROLLBACK");
    }
    session.batch(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
    done
}

fn prepare(session: &Session) -> Result<()> {
    session.batch(&format!(
        "CREATE SCHEMA IF NOT EXISTS {SCHEMA}; \
        CREATE TABLE IF NOT EXISTS migration (number integer PRIMARY KEY, \
        compatible_from integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    ))
}

fn apply(
    session: &Session,
    conn: &Connection,
    migration: &Migration,
) -> std::result::Result<(), OpenError> {
    session.batch(&format!("BEGIN; {BRIEFLY}; {}", migration.up))?;
    conn.prepare_cached("INSERT INTO migration (number, compatible_from) VALUES (?1, ?2)")?
        .execute(params![migration.number, migration.compatible_from()])?;
    tracing::info!(number = migration.number, "the store's schema was migrated");
    Ok(session.batch("COMMIT")?)
}

/// The newest version that this build knows.
pub(crate) const KNOWN: u32 = MIGRATIONS.len() as u32;
/// Whoever waits for a table makes all behind it wait: rather again in a moment.
const BRIEFLY: &str = "SET LOCAL lock_timeout = 500";
const LOCK: i64 = 0x4c54_7374;
const MIGRATIONS: [Migration; 8] = [
    Migration {
        number: 1,
        up: include_str!("../../migrations/postgres/0001_start.up.sql"),
        down: include_str!("../../migrations/postgres/0001_start.down.sql"),
    },
    Migration {
        number: 2,
        up: include_str!("../../migrations/postgres/0002_recovery.up.sql"),
        down: include_str!("../../migrations/postgres/0002_recovery.down.sql"),
    },
    Migration {
        number: 3,
        up: include_str!("../../migrations/postgres/0003_evidence.up.sql"),
        down: include_str!("../../migrations/postgres/0003_evidence.down.sql"),
    },
    Migration {
        number: 4,
        up: include_str!("../../migrations/postgres/0004_pulls.up.sql"),
        down: include_str!("../../migrations/postgres/0004_pulls.down.sql"),
    },
    Migration {
        number: 5,
        up: include_str!("../../migrations/postgres/0005_time_mark.up.sql"),
        down: include_str!("../../migrations/postgres/0005_time_mark.down.sql"),
    },
    Migration {
        number: 6,
        up: include_str!("../../migrations/postgres/0006_ledger.up.sql"),
        down: include_str!("../../migrations/postgres/0006_ledger.down.sql"),
    },
    Migration {
        number: 7,
        up: include_str!("../../migrations/postgres/0007_retention_rules.up.sql"),
        down: include_str!("../../migrations/postgres/0007_retention_rules.down.sql"),
    },
    Migration {
        number: 8,
        up: include_str!("../../migrations/postgres/0008_notes.up.sql"),
        down: include_str!("../../migrations/postgres/0008_notes.down.sql"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_a_gap_and_say_who_understands_them() {
        for (number, migration) in (1..).zip(&MIGRATIONS) {
            assert_eq!(migration.number, number);
            assert!(
                (1..=number).contains(&migration.compatible_from()),
                "{number}"
            );
        }
    }

    #[test]
    fn a_newer_schema_is_taken_while_it_says_that_this_build_understands_it() {
        let newer = Standing {
            version: KNOWN + 3,
            compatible_from: KNOWN,
        };
        check(newer).unwrap();
        let foreign = Standing {
            compatible_from: KNOWN + 1,
            ..newer
        };
        assert!(matches!(check(foreign), Err(OpenError::Newer { .. })));
        understood(newer).unwrap();
        assert!(understood(foreign).unwrap_err().contains("newer build"));
        let back = Standing {
            version: KNOWN - 1,
            compatible_from: 1,
        };
        assert!(understood(back).unwrap_err().contains("taken back"));
    }
}
