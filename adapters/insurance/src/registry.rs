//! The embedded registry: people, employers, cards, births and dossiers in one SQLite file.
//!
//! One thread owns the write connection and commits many effects at once; readers have their own
//! connections and threads; no SQL ever runs on an async worker. What a change did, what it answered
//! and which changes it tells of are committed together, under the caller's key.

mod births;
mod cards;
mod changes;
mod counters;
mod dossiers;
mod effects;
mod employers;
mod error;
mod facts;
mod fingerprint;
mod law;
mod open;
mod people;
mod schema;
mod steps;
mod threads;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::Connection;
use schemas::date::day_in_viet_nam;
use schemas::id::{DossierCode, OrganId};

pub(crate) use counters::SI_COUNTER;
pub use error::{Error, OpenError};
#[cfg(test)]
pub(crate) use fingerprint::fingerprint;
use threads::Threads;

/// Time, passed in so that tests can turn it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who lives in a registry. Written into the file when it is made and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// People that do not exist; numbers of the reserved ranges only.
    Synthetic,
    /// Real people; numbers of the reserved ranges are refused.
    Real,
}

impl Population {
    /// The word in the contract and in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Real => "real",
        }
    }
}

/// How a registry is opened; every limit has a safe default in [`Params::synthetic`].
#[derive(Debug, Clone)]
pub struct Params {
    /// The database file; made with mode 0600 where absent.
    pub path: PathBuf,
    /// Who lives in it; must be what the file says.
    pub population: Population,
    /// The organisation in dossier codes: groups of at most three characters.
    pub organ_id: OrganId,
    /// Reader threads, each with its own connection.
    pub readers: usize,
    /// Commands that may wait for the writer, and reads that may wait for a reader; above it callers are told to come back.
    pub queue_max: usize,
    /// Effects that share one commit at most.
    pub batch_max: usize,
}

impl Params {
    /// A registry of synthetic people with the default limits and the made-up organisation `G99.00.01`.
    #[must_use]
    pub fn synthetic(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            population: Population::Synthetic,
            organ_id: OrganId::parse("G99.00.01").expect("the literal is an organisation code"),
            readers: 2,
            queue_max: 1024,
            batch_max: 256,
        }
    }
}

/// The open registry: a cheap handle, closed when the last clone is dropped.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    params: Params,
    clock: Clock,
    threads: Threads,
}

impl Registry {
    /// Opens the file, brings its schema up to date and starts the writer and the readers.
    ///
    /// # Errors
    /// Where the organisation does not fit into dossier codes, or the file is not a registry, has
    /// another population or comes from a newer version.
    pub fn open(params: Params, clock: Clock) -> Result<Self, OpenError> {
        DossierCode::parse(&format!("{}-260101-000001", params.organ_id))
            .map_err(|_| OpenError::OrganId)?;
        let writer = open::writer(&params)?;
        let readers = (0..params.readers.max(1))
            .map(|_| open::reader(&params.path))
            .collect::<Result<Vec<_>, _>>()?;
        let threads = Threads::start(writer, readers, params.queue_max, params.batch_max)?;
        Ok(Self {
            shared: Arc::new(Shared {
                params,
                clock,
                threads,
            }),
        })
    }

    /// Who lives here.
    #[must_use]
    pub fn population(&self) -> Population {
        self.shared.params.population
    }

    /// How it was opened.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.shared.params
    }

    /// A further connection for work that runs before serving, such as seeding; blocks.
    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        Ok(open::second_writer(&self.shared.params.path)?)
    }

    /// Runs a read on a reader thread.
    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.threads.read(name, work).await
    }

    /// Runs a named transaction on the writer thread; it is undone alone where it fails.
    async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let registry = Arc::clone(&self.shared);
        let run = move |sql: &Connection| {
            let now = (registry.clock)();
            let shared = &*registry;
            work(&Tx {
                sql,
                now,
                today: day_in_viet_nam(now),
                params: &shared.params,
            })
        };
        self.shared.threads.write(name, run).await
    }
}

/// One change in the making: everything it may use, the time of day included.
struct Tx<'a> {
    sql: &'a Connection,
    now: Timestamp,
    today: Date,
    params: &'a Params,
}
