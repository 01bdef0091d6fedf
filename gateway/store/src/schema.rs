//! The schema's version, and the way up and down: for whoever migrates by hand.

use std::path::Path;
use std::time::Duration;

use rusqlite::OpenFlags;

use crate::postgres::{self, Patience, Target};
use crate::sql::Connection;
use crate::{Engine, OpenError, PostgresParams, migrate};

/// How a store's schema stands to this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Schema {
    /// The newest migration that was applied; 0 where there is nothing.
    pub version: u32,
    /// The newest one that this build knows.
    pub known: u32,
    /// The oldest build that can work with it.
    pub compatible_from: u32,
}

/// What to do with a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Nothing: only tell.
    Status,
    /// Apply what is missing, up to this number or to the newest.
    Up(Option<u32>),
    /// Take back what is above this number. Tables that an older build does not know go with all that
    /// is in them; below 1 everything does, and that is refused while there is a journal.
    Down(u32),
}

/// Does it, and tells how the schema stands then. A file must not be open in a gateway.
pub fn schema(engine: &Engine, step: Step) -> Result<Schema, OpenError> {
    match engine {
        Engine::Sqlite(path) => of_file(path, step),
        // A session brings a runtime of its own, and the caller's thread may drive one already.
        Engine::Postgres(database) => std::thread::scope(|scope| {
            let work = scope.spawn(|| of_database(database, step));
            work.join()
                .unwrap_or_else(|_| Err(OpenError::Database("it panicked".into())))
        }),
    }
}

fn of_file(path: &Path, step: Step) -> Result<Schema, OpenError> {
    if step == Step::Status && !path.exists() {
        return Ok(of_version(0));
    }
    let _lock = match step {
        Step::Status => None,
        _ => Some(crate::open::lock(path)?),
    };
    let flags = match step {
        Step::Status => OpenFlags::SQLITE_OPEN_READ_ONLY,
        _ => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let mut conn = rusqlite::Connection::open_with_flags(path, flags)?;
    let version = match step {
        Step::Status => migrate::version(&conn)?,
        Step::Up(to) => migrate::up(&mut conn, to.unwrap_or(migrate::KNOWN))?,
        Step::Down(to) => {
            if to == 0 && holds_records(&Connection::Sqlite(conn))? {
                return Err(OpenError::HoldsRecords);
            }
            migrate::down(&mut rusqlite::Connection::open_with_flags(path, flags)?, to)?
        }
    };
    Ok(of_version(version))
}

/// A file is opened by one build at a time: what it does not know it does not understand.
fn of_version(version: u32) -> Schema {
    Schema {
        version,
        known: migrate::KNOWN,
        compatible_from: version,
    }
}

fn of_database(database: &PostgresParams, step: Step) -> Result<Schema, OpenError> {
    let target = Target::new(database, "migrate").map_err(OpenError::Url)?;
    Patience::of(&target).over("migrate", || step_on(&target, step))
}

fn step_on(target: &Target, step: Step) -> Result<Schema, OpenError> {
    let session = target.connect()?;
    session.take_time(WORK_MAX)?;
    let conn = Connection::Postgres(session);
    let standing = match step {
        Step::Status => postgres::migrate::standing(&conn)?,
        Step::Up(to) => postgres::migrate::up(&conn, to)?,
        Step::Down(to) => {
            let found = postgres::migrate::standing(&conn)?;
            if to == 0 && found.version > 0 && holds_records(&conn)? {
                return Err(OpenError::HoldsRecords);
            }
            postgres::migrate::down(&conn, to)?
        }
    };
    Ok(Schema {
        version: standing.version,
        known: postgres::migrate::KNOWN,
        compatible_from: standing.compatible_from,
    })
}

fn holds_records(conn: &Connection) -> Result<bool, OpenError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM journal)";
    Ok(conn.query_row(sql, [], |row| row.get(0))?)
}

const WORK_MAX: Duration = Duration::from_secs(3600);
