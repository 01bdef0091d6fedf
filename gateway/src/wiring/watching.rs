//! Which departments are told of what is recorded of employers and corrected of persons: said to the registry when the gateway starts.

use std::time::Duration;

use insurance::Insurance;
use schemas::{
    id::PartnerId,
    proto::insurance::{Context, HeadcountStep, WatchEmployersRequest},
};
use tokio::{sync::watch, time::Instant};

use crate::config::Notices;

/// One department's word.
pub(super) struct Watch {
    pub(super) insurance: Insurance,
    pub(super) partner: PartnerId,
    /// From which step of participants on; nothing is told where absent.
    pub(super) step: Option<Notices>,
    /// Which fields of corrected persons it is told of.
    pub(super) person_fields: Vec<String>,
}

impl Watch {
    /// Says it until the registry has heard it; the same again changes nothing.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let partner = self.partner.as_str();
        while let Err(fault) = self.said().await {
            tracing::warn!(partner, %fault, note = fault.note(), "the registry has not heard who watches employers");
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(AFTER_ERROR) => {}
            }
        }
        let _ = stop.wait_for(|stop| *stop).await;
    }

    async fn said(&self) -> Result<(), schemas::fault::Fault> {
        let request = WatchEmployersRequest {
            context: Some(Context {
                sender: self.partner.as_str().to_owned(),
                ..Context::default()
            }),
            step: self.step.as_ref().map(|notices| HeadcountStep {
                people: notices.step_people,
                percent: notices.step_percent,
            }),
            person_fields: self.person_fields.clone(),
        };
        let by = Instant::now() + CALL;
        self.insurance.watch_employers(by, request).await.map(drop)
    }
}

const CALL: Duration = Duration::from_secs(5);
const AFTER_ERROR: Duration = Duration::from_secs(1);
