//! What Prometheus sees: rooms, refusals, answers, connections, the outbox. Bounded labels, no
//! personal data.

use std::{
    collections::BTreeMap,
    hash::Hash,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use gateway_core::{
    ports::{Census, Clock as _, Delivery, Sight, SystemClock},
    stage::Gate,
};
use jiff::Timestamp;
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{
        counter::Counter,
        family::{Family, MetricConstructor},
        gauge::Gauge,
        histogram::Histogram,
        info::Info,
    },
    registry::{Registry, Unit},
};
use schemas::{fault::FaultCode, id::PartnerId};

/// Different label sets in one family at most; what comes after counts as `other`.
pub const LABEL_SETS_MAX: usize = 1_024;

/// Every metric of this process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    rooms: Family<RoomLabels, Histogram, Buckets>,
    refusals: Bounded<RefusalLabels>,
    answers: Bounded<AnswerLabels>,
    deliveries: Bounded<DeliveryLabels>,
    reconciled: Bounded<DeliveryLabels>,
    connections: Gauge,
    accepted: Counter,
    refused_connections: Family<ReasonLabels, Counter>,
    ready: Gauge,
    recovering: Gauge,
    clock_behind: Gauge,
    sent_away: Counter,
    journal: Gauge<u64, AtomicU64>,
    in_progress: Gauge<u64, AtomicU64>,
    outbox: Family<LaneLabels, Gauge<i64, AtomicI64>>,
    outbox_age: Family<PartnerLabels, Gauge<i64, AtomicI64>>,
    breakers: Family<PartnerLabels, Gauge<i64, AtomicI64>>,
    inside: Gauge,
    body_bytes: Gauge,
    gate: OnceLock<Arc<Gate>>,
    set_aside: Counter,
    quarantined: Gauge<u64, AtomicU64>,
    certificates: Family<FileLabels, Gauge<i64, AtomicI64>>,
    signing_wait: Family<KeyLabels, Histogram, Buckets>,
    signing_work: Family<KeyLabels, Histogram, Buckets>,
    checkpoints: Counter,
    unstamped: Gauge<u64, AtomicU64>,
    time_stamps_degraded: Gauge,
    ends: Mutex<BTreeMap<String, Timestamp>>,
    list_ends: Family<IssuerLabels, Gauge<i64, AtomicI64>>,
    list_life: Family<IssuerLabels, Gauge<i64, AtomicI64>>,
    revocation_fetches: Family<FetchLabels, Counter>,
    limits_shared: Gauge,
    limits_local: Family<ReasonLabels, Counter>,
    // for the status page only
    accepted_of: Bounded<PartnerLabels>,
    refused_of: Bounded<PartnerLabels>,
}

impl Metrics {
    /// All at zero; now is told as the start of the process.
    #[must_use]
    pub fn new() -> Self {
        Self::started_at(SystemClock.now())
    }

    fn started_at(started: Timestamp) -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("lienthong"),
            rooms: Family::new_with_constructor(Buckets),
            refusals: Bounded::default(),
            answers: Bounded::default(),
            deliveries: Bounded::default(),
            reconciled: Bounded::default(),
            connections: Gauge::default(),
            accepted: Counter::default(),
            refused_connections: Family::default(),
            ready: Gauge::default(),
            recovering: Gauge::default(),
            clock_behind: Gauge::default(),
            sent_away: Counter::default(),
            journal: Gauge::default(),
            in_progress: Gauge::default(),
            outbox: Family::default(),
            outbox_age: Family::default(),
            breakers: Family::default(),
            inside: Gauge::default(),
            body_bytes: Gauge::default(),
            gate: OnceLock::new(),
            set_aside: Counter::default(),
            quarantined: Gauge::default(),
            certificates: Family::default(),
            signing_wait: Family::new_with_constructor(Buckets),
            signing_work: Family::new_with_constructor(Buckets),
            checkpoints: Counter::default(),
            unstamped: Gauge::default(),
            time_stamps_degraded: Gauge::default(),
            ends: Mutex::default(),
            list_ends: Family::default(),
            list_life: Family::default(),
            revocation_fetches: Family::default(),
            limits_shared: Gauge::default(),
            limits_local: Family::default(),
            accepted_of: Bounded::default(),
            refused_of: Bounded::default(),
        };
        metrics.register_rooms();
        metrics.register_house(started);
        metrics.register_limits();
        metrics.register_signing();
        metrics.register_evidence();
        metrics
    }

    fn register_rooms(&mut self) {
        let all = &mut self.registry;
        all.register_with_unit(
            "room_duration",
            "Time spent in one room by one message",
            Unit::Seconds,
            self.rooms.clone(),
        );
        all.register(
            "refusals",
            "Messages refused, by room and code",
            self.refusals.family.clone(),
        );
        all.register("answers", "Messages answered", self.answers.family.clone());
        all.register(
            "deliveries",
            "Calls to partners",
            self.deliveries.family.clone(),
        );
        all.register(
            "reconciled",
            "What pulls found: parcels held, put in again or given up, messages that never came",
            self.reconciled.family.clone(),
        );
        all.register("connections", "Open connections", self.connections.clone());
        all.register(
            "messages_inside",
            "Messages in the rooms",
            self.inside.clone(),
        );
        all.register(
            "body_bytes_inside",
            "Bytes of the bodies of the messages in the rooms",
            self.body_bytes.clone(),
        );
        all.register(
            "connections_accepted",
            "Connections whose handshake succeeded",
            self.accepted.clone(),
        );
        all.register(
            "connections_refused",
            "Connections refused, by reason",
            self.refused_connections.clone(),
        );
    }

    fn register_evidence(&mut self) {
        let all = &mut self.registry;
        all.register(
            "checkpoints",
            "Checkpoints of the journal that were signed",
            self.checkpoints.clone(),
        );
        all.register(
            "checkpoints_unstamped",
            "Checkpoints that wait for their time-stamp",
            self.unstamped.clone(),
        );
        all.register(
            "time_stamps_degraded",
            "1 while no time-stamping authority answers",
            self.time_stamps_degraded.clone(),
        );
    }

    /// One more checkpoint was signed.
    pub fn checkpointed(&self) {
        self.checkpoints.inc();
    }

    /// Whether no authority answers, and how many checkpoints wait for one.
    pub fn time_stamps(&self, degraded: bool, unstamped: u64) {
        self.time_stamps_degraded.set(i64::from(degraded));
        self.unstamped.set(unstamped);
    }

    /// How many checkpoints wait, while no time-stamping authority answers.
    #[must_use]
    pub fn degraded(&self) -> Option<u64> {
        (self.time_stamps_degraded.get() != 0).then(|| self.unstamped.get())
    }

    fn register_house(&mut self, started: Timestamp) {
        let all = &mut self.registry;
        all.register("ready", "1 while messages are taken", self.ready.clone());
        all.register(
            "recovering",
            "1 while a store that was put back from a backup waits to be released",
            self.recovering.clone(),
        );
        all.register_with_unit(
            "clock_behind",
            "How far the clock is behind what it was; messages are judged by the later time",
            Unit::Seconds,
            self.clock_behind.clone(),
        );
        all.register(
            "recovering_sent_away",
            "Changes sent away while recovering; each comes again",
            self.sent_away.clone(),
        );
        all.register(
            "journal_records",
            "Records in the journal",
            self.journal.clone(),
        );
        all.register(
            "inbox_in_progress",
            "Claims without an answer",
            self.in_progress.clone(),
        );
        all.register(
            "outbox_parcels",
            "Parcels on their way out, by state",
            self.outbox.clone(),
        );
        all.register_with_unit(
            "outbox_oldest",
            "Age of the oldest waiting parcel",
            Unit::Seconds,
            self.outbox_age.clone(),
        );
        all.register(
            "outbox_breaker",
            "Whether a partner is called: 0 yes, 1 one call asks, 2 no",
            self.breakers.clone(),
        );
        all.register(
            "outbox_set_aside",
            "Parcels set aside because another is known under their id",
            self.set_aside.clone(),
        );
        all.register(
            "inbox_quarantined",
            "Messages that recovery has given up",
            self.quarantined.clone(),
        );
        all.register(
            "certificate_not_after_seconds",
            "When a certificate of ours ends, seconds since 1970",
            self.certificates.clone(),
        );
        all.register_with_unit(
            "revocation_list_next_update",
            "Until when a revocation list holds, seconds since 1970",
            Unit::Seconds,
            self.list_ends.clone(),
        );
        all.register(
            "revocation_list_life_percent",
            "How much of a revocation list's life is over",
            self.list_life.clone(),
        );
        all.register(
            "revocation_fetches",
            "Revocation lists fetched and responders asked, by outcome",
            self.revocation_fetches.clone(),
        );
        let start: Gauge = Gauge::default();
        start.set(started.as_second());
        all.register(
            "process_start_time_seconds",
            "Start of the process, seconds since 1970",
            start,
        );
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        all.register("build", "What is running", Info::new(build.to_vec()));
    }

    fn register_limits(&mut self) {
        let all = &mut self.registry;
        all.register(
            "limits_shared",
            "Whether all replicas count together in Redis: 1 they do, 0 each for itself",
            self.limits_shared.clone(),
        );
        all.register(
            "limits_counted_locally",
            "Decisions that Redis was to make and did not, by reason",
            self.limits_local.clone(),
        );
    }

    fn register_signing(&mut self) {
        let all = &mut self.registry;
        all.register_with_unit(
            "signing_wait",
            "How long a signature waited for a thread of its key",
            Unit::Seconds,
            self.signing_wait.clone(),
        );
        all.register_with_unit(
            "signing_work",
            "How long a try to sign took, by key",
            Unit::Seconds,
            self.signing_work.clone(),
        );
    }

    /// Everything as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        if let Some(held) = self.gate.get().map(|gate| gate.held()) {
            let gauge = |held| i64::try_from(held).unwrap_or(i64::MAX);
            self.inside.set(gauge(held.messages));
            self.body_bytes.set(gauge(held.body_bytes));
        }
        let mut out = String::new();
        match text::encode(&mut out, &self.registry) {
            Ok(()) => out,
            Err(std::fmt::Error) => String::new(), // writing to a String cannot fail
        }
    }

    /// From now on tells what is inside this gate.
    pub fn watch(&self, gate: &Arc<Gate>) {
        let _ = self.gate.set(Arc::clone(gate)); // a process has one
    }

    /// A connection whose handshake succeeded.
    pub fn connection_opened(&self) {
        self.accepted.inc();
        self.connections.inc();
    }

    /// The end of a connection that was opened.
    pub fn connection_closed(&self) {
        self.connections.dec();
    }

    /// A connection that was refused (handshake, cap, unknown peer), by its stable reason word.
    pub fn refused_connection(&self, reason: &'static str) {
        self.refused_connections
            .get_or_create(&ReasonLabels { reason })
            .inc();
    }

    /// One call to a partner and how it ended.
    pub fn delivered(&self, partner: &PartnerId, delivery: &Delivery) {
        let outcome = delivery.word();
        let labels = |partner: &str| DeliveryLabels {
            partner: partner.to_owned(),
            outcome,
        };
        self.deliveries
            .count(labels(partner.as_str()), || labels(OTHER));
    }

    /// What a pull found at a partner: so many parcels or messages, by outcome.
    pub fn reconciled(&self, partner: &PartnerId, outcome: &'static str, many: u32) {
        let labels = |partner: &str| DeliveryLabels {
            partner: partner.to_owned(),
            outcome,
        };
        let labels_of = labels(partner.as_str());
        self.reconciled
            .count_by(labels_of, || labels(OTHER), u64::from(many));
    }

    /// Whether messages are taken.
    pub fn set_ready(&self, ready: bool) {
        self.ready.set(i64::from(ready));
    }

    /// Whether the store was put back from a backup and nobody has released it.
    pub fn set_recovering(&self, recovering: bool) {
        self.recovering.set(i64::from(recovering));
    }

    /// How far the clock is behind what it was, seconds.
    pub fn clock_behind(&self, seconds: i64) {
        self.clock_behind.set(seconds);
    }

    /// Changes sent away since the start because the store was put back and not released.
    #[must_use]
    pub fn sent_away(&self) -> u64 {
        self.sent_away.get()
    }

    /// When each certificate in use ends, by its place, such as `tls.cert` or `partners.tax.keys.tax-1`;
    /// what is not named any more is forgotten.
    pub fn certificates_end(&self, all: BTreeMap<String, Timestamp>) {
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        for gone in ends.keys().filter(|file| !all.contains_key(*file)) {
            self.certificates.remove(&FileLabels { file: gone.clone() });
        }
        for (file, not_after) in &all {
            self.certificates
                .get_or_create(&FileLabels { file: file.clone() })
                .set(not_after.as_second());
        }
        *ends = all;
    }

    /// When each certificate in use ends, as it was told last.
    #[must_use]
    pub fn certificate_ends(&self) -> BTreeMap<String, Timestamp> {
        self.ends
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A revocation list in force: until when, and how much of its life is over.
    pub fn revocation_list(&self, issuer: &str, next_update: Timestamp, life_percent: i64) {
        let labels = IssuerLabels {
            issuer: issuer.to_owned(),
        };
        self.list_ends
            .get_or_create(&labels)
            .set(next_update.as_second());
        self.list_life.get_or_create(&labels).set(life_percent);
    }

    /// A list was fetched, or a responder asked; `outcome` is `ok` or the reason.
    pub fn revocation_fetched(&self, issuer: &str, what: &'static str, outcome: &'static str) {
        let labels = FetchLabels {
            issuer: issuer.to_owned(),
            what,
            outcome,
        };
        self.revocation_fetches.get_or_create(&labels).inc();
    }

    /// Whether all replicas count their limits together.
    pub fn limits_shared(&self, shared: bool) {
        self.limits_shared.set(i64::from(shared));
    }

    /// A decision that this replica made for itself though the count is shared, by its reason.
    pub fn counted_locally(&self, reason: &'static str) {
        let labels = ReasonLabels { reason };
        self.limits_local.get_or_create(&labels).inc();
    }

    /// How the breaker of a lane stands: 0 closed, 1 half-open, 2 open.
    pub fn breaker(&self, partner: &PartnerId, level: i64) {
        let partner = partner.as_str().to_owned();
        self.breakers
            .get_or_create(&PartnerLabels { partner })
            .set(level);
    }

    /// A parcel that was set aside because another is known under its id.
    pub fn set_aside(&self) {
        self.set_aside.inc();
    }

    /// Takes over the store's counts, just before they are read.
    pub fn census(&self, census: &Census, now: Timestamp) {
        self.journal.set(census.journal_records);
        self.in_progress.set(census.in_progress);
        self.quarantined.set(census.quarantined);
        for lane in &census.lanes {
            let partner = lane.partner.as_str();
            self.lane(partner, "waiting", lane.waiting);
            self.lane(partner, "dead", lane.dead);
            self.lane(partner, "poison", lane.poison);
            let age = lane
                .oldest
                .map_or(0, |oldest| now.as_second() - oldest.as_second());
            let labels = PartnerLabels {
                partner: partner.to_owned(),
            };
            self.outbox_age.get_or_create(&labels).set(age.max(0));
        }
    }

    /// Messages answered and refused since the start, of one partner.
    #[must_use]
    pub fn of_partner(&self, partner: &str) -> (u64, u64) {
        let labels = PartnerLabels {
            partner: partner.to_owned(),
        };
        let count = |counters: &Bounded<PartnerLabels>| {
            counters
                .family
                .get(&labels)
                .map_or(0, |counter| counter.get())
        };
        (count(&self.accepted_of), count(&self.refused_of))
    }

    fn lane(&self, partner: &str, state: &'static str, parcels: u64) {
        let labels = LaneLabels {
            partner: partner.to_owned(),
            state,
        };
        self.outbox
            .get_or_create(&labels)
            .set(i64::try_from(parcels).unwrap_or(i64::MAX));
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Sight for Metrics {
    fn room(&self, room: &'static str, route: &'static str, outcome: &'static str, took: Duration) {
        let labels = RoomLabels {
            room,
            route,
            outcome,
        };
        self.rooms
            .get_or_create(&labels)
            .observe(took.as_secs_f64());
    }

    fn refused(&self, room: &'static str, partner: &str, code: &'static str) {
        let labels = |partner: &str| RefusalLabels {
            room,
            partner: partner.to_owned(),
            code,
        };
        if code == FaultCode::Recovering.row().code {
            self.sent_away.inc();
        }
        self.refusals.count(labels(partner), || labels(OTHER));
        count_partner(&self.refused_of, partner);
    }

    fn answered(&self, partner: &str, operation: &'static str, outcome: &'static str) {
        let labels = |partner: &str| AnswerLabels {
            partner: partner.to_owned(),
            operation,
            outcome,
        };
        self.answers.count(labels(partner), || labels(OTHER));
        count_partner(&self.accepted_of, partner);
    }

    fn signed(&self, kid: &str, wait: Duration, work: Duration) {
        let kid = kid.to_owned();
        let labels = KeyLabels { kid };
        let waits = self.signing_wait.get_or_create(&labels);
        waits.observe(wait.as_secs_f64());
        drop(waits);
        let works = self.signing_work.get_or_create(&labels);
        works.observe(work.as_secs_f64());
    }
}

fn count_partner(counters: &Bounded<PartnerLabels>, partner: &str) {
    let labels = |partner: &str| PartnerLabels {
        partner: partner.to_owned(),
    };
    counters.count(labels(partner), || labels(OTHER));
}

/// Counters whose labels come from outside: after [`LABEL_SETS_MAX`] of them the rest is `other`.
#[derive(Debug)]
struct Bounded<L: Clone + Hash + Eq> {
    family: Family<L, Counter>,
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

impl<L: Clone + Hash + Eq> Bounded<L> {
    fn count(&self, labels: L, other: impl FnOnce() -> L) {
        self.count_by(labels, other, 1);
    }

    fn count_by(&self, labels: L, other: impl FnOnce() -> L, many: u64) {
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
struct RoomLabels {
    room: &'static str,
    route: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    room: &'static str,
    partner: String,
    code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    partner: String,
    operation: &'static str,
    outcome: &'static str,
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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PartnerLabels {
    partner: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KeyLabels {
    kid: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
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

/// Makes the histograms of the rooms.
#[derive(Debug, Clone)]
struct Buckets;

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(ROOM_SECONDS)
    }
}

const OTHER: &str = "other";

/// From 20 microseconds, the cheapest room, to the longest deadline.
const ROOM_SECONDS: [f64; 12] = [
    0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.01, 0.05, 0.25, 1.0, 10.0,
];

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::ports::LaneCensus;

    fn metrics() -> Metrics {
        Metrics::started_at(Timestamp::from_second(1_790_000_000).unwrap())
    }

    #[test]
    fn every_metric_has_its_name_type_and_help() {
        let metrics = metrics();
        metrics.room(
            "verify",
            "/tax/v1/messages",
            "ok",
            Duration::from_micros(70),
        );
        metrics.refused("verify", "tax", "BAD-SIGNATURE");
        metrics.answered("tax", "tax.ping", "done");
        metrics.refused_connection("no-certificate");
        metrics.connection_opened();
        let receipt = Delivery::Delivered {
            receipt: gateway_core::ports::Receipt::plain(bytes::Bytes::new(), None),
        };
        metrics.delivered(&PartnerId::parse("portal").unwrap(), &receipt);
        let ends = Timestamp::from_second(1_800_000_000).unwrap();
        metrics.certificates_end([("tls.cert".to_owned(), ends)].into());
        let text = metrics.text();
        for line in [
            "# TYPE lienthong_room_duration_seconds histogram",
            "# UNIT lienthong_room_duration_seconds seconds",
            "lienthong_room_duration_seconds_count{room=\"verify\",route=\"/tax/v1/messages\",outcome=\"ok\"} 1",
            "lienthong_refusals_total{room=\"verify\",partner=\"tax\",code=\"BAD-SIGNATURE\"} 1",
            "lienthong_answers_total{partner=\"tax\",operation=\"tax.ping\",outcome=\"done\"} 1",
            "lienthong_connections_refused_total{reason=\"no-certificate\"} 1",
            "lienthong_connections 1",
            "lienthong_deliveries_total{partner=\"portal\",outcome=\"delivered\"} 1",
            "lienthong_certificate_not_after_seconds{file=\"tls.cert\"} 1800000000",
            "lienthong_process_start_time_seconds 1790000000",
            "lienthong_messages_inside 0",
            "lienthong_body_bytes_inside 0",
            "lienthong_ready 0",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn strangers_names_cannot_fill_the_memory() {
        let metrics = metrics();
        for number in 0..LABEL_SETS_MAX * 2 {
            metrics.refused("verify", &format!("stranger-{number}"), "UNAUTHENTICATED");
        }
        let text = metrics.text();
        let sets = text
            .lines()
            .filter(|line| line.starts_with("lienthong_refusals_total{"))
            .count();
        assert_eq!(sets, LABEL_SETS_MAX + 1);
        assert!(text.contains("partner=\"other\",code=\"UNAUTHENTICATED\"} 1024"));
    }

    #[test]
    fn the_census_becomes_gauges() {
        let metrics = metrics();
        let now = Timestamp::from_second(1_790_000_060).unwrap();
        let lane = LaneCensus {
            partner: PartnerId::parse("portal").unwrap(),
            waiting: 3,
            dead: 1,
            poison: 0,
            oldest: Some(Timestamp::from_second(1_790_000_000).unwrap()),
        };
        let census = Census {
            journal_records: 7,
            in_progress: 2,
            quarantined: 0,
            refusals: 0,
            lanes: vec![lane],
            halted: None,
        };
        metrics.census(&census, now);
        let text = metrics.text();
        for line in [
            "lienthong_journal_records 7",
            "lienthong_inbox_in_progress 2",
            "lienthong_outbox_parcels{partner=\"portal\",state=\"waiting\"} 3",
            "lienthong_outbox_parcels{partner=\"portal\",state=\"dead\"} 1",
            "lienthong_outbox_oldest_seconds{partner=\"portal\"} 60",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_partners_counts_are_kept_for_the_status_page() {
        let metrics = metrics();
        metrics.answered("tax", "tax.ping", "done");
        metrics.answered("tax", "tax.verify-employer", "done");
        metrics.refused("permit", "tax", "FORBIDDEN");
        assert_eq!(metrics.of_partner("tax"), (2, 1));
        assert_eq!(metrics.of_partner("portal"), (0, 0));
    }
}
