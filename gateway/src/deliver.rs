//! The way out: one worker per partner, with its own courier, limit and breaker, so that one agency
//! that is down never slows another.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use certs::digest;
use gateway_core::{
    limits::Limits,
    outbound::{Courier, Shipment},
    partner::{Partner, Partners, Quota},
    ports::{Clock, Delivery, Leased, Outbox},
    stage::today,
};
use schemas::id::PartnerId;
use tokio::{sync::watch, time::Instant};

use crate::{config, metrics::Metrics};

/// One partner's lane.
pub struct Lane {
    /// The partner.
    pub partner: PartnerId,
    /// Its words and its road.
    pub courier: Arc<dyn Courier>,
    /// Where parcels wait.
    pub outbox: Arc<dyn Outbox>,
    /// The registrations: agreements bind outwards too.
    pub partners: Arc<ArcSwap<Partners>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How deliveries go out, all partners alike.
    pub outgoing: config::Outgoing,
    /// Calls per minute that the partner takes.
    pub quota: Quota,
    /// Failures in a row that open the breaker, and how long it stays open.
    pub breaker: (u32, Duration),
}

/// Failures in a row; open for a while after too many, then one probe.
struct Breaker {
    failures: u32,
    max: u32,
    rest: Duration,
    open_until: Option<Instant>,
}

impl Breaker {
    fn new((max, rest): (u32, Duration)) -> Self {
        Self {
            failures: 0,
            max,
            rest,
            open_until: None,
        }
    }

    /// How long to leave the partner alone.
    fn wait(&self) -> Option<Duration> {
        let left = self.open_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Half open: the next batch is one parcel.
    fn probing(&self) -> bool {
        self.open_until.is_some()
    }

    fn note(&mut self, succeeded: bool) {
        if succeeded {
            self.failures = 0;
            self.open_until = None;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.max {
            self.open_until = Some(Instant::now() + self.rest);
        }
    }
}

impl Lane {
    /// Delivers until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut breaker = Breaker::new(self.breaker);
        let limits = Limits::new();
        loop {
            let wait = match breaker.wait() {
                Some(rest) => rest,
                None => self.round(&mut breaker, &limits).await,
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One round; says how long to wait before the next.
    async fn round(&self, breaker: &mut Breaker, limits: &Limits) -> Duration {
        let idle = Duration::from_millis(self.outgoing.poll_ms);
        let Some(partner) = self.registered() else {
            return idle;
        };
        let most = if breaker.probing() { 1 } else { self.courier.batch_max() };
        let lease = Duration::from_secs(self.outgoing.lease_seconds);
        let leased = match self.outbox.lease(&self.partner, most, lease).await {
            Ok(leased) => leased,
            Err(error) => {
                tracing::warn!(partner = self.partner.as_str(), %error, "lease failed");
                return idle;
            }
        };
        if leased.is_empty() {
            return idle;
        }
        self.ship(&partner, leased, breaker, limits).await;
        Duration::ZERO
    }

    /// The registration, unless it is suspended: then nothing goes out.
    fn registered(&self) -> Option<Arc<Partner>> {
        let partners = self.partners.load();
        partners.get(&self.partner).filter(|p| p.active).cloned()
    }

    async fn ship(
        &self,
        partner: &Partner,
        leased: Vec<Leased>,
        breaker: &mut Breaker,
        limits: &Limits,
    ) {
        let (shipments, unsayable) = self.courier.pack(&leased);
        let dead = unsayable
            .into_iter()
            .map(|(id, reason)| (id, Delivery::Dead { reason }))
            .collect::<Vec<_>>();
        self.settle(dead).await;
        let mut failed = false;
        for shipment in shipments {
            let ids = shipment.parcels.clone();
            let attempts = attempts(&leased, &ids);
            // after a failure the rest waits: order within a subject comes before speed
            let delivery = match failed {
                true => retry("after-a-failure", self.backoff(attempts)),
                false => self.send(partner, shipment, limits).await,
            };
            let delivery = self.judge(delivery, attempts);
            let succeeded = matches!(delivery, Delivery::Delivered { .. });
            if !failed {
                breaker.note(succeeded || matches!(delivery, Delivery::Dead { .. }));
                self.metrics.delivered(&self.partner, &delivery);
            }
            failed |= !succeeded;
            let settled = ids.into_iter().map(|id| (id, delivery.clone())).collect();
            self.settle(settled).await;
        }
    }

    /// Permitted, recorded, sent.
    async fn send(&self, partner: &Partner, shipment: Shipment, limits: &Limits) -> Delivery {
        if let Err(standing) = limits.take(&self.partner, "delivery", self.quota) {
            tokio::time::sleep(standing.reset).await;
        }
        let allowed = match shipment.permit(partner, today(self.clock.now())) {
            Ok(allowed) => allowed,
            Err(denied) => return retry(denied.reason(), Duration::from_secs(60)),
        };
        match allowed.record(self.outbox.as_ref(), partner).await {
            Ok(sendable) => self.courier.send(&sendable).await,
            Err(error) => {
                tracing::warn!(partner = self.partner.as_str(), %error, "not recorded, not sent");
                retry("journal-unavailable", Duration::from_secs(1))
            }
        }
    }

    /// A retry waits longer each time, and one that has been tried for too long needs a person.
    fn judge(&self, delivery: Delivery, attempts: u32) -> Delivery {
        match delivery {
            Delivery::Retry { reason, .. } if attempts >= self.attempts_max() => {
                Delivery::Dead { reason }
            }
            Delivery::Retry { reason, after } => Delivery::Retry {
                reason,
                after: after.max(self.backoff(attempts)),
            },
            other => other,
        }
    }

    /// Tries that fit into the time after which a person is asked, at the longest wait.
    fn attempts_max(&self) -> u32 {
        let tries = self.outgoing.give_up_hours * 3_600 / self.outgoing.backoff_seconds_max.max(1);
        u32::try_from(tries).unwrap_or(u32::MAX).max(8)
    }

    /// Doubling with full jitter, bounded.
    fn backoff(&self, attempts: u32) -> Duration {
        let first = self.outgoing.backoff_ms.max(1);
        let longest = self.outgoing.backoff_seconds_max * 1_000;
        let most = first.saturating_mul(1 << attempts.min(20)).min(longest).max(1);
        let dice = u64::from_be_bytes(digest::random());
        Duration::from_millis(first.min(most) / 2 + dice % most)
    }

    async fn settle(&self, results: Vec<(String, Delivery)>) {
        if results.is_empty() {
            return;
        }
        if let Err(error) = self.outbox.settle(results).await {
            // The lease ends and the same bytes go out again: "already received" is success.
            tracing::warn!(partner = self.partner.as_str(), %error, "delivery not written down");
        }
    }
}

fn attempts(leased: &[Leased], ids: &[String]) -> u32 {
    leased
        .iter()
        .filter(|parcel| ids.contains(&parcel.id))
        .map(|parcel| parcel.attempts)
        .max()
        .unwrap_or(0)
}

fn retry(reason: &'static str, after: Duration) -> Delivery {
    Delivery::Retry { after, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_breaker_opens_after_so_many_failures_and_lets_one_probe_through() {
        let mut breaker = Breaker::new((3, Duration::from_secs(10)));
        for _ in 0..2 {
            breaker.note(false);
            assert_eq!(breaker.wait(), None);
        }
        breaker.note(false);
        assert_eq!(breaker.wait(), Some(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(breaker.wait(), None);
        assert!(breaker.probing());
        breaker.note(false);
        assert!(breaker.wait().is_some(), "a failed probe opens it again at once");
        tokio::time::advance(Duration::from_secs(10)).await;
        breaker.note(true);
        assert!(!breaker.probing());
    }
}
