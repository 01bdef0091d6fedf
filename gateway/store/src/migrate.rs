//! Numbered migrations. The number stands in `user_version`; a file of a newer gateway is refused.

use rusqlite::Connection;

use crate::OpenError;

/// Brings the file to the newest version that this build knows.
pub(crate) fn migrate(conn: &mut Connection) -> Result<(), OpenError> {
    let found: u32 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: u32 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let foreign = application != APPLICATION_ID && (found != 0 || !is_empty(conn)?);
    if foreign {
        return Err(OpenError::Foreign);
    }
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (number, script) in (1u32..).zip(MIGRATIONS).skip(found as usize) {
        apply(conn, number, script)?;
    }
    Ok(())
}

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

const MIGRATIONS: [&str; 3] = [
    include_str!("../migrations/0001_start.sql"),
    include_str!("../migrations/0002_fronts.sql"),
    include_str!("../migrations/0003_office.sql"),
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
        apply(&mut conn, 1, MIGRATIONS[0]).unwrap();
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
                    known: 3
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
