//! The schema on a server: brought up by `lienthong migrate`, never by a gateway that starts.

use super::{Migration, OpenError, Step, newest, path};
use crate::sql::{Engine, Error, Sql, values};

/// Proves that a database is a registry of this version.
pub(crate) fn verify(sql: &Sql) -> Result<(), OpenError> {
    let (found, known) = (version(sql)?, newest(Engine::Postgres));
    match found {
        found if found == known => durable(sql),
        found if found < known => Err(OpenError::NotMigrated { found, known }),
        found => Err(OpenError::UnknownVersion { found, known }),
    }
}

/// Brings a database to the newest version.
pub(crate) fn bring(sql: &Sql) -> Result<(), OpenError> {
    to(sql, newest(Engine::Postgres))
}

/// Brings a database to a version, step by step, each in its own transaction; down only while nobody is
/// in it. Two that do this at once do it one after the other.
pub(crate) fn to(sql: &Sql, wanted: i64) -> Result<(), OpenError> {
    loop {
        sql.begin(&lock(MIGRATING))?;
        let moved = step(sql, wanted);
        match &moved {
            Ok(true) => sql.commit()?,
            Ok(false) | Err(_) => sql.rollback(),
        }
        if !moved? {
            return Ok(());
        }
    }
}

/// Takes away every key and index, so that a load is fast; inside a transaction.
pub(crate) fn keys_off(sql: &Sql) -> Result<(), Error> {
    sql.batch(KEYS.down)
}

/// Makes them again, and with them the proof that the load keeps to them.
pub(crate) fn keys_on(sql: &Sql) -> Result<(), Error> {
    sql.batch(KEYS.up)
}

/// Takes one of the registry's locks until the transaction ends.
pub(crate) fn lock(what: u32) -> String {
    format!("SELECT pg_advisory_xact_lock({LOCKS}, {what})")
}

/// One step towards a version; false where it is there.
fn step(sql: &Sql, wanted: i64) -> Result<bool, OpenError> {
    let found = version(sql)?;
    let Some(step) = path(Engine::Postgres, found, wanted)?.first().copied() else {
        return Ok(false);
    };
    if matches!(step, Step::Down(_)) && has_people(sql)? {
        return Err(OpenError::NotEmpty);
    }
    if found == 0 {
        sql.batch(OURS)?;
    }
    let (number, text) = step.of(MIGRATIONS);
    sql.batch(text)?;
    match step {
        Step::Up(_) => sql.execute(
            "INSERT INTO registry.migrations (number) VALUES (?1)",
            values![number],
        )?,
        Step::Down(_) => sql.execute(
            "DELETE FROM registry.migrations WHERE number > ?1",
            values![number],
        )?,
    };
    if number == 0 {
        sql.batch("DROP SCHEMA registry CASCADE")?;
    }
    Ok(true)
}

fn version(sql: &Sql) -> Result<i64, OpenError> {
    let ours: bool = sql.query_one(
        "SELECT to_regclass('registry.migrations') IS NOT NULL",
        &[],
        |row| row.get(0),
    )?;
    if ours {
        let number = "SELECT coalesce(max(number), 0) FROM registry.migrations";
        return Ok(sql.query_one(number, &[], |row| row.get(0))?);
    }
    let taken: bool = sql.query_one(
        "SELECT to_regnamespace('registry') IS NOT NULL",
        &[],
        |row| row.get(0),
    )?;
    match taken {
        true => Err(OpenError::NotARegistry),
        false => Ok(0),
    }
}

fn has_people(sql: &Sql) -> Result<bool, OpenError> {
    let people = "SELECT EXISTS (SELECT 1 FROM registry.people)";
    Ok(sql.query_one(people, &[], |row| row.get(0))?)
}

/// What is acknowledged has to be on disk.
fn durable(sql: &Sql) -> Result<(), OpenError> {
    let setting = |name: &str| -> Result<String, Error> {
        sql.query_one("SELECT current_setting(?1)", values![name], |row| {
            row.get(0)
        })
    };
    if setting("fsync")? == "off" {
        tracing::warn!(target: "lienthong::registry", "the server runs with fsync = off: a power cut can lose everything");
    }
    match setting("synchronous_commit")?.as_str() {
        "off" => Err(OpenError::NotDurable),
        _ => Ok(()),
    }
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        up: include_str!("postgres/0001_tables.up.sql"),
        down: include_str!("postgres/0001_tables.down.sql"),
    },
    KEYS,
    Migration {
        up: include_str!("postgres/0003_tax.up.sql"),
        down: include_str!("postgres/0003_tax.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0004_notices.up.sql"),
        down: include_str!("postgres/0004_notices.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0005_births.up.sql"),
        down: include_str!("postgres/0005_births.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0006_ledger.up.sql"),
        down: include_str!("postgres/0006_ledger.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0007_deaths.up.sql"),
        down: include_str!("postgres/0007_deaths.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0008_clocks.up.sql"),
        down: include_str!("postgres/0008_clocks.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0009_procedures.up.sql"),
        down: include_str!("postgres/0009_procedures.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0010_stories.up.sql"),
        down: include_str!("postgres/0010_stories.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0011_corrections.up.sql"),
        down: include_str!("postgres/0011_corrections.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0012_decisions.up.sql"),
        down: include_str!("postgres/0012_decisions.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0013_hospitals.up.sql"),
        down: include_str!("postgres/0013_hospitals.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0014_payments.up.sql"),
        down: include_str!("postgres/0014_payments.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0015_employers.up.sql"),
        down: include_str!("postgres/0015_employers.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0016_tolerances.up.sql"),
        down: include_str!("postgres/0016_tolerances.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0017_supplements.up.sql"),
        down: include_str!("postgres/0017_supplements.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0018_endings.up.sql"),
        down: include_str!("postgres/0018_endings.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0019_dossier_supplements.up.sql"),
        down: include_str!("postgres/0019_dossier_supplements.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0020_ledger_sides.up.sql"),
        down: include_str!("postgres/0020_ledger_sides.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0021_person_watches.up.sql"),
        down: include_str!("postgres/0021_person_watches.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0022_applicants.up.sql"),
        down: include_str!("postgres/0022_applicants.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0023_groups.up.sql"),
        down: include_str!("postgres/0023_groups.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0024_quotes.up.sql"),
        down: include_str!("postgres/0024_quotes.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0025_portal_watches.up.sql"),
        down: include_str!("postgres/0025_portal_watches.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0026_asked.up.sql"),
        down: include_str!("postgres/0026_asked.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0027_mothers.up.sql"),
        down: include_str!("postgres/0027_mothers.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0028_vital_subscriptions.up.sql"),
        down: include_str!("postgres/0028_vital_subscriptions.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0029_lists_taken_back.up.sql"),
        down: include_str!("postgres/0029_lists_taken_back.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0030_replaced_notices.up.sql"),
        down: include_str!("postgres/0030_replaced_notices.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0031_representations.up.sql"),
        down: include_str!("postgres/0031_representations.down.sql"),
    },
    Migration {
        up: include_str!("postgres/0032_notices_taken_back.up.sql"),
        down: include_str!("postgres/0032_notices_taken_back.down.sql"),
    },
];

const KEYS: Migration = Migration {
    up: include_str!("postgres/0002_keys.up.sql"),
    down: include_str!("postgres/0002_keys.down.sql"),
};

/// The name space and the list of what was done in it.
const OURS: &str = "CREATE SCHEMA registry;
    CREATE TABLE registry.migrations (number BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())";
/// "LTRG" in ASCII: the registry's locks.
const LOCKS: i32 = 0x4c54_5247;
const MIGRATING: u32 = 2;
