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
mod s15_token;
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
    engines: Engines,
    run: Run,
}

/// On which stores a promise is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engines {
    /// On both, one after the other.
    Both,
    /// On SQLite, and on PostgreSQL where that is asked for.
    Either,
    /// On SQLite only: what it does to the disk is PostgreSQL's own promise there.
    Sqlite,
    /// On PostgreSQL only.
    Postgres,
}

impl Promise {
    /// Tries it, on each store that is asked for or, where none is, on the usual ones.
    pub async fn run(&self, plan: Plan, asked: &[Engine]) -> Vec<Line> {
        let mut lines = Vec::new();
        for engine in self.engines.of(asked) {
            let mut plan = plan.clone();
            (plan.engine, plan.began) = (engine, Instant::now());
            lines.extend((self.run)(plan).await);
        }
        if lines.is_empty() {
            let why = "it is not tried on this store: see the bench's README";
            lines.push(Line::not_run(self.id, self.what, why, plan.seed));
        }
        lines
    }
}

impl Engines {
    fn of(self, asked: &[Engine]) -> Vec<Engine> {
        use Engine::{Postgres, Sqlite};
        let (usual, possible): (&[_], &[_]) = match self {
            Self::Both => (&[Sqlite, Postgres], &[Sqlite, Postgres]),
            Self::Either => (&[Sqlite], &[Sqlite, Postgres]),
            Self::Sqlite => (&[Sqlite], &[Sqlite]),
            Self::Postgres => (&[Postgres], &[Postgres]),
        };
        match asked {
            [] => usual.to_vec(),
            asked => possible
                .iter()
                .filter(|one| asked.contains(one))
                .copied()
                .collect(),
        }
    }
}

macro_rules! promises {
    ($($id:literal, $what:literal, $engines:ident, $module:ident;)*) => {
        /// Every promise of this bench.
        pub const ALL: &[Promise] = &[$(Promise {
            id: $id,
            what: $what,
            engines: Engines::$engines,
            run: |plan| Box::pin($module::run(plan)),
        },)*];
    };
}

promises! {
    "R1", "kill -9 at any instant under load", Both, r01_kill;
    "R2", "ended at every fault point", Either, r02_points;
    "R3", "power cut on a disk that forgets", Sqlite, r03_power;
    "R4", "the n-th write or sync fails", Sqlite, r04_nth;
    "R5", "the disk fills under load", Sqlite, r05_full;
    "R6", "fail-over with kill -9 of the primary", Postgres, r06_failover;
    "R7", "the insurance database is frozen", Both, r07_frozen;
    "R8", "a hostile but lawful partner", Either, r08_hostile;
    "R9", "parcels committed out of order", Both, r09_commits;
    "R10", "order per key", Either, r10_order;
    "R13", "restarts by SIGTERM under load", Both, r13_rolling;
    "R14", "backup and restore under load", Either, r14_restore;
    "S15", "the signing key's token is taken away under load", Sqlite, s15_token;
    "A1", "trouble at one partner", Sqlite, a01_isolation;
    "A2", "the breaker, seen by the partner", Sqlite, a02_breaker;
    "A3", "limits are exact", Sqlite, a03_limits;
    "A4", "limits are fair", Sqlite, a04_fair;
    "A5", "hostile requests are cheap", Sqlite, a05_hostile;
    "A6", "slow clients", Sqlite, a06_slow;
    "A7", "HTTP/2 floods", Sqlite, a07_floods;
    "A8", "overload", Sqlite, a08_overload;
    "A9", "a soak", Sqlite, a09_soak;
    "MARK", "recovery with many messages in flight", Either, recovery;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_promise_is_tried_on_its_usual_stores_unless_another_is_asked_for() {
        use Engine::{Postgres, Sqlite};
        assert_eq!(Engines::Both.of(&[]), [Sqlite, Postgres]);
        assert_eq!(Engines::Both.of(&[Postgres]), [Postgres]);
        assert_eq!(Engines::Either.of(&[]), [Sqlite]);
        assert_eq!(Engines::Either.of(&[Sqlite, Postgres]), [Sqlite, Postgres]);
        assert_eq!(Engines::Sqlite.of(&[Postgres]), []);
        assert_eq!(Engines::Postgres.of(&[]), [Postgres]);
    }
}
