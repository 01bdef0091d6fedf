//! The way out: one worker per partner, with its own courier, limit and breaker, so that one agency
//! that is down never slows another.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use certs::digest;
use gateway_core::{
    limits::Limits,
    outbound::{Courier, Sendable, Shipment},
    partner::{Partner, Partners, Quota},
    ports::{Clock, Delivery, Hold, Leased, Outbox},
    stage::today,
};
use schemas::id::PartnerId;
use tokio::sync::watch;

use crate::{config, metrics::Metrics};

mod breaker;

use breaker::Breaker;

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

/// How one shipment ended, and whether that is news about the partner.
struct Ended {
    delivery: Delivery,
    called: bool,
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
        if self.registered().is_none() {
            return idle;
        }
        let most = if breaker.probing() {
            1
        } else {
            self.courier.batch_max()
        };
        let lease = Duration::from_secs(self.outgoing.lease_seconds);
        gateway_core::faultpoint!("lease-before");
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
        gateway_core::faultpoint!("lease-after");
        match self.ship(leased, breaker, limits).await {
            true => Duration::ZERO,
            false => idle,
        }
    }

    /// The registration, unless it is suspended: then nothing goes out.
    fn registered(&self) -> Option<Arc<Partner>> {
        let partners = self.partners.load();
        partners.get(&self.partner).filter(|p| p.active).cloned()
    }

    /// True where all of it arrived.
    async fn ship(&self, leased: Vec<Leased>, breaker: &mut Breaker, limits: &Limits) -> bool {
        let (shipments, unsayable) = self.courier.pack(&leased);
        let dead = |(id, reason): (String, _)| {
            let hold = leased.iter().find(|one| one.id == id)?.hold();
            Some((hold, Delivery::Dead { reason }))
        };
        self.settle(unsayable.into_iter().filter_map(dead).collect())
            .await;
        let mut held_for = None;
        for shipment in shipments {
            let parcels = carried(&leased, &shipment);
            let delivery = match held_for {
                // order within a subject comes before speed
                Some(wait) => retry("after-a-failure", wait),
                None => self.deliver(shipment, &parcels, breaker, limits).await,
            };
            held_for = held_for.or_else(|| self.hold(&delivery));
            let settled = parcels
                .iter()
                .map(|parcel| (parcel.hold(), delivery.clone()));
            self.settle(settled.collect()).await;
        }
        held_for.is_none()
    }

    /// One shipment from its turn at the limit to its verdict.
    async fn deliver(
        &self,
        shipment: Shipment,
        parcels: &[&Leased],
        breaker: &mut Breaker,
        limits: &Limits,
    ) -> Delivery {
        let holds = parcels.iter().map(|parcel| parcel.hold()).collect();
        let ended = self.send(shipment, holds, limits).await;
        let delivery = self.judge(ended.delivery, parcels);
        if ended.called {
            breaker.note(matches!(delivery, Delivery::Delivered { .. }));
        }
        self.metrics.delivered(&self.partner, &delivery);
        delivery
    }

    /// Sent, and where the partner wants other words, sent once more in those.
    async fn send(&self, shipment: Shipment, holds: Vec<Hold>, limits: &Limits) -> Ended {
        let (sendable, delivery) = match self.attempt(shipment, holds.clone(), limits).await {
            Ok(tried) => tried,
            Err(delivery) => return never_called(delivery),
        };
        let Delivery::Instead { body, .. } = &delivery else {
            return called(delivery);
        };
        self.metrics.delivered(&self.partner, &delivery);
        let reworded = sendable.shipment().reworded(body.clone());
        match self.attempt(reworded, holds, limits).await {
            Ok((_, Delivery::Instead { .. })) => called(retry("instead-again", Duration::ZERO)),
            Ok((_, delivery)) => called(delivery),
            Err(delivery) => never_called(delivery),
        }
    }

    /// Its turn at the limit, permitted, recorded, sent; or why the partner was not called.
    async fn attempt(
        &self,
        shipment: Shipment,
        holds: Vec<Hold>,
        limits: &Limits,
    ) -> Result<(Sendable, Delivery), Delivery> {
        while let Err(standing) = limits.take(&self.partner, "delivery", self.quota) {
            tokio::time::sleep(standing.reset).await;
        }
        // Registrations change while a shipment waits for its turn.
        let partner = self
            .registered()
            .ok_or_else(|| retry("partner-suspended", NOT_PERMITTED))?;
        let allowed = shipment
            .permit(&partner, today(self.clock.now()))
            .map_err(|denied| retry(denied.reason(), NOT_PERMITTED))?;
        gateway_core::faultpoint!("sending-before");
        let recorded = allowed.record(self.outbox.as_ref(), &partner, holds).await;
        gateway_core::faultpoint!("sending-after");
        let sendable = recorded.map_err(|error| {
            tracing::warn!(partner = self.partner.as_str(), %error, "not recorded, not sent");
            retry("journal-unavailable", Duration::from_secs(1))
        })?;
        let sendable = sendable.ok_or_else(|| retry("not-held", Duration::ZERO))?;
        gateway_core::faultpoint!("send-before");
        let delivery = self.courier.send(&sendable).await;
        gateway_core::faultpoint!("send-after");
        Ok((sendable, delivery))
    }

    /// A retry waits longer each time, and a parcel whose time is up needs a person.
    fn judge(&self, delivery: Delivery, parcels: &[&Leased]) -> Delivery {
        match delivery {
            Delivery::Retry { reason, .. } if self.gives_up(parcels) => Delivery::Dead { reason },
            Delivery::Retry { reason, after } => Delivery::Retry {
                reason,
                after: after.max(self.backoff(attempts(parcels))),
            },
            other => other,
        }
    }

    /// In company nobody knows whose fault it was, and a first try may come late for reasons of our
    /// own: only a parcel that was tried before, and now alone, is given up.
    fn gives_up(&self, parcels: &[&Leased]) -> bool {
        let most = Duration::from_secs(self.outgoing.give_up_hours.saturating_mul(3_600));
        let [alone] = parcels else { return false };
        let waited = self.clock.now().duration_since(alone.put_at);
        alone.attempts > 0 && Duration::try_from(waited).is_ok_and(|waited| waited >= most)
    }

    /// How long the rest of a lease waits after this ending: as long as the one that failed.
    fn hold(&self, delivery: &Delivery) -> Option<Duration> {
        match delivery {
            Delivery::Delivered { .. } => None,
            Delivery::Retry { after, .. }
            | Delivery::Refused { after, .. }
            | Delivery::Unknown { after, .. } => Some(*after),
            Delivery::Dead { .. } | Delivery::Quarantined { .. } | Delivery::Instead { .. } => {
                Some(self.backoff(0))
            }
        }
    }

    /// Doubling with full jitter, bounded.
    fn backoff(&self, attempts: u32) -> Duration {
        let first = self.outgoing.backoff_ms.max(1);
        let longest = self.outgoing.backoff_seconds_max * 1_000;
        let most = first
            .saturating_mul(1 << attempts.min(20))
            .min(longest)
            .max(1);
        let dice = u64::from_be_bytes(digest::random());
        Duration::from_millis(first.min(most) / 2 + dice % most)
    }

    async fn settle(&self, results: Vec<(Hold, Delivery)>) {
        if results.is_empty() {
            return;
        }
        gateway_core::faultpoint!("settle-before");
        let settled = self.outbox.settle(results).await;
        gateway_core::faultpoint!("settle-after");
        if let Err(error) = settled {
            // The lease ends and the same bytes go out again: "already received" is success.
            tracing::warn!(partner = self.partner.as_str(), %error, "delivery not written down");
        }
    }
}

/// The leased parcels inside a shipment.
fn carried<'a>(leased: &'a [Leased], shipment: &Shipment) -> Vec<&'a Leased> {
    leased
        .iter()
        .filter(|parcel| shipment.parcels.contains(&parcel.id))
        .collect()
}

fn attempts(parcels: &[&Leased]) -> u32 {
    parcels
        .iter()
        .map(|parcel| parcel.attempts)
        .max()
        .unwrap_or(0)
}

fn retry(reason: &'static str, after: Duration) -> Delivery {
    Delivery::Retry { after, reason }
}

fn called(delivery: Delivery) -> Ended {
    Ended {
        delivery,
        called: true,
    }
}

fn never_called(delivery: Delivery) -> Ended {
    Ended {
        delivery,
        called: false,
    }
}

/// How long to wait for a person to change a registration.
const NOT_PERMITTED: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
