//! Changes of the insurance database on their way to the outbox: leased, committed as parcels that
//! are unique on the change id, and only then acknowledged. Never a cursor on ids.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use gateway_core::ports::{Outbox, Parcel};
use insurance::Insurance;
use schemas::{
    fault::Fault,
    proto::insurance::{AckRequest, Change, LeaseRequest, LeaseResponse},
};
use tokio::{sync::watch, time::Instant};

use crate::metrics::Metrics;

/// How many changes are taken at once.
const BATCH: u32 = 200;
/// How long a lease on a change lasts.
const LEASE_SECONDS: u32 = 30;
/// How long one call of the contract may take.
const CALL: Duration = Duration::from_secs(5);
/// How long to wait after an error.
const AFTER_ERROR: Duration = Duration::from_secs(1);

/// Turns a change into parcels in the words of the partner that it is for: none where these are not the words for it,
/// no parcels where nobody is to be told.
pub type ToParcels = Box<dyn Fn(&Change) -> Option<Vec<Parcel>> + Send + Sync>;

/// The part of the insurance contract that the feed needs.
pub trait Changes: Send + Sync + 'static {
    /// Leases changes that nobody holds; the answer must be there by then.
    fn lease(
        &self,
        by: Instant,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<LeaseResponse, Fault>>;

    /// Acknowledges changes that were leased.
    fn ack(&self, by: Instant, request: AckRequest) -> BoxFuture<'_, Result<(), Fault>>;
}

impl Changes for Insurance {
    fn lease(
        &self,
        by: Instant,
        request: LeaseRequest,
    ) -> BoxFuture<'_, Result<LeaseResponse, Fault>> {
        Box::pin(Insurance::lease(self, by, request))
    }

    fn ack(&self, by: Instant, request: AckRequest) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { Insurance::ack(self, by, request).await.map(drop) })
    }
}

/// The change feed's worker.
pub struct Feed {
    /// The contract.
    pub changes: Arc<dyn Changes>,
    /// Where parcels go.
    pub outbox: Arc<dyn Outbox>,
    /// This replica's name.
    pub owner: String,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// How long to wait when there was nothing.
    pub idle: Duration,
    /// The systems' words for changes, asked in order.
    pub words: Vec<ToParcels>,
}

impl Feed {
    /// Feeds until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let wait = match self.round().await {
                Ok(0) => self.idle,
                Ok(_) => Duration::ZERO,
                Err(fault) => {
                    tracing::warn!(%fault, note = fault.note(), "change feed failed");
                    AFTER_ERROR
                }
            };
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    async fn round(&self) -> Result<usize, Fault> {
        let request = LeaseRequest {
            owner: self.owner.clone(),
            max: BATCH,
            lease_seconds: LEASE_SECONDS,
        };
        gateway_core::faultpoint!("feed-lease-before");
        let leased = self.changes.lease(Instant::now() + CALL, request).await?;
        if leased.changes.is_empty() {
            return Ok(0);
        }
        gateway_core::faultpoint!("feed-lease-after");
        let parcels = leased
            .changes
            .iter()
            .flat_map(|change| self.parcels(change));
        gateway_core::faultpoint!("feed-put-before");
        let put = self.outbox.put(parcels.collect()).await;
        gateway_core::faultpoint!("feed-put-after");
        match put {
            Ok(aside) => aside.iter().for_each(|parcel| self.tell_set_aside(parcel)),
            Err(error) => {
                tracing::warn!(%error, "changes not taken; their lease will end");
                return Ok(0);
            }
        }
        let ids: Vec<_> = leased.changes.into_iter().map(|change| change.id).collect();
        let taken = ids.len();
        let request = AckRequest {
            owner: self.owner.clone(),
            ids,
        };
        gateway_core::faultpoint!("feed-ack-before");
        self.changes.ack(Instant::now() + CALL, request).await?;
        gateway_core::faultpoint!("feed-ack-after");
        Ok(taken)
    }

    /// One that is not the parcel known under its id waits in quarantine for a person; the rest goes on.
    fn tell_set_aside(&self, parcel: &str) {
        self.metrics.set_aside();
        tracing::error!(parcel, "another parcel is known under this id; set aside");
    }

    /// A change that nobody has words for is acknowledged and told, not kept for ever.
    fn parcels(&self, change: &Change) -> Vec<Parcel> {
        let parcels = self.words.iter().find_map(|say| say(change));
        if parcels.is_none() {
            tracing::warn!(
                change = change.id,
                partner = change.partner,
                "no words for a change"
            );
        }
        parcels.unwrap_or_default()
    }
}
