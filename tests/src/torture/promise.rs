//! The promises, in their order; each file is one of them.

mod a01_isolation;
mod a02_breaker;
mod a03_limits;
mod a04_fair;
mod a05_hostile;
mod a06_slow;
mod a07_floods;
mod a08_overload;
mod a09_soak;
mod r01_kill;
mod r02_points;
mod r03_power;
mod r04_nth;
mod r05_full;
mod r06_failover;
mod r07_frozen;
mod r08_hostile;
mod r09_commits;
mod r10_order;
mod r13_rolling;
mod r14_restore;
mod recovery;
mod seen;

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use super::report::Line;

/// How a run is bounded.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How often; each promise has its own usual number.
    pub n: Option<u64>,
    /// The seed of every schedule.
    pub seed: u64,
    /// After this time nothing new is begun.
    pub budget: Duration,
    /// Which store: `sqlite` or `postgres`.
    pub engine: Engine,
    /// When the promise began.
    pub began: Instant,
    /// Whether a time beyond its limit is told and no failure: on a machine that does other work too,
    /// seconds say nothing about the gateway. What is lost, doubled or out of order fails all the same.
    pub tells_times: bool,
}

impl Engine {
    /// Its name in a line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The gateway's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file beside the gateway.
    Sqlite,
    /// A cluster of ours.
    Postgres,
}

impl Plan {
    /// Whether there is time for more.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.began.elapsed() < self.budget
    }

    /// Judges what came late; gives what the line says of it.
    #[must_use]
    pub fn judge(&self, late: Vec<String>, wrong: &mut Vec<String>) -> String {
        match (self.tells_times, late.len()) {
            (_, 0) => String::new(),
            (true, late) => format!(" [{late} late, told only]"),
            (false, _) => {
                wrong.extend(late);
                String::new()
            }
        }
    }
}

/// A promise's run: some promises have more than one line.
type Run = fn(Plan) -> Pin<Box<dyn Future<Output = Vec<Line>>>>;

/// One promise.
pub struct Promise {
    /// Its id, such as `R1`.
    pub id: &'static str,
    /// What is done, in a few words.
    pub what: &'static str,
    run: Run,
}

impl Promise {
    /// Tries it.
    pub async fn run(&self, plan: Plan) -> Vec<Line> {
        if plan.engine == Engine::Postgres && !ON_POSTGRES.contains(&self.id) {
            let why = "it is tried on sqlite only";
            return vec![Line::not_run(self.id, self.what, why, plan.seed)];
        }
        (self.run)(plan).await
    }
}

/// What is tried on PostgreSQL as well.
const ON_POSTGRES: &[&str] = &["R1", "R7", "R13"];

macro_rules! promises {
    ($($id:literal, $what:literal, $module:ident;)*) => {
        /// Every promise of this bench.
        pub const ALL: &[Promise] = &[$(Promise {
            id: $id,
            what: $what,
            run: |plan| Box::pin($module::run(plan)),
        },)*];
    };
}

promises! {
    "R1", "kill -9 at any instant under load", r01_kill;
    "R2", "ended at every fault point", r02_points;
    "R3", "power cut on a disk that forgets", r03_power;
    "R4", "the n-th write or sync fails", r04_nth;
    "R5", "the disk fills under load", r05_full;
    "R6", "fail-over with kill -9 of the primary", r06_failover;
    "R7", "the insurance database is frozen", r07_frozen;
    "R8", "a hostile but lawful partner", r08_hostile;
    "R9", "parcels committed out of order", r09_commits;
    "R10", "order per key", r10_order;
    "R13", "restarts by SIGTERM under load", r13_rolling;
    "R14", "backup and restore under load", r14_restore;
    "A1", "trouble at one partner", a01_isolation;
    "A2", "the breaker, seen by the partner", a02_breaker;
    "A3", "limits are exact", a03_limits;
    "A4", "limits are fair", a04_fair;
    "A5", "hostile requests are cheap", a05_hostile;
    "A6", "slow clients", a06_slow;
    "A7", "HTTP/2 floods", a07_floods;
    "A8", "overload", a08_overload;
    "A9", "a soak", a09_soak;
    "MARK", "recovery with many messages in flight", recovery;
}
