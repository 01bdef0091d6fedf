//! What becomes of notices whose subscription is over: they are not sent any more, and end in the lane by an act of the gateway.
//!
//! The courier asks just before it signs; what it does not sign it names here. A parcel that is named twice, by several
//! replicas or after a restart, is ended once.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use gateway_core::ports::{Act, Acted, Deed, Office};
use insurance::Insurance;
use schemas::{
    fault::Fault,
    id::PartnerId,
    proto::insurance::{Context, GetVitalSubscriptionRequest},
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};

/// The subscriptions of one partner, as its courier sees them.
pub(crate) struct Subscriptions {
    insurance: Insurance,
    partner: PartnerId,
    over: mpsc::Sender<String>,
}

/// Ends what was named.
pub(crate) struct Sweep {
    office: Arc<dyn Office>,
    named: mpsc::Receiver<String>,
}

impl Subscriptions {
    pub(crate) fn new(
        insurance: Insurance,
        partner: PartnerId,
        office: Arc<dyn Office>,
    ) -> (Arc<Self>, Sweep) {
        let (over, named) = mpsc::channel(NAMED_MAX);
        let subscriptions = Self {
            insurance,
            partner,
            over,
        };
        (Arc::new(subscriptions), Sweep { office, named })
    }
}

impl dci::outbound::Subscriptions for Subscriptions {
    fn stands(&self, code: String) -> BoxFuture<'_, Result<bool, Fault>> {
        let request = GetVitalSubscriptionRequest {
            context: Some(Context {
                sender: self.partner.as_str().to_owned(),
                ..Context::default()
            }),
            code,
        };
        let call = self
            .insurance
            .vital_subscription(Instant::now() + CALL, request);
        Box::pin(async move {
            let found = call.await?.subscription;
            Ok(found.is_some_and(|found| found.stands))
        })
    }

    /// One too many is named again when it is tried again.
    fn over(&self, parcel: &str) {
        let _ = self.over.try_send(parcel.to_owned());
    }
}

impl Sweep {
    /// Works until `stop` turns true.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        tokio::pin!(stopped);
        loop {
            let named = tokio::select! {
                () = &mut stopped => return,
                named = self.named.recv() => named,
            };
            let Some(parcel) = named else {
                // nobody names any more
                return;
            };
            tokio::select! {
                () = &mut stopped => return,
                () = end(self.office.as_ref(), &parcel) => {}
            }
        }
    }
}

/// It is still held by whoever named it, for a moment.
async fn end(office: &dyn Office, parcel: &str) {
    for _ in 0..TRIES {
        let act = Act {
            who: WHO.to_owned(),
            why: "the subscription is over".to_owned(),
            deed: Deed::Cancel(parcel.to_owned()),
        };
        match office.act(act).await {
            Ok(Acted::NotNow("being-sent")) => tokio::time::sleep(AGAIN).await,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, parcel, "a notice that nobody wants any more could not be ended");
                return;
            }
        }
    }
}

const WHO: &str = "lienthong";
const NAMED_MAX: usize = 1_000;
const CALL: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(100);
const TRIES: u32 = 50;
