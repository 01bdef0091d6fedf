//! The numbered schema: each migration runs once, in its own transaction; a file from the future is refused.

use rusqlite::Connection;

use super::OpenError;

/// Brings a file to the newest schema and proves that it is a registry of ours.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    let found = version(connection)?;
    if found == 0 && has_tables(connection)?
        || found != 0 && application(connection)? != APPLICATION_ID
    {
        return Err(OpenError::NotARegistry);
    }
    let Some(pending) = MIGRATIONS.get(usize::try_from(found).unwrap_or(usize::MAX)..) else {
        return Err(OpenError::UnknownVersion {
            found,
            known: newest(),
        });
    };
    for (offset, sql) in pending.iter().enumerate() {
        let number = found + 1 + i64::try_from(offset).unwrap_or(i64::MAX);
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The newest schema version that this build knows.
pub(super) fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn application(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
        row.get(0)
    })
}

const MIGRATIONS: &[&str] = &[include_str!("schema/0001_registry.sql")];

/// "LTRG" in ASCII: this file is a registry of Liên Thông.
const APPLICATION_ID: i32 = 0x4c54_5247;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_gets_the_newest_schema_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), newest());
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), newest());
    }

    #[test]
    fn a_schema_version_from_the_future_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection
            .pragma_update(None, "user_version", newest() + 1)
            .unwrap();
        let refused = migrate(&mut connection).unwrap_err();
        assert!(
            matches!(refused, OpenError::UnknownVersion { found, known } if found == known + 1)
        );
    }

    #[test]
    fn a_negative_schema_version_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection.pragma_update(None, "user_version", -1).unwrap();
        assert!(matches!(
            migrate(&mut connection),
            Err(OpenError::UnknownVersion { found: -1, .. })
        ));
    }

    #[test]
    fn another_programs_database_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE other (a INTEGER)")
            .unwrap();
        assert!(matches!(
            migrate(&mut connection),
            Err(OpenError::NotARegistry)
        ));
        connection.pragma_update(None, "user_version", 1).unwrap();
        assert!(matches!(
            migrate(&mut connection),
            Err(OpenError::NotARegistry)
        ));
    }
}
