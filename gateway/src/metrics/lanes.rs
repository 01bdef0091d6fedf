//! What goes out, and what waits to.

use std::sync::atomic::AtomicI64;

use gateway_core::ports::{Delivery, LaneCensus};
use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::{Registry, Unit},
};
use schemas::id::PartnerId;

use super::{
    Metrics,
    labels::{Bounded, OTHER, PartnerLabels},
    told, told_in,
};

#[derive(Debug)]
pub(super) struct Lanes {
    deliveries: Bounded<DeliveryLabels>,
    reconciled: Bounded<DeliveryLabels>,
    parcels: Family<LaneLabels, Gauge<i64, AtomicI64>>,
    oldest: Family<PartnerLabels, Gauge<i64, AtomicI64>>,
    breakers: Family<PartnerLabels, Gauge<i64, AtomicI64>>,
    set_aside: Counter,
}

impl Lanes {
    pub(super) fn told(all: &mut Registry) -> Self {
        Self {
            deliveries: Bounded::told(all, "deliveries", "Calls to partners"),
            reconciled: Bounded::told(
                all,
                "reconciled",
                "What pulls found: parcels held, put in again or given up, messages that never came, records registered or rejected",
            ),
            parcels: told(all, "outbox_parcels", "Parcels on their way out, by state"),
            oldest: told_in(
                all,
                "outbox_oldest",
                "Age of the oldest waiting parcel",
                Unit::Seconds,
                Family::default(),
            ),
            breakers: told(
                all,
                "outbox_breaker",
                "Whether a partner is called: 0 yes, 1 one call asks, 2 no",
            ),
            set_aside: told(
                all,
                "outbox_set_aside",
                "Parcels set aside because another is known under their id",
            ),
        }
    }

    /// What waits on a lane, and how old the oldest of it is.
    pub(super) fn census(&self, lane: &LaneCensus, now: Timestamp) {
        let partner = lane.partner.as_str();
        for (state, parcels) in [
            ("waiting", lane.waiting),
            ("dead", lane.dead),
            ("poison", lane.poison),
        ] {
            let labels = LaneLabels {
                partner: partner.to_owned(),
                state,
            };
            self.parcels
                .get_or_create(&labels)
                .set(i64::try_from(parcels).unwrap_or(i64::MAX));
        }
        let age = lane
            .oldest
            .map_or(0, |oldest| now.as_second() - oldest.as_second());
        self.oldest
            .get_or_create(&PartnerLabels::of(partner))
            .set(age.max(0));
    }
}

impl Metrics {
    /// One call to a partner and how it ended.
    pub fn delivered(&self, partner: &PartnerId, delivery: &Delivery) {
        count(&self.lanes.deliveries, partner, delivery.word(), 1);
    }

    /// What a pull found at a partner: so many parcels or messages, by outcome.
    pub fn reconciled(&self, partner: &PartnerId, outcome: &'static str, many: u32) {
        count(&self.lanes.reconciled, partner, outcome, many.into());
    }

    /// How the breaker of a lane stands: 0 closed, 1 half-open, 2 open.
    pub fn breaker(&self, partner: &PartnerId, level: i64) {
        self.lanes
            .breakers
            .get_or_create(&PartnerLabels::of(partner.as_str()))
            .set(level);
    }

    /// A parcel that was set aside because another is known under its id.
    pub fn set_aside(&self) {
        self.lanes.set_aside.inc();
    }
}

fn count(
    counters: &Bounded<DeliveryLabels>,
    partner: &PartnerId,
    outcome: &'static str,
    many: u64,
) {
    let labels = |partner: &str| DeliveryLabels {
        partner: partner.to_owned(),
        outcome,
    };
    counters.count_by(labels(partner.as_str()), || labels(OTHER), many);
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryLabels {
    partner: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LaneLabels {
    partner: String,
    state: &'static str,
}
