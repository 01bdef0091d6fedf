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
mod sheet;
mod work;

#[cfg(test)]
mod tests;

use jiff::civil::Date;

pub use landmarks::{EmployerMark, Landmarks, PersonMark, PlaceMark, landmarks};
use places::Places;
use random::Random;
use sheet::Sheet;

use crate::registry::{Error, Population, Registry, SI_COUNTER, schema};
use crate::sql::{self, Engine, Sql, values};

/// What to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeedParams {
    /// How many people, 1 to 20,000,000; the last household is cut to fit.
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

impl From<sql::Error> for SeedError {
    fn from(error: sql::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// Fills an empty registry in one transaction; blocks, so run it before serving or on a blocking thread.
///
/// The same parameters make the same rows on either engine. A server is filled by COPY, without keys and
/// indexes, which are made afterwards and prove the load.
///
/// `progress` is called with (done, total) every hundred people and at the end.
///
/// # Errors
/// Where the registry is not empty or not synthetic, a parameter is out of range, or the file fails.
pub fn run(
    registry: &Registry,
    params: SeedParams,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), SeedError> {
    check(registry, &params)?;
    registry.aside(|sql| {
        sql.begin("")?;
        let filled = fill(sql, &params, progress);
        match filled {
            Ok(()) => Ok(sql.commit()?),
            Err(_) => {
                sql.rollback();
                filled
            }
        }
    })
}

fn fill(
    sql: &Sql,
    params: &SeedParams,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<(), SeedError> {
    let server = sql.engine() == Engine::Postgres;
    if server {
        // this waits for whoever else is seeding
        schema::keys_off(sql)?;
    }
    if is_seeded_on(sql)? {
        return Err(SeedError::NotEmpty);
    }
    let mut tick = Tick {
        done: 0,
        total: params.people as u64 * 2,
        progress,
    };
    let mut sheet = Sheet::new(sql);
    let mut random = Random::new(params.seed);
    let places = Places::draw(&mut sheet, &mut random, params.as_of)?;
    let mut residents = people::settle(&mut sheet, &mut random, params, &places, &mut tick)?;
    work::employ(&mut sheet, &mut random, params, &places, &mut residents)?;
    papers::issue(&mut sheet, &mut random, params, &residents, &mut tick)?;
    sheet.finish()?;
    if server {
        schema::keys_on(sql)?;
        sql.batch(CAUGHT_UP)?;
    }
    remember(sql, params, residents.len())?;
    (tick.progress)(tick.total, tick.total);
    Ok(())
}

/// Whether the registry holds people; blocks.
///
/// # Errors
/// Where the file fails.
pub fn is_seeded(registry: &Registry) -> Result<bool, Error> {
    registry.aside(is_seeded_on)
}

/// Counts what is done and tells it now and then.
struct Tick<'a> {
    done: u64,
    total: u64,
    progress: &'a mut (dyn FnMut(u64, u64) + Send),
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
    if !(1..=20_000_000).contains(&params.people) {
        return Err(SeedError::Range("the number of people"));
    }
    if !(1..=10_000).contains(&params.employers) {
        return Err(SeedError::Range("the number of employers"));
    }
    Ok(())
}

fn is_seeded_on(sql: &Sql) -> Result<bool, Error> {
    Ok(
        sql.query_one("SELECT EXISTS (SELECT 1 FROM people)", &[], |row| {
            row.get(0)
        })?,
    )
}

fn remember(sql: &Sql, params: &SeedParams, people: usize) -> Result<(), Error> {
    let people = i64::try_from(people).map_err(|_| Error::Corrupt("a count"))?;
    sql.execute(
        "INSERT INTO counters (name, value) VALUES (?1, ?2)",
        values![SI_COUNTER, people],
    )?;
    let (seed, as_of) = (params.seed.to_string(), params.as_of.to_string());
    for (name, value) in [("seed", seed), ("seed-as-of", as_of)] {
        let meta = "INSERT INTO meta (name, value) VALUES (?1, ?2)";
        sql.execute(meta, values![name, value])?;
    }
    Ok(())
}

/// The server's own numbering goes on after the ids that came with the rows; its planner learns what is there.
const CAUGHT_UP: &str = "SELECT setval('household_ids', (SELECT max(id) FROM households));
    SELECT setval('people_ids', (SELECT max(id) FROM people));
    SELECT setval('employer_ids', (SELECT max(id) FROM employers));
    ANALYZE";
