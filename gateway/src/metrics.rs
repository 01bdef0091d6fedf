//! What Prometheus sees: rooms, refusals, answers, connections, the outbox. Bounded labels, no
//! personal data.
//!
//! Each group makes its metrics and tells the registry of them in one place; whoever counts calls a method of
//! [`Metrics`], which stands beside its group.

mod clocks;
mod house;
mod labels;
mod lanes;
#[cfg(test)]
mod tests;
mod traffic;
mod trust;

use std::time::Duration;

use gateway_core::ports::{Clock as _, Sight, SystemClock};
use jiff::Timestamp;
use prometheus_client::{
    encoding::text,
    registry::{Metric, Registry, Unit},
};
use schemas::fault::FaultCode;

use clocks::Clocks;
use house::House;
use lanes::Lanes;
use traffic::Traffic;
use trust::Trust;

/// Different label sets in one family at most; what comes after counts as `other`.
pub const LABEL_SETS_MAX: usize = 1_024;

/// Every metric of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    traffic: Traffic,
    lanes: Lanes,
    trust: Trust,
    house: House,
    clocks: Clocks,
}

impl Metrics {
    /// All at zero; now is told as the start of the process.
    #[must_use]
    pub fn new() -> Self {
        Self::started_at(SystemClock.now())
    }

    fn started_at(started: Timestamp) -> Self {
        let mut all = Registry::with_prefix("lienthong");
        Self {
            traffic: Traffic::told(&mut all),
            lanes: Lanes::told(&mut all),
            trust: Trust::told(&mut all),
            house: House::told(&mut all, started),
            clocks: Clocks::told(&mut all),
            registry: all,
        }
    }

    /// Everything as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        self.traffic.look();
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(std::fmt::Error) => String::new(), // writing to a String cannot fail
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Sight for Metrics {
    fn room(&self, room: &'static str, route: &'static str, outcome: &'static str, took: Duration) {
        self.traffic.room(room, route, outcome, took);
    }

    fn refused(&self, room: &'static str, partner: &str, code: &'static str) {
        if code == FaultCode::Recovering.row().code {
            self.house.sent_away.inc();
        }
        self.traffic.refused(room, partner, code);
    }

    fn answered(&self, partner: &str, operation: &'static str, outcome: &'static str) {
        self.traffic.answered(partner, operation, outcome);
    }

    fn signed(&self, kid: &str, wait: Duration, work: Duration) {
        self.trust.signed(kid, wait, work);
    }
}

/// A metric from zero, and the registry knows it.
fn told<M: Metric + Clone + Default>(all: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    all.register(name, help, metric.clone());
    metric
}

/// The same of a metric with a unit.
fn told_in<M: Metric + Clone>(
    all: &mut Registry,
    name: &str,
    help: &str,
    unit: Unit,
    metric: M,
) -> M {
    all.register_with_unit(name, help, unit, metric.clone());
    metric
}
