//! How the house itself stands: ready, recovering, its clock, its store, its limits.

use std::sync::atomic::AtomicU64;

use gateway_core::ports::Census;
use jiff::Timestamp;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, info::Info},
    registry::{Registry, Unit},
};

use super::{Metrics, labels::ReasonLabels, told, told_in};

#[derive(Debug)]
pub(super) struct House {
    ready: Gauge,
    recovering: Gauge,
    clock_behind: Gauge,
    pub(super) sent_away: Counter,
    journal: Gauge<u64, AtomicU64>,
    in_progress: Gauge<u64, AtomicU64>,
    quarantined: Gauge<u64, AtomicU64>,
    limits_shared: Gauge,
    limits_local: Family<ReasonLabels, Counter>,
}

impl House {
    pub(super) fn told(all: &mut Registry, started: Timestamp) -> Self {
        let start: Gauge = told(
            all,
            "process_start_time_seconds",
            "Start of the process, seconds since 1970",
        );
        start.set(started.as_second());
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        all.register("build", "What is running", Info::new(build.to_vec()));
        Self {
            ready: told(all, "ready", "1 while messages are taken"),
            recovering: told(
                all,
                "recovering",
                "1 while a store that was put back from a backup waits to be released",
            ),
            clock_behind: told_in(
                all,
                "clock_behind",
                "How far the clock is behind what it was; messages are judged by the later time",
                Unit::Seconds,
                Gauge::default(),
            ),
            sent_away: told(
                all,
                "recovering_sent_away",
                "Changes sent away while recovering; each comes again",
            ),
            journal: told(all, "journal_records", "Records in the journal"),
            in_progress: told(all, "inbox_in_progress", "Claims without an answer"),
            quarantined: told(
                all,
                "inbox_quarantined",
                "Messages that recovery has given up",
            ),
            limits_shared: told(
                all,
                "limits_shared",
                "Whether all replicas count together in Redis: 1 they do, 0 each for itself",
            ),
            limits_local: told(
                all,
                "limits_counted_locally",
                "Decisions that Redis was to make and did not, by reason",
            ),
        }
    }
}

impl Metrics {
    /// Whether messages are taken.
    pub fn set_ready(&self, ready: bool) {
        self.house.ready.set(i64::from(ready));
    }

    /// Whether the store was put back from a backup and nobody has released it.
    pub fn set_recovering(&self, recovering: bool) {
        self.house.recovering.set(i64::from(recovering));
    }

    /// How far the clock is behind what it was, seconds.
    pub fn clock_behind(&self, seconds: i64) {
        self.house.clock_behind.set(seconds);
    }

    /// Changes sent away since the start because the store was put back and not released.
    #[must_use]
    pub fn sent_away(&self) -> u64 {
        self.house.sent_away.get()
    }

    /// Whether all replicas count their limits together.
    pub fn limits_shared(&self, shared: bool) {
        self.house.limits_shared.set(i64::from(shared));
    }

    /// A decision that this replica made for itself though the count is shared, by its reason.
    pub fn counted_locally(&self, reason: &'static str) {
        let labels = ReasonLabels { reason };
        self.house.limits_local.get_or_create(&labels).inc();
    }

    /// Takes over the store's counts, just before they are read.
    pub fn census(&self, census: &Census, now: Timestamp) {
        self.house.journal.set(census.journal_records);
        self.house.in_progress.set(census.in_progress);
        self.house.quarantined.set(census.quarantined);
        for lane in &census.lanes {
            self.lanes.census(lane, now);
        }
    }
}
