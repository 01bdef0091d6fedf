//! Opening beside others at work: a replica that migrates, detaches a part of the journal or forgets ids
//! holds locks for longer than a message may wait, and a start is no message.
//!
//! Where opening can meet them: the migrations (their tables), taking the chain (`LOCK TABLE chain` at a
//! writer's first start, its row, the newest record in the journal), letting go what an earlier process
//! held (rows of the inbox), and the list of restores.

use std::time::{Duration, Instant};

use super::Target;
use super::chain::Refused;
use crate::OpenError;
use crate::sql::Error;

/// Until when opening goes on trying.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    until: Instant,
}

/// An error that may pass while somebody else ends what it does.
pub(crate) trait Passing {
    fn passing(&self) -> Option<String>;
}

impl Patience {
    pub(crate) fn of(target: &Target) -> Self {
        Self {
            until: Instant::now() + target.open_patience,
        }
    }

    /// Tries until it succeeds, fails for good, or patience is over; each wait is told.
    pub(crate) fn over<T, E: Passing>(
        &self,
        step: &'static str,
        mut work: impl FnMut() -> Result<T, E>,
    ) -> Result<T, E> {
        loop {
            let error = match work() {
                Err(error) if Instant::now() < self.until => error,
                done => return done,
            };
            let Some(told) = error.passing() else {
                return Err(error);
            };
            tracing::warn!(step, error = told, "opening the store waits for others");
            std::thread::park_timeout(PAUSE);
        }
    }
}

/// A lock that was not to be had, a deadlock or a race that was lost, or no end within the time of a
/// statement. A server that is not reached is told at once.
pub(crate) fn passes(error: &Error) -> bool {
    match error {
        Error::Late(_) => true,
        Error::Postgres(error) => {
            let code = error.code().map(tokio_postgres::error::SqlState::code);
            code.is_some_and(|code| ["55P03", "40P01", "40001", "57014"].contains(&code))
        }
        _ => false,
    }
}

impl Passing for Refused {
    fn passing(&self) -> Option<String> {
        match self {
            Self::Sql(error) => passes(error).then(|| error.to_string()),
            Self::InUse | Self::OtherKey | Self::Broken(_) => None,
        }
    }
}

impl Passing for OpenError {
    fn passing(&self) -> Option<String> {
        match self {
            Self::Waiting(told) => Some(told.clone()),
            _ => None,
        }
    }
}

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
