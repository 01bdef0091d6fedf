//! Messages whose holder died after T1: taken up again from their recorded bytes, under the same
//! evidence and the same effect key, so that what was acknowledged is also done, and done once.
//!
//! One that breaks its worker, or is refused for good, so many times is set aside for a person: it
//! would be tried for ever and never end.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use gateway_core::{
    Evidence,
    policy::Denied,
    ports::{MessageLog, StoreError, Unfinished},
    refusal::Refusal,
};
use tokio::{sync::watch, time::Instant};

use crate::stack::House;

/// How many are asked for at once; the log gives fewer where they are large, or where one of them may be
/// what killed its holder.
const PAGE: usize = 256;
/// How many are acted upon at once: enough that a commit carries many of them, few enough that what comes
/// in meanwhile has its turn.
const AT_ONCE: usize = 32;
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
    /// Recovers until `stop` turns true; what is under way then is brought to its end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut work = Work::default();
        let mut running = FuturesUnordered::new();
        loop {
            if work.is_to_look(running.len()) {
                tokio::select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop) => break,
                    page = self.log.unfinished(PAGE) => work.take(page),
                }
            }
            while running.len() < AT_ONCE
                && let Some(message) = work.next()
            {
                running.push(self.resume(message));
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                Some((evidence, ended)) = running.next() => work.done(evidence, ended),
                () = tokio::time::sleep_until(work.look_at), if work.may_look(running.len()) => {}
            }
        }
        while running.next().await.is_some() {}
    }

    /// One message; true where it has come to its end.
    async fn resume(&self, message: Unfinished) -> (Evidence, bool) {
        (message.evidence, self.bring_to_end(message).await)
    }

    async fn bring_to_end(&self, message: Unfinished) -> bool {
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

/// What is to be done, and when to look for more.
struct Work {
    waiting: VecDeque<Unfinished>,
    /// Waiting or under way: a long one may be handed out again meanwhile.
    known: HashSet<Evidence>,
    /// Not before.
    look_at: Instant,
    /// Whether the last page may not have been all.
    is_more: bool,
    /// Whether anything came to its end since the last page.
    succeeds: bool,
}

impl Default for Work {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            known: HashSet::new(),
            look_at: Instant::now(),
            is_more: false,
            succeeds: false,
        }
    }
}

impl Work {
    /// More are fetched while the last ones of a page are under way, not before.
    fn may_look(&self, running: usize) -> bool {
        self.waiting.is_empty() && running < AT_ONCE
    }

    /// At once where there are more, unless nothing succeeds at present.
    fn is_to_look(&self, running: usize) -> bool {
        let at_once = self.is_more && self.succeeds;
        self.may_look(running) && (at_once || self.look_at <= Instant::now())
    }

    fn take(&mut self, page: Result<Vec<Unfinished>, StoreError>) {
        self.look_at = Instant::now() + EVERY;
        (self.succeeds, self.is_more) = (false, false);
        match page {
            Err(error) => tracing::warn!(%error, "unfinished messages not read"),
            Ok(page) => {
                self.is_more = !page.is_empty();
                let new = page
                    .into_iter()
                    .filter(|message| self.known.insert(message.evidence));
                self.waiting.extend(new);
            }
        }
    }

    fn next(&mut self) -> Option<Unfinished> {
        self.waiting.pop_front()
    }

    fn done(&mut self, evidence: Evidence, ended: bool) {
        self.known.remove(&evidence);
        self.succeeds |= ended;
    }
}

/// The fault's code where the same message can never succeed. A suspended partner is suspended for a
/// while, and its messages wait.
fn reason_for_good(refusal: &Refusal) -> Option<&'static str> {
    let fault = &refusal.fault;
    let waits = [Denied::Suspended, Denied::Stopped]
        .iter()
        .any(|denied| fault.reason() == denied.reason());
    (fault.is_final() && !waits).then(|| fault.code().row().code)
}

/// Messages whose failures are counted at once.
const COUNTED_MAX: usize = 10_000;
