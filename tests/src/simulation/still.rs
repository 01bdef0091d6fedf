//! The store as a simulation needs it: each call is carried out while nothing else moves, so that its
//! threads decide no order, and stands still a while before and after, so that a kill falls on both
//! sides of its commit. The store itself is the real one.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::{
    Evidence,
    ports::{
        Access, Census, Claimed, Delivery, Entry, Hold, Known, Leased, MessageLog, Outbox, Parcel,
        RefusalNote, StoreError, StoredAnswer, Story, Unfinished,
    },
};
use gateway_store::Store;
use schemas::id::{MessageId, PartnerId};

use super::{Bend, world::World};

/// The store, its calls one after the other.
pub(super) struct Still {
    store: Arc<Store>,
    world: Arc<World>,
}

type Done<T> = Result<T, StoreError>;

impl Still {
    pub(super) fn new(store: Arc<Store>, world: Arc<World>) -> Self {
        Self { store, world }
    }

    /// Counts what is left, for the end of the run.
    pub(super) async fn count(&self) {
        let census = wait(self.store.census());
        let left = census.map_or(u64::MAX, |census| {
            let lanes = census.lanes.iter();
            let parcels: u64 = lanes
                .map(|lane| lane.waiting + lane.dead + lane.poison)
                .sum();
            parcels + census.in_progress + census.quarantined
        });
        self.world.waiting.store(left, Ordering::Relaxed);
    }

    /// What was leased is given back at once and sent all the same.
    fn lease_and_forget(
        &self,
        partner: PartnerId,
        max: usize,
        lease: Duration,
    ) -> BoxFuture<'_, Done<Vec<Leased>>> {
        Box::pin(async move {
            let leased = wait(self.store.lease(&partner, max, lease))?;
            let after = Duration::ZERO;
            let back = leased
                .iter()
                .map(|one| (one.hold(), Delivery::Untried { after }));
            wait(self.store.settle(back.collect()))?;
            Ok(leased)
        })
    }

    fn run<'a, T: Send + 'a>(
        &'a self,
        call: BoxFuture<'a, Done<T>>,
        tell: impl FnOnce(&T) -> Option<String> + Send + 'a,
    ) -> BoxFuture<'a, Done<T>> {
        Box::pin(async move {
            self.world.pause("disk").await;
            self.world.clock.millis(); // the store's threads read it
            let done = wait(call);
            match &done {
                Ok(done) => tell(done)
                    .into_iter()
                    .for_each(|told| self.world.note(told)),
                Err(error) => self.world.note(format!("store: {error}")),
            }
            self.world.pause("disk").await;
            done
        })
    }
}

impl MessageLog for Still {
    fn known(
        &self,
        sender: &PartnerId,
        id: &MessageId,
        digest: &[u8; 32],
    ) -> BoxFuture<'_, Done<Known>> {
        self.run(self.store.known(sender, id, digest), |_| None)
    }

    fn claim(&self, entry: Entry) -> BoxFuture<'_, Done<Claimed>> {
        let id = entry.id.as_str().to_owned();
        let mut entry = entry;
        if self.world.bend == Bend::ClaimsAreForgotten && self.world.percent("bend", 50) {
            let other = format!("{id}-{}", self.world.below("bend", 1 << 40));
            entry.id = MessageId::parse(&other).unwrap();
        }
        self.run(self.store.claim(entry), move |claimed| {
            let word = match claimed {
                Claimed::New => "new",
                Claimed::Same(_) => "same",
                Claimed::Conflict => "conflict",
                Claimed::InProgress => "in progress",
                Claimed::Stale => "stale",
                Claimed::Recovering => "recovering",
            };
            Some(format!("store: claim {id} is {word}"))
        })
    }

    fn commit(
        &self,
        entry: Evidence,
        answer: StoredAnswer,
        parcels: Vec<Parcel>,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Done<()>> {
        let call = self.store.commit(entry, answer, parcels, accesses);
        self.run(call, |()| Some("store: an answer is committed".to_owned()))
    }

    fn record(
        &self,
        entry: Entry,
        answer: StoredAnswer,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Done<Claimed>> {
        self.run(self.store.record(entry, answer, accesses), |_| None)
    }

    fn release(&self, evidence: Evidence) -> BoxFuture<'_, Done<()>> {
        let call = self.store.release(evidence);
        self.run(call, |()| Some("store: a claim is given back".to_owned()))
    }

    fn refuse(&self, note: RefusalNote) -> BoxFuture<'_, Done<()>> {
        self.run(self.store.refuse(note), |()| None)
    }

    fn unfinished(&self, max: usize) -> BoxFuture<'_, Done<Vec<Unfinished>>> {
        self.run(self.store.unfinished(max), |found| {
            (!found.is_empty()).then(|| format!("store: {} unfinished", found.len()))
        })
    }

    fn quarantine(&self, evidence: Evidence, reason: &'static str) -> BoxFuture<'_, Done<bool>> {
        let call = self.store.quarantine(evidence, reason);
        self.run(call, move |_| Some(format!("store: set aside, {reason}")))
    }

    fn story(&self, id: &str) -> BoxFuture<'_, Done<Vec<Story>>> {
        self.run(self.store.story(id), |_| None)
    }

    fn census(&self) -> BoxFuture<'_, Done<Census>> {
        self.run(self.store.census(), |_| None)
    }
}

impl Outbox for Still {
    fn put(&self, parcels: Vec<Parcel>) -> BoxFuture<'_, Done<Vec<String>>> {
        if self.world.bend == Bend::OutboxForgetsParcels && self.world.percent("bend", 30) {
            return Box::pin(std::future::ready(Ok(Vec::new())));
        }
        let told = format!("store: {} parcels put in", parcels.len());
        self.run(self.store.put(parcels), move |_| {
            // what was counted before is over
            self.world.waiting.store(u64::MAX, Ordering::Relaxed);
            Some(told)
        })
    }

    fn lease(
        &self,
        partner: &PartnerId,
        max: usize,
        lease: Duration,
    ) -> BoxFuture<'_, Done<Vec<Leased>>> {
        if self.world.bend == Bend::LaneForgetsItsLease {
            return self.lease_and_forget(partner.clone(), max, lease);
        }
        self.run(self.store.lease(partner, max, lease), |leased| {
            let ids: Vec<&str> = leased.iter().map(|parcel| parcel.id.as_str()).collect();
            (!ids.is_empty()).then(|| format!("store: leased {ids:?}"))
        })
    }

    fn sending(
        &self,
        partner: &PartnerId,
        holds: Vec<Hold>,
        bytes: Bytes,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Done<bool>> {
        if self.world.bend == Bend::LaneForgetsItsLease {
            return Box::pin(std::future::ready(Ok(true)));
        }
        let call = self.store.sending(partner, holds, bytes, accesses);
        self.run(call, |held| Some(format!("store: sending {held}")))
    }

    fn settle(&self, mut results: Vec<(Hold, Delivery)>) -> BoxFuture<'_, Done<()>> {
        if self.world.bend == Bend::SilenceIsSuccess {
            for (_, delivery) in &mut results {
                if let Delivery::Unknown { .. } | Delivery::Retry { .. } = delivery {
                    let receipt = gateway_core::ports::Receipt::plain(Bytes::new(), None);
                    *delivery = Delivery::Delivered { receipt };
                }
            }
        }
        let words = results
            .iter()
            .map(|(hold, end)| format!("{} {}", hold.id, end.word()));
        let told = format!("store: settled {:?}", words.collect::<Vec<_>>());
        self.run(self.store.settle(results), move |()| Some(told))
    }
}

/// Waits for the store's threads on this thread, with the world standing still.
fn wait<F: Future + Unpin>(call: F) -> F::Output {
    // a task's budget must not make this spin for ever
    let mut call = tokio::task::unconstrained(call);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match Pin::new(&mut call).poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
