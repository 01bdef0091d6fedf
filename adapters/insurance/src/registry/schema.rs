//! The numbered schema: each migration runs once, in its own transaction, up or down; what comes from a
//! newer version is refused.
//!
//! A file has one list of migrations and a server another, since they lay out the same tables in their own
//! ways; the columns are the same.

mod server;

use rusqlite::Connection;

use super::OpenError;
use crate::sql::Engine;
pub(super) use server::{bring, lock, to, verify};
pub(crate) use server::{keys_off, keys_on};

/// One step of the schema, there and back.
struct Migration {
    up: &'static str,
    down: &'static str,
}

/// Brings a file to the newest schema and proves that it is a registry of ours.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), OpenError> {
    file_to(connection, newest(Engine::Lite))
}

/// Brings a file to a version; down only while nobody is in it.
pub(super) fn file_to(connection: &mut Connection, wanted: i64) -> Result<(), OpenError> {
    let found = version(connection)?;
    if found == 0 && has_tables(connection)?
        || found != 0 && application(connection)? != APPLICATION_ID
    {
        return Err(OpenError::NotARegistry);
    }
    for step in path(Engine::Lite, found, wanted)? {
        if matches!(step, Step::Down(_)) && has_people(connection)? {
            return Err(OpenError::NotEmpty);
        }
        let (number, sql) = step.of(FILE);
        let transaction = connection.transaction()?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(
            None,
            "application_id",
            if number == 0 { 0 } else { APPLICATION_ID },
        )?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}

/// The schema version of a registry's file; another program's file, or a newer build's, is refused.
pub(super) fn of_file(connection: &Connection) -> Result<i64, OpenError> {
    let (found, known) = (
        version(connection).map_err(crate::sql::Error::from)?,
        newest(Engine::Lite),
    );
    match application(connection).map_err(crate::sql::Error::from)? {
        _ if found > known => Err(OpenError::UnknownVersion { found, known }),
        APPLICATION_ID if found > 0 => Ok(found),
        _ => Err(OpenError::NotARegistry),
    }
}

/// The newest schema version of an engine that this build knows.
pub(super) fn newest(engine: Engine) -> i64 {
    let known = match engine {
        Engine::Lite => FILE.len(),
        Engine::Postgres => server::MIGRATIONS.len(),
    };
    i64::try_from(known).unwrap_or(i64::MAX)
}

/// One migration to run, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Up(usize),
    Down(usize),
}

impl Step {
    /// The version that it leads to, and what it runs.
    fn of(self, all: &'static [Migration]) -> (i64, &'static str) {
        let (number, to) = match self {
            Self::Up(number) => (number, number),
            Self::Down(number) => (number, number - 1),
        };
        let migration = &all[number - 1];
        let sql = match self {
            Self::Up(_) => migration.up,
            Self::Down(_) => migration.down,
        };
        (i64::try_from(to).unwrap_or(i64::MAX), sql)
    }
}

/// The steps from one version to another; none leads from or to a version that this build does not know.
fn path(engine: Engine, found: i64, wanted: i64) -> Result<Vec<Step>, OpenError> {
    let known = newest(engine);
    for version in [found, wanted] {
        if !(0..=known).contains(&version) {
            return Err(OpenError::UnknownVersion {
                found: version,
                known,
            });
        }
    }
    let number = |version: i64| usize::try_from(version).unwrap_or_default();
    let (from, to) = (number(found), number(wanted));
    Ok(match from <= to {
        true => (from + 1..=to).map(Step::Up).collect(),
        false => (to + 1..=from).rev().map(Step::Down).collect(),
    })
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn application(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

fn has_people(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM people)", [], |row| row.get(0))
}

fn has_tables(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
        row.get(0)
    })
}

const FILE: &[Migration] = &[
    Migration {
        up: include_str!("schema/sqlite/0001_registry.up.sql"),
        down: include_str!("schema/sqlite/0001_registry.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0002_tax.up.sql"),
        down: include_str!("schema/sqlite/0002_tax.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0003_notices.up.sql"),
        down: include_str!("schema/sqlite/0003_notices.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0004_births.up.sql"),
        down: include_str!("schema/sqlite/0004_births.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0005_ledger.up.sql"),
        down: include_str!("schema/sqlite/0005_ledger.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0006_deaths.up.sql"),
        down: include_str!("schema/sqlite/0006_deaths.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0007_clocks.up.sql"),
        down: include_str!("schema/sqlite/0007_clocks.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0008_procedures.up.sql"),
        down: include_str!("schema/sqlite/0008_procedures.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0009_stories.up.sql"),
        down: include_str!("schema/sqlite/0009_stories.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0010_corrections.up.sql"),
        down: include_str!("schema/sqlite/0010_corrections.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0011_decisions.up.sql"),
        down: include_str!("schema/sqlite/0011_decisions.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0012_hospitals.up.sql"),
        down: include_str!("schema/sqlite/0012_hospitals.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0013_payments.up.sql"),
        down: include_str!("schema/sqlite/0013_payments.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0014_employers.up.sql"),
        down: include_str!("schema/sqlite/0014_employers.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0015_tolerances.up.sql"),
        down: include_str!("schema/sqlite/0015_tolerances.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0016_supplements.up.sql"),
        down: include_str!("schema/sqlite/0016_supplements.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0017_endings.up.sql"),
        down: include_str!("schema/sqlite/0017_endings.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0018_dossier_supplements.up.sql"),
        down: include_str!("schema/sqlite/0018_dossier_supplements.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0019_ledger_sides.up.sql"),
        down: include_str!("schema/sqlite/0019_ledger_sides.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0020_person_watches.up.sql"),
        down: include_str!("schema/sqlite/0020_person_watches.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0021_applicants.up.sql"),
        down: include_str!("schema/sqlite/0021_applicants.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0022_groups.up.sql"),
        down: include_str!("schema/sqlite/0022_groups.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0023_quotes.up.sql"),
        down: include_str!("schema/sqlite/0023_quotes.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0024_portal_watches.up.sql"),
        down: include_str!("schema/sqlite/0024_portal_watches.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0025_asked.up.sql"),
        down: include_str!("schema/sqlite/0025_asked.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0026_mothers.up.sql"),
        down: include_str!("schema/sqlite/0026_mothers.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0027_vital_subscriptions.up.sql"),
        down: include_str!("schema/sqlite/0027_vital_subscriptions.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0028_lists_taken_back.up.sql"),
        down: include_str!("schema/sqlite/0028_lists_taken_back.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0029_replaced_notices.up.sql"),
        down: include_str!("schema/sqlite/0029_replaced_notices.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0030_representations.up.sql"),
        down: include_str!("schema/sqlite/0030_representations.down.sql"),
    },
    Migration {
        up: include_str!("schema/sqlite/0031_notices_taken_back.up.sql"),
        down: include_str!("schema/sqlite/0031_notices_taken_back.down.sql"),
    },
];

/// "LTRG" in ASCII: this file is a registry of Liên Thông.
const APPLICATION_ID: i32 = 0x4c54_5247;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_gets_the_newest_schema_once() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), newest(Engine::Lite));
        migrate(&mut connection).unwrap();
        assert_eq!(version(&connection).unwrap(), newest(Engine::Lite));
    }

    #[test]
    fn a_schema_version_from_the_future_is_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        connection
            .pragma_update(None, "user_version", newest(Engine::Lite) + 1)
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
    fn an_empty_file_goes_down_to_nothing_and_up_again() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        file_to(&mut connection, 0).unwrap();
        assert!(!has_tables(&connection).unwrap());
        migrate(&mut connection).unwrap();
        assert!(has_tables(&connection).unwrap());
    }

    #[test]
    fn a_file_with_people_is_not_taken_apart() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection).unwrap();
        let somebody = "INSERT INTO people (name, match_key, birth_date, sex, ethnicity, nationality, commune, relation)
            VALUES ('A', 'a', '2000-01-01', 1, '01', 'VN', '00001', '00')";
        connection.execute_batch(somebody).unwrap();
        assert!(matches!(
            file_to(&mut connection, 0),
            Err(OpenError::NotEmpty)
        ));
    }

    #[test]
    fn what_was_ordered_and_paid_is_kept_where_a_dossier_may_be_quoted_anew() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection
            .pragma_update(None, "foreign_keys", true)
            .unwrap();
        file_to(&mut connection, 22).unwrap();
        connection
            .execute_batch(
                "INSERT INTO people (id, name, match_key, birth_date, sex, ethnicity, nationality, commune, relation)
                   VALUES (1, 'A', 'a', '2000-01-01', 1, '01', 'VN', '00001', '00');
                 INSERT INTO dossiers (code, owner, foreign_id, facts, procedure, state, step, person, card_number,
                     applicant_name, applicant_pin, received_at, due_at, updated_at, reason)
                   VALUES ('d', 'o', 'f', x'', '9.000003', 4, 3, 1, '', 'A', '', '', '', '', '');
                 INSERT INTO payment_orders VALUES ('r1', 'd', 4, 5, '', '', '', '', 0, NULL, '');
                 INSERT INTO contribution_lines
                   VALUES ('r1', 1, 'voluntary', 1, NULL, NULL, '2026-12', 1, 5, '', 0, '', '');
                 INSERT INTO payments VALUES ('t', 'r1', 5, '', '', '', 4, '', 'paid-too-late', '', '', '');
                 INSERT INTO dossier_acts VALUES ('d', 3, 1, 'w', 'y', '', 't', '');",
            )
            .unwrap();
        let second =
            "INSERT INTO payment_orders VALUES ('r2', 'd', 1, 6, '', '', '', '', 0, NULL, '')";
        connection.execute_batch(second).unwrap_err();
        migrate(&mut connection).unwrap();
        for table in [
            "payment_orders WHERE reference = 'r1' AND vnd = 5 AND ask_at IS NULL",
            "contribution_lines WHERE reference = 'r1' AND period = '2026-12' AND household IS NULL",
            "payments WHERE id = 't' AND reason = 'paid-too-late'",
            "dossier_acts WHERE dossier = 'd' AND paid = 't'",
        ] {
            let text = format!("SELECT count(*) FROM {table}");
            let found: i64 = connection.query_row(&text, [], |row| row.get(0)).unwrap();
            assert_eq!(found, 1, "{table}");
        }
        connection.execute_batch(second).unwrap();
        // at most one that is not over
        connection
            .execute_batch(&second.replace("r2", "r3"))
            .unwrap_err();
        let stray = second.replace("'d'", "'nobody'").replace("r2", "r4");
        connection.execute_batch(&stray).unwrap_err();
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
