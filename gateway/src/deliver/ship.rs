//! Leased parcels on their way: packed, permitted, recorded, sent, and what came of it written down.

use std::{collections::BTreeSet, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use gateway_core::{
    outbound::{Crowd, Sendable, Shipment},
    policy::Denied,
    ports::{Delivery, Hold, Leased},
    stage::today,
};
use tokio::time::Instant;

use super::{
    Lane,
    breaker::{News, Pass},
    verdict::PANICKED,
};

/// Parcels leased together, and until when.
pub(super) struct Load<'p> {
    pub(super) parcels: Vec<Leased>,
    pub(super) until: Instant,
    pub(super) pass: &'p Pass<'p>,
}

/// How one shipment ended, whether that is news about the partner, and whose reason it was.
struct Ended {
    delivery: Delivery,
    news: News,
    whose: Whose,
}

/// What has to wait for the same reason.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// Everything that goes to the partner.
    Lane,
    /// The parcels of this shipment, and what stands behind them in their subjects.
    Parcel,
}

/// Why the partner was not called.
struct NotCalled {
    delivery: Delivery,
    whose: Whose,
}

impl From<Delivery> for NotCalled {
    fn from(delivery: Delivery) -> Self {
        let whose = Whose::Lane;
        Self { delivery, whose }
    }
}

/// What keeps the rest of a load from going.
#[derive(Default)]
struct Held {
    /// Nothing more goes for so long: the partner has trouble, or we have.
    all: Option<Duration>,
    /// Subjects in which one did not arrive: nothing overtakes it.
    subjects: BTreeSet<String>,
}

impl Lane {
    /// True where all of it arrived.
    pub(super) async fn ship(&self, load: Load<'_>) -> bool {
        let parcels = self.without_deadly(&load.parcels).await;
        let (shipments, unsayable) = self.pack(&parcels);
        let mut held = Held::default();
        let mut settled = Vec::new();
        for (parcel, delivery) in unsayable {
            held.subjects.insert(parcel.subject.clone());
            self.tell(&parcel, &delivery);
            settled.push((parcel.hold(), delivery));
        }
        self.settle(settled).await;
        for shipment in shipments {
            let carried = carried(&parcels, &shipment);
            let (delivery, whose) = match held.wait(&carried) {
                // order within a subject comes before speed
                Some(after) => (Delivery::Untried { after }, Whose::Parcel),
                None => self.deliver(shipment, &carried, &load).await,
            };
            held.after(&delivery, whose, &carried);
            let settled = carried.iter().map(|one| (one.hold(), delivery.clone()));
            self.settle(settled.collect()).await;
        }
        held.all.is_none() && held.subjects.is_empty()
    }

    /// One that killed whoever had it, again and again, is set aside before it kills us; what stands
    /// behind it in its subject waits.
    async fn without_deadly(&self, leased: &[Leased]) -> Vec<Leased> {
        let (mut stuck, mut settled) = (BTreeSet::new(), Vec::new());
        let mut rest = Vec::with_capacity(leased.len());
        for parcel in leased {
            if stuck.contains(&parcel.subject) {
                let after = self.judge.backoff(0);
                settled.push((parcel.hold(), Delivery::Untried { after }));
            } else if self.judge.is_deadly(parcel) {
                stuck.insert(parcel.subject.clone());
                let reason = "lease-lost";
                let delivery = Delivery::Quarantined { reason };
                self.tell(parcel, &delivery);
                settled.push((parcel.hold(), delivery));
            } else {
                rest.push(parcel.clone());
            }
        }
        self.settle(settled).await;
        rest
    }

    /// Shipments, and what has no words. A parcel that breaks the courier is found by packing each
    /// alone.
    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(Leased, Delivery)>) {
        let packed = |some: &[Leased]| {
            let pack = AssertUnwindSafe(|| self.courier.pack(some));
            std::panic::catch_unwind(pack).ok()
        };
        let unsaid = |(id, reason): (String, &'static str)| {
            let parcel = parcels.iter().find(|one| one.id == id)?.clone();
            Some((parcel, Delivery::Quarantined { reason }))
        };
        if let Some((shipments, unsayable)) = packed(parcels) {
            let unsayable = unsayable.into_iter().filter_map(unsaid);
            return (shipments, unsayable.collect());
        }
        let (mut shipments, mut broken) = (Vec::new(), Vec::new());
        let mut stuck = BTreeSet::new();
        for parcel in parcels {
            match packed(std::slice::from_ref(parcel)) {
                _ if stuck.contains(&parcel.subject) => {
                    let after = self.judge.backoff(0);
                    broken.push((parcel.clone(), Delivery::Untried { after }));
                }
                Some((some, unsayable)) => {
                    shipments.extend(some);
                    broken.extend(unsayable.into_iter().filter_map(unsaid));
                }
                None => {
                    stuck.insert(parcel.subject.clone());
                    let refused = refused(PANICKED);
                    let judged = self.judge.judge(refused, &[parcel], self.clock.now());
                    broken.push((parcel.clone(), judged));
                }
            }
        }
        (shipments, broken)
    }

    /// One shipment from its turn at the limit to its verdict.
    async fn deliver(
        &self,
        shipment: Shipment,
        parcels: &[&Leased],
        load: &Load<'_>,
    ) -> (Delivery, Whose) {
        let holds: Vec<Hold> = parcels.iter().map(|parcel| parcel.hold()).collect();
        let ended = match self.worded(shipment, parcels, load.until).await {
            Ok(shipment) => self.send(shipment, &holds, load.until).await,
            Err(delivery) => never_called(self.not_called(delivery)),
        };
        load.pass.note(ended.news);
        self.metrics.breaker(&self.partner, self.breaker.level());
        let delivery = self.judge.judge(ended.delivery, parcels, self.clock.now());
        for parcel in parcels {
            self.tell(parcel, &delivery);
        }
        self.metrics.delivered(&self.partner, &delivery);
        (delivery, ended.whose)
    }

    /// What did not come so far as to be sent.
    fn not_called(&self, delivery: Delivery) -> NotCalled {
        let whose = self.whose(&delivery);
        NotCalled { delivery, whose }
    }

    /// Whether the others wait too is for whoever knows the words to say; of what nobody knows they do.
    fn whose(&self, delivery: &Delivery) -> Whose {
        match delivery.reason() {
            Some(reason) if self.courier.is_of_parcel(reason) => Whose::Parcel,
            _ => Whose::Lane,
        }
    }

    /// Where nobody knows how the last try ended, the same bytes ask, while their time is in the
    /// partner's window; afterwards they are said anew, under the same id.
    fn same_words(&self, shipment: &Shipment, parcels: &[&Leased]) -> Option<Shipment> {
        let ([alone], Some(partner)) = (parcels, self.registered()) else {
            return None;
        };
        let said = alone.said.as_ref()?;
        let age = Duration::try_from(self.clock.now().duration_since(said.at));
        let in_time = age.is_ok_and(|age| age <= partner.window);
        in_time.then(|| shipment.reworded(said.body.clone()))
    }

    /// The words in which it goes: those of before, or signed just now where the partner wants a signature. Ends before
    /// the lease does.
    async fn worded(
        &self,
        shipment: Shipment,
        parcels: &[&Leased],
        until: Instant,
    ) -> Result<Shipment, Delivery> {
        if let Some(same) = self.same_words(&shipment, parcels) {
            return Ok(same);
        }
        let sealed = AssertUnwindSafe(self.courier.seal(shipment)).catch_unwind();
        match tokio::time::timeout_at(until, sealed).await {
            Ok(Ok(sealed)) => sealed,
            Ok(Err(_)) => Err(refused(PANICKED)),
            Err(_) => Err(untried(Duration::ZERO)),
        }
    }

    /// Sent, and where the partner wants other words, sent once more in those.
    async fn send(&self, shipment: Shipment, holds: &[Hold], until: Instant) -> Ended {
        let (sendable, delivery) = match self.attempt(shipment, holds, until).await {
            Ok(tried) => tried,
            Err(not_called) => return never_called(not_called),
        };
        let Delivery::Instead { body, .. } = &delivery else {
            return self.called(delivery);
        };
        self.metrics.delivered(&self.partner, &delivery);
        let reworded = sendable.shipment().reworded(body.clone());
        match self.attempt(reworded, holds, until).await {
            Ok((_, Delivery::Instead { .. })) => self.called(refused("instead-again")),
            Ok((_, delivery)) => self.called(delivery),
            Err(not_called) => never_called(not_called),
        }
    }

    /// A partner that answers is up, whatever it says of the parcel; what ended on our own side, or for the parcel's own sake, says
    /// nothing of it.
    fn called(&self, delivery: Delivery) -> Ended {
        let is_ours = |reason| reason == PANICKED || self.courier.is_ours(reason);
        let whose = self.whose(&delivery);
        let news = match &delivery {
            _ if delivery.reason().is_some_and(is_ours) => News::None,
            Delivery::Retry { .. } | Delivery::Unknown { .. } if whose == Whose::Parcel => {
                News::None
            }
            Delivery::Retry { .. } | Delivery::Unknown { .. } => News::Down,
            Delivery::Delivered { .. }
            | Delivery::Refused { .. }
            | Delivery::Instead { .. }
            | Delivery::Quarantined { .. }
            | Delivery::Dead { .. } => News::Up,
            Delivery::Untried { .. } => News::None,
        };
        Ended {
            delivery,
            news,
            whose,
        }
    }

    /// Its turn at the limit, permitted, recorded, sent; or why the partner was not called.
    async fn attempt(
        &self,
        shipment: Shipment,
        holds: &[Hold],
        until: Instant,
    ) -> Result<(Sendable, Delivery), NotCalled> {
        self.turn_at_the_limit(until).await?;
        // Registrations and orders change while a shipment waits for its turn.
        let partner = self
            .registered()
            .ok_or_else(|| retry("partner-suspended", NOT_PERMITTED))?;
        if self.is_stopped() {
            return Err(untried(STOPPED).into());
        }
        let allowed = shipment
            .permit(&partner, today(self.clock.now()))
            .map_err(not_permitted)?;
        let crowd = self.crowd(allowed.shipment(), until).await;
        let crowd = crowd.map_err(|delivery| self.not_called(delivery))?;
        gateway_core::faultpoint!("sending-before");
        let recorded = allowed
            .record(self.outbox.as_ref(), &partner, holds.to_vec(), crowd)
            .await;
        gateway_core::faultpoint!("sending-after");
        let sendable = recorded
            .map_err(|error| {
                tracing::warn!(partner = self.partner.as_str(), %error, "not recorded, not sent");
                untried(Duration::from_secs(1))
            })?
            // stopped by an operator, or somebody else's by now
            .ok_or_else(|| untried(STOPPED))?;
        gateway_core::faultpoint!("send-before");
        let delivery = self.call(&sendable, until).await;
        gateway_core::faultpoint!("send-after");
        Ok((sendable, delivery))
    }

    /// Whom it tells of, where they are many; found before the lease ends.
    async fn crowd(&self, shipment: &Shipment, until: Instant) -> Result<Option<Crowd>, Delivery> {
        let found = AssertUnwindSafe(async { self.courier.crowd(shipment).await }).catch_unwind();
        match tokio::time::timeout_at(until, found).await {
            Ok(Ok(crowd)) => crowd,
            Ok(Err(_)) => Err(refused(PANICKED)),
            Err(_) => Err(untried(Duration::ZERO)),
        }
    }

    /// The call ends before the lease does: whoever leases the parcel next must not meet it.
    async fn call(&self, sendable: &Sendable, until: Instant) -> Delivery {
        let call = AssertUnwindSafe(async { self.courier.send(sendable).await }).catch_unwind();
        match tokio::time::timeout_at(until, call).await {
            Ok(Ok(delivery)) => delivery,
            Ok(Err(_)) => refused(PANICKED),
            Err(_) => Delivery::Unknown {
                after: Duration::ZERO,
                reason: "lease-over",
            },
        }
    }

    /// Waits for the partner's quota, but not so long that a call would outlive the lease.
    async fn turn_at_the_limit(&self, until: Instant) -> Result<(), Delivery> {
        let latest = until.checked_sub(self.call_max).unwrap_or(until);
        loop {
            let now = Instant::now();
            if now > latest {
                return Err(untried(Duration::ZERO));
            }
            let (partner, quota) = (&self.partner, self.quota);
            match self.limits.take_shared(partner, "delivery", quota).await {
                Ok(_) => return Ok(()),
                Err(standing) if now + standing.reset > latest => {
                    return Err(untried(standing.reset));
                }
                Err(standing) => tokio::time::sleep(standing.reset).await,
            }
        }
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

    /// What needs a person is told at once; the status page counts it.
    fn tell(&self, parcel: &Leased, delivery: &Delivery) {
        let (Delivery::Quarantined { reason } | Delivery::Dead { reason }) = delivery else {
            return;
        };
        tracing::error!(
            partner = self.partner.as_str(),
            parcel = parcel.id,
            reason,
            outcome = delivery.word(),
            tries = parcel.attempts + 1,
            "a parcel needs a person; those behind it in its subject wait"
        );
    }
}

impl Held {
    /// What the rest of a load has to wait for after this ending.
    fn after(&mut self, delivery: &Delivery, whose: Whose, parcels: &[&Leased]) {
        match delivery {
            Delivery::Delivered { .. } => return,
            Delivery::Retry { after, .. }
            | Delivery::Unknown { after, .. }
            | Delivery::Untried { after } => {
                if whose == Whose::Lane {
                    self.all.get_or_insert(*after);
                }
            }
            // the partner is there and takes others
            Delivery::Refused { .. }
            | Delivery::Quarantined { .. }
            | Delivery::Dead { .. }
            | Delivery::Instead { .. } => {}
        }
        let subjects = parcels.iter().map(|parcel| parcel.subject.clone());
        self.subjects.extend(subjects);
    }

    /// How long this shipment has to wait, where it has to.
    fn wait(&self, parcels: &[&Leased]) -> Option<Duration> {
        let overtakes = parcels
            .iter()
            .any(|parcel| self.subjects.contains(&parcel.subject));
        self.all.or(overtakes.then_some(Duration::ZERO))
    }
}

/// The leased parcels inside a shipment.
fn carried<'a>(leased: &'a [Leased], shipment: &Shipment) -> Vec<&'a Leased> {
    leased
        .iter()
        .filter(|parcel| shipment.parcels.contains(&parcel.id))
        .collect()
}

pub(super) fn retry(reason: &'static str, after: Duration) -> Delivery {
    Delivery::Retry { after, reason }
}

fn refused(reason: &'static str) -> Delivery {
    Delivery::Refused {
        after: Duration::ZERO,
        reason,
    }
}

fn untried(after: Duration) -> Delivery {
    Delivery::Untried { after }
}

/// What the agreements do not allow of this shipment they may allow of the next.
fn not_permitted(denied: Denied) -> NotCalled {
    NotCalled {
        delivery: retry(denied.reason(), NOT_PERMITTED),
        whose: match denied {
            Denied::Suspended => Whose::Lane,
            _ => Whose::Parcel,
        },
    }
}

fn never_called(not_called: NotCalled) -> Ended {
    Ended {
        delivery: not_called.delivery,
        news: News::None,
        whose: not_called.whose,
    }
}

/// How long to wait for a person to change a registration.
const NOT_PERMITTED: Duration = Duration::from_secs(60);
/// How soon a lane that was stopped under a leased parcel looks at it again.
const STOPPED: Duration = Duration::from_secs(1);
