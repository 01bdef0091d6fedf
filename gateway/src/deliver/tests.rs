//! A lane over a courier, an outbox and a clock that only remember, in virtual time.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use gateway_core::{
    Operation, Road,
    adapter::{Effect, ProofKind},
    outbound::{Crowd, Sendable, Shipment},
    partner::{Agreement, Environment, Grant},
    ports::{
        Access, ActStory, Class, Delivery, Hold, Leased, Order, Parcel, Person, PersonNumber,
        Receipt, Said, Stop, StoreError, Whom,
    },
};
use jiff::{Timestamp, civil::date};
use tokio::time::Instant;

use super::{ship::retry, *};

mod hands;
mod order;
mod proof;
mod verdict;

static TELL: Operation = Operation {
    name: "portal.sync-dossier",
    effect: Effect::Change,
    proof: ProofKind::Jws,
    fields: &[],
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Leased(usize),
    Recorded(String),
    Sent(String),
    Settled(String, Delivery),
}

/// One diary of courier and outbox, and the parcels that wait.
struct Scene {
    start: Instant,
    diary: Mutex<Vec<(Duration, Event)>>,
    waiting: Mutex<Vec<Waiting>>,
    answers: Mutex<VecDeque<Delivery>>,
    /// What the partner says when no answer is left.
    otherwise: Delivery,
    journal_works: bool,
    /// False: an operator has stopped the lane, or the lease is somebody else's.
    holds: AtomicBool,
    batch: usize,
    /// How long each call takes.
    takes: Duration,
    /// The access ledger's rows beside what was recorded.
    told: Mutex<Vec<Access>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
}

/// Why a try ended before anybody was called.
const OUR_DISK: &str = "our-disk";
/// Why a try ended for the parcel's own sake.
const ITS_OWN: &str = "its-own";

struct Waiting {
    parcel: Leased,
    due: Instant,
    over: bool,
    stuck: bool,
}

impl Scene {
    fn new() -> Self {
        Self {
            start: Instant::now(),
            diary: Mutex::default(),
            waiting: Mutex::default(),
            answers: Mutex::default(),
            otherwise: delivered(),
            journal_works: true,
            holds: AtomicBool::new(true),
            batch: 1,
            takes: Duration::ZERO,
            told: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
        }
    }

    /// Parcels `subject/sequence`, put in now.
    fn with(self, parcels: &[&str]) -> Self {
        let put_at = self.now();
        self.with_since(parcels, put_at)
    }

    fn with_since(self, parcels: &[&str], put_at: Timestamp) -> Self {
        let waiting = parcels.iter().map(|id| {
            let (subject, sequence) = id.split_once('/').unwrap();
            let parcel = Leased {
                id: (*id).to_owned(),
                subject: subject.to_owned(),
                sequence: sequence.parse().unwrap(),
                kind: "any".to_owned(),
                content: Bytes::copy_from_slice(id.as_bytes()),
                attempts: 0,
                class: Class::Normal,
                due: None,
                refusals: 0,
                lost: 0,
                reason: None,
                said: None,
                put_at,
            };
            Waiting {
                parcel,
                due: self.start,
                over: false,
                stuck: false,
            }
        });
        self.waiting.lock().unwrap().extend(waiting);
        self
    }

    fn answering(self, answers: impl IntoIterator<Item = Delivery>) -> Self {
        self.answers.lock().unwrap().extend(answers);
        self
    }

    fn otherwise(self, otherwise: Delivery) -> Self {
        Self { otherwise, ..self }
    }

    fn batch(self, batch: usize) -> Self {
        Self { batch, ..self }
    }

    fn note(&self, event: Event) {
        self.diary
            .lock()
            .unwrap()
            .push((self.start.elapsed(), event));
    }

    fn events(&self) -> Vec<Event> {
        self.diary()
            .iter()
            .map(|(_, event)| event.clone())
            .collect()
    }

    fn diary(&self) -> MutexGuard<'_, Vec<(Duration, Event)>> {
        self.diary.lock().unwrap()
    }

    /// What was sent and when.
    fn sent(&self) -> Vec<(Duration, String)> {
        let diary = self.diary();
        let sent = diary.iter().filter_map(|(at, event)| match event {
            Event::Sent(body) => Some((*at, body.clone())),
            _ => None,
        });
        sent.collect()
    }

    fn settled(&self, id: &str) -> Vec<(Duration, Delivery)> {
        let diary = self.diary();
        let settled = diary.iter().filter_map(|(at, event)| match event {
            Event::Settled(which, delivery) if which == id => Some((*at, delivery.clone())),
            _ => None,
        });
        settled.collect()
    }
}

impl Clock for Scene {
    fn now(&self) -> Timestamp {
        let start: Timestamp = "2026-11-22T05:00:00Z".parse().unwrap();
        start + self.start.elapsed()
    }
}

impl Courier for Scene {
    fn batch_max(&self) -> usize {
        self.batch * 2
    }

    /// Calls of `batch` parcels; one tried before goes alone, and the subject `mute` has no words.
    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        let (mute, sayable): (Vec<_>, Vec<_>) =
            parcels.iter().partition(|one| one.subject == "mute");
        let (again, fresh): (Vec<_>, Vec<_>) =
            sayable.into_iter().partition(|one| one.reason.is_some());
        let shipments = again.chunks(1).chain(fresh.chunks(self.batch));
        let mute = mute.iter().map(|one| (one.id.clone(), "no-words"));
        (shipments.map(shipment).collect(), mute.collect())
    }

    /// The subject `of-many` tells of two, and of `unread` nobody can say now.
    fn crowd<'a>(
        &'a self,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<Option<Crowd>, Delivery>> {
        let body = text(&shipment.body);
        let two = || {
            let numbers = ["099099000001", "9900000002"].map(PersonNumber::parse);
            Crowd {
                numbers: numbers.into_iter().flatten().collect(),
                told: vec!["name", "amount"],
            }
        };
        Box::pin(ready(match body.split('/').next() {
            Some("of-many") => Ok(Some(two())),
            Some("unread") => Err(retry("unread", SECOND * 10)),
            _ => Ok(None),
        }))
    }

    fn is_ours(&self, reason: &'static str) -> bool {
        reason == OUR_DISK
    }

    fn is_of_parcel(&self, reason: &'static str) -> bool {
        reason == ITS_OWN
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        let body = text(&sendable.shipment().body);
        assert!(!body.contains("deadly"), "this parcel breaks its courier");
        self.note(Event::Sent(body));
        let answer = self.answers.lock().unwrap().pop_front();
        let inside = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_in_flight.fetch_max(inside, Ordering::SeqCst);
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            answer.unwrap_or_else(|| self.otherwise.clone())
        })
    }
}

impl Outbox for Scene {
    fn put(&self, _: Vec<Parcel>) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn lease(
        &self,
        _: &PartnerId,
        max: usize,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Leased>, StoreError>> {
        let (mut leased, mut blocked) = (Vec::new(), Vec::new());
        for one in self.waiting.lock().unwrap().iter_mut() {
            let subject = one.parcel.subject.clone();
            if one.over || blocked.contains(&subject) {
                continue;
            }
            if one.stuck || one.due > Instant::now() || leased.len() == max {
                blocked.push(subject);
                continue;
            }
            leased.push(one.parcel.clone());
            one.parcel.attempts += 1;
            one.due = Instant::now() + lease;
        }
        if !leased.is_empty() {
            self.note(Event::Leased(max));
        }
        Box::pin(ready(Ok(leased)))
    }

    fn sending(
        &self,
        _: &PartnerId,
        _: Vec<Hold>,
        bytes: Bytes,
        told: Vec<Access>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.told.lock().unwrap().extend(told);
        if !self.journal_works {
            return Box::pin(ready(Err(StoreError::Busy)));
        }
        if !self.holds.load(Ordering::SeqCst) {
            return Box::pin(ready(Ok(false)));
        }
        self.note(Event::Recorded(text(&bytes)));
        Box::pin(ready(Ok(true)))
    }

    fn settle(&self, results: Vec<(Hold, Delivery)>) -> BoxFuture<'_, Result<(), StoreError>> {
        let mut waiting = self.waiting.lock().unwrap();
        for (Hold { id, .. }, delivery) in results {
            self.note(Event::Settled(id.clone(), delivery.clone()));
            let one = waiting.iter_mut().find(|one| one.parcel.id == id).unwrap();
            match delivery {
                Delivery::Delivered { .. } => one.over = true,
                Delivery::Untried { after } => one.due = Instant::now() + after,
                Delivery::Retry { after, reason } | Delivery::Unknown { after, reason } => {
                    one.due = Instant::now() + after;
                    one.parcel.reason = Some(reason.to_owned());
                }
                Delivery::Refused { after, reason } => {
                    one.due = Instant::now() + after;
                    let again = one.parcel.reason.as_deref() == Some(reason);
                    one.parcel.refusals = if again { one.parcel.refusals + 1 } else { 1 };
                    one.parcel.reason = Some(reason.to_owned());
                }
                // a dead or quarantined parcel holds its subject
                Delivery::Dead { .. } | Delivery::Quarantined { .. } => one.stuck = true,
                Delivery::Instead { .. } => panic!("other words were not sent"),
            }
        }
        Box::pin(ready(Ok(())))
    }
}

fn shipment(parcels: &[&Leased]) -> Shipment {
    let ids: Vec<_> = parcels.iter().map(|one| one.id.clone()).collect();
    Shipment {
        operation: &TELL,
        fields: match parcels.iter().any(|one| one.subject == "curious") {
            true => ["income"].into(),
            false => std::collections::BTreeSet::new(),
        },
        lines: 1,
        provinces: None,
        due: None,
        purpose: "public-service".into(),
        road: Road::Vdxp,
        service: "tell",
        persons: parcels
            .iter()
            .filter(|one| one.subject == "of-a-person")
            .map(|_| Person {
                numbers: PersonNumber::parse("099099000001").into_iter().collect(),
                told: vec!["siNumber", "card"],
            })
            .collect(),
        body: ids.join(" ").into(),
        parcels: ids,
    }
}

fn text(bytes: &Bytes) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn delivered() -> Delivery {
    Delivery::Delivered {
        receipt: Receipt::plain(Bytes::from_static(b"ok"), None),
    }
}

fn busy() -> Delivery {
    retry("busy", SECOND * 10)
}

fn unknown() -> Delivery {
    Delivery::Unknown {
        after: SECOND * 10,
        reason: "closed",
    }
}

fn refused() -> Delivery {
    Delivery::Refused {
        after: SECOND * 10,
        reason: "portal-refused",
    }
}

fn instead(body: &'static str) -> Delivery {
    Delivery::Instead {
        body: Bytes::from_static(body.as_bytes()),
        reason: "exists-already",
    }
}

fn portal() -> Partner {
    let quota = Quota {
        per_minute: 60,
        burst: 1,
    };
    let grant = Grant {
        fields: [].into(),
        quota,
        lines_max: 1_000,
        provinces: schemas::codes::province_set::ProvinceSet::COUNTRY,
    };
    Partner {
        id: PartnerId::parse("portal").unwrap(),
        name: "Portal".into(),
        active: true,
        stopped: std::collections::BTreeSet::new(),
        peers: Vec::new(),
        relays: Vec::new(),
        keys: Vec::new(),
        agreements: vec![Agreement {
            number: "1".into(),
            legal_basis: "a decree".into(),
            purposes: ["public-service".to_owned()].into(),
            operations: [(TELL.name.to_owned(), grant)].into(),
            roads: [Road::Vdxp].into(),
            valid_from: date(2026, 1, 1),
            valid_to: None,
            attested: false,
        }],
        window: SECOND * 300,
        peer_quota: quota,
        token: None,
        security_server: None,
        keyed: None,
        login: None,
        dci: None,
        hub: None,
        triggers: None,
    }
}

fn registered(partner: Partner) -> Arc<ArcSwap<Partners>> {
    let us = PartnerId::parse("vss").unwrap();
    let partners = Partners::new(Environment::Sandbox, us, vec![partner]).unwrap();
    Arc::new(ArcSwap::from_pointee(partners))
}

/// A lane whose limit never binds and whose breaker opens at the third failure, for a minute.
fn lane(scene: &Arc<Scene>, partner: Partner) -> Lane {
    Lane::new(parts(scene, partner))
}

fn parts(scene: &Arc<Scene>, partner: Partner) -> LaneParts {
    LaneParts {
        partner: partner.id.clone(),
        courier: Arc::<Scene>::clone(scene),
        outbox: Arc::<Scene>::clone(scene),
        partners: registered(partner),
        clock: Arc::<Scene>::clone(scene),
        metrics: Arc::new(Metrics::new()),
        outgoing: config::Outgoing {
            poll_ms: 200,
            lease_seconds: 30,
            backoff_ms: 500,
            backoff_seconds_max: 300,
            give_up_hours: 72,
            poison_after: 3,
        },
        orders: watch::channel(Orders::default()).1,
        concurrency: 1,
        call_max: SECOND * 10,
        quota: Quota {
            per_minute: 60_000_000,
            burst: 1_000_000,
        },
        tally: None,
        dice: fair_dice(),
        breaker: (3, SECOND * 60),
    }
}

/// Lets a lane work for so long.
async fn run(lane: Lane, time: Duration) {
    let (stop, stopped) = watch::channel(false);
    let lane = tokio::spawn(lane.run(stopped));
    tokio::time::sleep(time).await;
    stop.send(true).unwrap();
    lane.await.unwrap();
}

/// The diary of a scene in which the registered portal was served for so long.
async fn played(scene: Scene, time: Duration) -> Arc<Scene> {
    let scene = Arc::new(scene);
    let mut lane = lane(&scene, portal());
    if time > HOUR * 3 {
        lane.judge.outgoing.poll_ms = 10_000; // virtual time is cheap, not free
    }
    run(lane, time).await;
    scene
}
