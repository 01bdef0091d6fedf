//! A whole exchange in virtual time, on one thread, from one seed: the real rooms, change feed, lane,
//! recovery and store between a sender, an insurance database and a portal that only remember, over a
//! network that is cut, delayed and loses replies, with a gateway that is killed and started again.
//!
//! The same seed plays the same run to the last event. Nothing here knows how the gateway keeps its
//! promises: the checker compares what the three others have seen.

mod agency;
mod checker;
mod gateway;
mod insurance;
mod kit;
mod net;
mod portal;
mod still;
mod weather;
mod world;

use std::{fmt, sync::Arc, time::Duration};

use weather::Weather;
use world::World;

/// What is broken on purpose, to see that the checker finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bend {
    /// Nothing.
    Nothing,
    /// The insurance database forgets its effect keys: it acts each time it is asked.
    InsuranceForgetsKeys,
    /// The outbox says that parcels are in it before they are.
    OutboxForgetsParcels,
    /// A lane takes silence for success.
    SilenceIsSuccess,
    /// A claim is forgotten, and with it the answer that was given.
    ClaimsAreForgotten,
    /// A lane forgets that it has leased what it sends, and with it that another hand may have.
    LaneForgetsItsLease,
}

/// What came of one run.
#[derive(Debug)]
pub struct Played {
    /// The seed.
    pub seed: u64,
    /// What must not be.
    pub violations: Vec<String>,
    /// SHA-256 over all events, hex.
    pub digest: String,
    /// Every event, with its time.
    pub events: Vec<String>,
    /// Messages that were answered for good.
    pub acknowledged: usize,
    /// Tries that had no final answer.
    pub unanswered: u64,
    /// How often the gateway was killed.
    pub kills: u64,
    /// How long it took, in virtual time.
    pub took: Duration,
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} acknowledged, {} tries without an answer, {} kills, {} s: {}",
            self.seed,
            self.acknowledged,
            self.unanswered,
            self.kills,
            self.took.as_secs(),
            match self.violations.as_slice() {
                [] => "kept".to_owned(),
                broken => broken.join("; "),
            }
        )
    }
}

/// Plays one seed to its end.
#[must_use]
pub fn play(seed: u64, bend: Bend) -> Played {
    let folder = world::folder();
    let world = World::new(seed, bend, folder.path());
    let mut violations = Vec::new();
    let took = match run(&world) {
        Ok(took) => took,
        Err(why) => {
            violations.push(why);
            LIMIT
        }
    };
    violations.extend(checker::check(&world));
    let (events, digest) = world.trace();
    let agency = world.agency.lock().unwrap();
    Played {
        seed,
        violations,
        digest,
        events,
        acknowledged: agency.told.len(),
        unanswered: agency.unanswered,
        kills: world.kills(),
        took,
    }
}

fn run(world: &Arc<World>) -> Result<Duration, String> {
    let mut sim = turmoil::Builder::new()
        .rng_seed(world.seed)
        .tick_duration(TICK)
        .simulation_duration(LIMIT * 2)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(200))
        .build();
    let host = |start: fn(Arc<World>) -> world::Life| {
        let world = Arc::clone(world);
        move || start(Arc::clone(&world))
    };
    sim.host("insurance", host(insurance::live));
    sim.host("portal", host(portal::live));
    sim.host("gateway", host(gateway::live));
    sim.host("agency", host(agency::live));
    let mut weather = Weather::of(world);
    while sim.elapsed() < LIMIT {
        world.clock.set(sim.elapsed());
        weather.change(&mut sim, world);
        sim.step()
            .map_err(|error| format!("a host ended: {error}"))?;
        if world.is_over() {
            return Ok(sim.elapsed());
        }
    }
    Err(format!(
        "not over after {} s: {}",
        LIMIT.as_secs(),
        world.left()
    ))
}

/// Messages move and hosts run in steps of this.
const TICK: Duration = Duration::from_millis(100);
/// By then everything must have come to its end.
const LIMIT: Duration = Duration::from_secs(600);
