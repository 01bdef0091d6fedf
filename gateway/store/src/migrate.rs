//! Numbered migrations. The number stands in `user_version`; a file of a newer gateway is refused.

use rusqlite::Connection;

use crate::OpenError;

/// One numbered step, and the way back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Migration {
    pub(crate) number: u32,
    pub(crate) up: &'static str,
    pub(crate) down: &'static str,
}

impl Migration {
    /// The oldest build that understands the schema after it: its first line says so. Without one, only
    /// a build that knows it.
    pub(crate) fn compatible_from(&self) -> u32 {
        let said = self.up.strip_prefix("-- compatible-from: ");
        said.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .unwrap_or(self.number)
    }
}

/// Brings the file to the newest version that this build knows.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    up(conn, KNOWN).map(|_| ())
}

/// Brings the file up to this version, where it is lower; gives the version that it has then.
pub(crate) fn up(conn: &mut Connection, to: u32) -> Result<u32, OpenError> {
    let found = version(conn)?;
    for migration in MIGRATIONS.iter().skip(found as usize) {
        if migration.number <= to {
            apply(conn, migration.number, migration.up)?;
        }
    }
    version(conn)
}

/// Takes back every migration above `to`, the newest first; gives the version that it has then.
pub(crate) fn down(conn: &mut Connection, to: u32) -> Result<u32, OpenError> {
    let found = version(conn)?;
    // Tables are made anew on the way; what refers to them by name is checked at the end.
    conn.pragma_update(None, "foreign_keys", false)?;
    for migration in MIGRATIONS.iter().take(found as usize).rev() {
        if migration.number > to {
            apply(conn, migration.number - 1, migration.down)?;
        }
    }
    version(conn)
}

/// The version of our own file; another program's, or a newer gateway's, is refused.
pub(crate) fn version(conn: &Connection) -> Result<u32, OpenError> {
    let found: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: u32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let foreign = application != APPLICATION_ID && (found != 0 || !is_empty(conn)?);
    if foreign {
        return Err(OpenError::Foreign);
    }
    if found > KNOWN {
        let known = KNOWN;
        return Err(OpenError::Newer { found, known });
    }
    Ok(found)
}

/// Gives the file this number after the script.
fn apply(conn: &mut Connection, number: u32, script: &str) -> Result<(), OpenError> {
    let tx = conn.transaction()?;
    tx.execute_batch(script)?;
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", number)?;
    Ok(tx.commit()?)
}

fn is_empty(conn: &Connection) -> Result<bool, OpenError> {
    let tables: u32 = conn.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))?;
    Ok(tables == 0)
}

/// The newest version that this build knows.
pub(crate) const KNOWN: u32 = MIGRATIONS.len() as u32;
const MIGRATIONS: [Migration; 10] = [
    Migration {
        number: 1,
        up: include_str!("../migrations/0001_start.sql"),
        down: include_str!("../migrations/0001_start.down.sql"),
    },
    Migration {
        number: 2,
        up: include_str!("../migrations/0002_fronts.sql"),
        down: include_str!("../migrations/0002_fronts.down.sql"),
    },
    Migration {
        number: 3,
        up: include_str!("../migrations/0003_office.sql"),
        down: include_str!("../migrations/0003_office.down.sql"),
    },
    Migration {
        number: 4,
        up: include_str!("../migrations/0004_recovery.sql"),
        down: include_str!("../migrations/0004_recovery.down.sql"),
    },
    Migration {
        number: 5,
        up: include_str!("../migrations/0005_evidence.sql"),
        down: include_str!("../migrations/0005_evidence.down.sql"),
    },
    Migration {
        number: 6,
        up: include_str!("../migrations/0006_pulls.sql"),
        down: include_str!("../migrations/0006_pulls.down.sql"),
    },
    Migration {
        number: 7,
        up: include_str!("../migrations/0007_time_mark.sql"),
        down: include_str!("../migrations/0007_time_mark.down.sql"),
    },
    Migration {
        number: 8,
        up: include_str!("../migrations/0008_ledger.sql"),
        down: include_str!("../migrations/0008_ledger.down.sql"),
    },
    Migration {
        number: 9,
        up: include_str!("../migrations/0009_retention_rules.sql"),
        down: include_str!("../migrations/0009_retention_rules.down.sql"),
    },
    Migration {
        number: 10,
        up: include_str!("../migrations/0010_notes.sql"),
        down: include_str!("../migrations/0010_notes.down.sql"),
    },
];
/// "LTst": tells our file from any other SQLite file.
const APPLICATION_ID: u32 = 0x4c54_7374;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_file_is_brought_up_and_migrating_again_changes_nothing() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        conn.execute("INSERT INTO refusal_count VALUES ('tax', 1, 1, 0)", [])
            .unwrap();
        migrate(&mut conn).unwrap();
        let rows: u32 = conn
            .query_row("SELECT count(*) FROM refusal_count", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 1);
    }

    #[test]
    fn a_file_of_version_1_keeps_its_refusals_and_gets_the_front_of_every_subject() {
        let mut conn = Connection::open_in_memory().unwrap();
        apply(&mut conn, 1, MIGRATIONS[0].up).unwrap();
        conn.execute_batch(
            "INSERT INTO refusal_count VALUES ('tax', 1, 3, 4), ('tax', 2, 10, 0);
            INSERT INTO outbox (id, partner, subject, sequence, kind, state, due_at, attempts, put_at,
                wrapped_key, ciphertext)
            VALUES ('a2', 'p', 'a', 2, 'k', 0, 0, 0, 0, x'', x''),
                ('a1', 'p', 'a', 1, 'k', 3, 0, 0, 0, x'', x''),
                ('a0', 'p', 'a', 0, 'k', 2, 0, 0, 0, x'', x''),
                ('b1', 'p', 'b', 1, 'k', 1, 0, 0, 0, x'', x''),
                ('c1', 'q', 'a', 1, 'k', 0, 0, 0, 0, x'', x'')",
        )
        .unwrap();
        migrate(&mut conn).unwrap();
        let told: (i64, i64, String) = conn
            .query_row(
                "SELECT kept, overflow, (SELECT group_concat(id, ' ') FROM \
                (SELECT id FROM outbox WHERE front = 1 ORDER BY id)) FROM refusal_total",
                [],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        assert_eq!(told, (13, 4, "a1 b1 c1".into()));
    }

    #[test]
    fn every_step_back_gives_the_tables_that_were_there_before_it() {
        let tables = |conn: &Connection| -> Vec<String> {
            let sql = "SELECT m.type || ' ' || m.name || ' ' || coalesce(group_concat(c.name), '') \
                FROM sqlite_master m LEFT JOIN pragma_table_info(m.name) c \
                WHERE m.name NOT LIKE 'sqlite_%' GROUP BY m.name ORDER BY 1";
            let mut all = conn.prepare(sql).unwrap();
            let all = all.query_map([], |row| row.get(0)).unwrap();
            all.map(Result::unwrap).collect()
        };
        let mut conn = Connection::open_in_memory().unwrap();
        let mut seen = vec![tables(&conn)];
        for version in 1..=KNOWN {
            assert_eq!(up(&mut conn, version).unwrap(), version);
            seen.push(tables(&conn));
        }
        for version in (0..KNOWN).rev() {
            assert_eq!(down(&mut conn, version).unwrap(), version);
            assert_eq!(tables(&conn), seen[version as usize], "{version}");
        }
        assert_eq!(up(&mut conn, KNOWN).unwrap(), KNOWN);
    }

    #[test]
    fn a_file_of_a_newer_gateway_is_refused_with_both_numbers() {
        let mut conn = Connection::open_in_memory().unwrap();
        migrate(&mut conn).unwrap();
        conn.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut conn).unwrap_err();
        assert!(
            matches!(
                error,
                OpenError::Newer {
                    found: 99,
                    known: KNOWN
                }
            ),
            "{error}"
        );
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let mut conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE songs (name TEXT)")
            .unwrap();
        assert!(matches!(migrate(&mut conn), Err(OpenError::Foreign)));
    }
}
