//! Synthetic people for a new registry, deterministic from a seed number.
//!
//! Households, their members' numbers, employers of skewed size with two years of contributions, and
//! cards by age and work. Every identifier is valid by its own rule and lies in a reserved range: SI
//! numbers 99, PIN province 099, tax codes 99. Nothing here is drawn from anybody's real data.

mod landmarks;
mod names;
mod papers;
mod people;
mod places;
mod random;
mod work;

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use rusqlite::{Connection, TransactionBehavior};

pub use landmarks::{EmployerMark, Landmarks, PersonMark, PlaceMark, landmarks};
use places::Places;
use random::Random;

use crate::registry::{Error, Population, Registry, SI_COUNTER};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedParams {
    /// How many people, 1 to 1,000,000; the last household is cut to fit.
    pub people: usize,
    /// How many employers, branches included, 1 to 10,000.
    pub employers: usize,
    /// Which people: the same number makes the same people for the same day.
    pub seed: u64,
    /// The day on which the data is a photograph; contributions are closed up to two months before.
    pub as_of: Date,
}

impl SeedParams {
    /// 10,000 people and 100 employers.
    #[must_use]
    pub fn usual(as_of: Date) -> Self {
        Self {
            people: 10_000,
            employers: 100,
            seed: 20_261_122,
            as_of,
        }
    }
}

/// Why nothing was seeded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// There are people already.
    #[error("the registry already holds people")]
    NotEmpty,
    /// Synthetic people never mix with real ones.
    #[error("only a registry of a synthetic population may be seeded")]
    NotSynthetic,
    /// A number that the ranges cannot hold.
    #[error("{0} is out of range")]
    Range(&'static str),
    /// The dated tables do not reach that day.
    #[error("no {0} on the day of the photograph")]
    Day(&'static str),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] Error),
}

impl From<rusqlite::Error> for SeedError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// Fills an empty registry in one transaction; blocks, so run it before serving or on a blocking thread.
///
/// `progress` is called with (done, total) every hundred people and at the end.
///
/// # Errors
/// Where the registry is not empty or not synthetic, a parameter is out of range, or the file fails.
pub fn run(
    registry: &Registry,
    params: SeedParams,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), SeedError> {
    check(registry, &params)?;
    let mut connection = registry.connect()?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if is_seeded_on(&transaction)? {
        return Err(SeedError::NotEmpty);
    }
    let mut random = Random::new(params.seed);
    let places = Places::draw(&transaction, &mut random, params.as_of)?;
    let mut tick = Tick {
        done: 0,
        total: params.people as u64 * 2,
        progress,
    };
    let mut residents = people::settle(&transaction, &mut random, &params, &places, &mut tick)?;
    work::employ(&transaction, &mut random, &params, &places, &mut residents)?;
    papers::issue(&transaction, &mut random, &params, &residents, &mut tick)?;
    remember(&transaction, &params, residents.len())?;
    transaction.commit()?;
    (tick.progress)(tick.total, tick.total);
    Ok(())
}

/// Whether the registry holds people; blocks.
///
/// # Errors
/// Where the file fails.
pub fn is_seeded(registry: &Registry) -> Result<bool, Error> {
    is_seeded_on(&registry.connect()?)
}

/// Counts what is done and tells it now and then.
struct Tick<'a> {
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl Tick<'_> {
    fn one(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(100) {
            (self.progress)(self.done, self.total);
        }
    }
}

fn check(registry: &Registry, params: &SeedParams) -> Result<(), SeedError> {
    if registry.population() != Population::Synthetic {
        return Err(SeedError::NotSynthetic);
    }
    if !(1..=1_000_000).contains(&params.people) {
        return Err(SeedError::Range("the number of people"));
    }
    if !(1..=10_000).contains(&params.employers) {
        return Err(SeedError::Range("the number of employers"));
    }
    Ok(())
}

fn is_seeded_on(sql: &Connection) -> Result<bool, Error> {
    Ok(sql.query_row("SELECT EXISTS (SELECT 1 FROM people)", [], |row| row.get(0))?)
}

fn remember(sql: &Connection, params: &SeedParams, people: usize) -> Result<(), Error> {
    let people = i64::try_from(people).map_err(|_| Error::Corrupt("a count"))?;
    sql.execute(
        "INSERT INTO counters (name, value) VALUES (?1, ?2)",
        (SI_COUNTER, people),
    )?;
    let mut meta = sql.prepare("INSERT INTO meta (name, value) VALUES (?1, ?2)")?;
    meta.execute(("seed", params.seed.to_string()))?;
    meta.execute(("seed-as-of", params.as_of.to_string()))?;
    Ok(())
}
