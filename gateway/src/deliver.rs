//! The way out: one lane per partner, with its own courier, connections, limit and breaker, so that one
//! agency that is down never slows another.
//!
//! A lane has so many hands; each leases parcels of subjects that no other hand has, so several
//! shipments are in flight and never two of one subject.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use gateway_core::{
    limits::{Limits, Tally},
    outbound::Courier,
    partner::{Partner, Partners, Quota},
    ports::{Clock, Orders, Outbox},
};
use schemas::id::PartnerId;
use tokio::{sync::watch, time::Instant};

use crate::{config, metrics::Metrics};

mod breaker;
mod ship;
mod verdict;

use breaker::{Breaker, Pass, Turn};
use ship::Load;
use verdict::Judge;

/// Where the jitter of waiting comes from.
pub type Dice = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The system's own randomness.
#[must_use]
pub fn fair_dice() -> Dice {
    Arc::new(|| u64::from_be_bytes(certs::digest::random()))
}

/// What one partner's lane is made of.
pub struct LaneParts {
    /// The partner.
    pub partner: PartnerId,
    /// Its words and its road.
    pub courier: Arc<dyn Courier>,
    /// Where parcels wait.
    pub outbox: Arc<dyn Outbox>,
    /// The registrations: agreements bind outwards too.
    pub partners: Arc<ArcSwap<Partners>>,
    /// What operators have stopped, as read lately.
    pub orders: watch::Receiver<Orders>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How deliveries go out, all partners alike.
    pub outgoing: config::Outgoing,
    /// Calls per minute that the partner takes.
    pub quota: Quota,
    /// The count of those calls that replicas share, where they do.
    pub tally: Option<Arc<dyn Tally>>,
    /// The jitter.
    pub dice: Dice,
    /// Failures in a row that open the breaker, and how long it stays open.
    pub breaker: (u32, Duration),
    /// Shipments in flight at once, of different subjects.
    pub concurrency: usize,
    /// How long one call of the partner may take.
    pub call_max: Duration,
}

/// One partner's lane.
pub struct Lane {
    partner: PartnerId,
    courier: Arc<dyn Courier>,
    outbox: Arc<dyn Outbox>,
    partners: Arc<ArcSwap<Partners>>,
    orders: watch::Receiver<Orders>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    quota: Quota,
    concurrency: usize,
    call_max: Duration,
    breaker: Breaker,
    limits: Limits,
    judge: Judge,
}

impl Lane {
    /// A lane that stands still until it runs.
    #[must_use]
    pub fn new(parts: LaneParts) -> Self {
        Self {
            breaker: Breaker::new(parts.breaker),
            limits: Limits::of("delivery", parts.tally),
            judge: Judge::new(parts.outgoing, parts.dice),
            partner: parts.partner,
            courier: parts.courier,
            outbox: parts.outbox,
            partners: parts.partners,
            orders: parts.orders,
            clock: parts.clock,
            metrics: parts.metrics,
            quota: parts.quota,
            concurrency: parts.concurrency.max(1),
            call_max: parts.call_max,
        }
    }

    /// Delivers until `stop` turns true; what is being sent then is waited for.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let hands = (0..self.concurrency).map(|_| self.hand(stop.clone()));
        futures_util::future::join_all(hands).await;
    }

    async fn hand(&self, mut stop: watch::Receiver<bool>) {
        loop {
            let wait = self.round().await;
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One round; says how long to wait before the next.
    async fn round(&self) -> Duration {
        let idle = Duration::from_millis(self.judge.outgoing.poll_ms);
        if self.registered().is_none() || self.is_stopped() {
            return idle;
        }
        match self.breaker.turn(idle) {
            Turn::Rest(left) => left,
            Turn::Probe(pass) => self.carry(&pass, 1, idle).await,
            Turn::Go(pass) => self.carry(&pass, self.courier.batch_max(), idle).await,
        }
    }

    async fn carry(&self, pass: &Pass<'_>, most: usize, idle: Duration) -> Duration {
        let (lease, until) = (self.lease(), Instant::now() + self.lease());
        gateway_core::faultpoint!("lease-before");
        let parcels = match self.outbox.lease(&self.partner, most, lease).await {
            Ok(parcels) => parcels,
            Err(error) => {
                tracing::warn!(partner = self.partner.as_str(), %error, "lease failed");
                return idle;
            }
        };
        if parcels.is_empty() {
            return idle;
        }
        gateway_core::faultpoint!("lease-after");
        let load = Load {
            parcels,
            until,
            pass,
        };
        match self.ship(load).await {
            true => Duration::ZERO,
            false => idle,
        }
    }

    /// Long enough for a call and another in other words.
    fn lease(&self) -> Duration {
        let configured = Duration::from_secs(self.judge.outgoing.lease_seconds);
        configured.max(self.call_max * 2 + Duration::from_secs(5))
    }

    /// The registration, unless it is suspended: then nothing goes out.
    fn registered(&self) -> Option<Arc<Partner>> {
        let partners = self.partners.load();
        partners.get(&self.partner).filter(|p| p.active).cloned()
    }

    /// Whether an operator has paused the lane or suspended the partner. The store knows it too, so
    /// that it holds even before every replica has read it.
    fn is_stopped(&self) -> bool {
        self.orders.borrow().holds_lane(&self.partner)
    }
}

#[cfg(test)]
mod tests;
