//! The registry: people, employers, cards, births and dossiers in one SQLite file or on PostgreSQL.
//!
//! One thread owns the write connection and commits many effects at once; readers have their own
//! connections and threads; no SQL ever runs on an async worker. What a change did, what it answered
//! and which changes it tells of are committed together, under the caller's key. On PostgreSQL any number
//! of processes share one registry: their writers take turns by a lock of the database, batch by batch, so
//! that a number is given out once and every rule sees what was done before.

pub mod backup;
mod births;
mod cards;
mod changes;
mod clocks;
mod contributions;
mod corrections;
mod counters;
mod deaths;
mod dossiers;
mod effects;
mod employers;
mod endings;
mod error;
mod facts;
mod fingerprint;
mod given;
mod groups;
mod hospitals;
mod law;
pub mod ledger;
mod life;
mod marks;
mod months;
mod notices;
mod open;
mod payments;
mod people;
mod persons;
mod representation;
mod requests;
mod reviews;
pub(crate) mod schema;
mod steps;
mod stories;
mod subscriptions;
mod supplements;
mod threads;
mod told;
mod vital;
mod watches;

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::date::day_in_viet_nam;
use schemas::id::{DossierCode, OrganId};
use schemas::procedure::Catalog;

pub(crate) use counters::SI_COUNTER;
pub use error::{Error, OpenError};
#[cfg(test)]
pub(crate) use fingerprint::fingerprint;
use marks::Marks;
pub use open::migrate;
use threads::{Desk, Threads};

use crate::sql::{Address, Sql};

/// Time, passed in so that tests can turn it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Who lives in a registry. Written into it when it is made and never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Population {
    /// People that do not exist; numbers of the reserved ranges only.
    Synthetic,
    /// Real people; numbers of the reserved ranges are refused.
    Real,
}

impl Population {
    /// The word in the contract and in the registry.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Real => "real",
        }
    }
}

/// Where a registry is kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// A SQLite file; made with mode 0600 where absent, and brought to the newest schema.
    File(PathBuf),
    /// A database of PostgreSQL 15 or newer; [`migrate`] makes the schema.
    Server(Address),
}

/// How a registry is opened; every limit has a safe default in [`Params::synthetic`].
#[derive(Debug, Clone)]
pub struct Params {
    /// Where it is kept.
    pub place: Place,
    /// Where the highest number given out is noted before it is given: out of reach of whatever restores
    /// the registry. None notes nothing.
    pub marks: Option<PathBuf>,
    /// Who lives in it; must be what the registry says.
    pub population: Population,
    /// The organisation in dossier codes: groups of at most three characters.
    pub organ_id: OrganId,
    /// Reader threads, each with its own connection.
    pub readers: usize,
    /// Commands that may wait for the writer, and reads that may wait for a reader; above it callers are told to come back.
    pub queue_max: usize,
    /// Effects that share one commit at most.
    pub batch_max: usize,
    /// The procedures whose dossiers are taken in.
    pub procedures: &'static Catalog,
}

impl Params {
    /// A registry of synthetic people with the default limits and the made-up organisation `G99.00.01`.
    #[must_use]
    pub fn synthetic(path: impl Into<PathBuf>) -> Self {
        Self::synthetic_in(Place::File(path.into()))
    }

    /// The same, in either place.
    #[must_use]
    pub fn synthetic_in(place: Place) -> Self {
        Self {
            place,
            marks: None,
            population: Population::Synthetic,
            organ_id: OrganId::parse("G99.00.01").expect("the literal is an organisation code"),
            readers: 2,
            queue_max: 1024,
            batch_max: 256,
            procedures: Catalog::embedded(),
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
    marks: Arc<Marks>,
    threads: Threads,
}

impl Registry {
    /// Opens the registry and starts its writers and readers. A file is made and brought to the newest
    /// schema; a database has to be there already.
    ///
    /// # Errors
    /// Where the organisation does not fit into dossier codes, or what is found is not a registry, has
    /// another population or another version, or cannot be reached.
    pub fn open(params: Params, clock: Clock) -> Result<Self, OpenError> {
        DossierCode::parse(&format!("{}-260101-000001", params.organ_id))
            .map_err(|_| OpenError::OrganId)?;
        let marks = Arc::new(Marks::open(params.marks.as_deref())?);
        open::settle(&params, &marks)?;
        let hands = open::hands(&params, &marks)?;
        let threads = Threads::start(hands, params.queue_max, params.batch_max)?;
        Ok(Self {
            shared: Arc::new(Shared {
                params,
                clock,
                marks,
                threads,
            }),
        })
    }

    /// Who lives here.
    #[must_use]
    pub fn population(&self) -> Population {
        self.shared.params.population
    }

    /// Whether a write or sync of its file has failed: then it changes nothing more until it is opened again.
    #[must_use]
    pub fn halted(&self) -> bool {
        self.shared.threads.halted()
    }

    /// How it was opened.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.shared.params
    }

    /// Runs work on a connection and a thread of its own, such as seeding before serving; blocks.
    ///
    /// A thread of its own, since a session with a server may not be waited for on an async worker.
    pub(crate) fn aside<T: Send, E: Send + From<Error>>(
        &self,
        work: impl FnOnce(&Sql) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let run = || {
            let sql = open::aside(&self.shared.params.place).map_err(Error::from)?;
            work(&sql)
        };
        thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|_| Err(Error::Corrupt("the work panicked").into()))
    }

    /// Runs a read on a reader thread.
    async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Sql) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.threads.read(name, work).await
    }

    /// Runs a named transaction on a writer thread; it is undone alone where it fails.
    async fn write<T: Send + 'static>(
        &self,
        desk: Desk,
        name: &'static str,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let registry = Arc::clone(&self.shared);
        let run = move |sql: &Sql| {
            let now = (registry.clock)();
            let tx = Tx {
                sql,
                now,
                today: day_in_viet_nam(now),
                params: &registry.params,
                marks: &registry.marks,
                key: Cell::default(),
                minted: RefCell::default(),
            };
            let done = work(&tx)?;
            registry.marks.given(tx.key.get(), tx.minted.into_inner());
            Ok(done)
        };
        self.shared.threads.write(desk, name, run).await
    }
}

/// One change in the making: everything it may use, the time of day included.
struct Tx<'a> {
    sql: &'a Sql,
    now: Timestamp,
    today: Date,
    params: &'a Params,
    /// What was given out before, also what the registry has forgotten.
    marks: &'a Marks,
    /// The key that it is made under.
    key: Cell<Option<[u8; 32]>>,
    /// The numbers it took, by counter.
    minted: RefCell<Vec<(String, i64)>>,
}

/// What a rule may look at: what is kept, the day, and who lives here.
struct Sight<'a> {
    sql: &'a Sql,
    today: Date,
    population: Population,
}

impl Tx<'_> {
    fn sight(&self) -> Sight<'_> {
        Sight {
            sql: self.sql,
            today: self.today,
            population: self.params.population,
        }
    }
}
