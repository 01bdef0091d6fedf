//! Limits that all replicas share: one count in Redis, each decision one atomic script by the clock of Redis.
//!
//! Redis is asked once, for a short time; nothing waits in a queue for it. While it does not answer,
//! each replica's own limits hold, and a keeper tries to reach it again. Keys are made of our own words
//! and partners' ids; it refuses to know anything of a message.

mod line;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use gateway_core::{
    limits::{Standing, Tally},
    partner::Quota,
};
use redis::{RedisResult, Script, aio::MultiplexedConnection};
use schemas::id::PartnerId;
use tokio::sync::{Semaphore, watch};

pub use line::{Door, LineParams};

use crate::metrics::Metrics;
use line::Line;

/// How limits are counted together.
#[derive(Debug, Clone)]
pub struct TallyParams {
    /// Where Redis is.
    pub line: LineParams,
    /// What every key begins with, so that a Redis can serve several installations.
    pub prefix: String,
    /// How long one decision may take; then the own limits decide.
    pub timeout: Duration,
}

/// The count in Redis.
pub struct RedisTally {
    line: Arc<Line>,
    script: Script,
    params: TallyParams,
    places: Semaphore,
    metrics: Arc<Metrics>,
    /// Why it is away, as it was last told.
    told: Mutex<Option<&'static str>>,
}

impl fmt::Debug for RedisTally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisTally").finish_non_exhaustive()
    }
}

impl RedisTally {
    /// A count that nobody can ask before [`RedisTally::reach`] or [`RedisTally::keep`] has found Redis.
    #[must_use]
    pub fn new(params: TallyParams, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            line: Arc::default(),
            script: Script::new(include_str!("tally/gcra.lua")),
            params,
            places: Semaphore::new(CALLS_MAX),
            metrics,
            told: Mutex::default(),
        })
    }

    /// Tries once to reach Redis; whether it counts now.
    pub async fn reach(&self) -> bool {
        let reached = self.dial().await;
        self.tell(reached.err());
        reached.is_ok()
    }

    /// Reaches Redis again whenever it was lost, until `stop` turns true.
    pub async fn keep(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let work = async {
            loop {
                if let Some(reason) = self.line.lost().await {
                    self.tell(Some(reason));
                }
                let mut wait = FIRST_WAIT;
                while !self.reach().await {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LAST_WAIT);
                }
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = work => {}
        }
    }

    /// Says once what has changed.
    fn tell(&self, away: Option<&'static str>) {
        self.metrics.limits_shared(away.is_none());
        let before = {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *told, away)
        };
        match (before, away) {
            (before, Some(reason)) if before != away => tracing::warn!(reason, "{AWAY}"),
            (Some(_), None) => tracing::info!("{BACK}"),
            _ => {}
        }
    }

    /// A connection on which a decision has been made is one that counts: not a replica of Redis that
    /// takes no writes, nor a user who may not run the script.
    async fn dial(&self) -> Result<(), &'static str> {
        let patience = self.params.timeout.max(DIAL_PATIENCE);
        let dialled = async {
            let (mut connection, driver) = self.params.line.dial().await?;
            let driver = tokio::spawn(driver);
            let tried = self.ask(&mut connection, &self.key("probe"), PROBE).await;
            match tried {
                Ok(_) => self.line.set(connection, driver),
                Err(error) => {
                    driver.abort();
                    return Err(line::reason(&error));
                }
            }
            Ok(())
        };
        let reached = tokio::time::timeout(patience, dialled).await;
        reached.unwrap_or(Err(LATE))
    }

    async fn ask(
        &self,
        connection: &mut MultiplexedConnection,
        key: &str,
        quota: Quota,
    ) -> RedisResult<(u8, u32, u64)> {
        let each = 60e6 / f64::from(quota.per_minute.max(1));
        self.script
            .prepare_invoke()
            .key(key)
            .arg(format!("{each:.6}"))
            .arg(quota.burst.max(1))
            .invoke_async(connection)
            .await
    }

    fn key(&self, what: &str) -> String {
        format!("{}:{what}", self.params.prefix)
    }

    async fn count(
        &self,
        key: &str,
        quota: Quota,
    ) -> Result<Result<Standing, Standing>, &'static str> {
        let (mut connection, turn) = self.line.get().ok_or("away")?;
        let _place = self.places.try_acquire().map_err(|_| "busy")?;
        let asked = self.ask(&mut connection, key, quota);
        let answer = tokio::time::timeout(self.params.timeout, asked).await;
        let (let_in, remaining, wait) = answer
            .map_err(|_| LATE)
            .and_then(|answer| answer.map_err(|error| line::reason(&error)))
            .inspect_err(|&reason| self.line.lose(turn, reason))?;
        let standing = Standing {
            limit: quota.burst,
            remaining,
            reset: Duration::from_micros(wait),
        };
        Ok(if let_in == 1 {
            Ok(standing)
        } else {
            Err(standing)
        })
    }
}

impl Tally for RedisTally {
    fn take<'a>(
        &'a self,
        room: &'static str,
        who: &'a PartnerId,
        what: &'static str,
        quota: Quota,
    ) -> BoxFuture<'a, Option<Result<Standing, Standing>>> {
        let key = self.key(&format!("{room}:{}:{what}", who.as_str()));
        Box::pin(async move {
            match self.count(&key, quota).await {
                Ok(standing) => Some(standing),
                Err(reason) => {
                    self.metrics.counted_locally(reason);
                    None
                }
            }
        })
    }
}

/// Decisions under way at once; those beyond are made by the own limits.
const CALLS_MAX: usize = 512;
/// So much that each probe is let in, and so writes.
const PROBE: Quota = Quota {
    per_minute: 60_000_000,
    burst: 1_000,
};
const DIAL_PATIENCE: Duration = Duration::from_secs(1);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LAST_WAIT: Duration = Duration::from_secs(2);
const LATE: &str = "no answer in time";
const AWAY: &str = "redis does not count the limits: each replica counts for itself until it does";
const BACK: &str = "redis counts the limits again, for all replicas together";

#[cfg(test)]
mod tests;
