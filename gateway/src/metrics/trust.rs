//! Certificates and lists that end, signatures, and what makes the journal evidence.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64},
    },
    time::Duration,
};

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{Metrics, labels::Buckets, told, told_in};

#[derive(Debug)]
pub(super) struct Trust {
    certificates: Family<FileLabels, Gauge<i64, AtomicI64>>,
    ends: Mutex<BTreeMap<String, Timestamp>>,
    list_ends: Family<IssuerLabels, Gauge<i64, AtomicI64>>,
    list_life: Family<IssuerLabels, Gauge<i64, AtomicI64>>,
    revocation_fetches: Family<FetchLabels, Counter>,
    signing_wait: Family<KeyLabels, Histogram, Buckets>,
    signing_work: Family<KeyLabels, Histogram, Buckets>,
    checkpoints: Counter,
    unstamped: Gauge<u64, AtomicU64>,
    time_stamps_degraded: Gauge,
}

impl Trust {
    pub(super) fn told(all: &mut Registry) -> Self {
        Self {
            certificates: told(
                all,
                "certificate_not_after_seconds",
                "When a certificate of ours ends, seconds since 1970",
            ),
            ends: Mutex::default(),
            list_ends: told_in(
                all,
                "revocation_list_next_update",
                "Until when a revocation list holds, seconds since 1970",
                Unit::Seconds,
                Family::default(),
            ),
            list_life: told(
                all,
                "revocation_list_life_percent",
                "How much of a revocation list's life is over",
            ),
            revocation_fetches: told(
                all,
                "revocation_fetches",
                "Revocation lists fetched and responders asked, by outcome",
            ),
            signing_wait: told_in(
                all,
                "signing_wait",
                "How long a signature waited for a thread of its key",
                Unit::Seconds,
                Family::new_with_constructor(Buckets),
            ),
            signing_work: told_in(
                all,
                "signing_work",
                "How long a try to sign took, by key",
                Unit::Seconds,
                Family::new_with_constructor(Buckets),
            ),
            checkpoints: told(
                all,
                "checkpoints",
                "Checkpoints of the journal that were signed",
            ),
            unstamped: told(
                all,
                "checkpoints_unstamped",
                "Checkpoints that wait for their time-stamp",
            ),
            time_stamps_degraded: told(
                all,
                "time_stamps_degraded",
                "1 while no time-stamping authority answers",
            ),
        }
    }

    pub(super) fn signed(&self, kid: &str, wait: Duration, work: Duration) {
        let kid = kid.to_owned();
        let labels = KeyLabels { kid };
        let waits = self.signing_wait.get_or_create(&labels);
        waits.observe(wait.as_secs_f64());
        drop(waits);
        let works = self.signing_work.get_or_create(&labels);
        works.observe(work.as_secs_f64());
    }
}

impl Metrics {
    /// One more checkpoint was signed.
    pub fn checkpointed(&self) {
        self.trust.checkpoints.inc();
    }

    /// Whether no authority answers, and how many checkpoints wait for one.
    pub fn time_stamps(&self, degraded: bool, unstamped: u64) {
        self.trust.time_stamps_degraded.set(i64::from(degraded));
        self.trust.unstamped.set(unstamped);
    }

    /// How many checkpoints wait, while no time-stamping authority answers.
    #[must_use]
    pub fn degraded(&self) -> Option<u64> {
        let trust = &self.trust;
        (trust.time_stamps_degraded.get() != 0).then(|| trust.unstamped.get())
    }

    /// When each certificate in use ends, by its place, such as `tls.cert` or `partners.tax.keys.tax-1`;
    /// what is not named any more is forgotten.
    pub fn certificates_end(&self, all: BTreeMap<String, Timestamp>) {
        let trust = &self.trust;
        let mut ends = trust.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in ends.keys().filter(|file| !all.contains_key(*file)) {
            let file = gone.clone();
            trust.certificates.remove(&FileLabels { file });
        }
        for (file, not_after) in &all {
            trust
                .certificates
                .get_or_create(&FileLabels { file: file.clone() })
                .set(not_after.as_second());
        }
        *ends = all;
    }

    /// When each certificate in use ends, as it was told last.
    #[must_use]
    pub fn certificate_ends(&self) -> BTreeMap<String, Timestamp> {
        let ends = self.trust.ends.lock();
        ends.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A revocation list in force: until when, and how much of its life is over.
    pub fn revocation_list(&self, issuer: &str, next_update: Timestamp, life_percent: i64) {
        let labels = IssuerLabels {
            issuer: issuer.to_owned(),
        };
        let ends = self.trust.list_ends.get_or_create(&labels);
        ends.set(next_update.as_second());
        drop(ends);
        let life = self.trust.list_life.get_or_create(&labels);
        life.set(life_percent);
    }

    /// A list was fetched, or a responder asked; `outcome` is `ok` or the reason.
    pub fn revocation_fetched(&self, issuer: &str, what: &'static str, outcome: &'static str) {
        let labels = FetchLabels {
            issuer: issuer.to_owned(),
            what,
            outcome,
        };
        self.trust.revocation_fetches.get_or_create(&labels).inc();
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    kid: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabels {
    file: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssuerLabels {
    issuer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FetchLabels {
    issuer: String,
    what: &'static str,
    outcome: &'static str,
}
