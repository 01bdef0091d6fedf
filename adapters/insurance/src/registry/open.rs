//! Opening: what is found is proven to be what the parameters say, and the connections are made.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::marks::Marks;
use super::threads::Hands;
use super::{OpenError, Params, Place, schema};
use crate::sql::{self, Patience, Postgres, Sql, values};

/// Brings a registry to the newest schema, or to the given version: its tables on a server, or the whole
/// of a file. Goes down only while nobody is in it. Blocks.
///
/// # Errors
/// Where what is found is not a registry, comes from a newer version, holds people on the way down, or
/// cannot be reached.
pub fn migrate(place: &Place, to: Option<i64>) -> Result<(), OpenError> {
    match place {
        Place::File(path) => {
            make_private(path)?;
            let mut file = sql::open_file(path)?;
            let wanted = to.unwrap_or_else(|| schema::newest(sql::Engine::Lite));
            schema::file_to(&mut file, wanted)
        }
        Place::Server(_) => on_thread(|| {
            let sql = aside(place)?;
            match to {
                Some(wanted) => schema::to(&sql, wanted),
                None => schema::bring(&sql),
            }
        }),
    }
}

/// Proves that the registry is what the parameters say, and that no number can be given a second time.
pub(super) fn settle(params: &Params, marks: &Marks) -> Result<(), OpenError> {
    if let Place::File(path) = &params.place {
        make_private(path)?;
        let mut file = sql::open_file(path)?;
        sql::fold_whole(&file)?;
        schema::migrate(&mut file)?;
    }
    on_thread(|| {
        let sql = aside(&params.place)?;
        if sql.engine() == sql::Engine::Postgres {
            schema::verify(&sql)?;
        }
        settle_population(&sql, params)?;
        marks.raise(&sql)
    })
}

/// The connections of the threads.
pub(super) fn hands(params: &Params, marks: &Arc<Marks>) -> Result<Hands, OpenError> {
    let marks = Arc::clone(marks);
    let readers = 0..params.readers.max(1);
    let before_commit = Box::new(move || marks.write());
    match &params.place {
        Place::File(path) => {
            let business = Sql::Lite(sql::open_file(path)?);
            business.fold_by_hand()?;
            // The file's log is made anew at each start, and SQLite goes on where it cannot make sure of its name.
            sync_folder(path)?;
            Ok(Hands {
                business,
                feed: None,
                readers: readers
                    .map(|_| Ok(Sql::Lite(sql::open_read_only(path)?)))
                    .collect::<Result<_, OpenError>>()?,
                lock: String::new(),
                before_commit,
            })
        }
        Place::Server(address) => {
            let session = || {
                let session = Postgres::new(address.clone(), Patience::Call)?;
                Ok(Sql::Postgres(Box::new(session)))
            };
            Ok(Hands {
                business: session()?,
                feed: Some(session()?),
                readers: readers
                    .map(|_| session())
                    .collect::<Result<_, OpenError>>()?,
                lock: schema::lock(BUSINESS),
                before_commit,
            })
        }
    }
}

/// A further connection that may write, and takes its time.
pub(super) fn aside(place: &Place) -> Result<Sql, sql::Error> {
    Ok(match place {
        Place::File(path) => Sql::Lite(sql::open_file(path)?),
        Place::Server(address) => {
            let session = Postgres::new(address.clone(), Patience::Endless)?;
            Sql::Postgres(Box::new(session))
        }
    })
}

/// A session with a server may not be waited for on an async worker.
pub(super) fn on_thread<T: Send>(
    work: impl FnOnce() -> Result<T, OpenError> + Send,
) -> Result<T, OpenError> {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(std::io::Error::other("the work panicked").into()))
}

/// SQLite gives its side files the mode of the main file, so that one is made first.
fn make_private(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

/// Afterwards a power cut takes no name of what stands beside the file.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

fn settle_population(sql: &Sql, params: &Params) -> Result<(), OpenError> {
    let wanted = params.population.as_str();
    sql.execute(
        "INSERT INTO meta (name, value) VALUES ('population', ?1) ON CONFLICT (name) DO NOTHING",
        values![wanted],
    )?;
    let found: String = sql.query_one(
        "SELECT value FROM meta WHERE name = 'population'",
        &[],
        |row| row.get(0),
    )?;
    match found == wanted {
        true => Ok(()),
        false => Err(OpenError::Population { found, wanted }),
    }
}

/// The lock under which the business is written.
const BUSINESS: u32 = 1;
