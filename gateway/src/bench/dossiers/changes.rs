//! Status changes on their way into the outbox: the registry's steps, the gateway's own feed, and the outbox alone.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use gateway_core::ports::{
    Access, Class, Clock, Delivery, Hold, Leased, Outbox, Parcel, StoreError, SystemClock,
};
use insurance::Insurance;
use schemas::{
    fault::Fault,
    id::PartnerId,
    proto::insurance::{AckRequest, LeaseRequest, LeaseResponse},
};
use tokio::sync::watch;

use super::super::scene::Scene;
use crate::{
    feed::{self, Feed},
    gateway,
    metrics::Metrics,
    wiring,
};

type Trouble = Box<dyn Error + Send + Sync>;

/// What was found.
pub(super) struct Changes {
    pub(super) changes: usize,
    /// Calls of the portal that the changes make.
    pub(super) parcels: usize,
    /// Steps that the registry took by itself.
    pub(super) steps_per_s: f64,
    /// Changes that were in the outbox and acknowledged.
    pub(super) per_s: f64,
    pub(super) parcels_per_s: f64,
    /// Parcels that go into the same outbox in as large batches, from nowhere.
    pub(super) alone_per_s: f64,
}

/// Moves dossiers of the stopped gateway on until there are so many changes, and feeds them.
pub(super) async fn measure(scene: &Scene, wanted: usize) -> Result<Changes, Trouble> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let registry = wiring::open_registry(&scene.config, &clock)?;
    let store: Arc<dyn Outbox> = gateway::open_store(&scene.config, &clock)?;
    // what the intake told and the gateway had not taken when it was stopped
    let before = fed(Insurance::embedded(registry.clone()), Arc::clone(&store)).await?;
    tracing::debug!(before = before.changes, "what was left over");
    let started = Instant::now();
    let (mut moved, mut still) = (0, 0);
    // where nothing moves, dossiers have come to where a person decides; there may be others behind them
    while moved < wanted && still < STILL_MAX {
        let steps = registry.advance().await?;
        moved += steps;
        still = if steps == 0 { still + 1 } else { 0 };
    }
    let steps_per_s = moved as f64 / started.elapsed().as_secs_f64();
    let fed = fed(Insurance::embedded(registry), Arc::clone(&store)).await?;
    if fed.changes != moved {
        return Err(format!("{moved} steps and {} changes", fed.changes).into());
    }
    let seconds = fed.wall.as_secs_f64();
    Ok(Changes {
        changes: fed.changes,
        parcels: fed.parcels,
        steps_per_s,
        per_s: fed.changes as f64 / seconds,
        parcels_per_s: fed.parcels as f64 / seconds,
        alone_per_s: alone(&*store, fed.parcels).await?,
    })
}

/// What one feed took until nothing was left.
struct Fed {
    changes: usize,
    parcels: usize,
    wall: Duration,
}

/// The feed as the gateway runs it, until the registry has no change that is not acknowledged.
async fn fed(insurance: Insurance, store: Arc<dyn Outbox>) -> Result<Fed, Trouble> {
    let (stop, stopped) = watch::channel(false);
    let source = Arc::new(Source {
        insurance,
        acknowledged: AtomicUsize::new(0),
        stop,
    });
    let sink = Arc::new(Sink {
        store,
        parcels: AtomicUsize::new(0),
    });
    let feed = Feed {
        changes: Arc::<Source>::clone(&source),
        outbox: Arc::<Sink>::clone(&sink),
        owner: "bench".to_owned(),
        metrics: Arc::new(Metrics::new()),
        idle: Duration::ZERO,
        words: vec![Box::new(wiring::dossier_words)],
    };
    let started = Instant::now();
    tokio::time::timeout(FED_MAX, feed.run(stopped)).await?;
    Ok(Fed {
        changes: source.acknowledged.load(Ordering::Relaxed),
        parcels: sink.parcels.load(Ordering::Relaxed),
        wall: started.elapsed(),
    })
}

/// The contract's feed, which ends it when it is empty.
struct Source {
    insurance: Insurance,
    acknowledged: AtomicUsize,
    stop: watch::Sender<bool>,
}

impl feed::Changes for Source {
    fn lease(
        &self,
        by: tokio::time::Instant,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<LeaseResponse, Fault>> {
        Box::pin(async move {
            let leased = self.insurance.lease(by, request).await?;
            if leased.changes.is_empty() {
                self.stop.send_replace(true);
            }
            Ok(leased)
        })
    }

    fn ack(
        &self,
        by: tokio::time::Instant,
        request: AckRequest,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let done = self.insurance.ack(by, request).await?;
            let count = usize::try_from(done.acknowledged).unwrap_or_default();
            self.acknowledged.fetch_add(count, Ordering::Relaxed);
            Ok(())
        })
    }
}

/// The store's outbox; what is durable in it is counted.
struct Sink {
    store: Arc<dyn Outbox>,
    parcels: AtomicUsize,
}

impl Outbox for Sink {
    fn put(&self, parcels: Vec<Parcel>) -> BoxFuture<'_, Result<Vec<String>, StoreError>> {
        Box::pin(async move {
            let count = parcels.len();
            let aside = self.store.put(parcels).await?;
            self.parcels
                .fetch_add(count - aside.len(), Ordering::Relaxed);
            Ok(aside)
        })
    }

    fn lease(
        &self,
        partner: &PartnerId,
        max: usize,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Leased>, StoreError>> {
        self.store.lease(partner, max, lease)
    }

    fn sending(
        &self,
        partner: &PartnerId,
        holds: Vec<Hold>,
        bytes: Bytes,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        self.store.sending(partner, holds, bytes, accesses)
    }

    fn settle(&self, results: Vec<(Hold, Delivery)>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.store.settle(results)
    }
}

/// As many parcels, in batches as large as the feed's, each of a subject of its own.
async fn alone(store: &dyn Outbox, count: usize) -> Result<f64, Trouble> {
    let partner = PartnerId::parse("portal")?;
    let parcel = |nth: usize| Parcel {
        id: format!("bench-{nth:08}"),
        partner: partner.clone(),
        subject: format!("bench-{nth:08}"),
        sequence: 1,
        kind: "portal.progress",
        content: Bytes::from_static(&[b'x'; 512]),
        class: Class::Normal,
        due: None,
    };
    let started = Instant::now();
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(BATCH) {
        store
            .put(some.iter().map(|nth| parcel(*nth)).collect())
            .await?;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}

/// Calls in a row after which nothing moves any more.
const STILL_MAX: u32 = 200;
/// Parcels in one batch.
const BATCH: usize = 200;
const FED_MAX: Duration = Duration::from_secs(600);
