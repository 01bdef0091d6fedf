//! Messages whose holder died after T1: taken up again from their recorded bytes, under the same
//! evidence and the same effect key, so that what was acknowledged is also done, and done once.
//!
//! One that breaks its worker, or is refused for good, so many times is set aside for a person: it
//! would be tried for ever and never end.

use std::{
    collections::HashMap,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use gateway_core::{
    Evidence,
    policy::Denied,
    ports::{MessageLog, Unfinished},
    refusal::Refusal,
};
use tokio::sync::watch;

use crate::stack::House;

/// How many are taken up in one round: all at once, so that what is in memory is bounded (a body may have
/// 8 MiB), and a message that kills the process takes few others with it.
const BATCH: usize = 16;
/// How many at once: what comes in meanwhile goes first.
const AT_ONCE: usize = 16;
/// How often the log is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The recovery worker.
pub struct Recovery {
    /// Where unfinished messages are.
    pub log: Arc<dyn MessageLog>,
    /// The rooms.
    pub house: House,
    /// What failed, and how often.
    pub failures: Failures,
}

/// Final failures of messages, counted by this process.
#[derive(Debug)]
pub struct Failures {
    counts: Mutex<HashMap<Evidence, u32>>,
    max: u32,
}

impl Failures {
    /// None yet; after `max` a message is set aside.
    #[must_use]
    pub fn new(max: u32) -> Self {
        Self {
            counts: Mutex::default(),
            max,
        }
    }

    /// One more; true where it was one too many.
    fn count(&self, evidence: Evidence) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED_MAX && !counts.contains_key(&evidence) {
            counts.clear(); // they are counted anew, later
        }
        let count = counts.entry(evidence).or_default();
        *count += 1;
        *count >= self.max
    }

    fn forget(&self, evidence: &Evidence) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(evidence);
    }

    /// Whether so many holders in a row died that it may be what kills them.
    fn is_deadly(&self, message: &Unfinished) -> bool {
        message.lost >= self.max.saturating_mul(4)
    }
}

impl Recovery {
    /// Recovers until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let wait = self.round().await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One round; says how long to wait before the next: not at all where there are more, unless
    /// nothing succeeds at present.
    async fn round(&self) -> Duration {
        let unfinished = match self.log.unfinished(BATCH).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::warn!(%error, "unfinished messages not read");
                return EVERY;
            }
        };
        let more = unfinished.len() == BATCH;
        let resumed = stream::iter(unfinished)
            .map(|message| self.resume(message))
            .buffer_unordered(AT_ONCE)
            .filter(|resumed| ready(*resumed))
            .count()
            .await;
        match more && resumed > 0 {
            true => Duration::ZERO,
            false => EVERY,
        }
    }

    /// One message; true where it has come to its end.
    async fn resume(&self, message: Unfinished) -> bool {
        let evidence = message.evidence;
        if self.failures.is_deadly(&message) {
            self.set_aside(evidence, "holder-died").await;
            return false;
        }
        // in a task of its own: a message that panics must not end recovery
        let house = self.house.clone();
        gateway_core::faultpoint!("resume-before");
        let resumed = tokio::spawn(async move { house.resume(message).await }).await;
        gateway_core::faultpoint!("resume-after");
        let failed = match resumed {
            Ok(Some(Ok(_))) => {
                tracing::info!(%evidence, "recovered");
                self.failures.forget(&evidence);
                return true;
            }
            Ok(Some(Err(refusal))) => {
                tracing::warn!(%evidence, fault = %refusal.fault, "not recovered yet");
                reason_for_good(&refusal)
            }
            Ok(None) => Some("route-gone"),
            Err(_) => Some("panicked"),
        };
        self.give_back(evidence).await;
        if let Some(reason) = failed {
            tracing::error!(%evidence, reason, "recovery of this message failed");
            if self.failures.count(evidence) {
                self.set_aside(evidence, reason).await;
            }
        }
        false
    }

    /// It was spoken of: its holder lives.
    async fn give_back(&self, evidence: Evidence) {
        if let Err(error) = self.log.release(evidence).await {
            tracing::warn!(%evidence, %error, "not given back; its turn comes again");
        }
    }

    async fn set_aside(&self, evidence: Evidence, reason: &'static str) {
        match self.log.quarantine(evidence, reason).await {
            Ok(true) => {
                // whoever lets it be tried again gives it all its tries
                self.failures.forget(&evidence);
                tracing::error!(
                    %evidence,
                    reason,
                    "a message needs a person: recovery has given it up"
                );
            }
            Ok(false) => {} // answered, or somebody has it by now
            Err(error) => tracing::warn!(%evidence, %error, "not set aside"),
        }
    }
}

/// The fault's code where the same message can never succeed. A suspended partner is suspended for a
/// while, and its messages wait.
fn reason_for_good(refusal: &Refusal) -> Option<&'static str> {
    let fault = &refusal.fault;
    let waits = fault.reason() == Denied::Suspended.reason();
    (fault.is_final() && !waits).then(|| fault.code().row().code)
}

/// Messages whose failures are counted at once.
const COUNTED_MAX: usize = 10_000;
