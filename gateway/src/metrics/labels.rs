//! What metrics are told apart by, and the bound on names that come from outside.

use std::{
    hash::Hash,
    sync::atomic::{AtomicUsize, Ordering},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        histogram::Histogram,
    },
    registry::Registry,
};

use super::LABEL_SETS_MAX;

/// Counters whose labels come from outside: after [`LABEL_SETS_MAX`] of them the rest is `other`.
#[derive(Debug)]
pub(super) struct Bounded<L: Clone + Hash + Eq> {
    pub(super) family: Family<L, Counter>,
    sets: AtomicUsize,
}

impl<L: Clone + Hash + Eq> Default for Bounded<L> {
    fn default() -> Self {
        Self {
            family: Family::default(),
            sets: AtomicUsize::new(0),
        }
    }
}

impl<L: EncodeLabelSet + Clone + Hash + Eq + std::fmt::Debug + Send + Sync + 'static> Bounded<L> {
    pub(super) fn told(all: &mut Registry, name: &str, help: &str) -> Self {
        let bounded = Self::default();
        all.register(name, help, bounded.family.clone());
        bounded
    }
}

impl<L: Clone + Hash + Eq> Bounded<L> {
    pub(super) fn count(&self, labels: L, other: impl FnOnce() -> L) {
        self.count_by(labels, other, 1);
    }

    pub(super) fn count_by(&self, labels: L, other: impl FnOnce() -> L, many: u64) {
        if let Some(counter) = self.family.get(&labels) {
            counter.inc_by(many);
            return;
        }
        let is_full = self.sets.fetch_add(1, Ordering::Relaxed) >= LABEL_SETS_MAX;
        let labels = if is_full { other() } else { labels };
        self.family.get_or_create(&labels).inc_by(many);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PartnerLabels {
    partner: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabels {
    pub(super) reason: &'static str,
}

impl PartnerLabels {
    pub(super) fn of(partner: &str) -> Self {
        let partner = partner.to_owned();
        Self { partner }
    }
}

/// Makes the histograms of the rooms.
#[derive(Debug, Clone)]
pub(super) struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(ROOM_SECONDS)
    }
}

/// What comes after [`LABEL_SETS_MAX`] is counted under this name.
pub(super) const OTHER: &str = "other";

/// From 20 microseconds, the cheapest room, to the longest deadline.
const ROOM_SECONDS: [f64; 12] = [
    0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.25, 1.0, 10.0,
];
