//! Which departments are told of what is recorded of employers and corrected of persons, and which portals of the citizens whom
//! their dossiers are about: said to the registry when the gateway starts.

use std::time::Duration;

use insurance::Insurance;
use schemas::{
    fault::Fault,
    id::PartnerId,
    proto::insurance::{Context, HeadcountStep, WatchEmployersRequest, WatchPersonsRequest},
};
use tokio::{sync::watch, time::Instant};

use crate::config::Notices;

/// One partner's word.
pub(super) struct Watch {
    pub(super) insurance: Insurance,
    pub(super) partner: PartnerId,
    pub(super) watched: Watched,
}

/// What it is told of.
pub(super) enum Watched {
    /// A department: of employers from a step of participants on, and of these fields of corrected persons; of nothing
    /// without a step.
    Employers {
        step: Option<Notices>,
        person_fields: Vec<String>,
    },
    /// A portal: of these fields of persons whom its dossiers are about; of nobody where there are none.
    Persons(Vec<String>),
}

impl Watch {
    /// Says it until the registry has heard it; the same again changes nothing.
    pub(super) async fn run(self, mut stop: watch::Receiver<bool>) {
        let partner = self.partner.as_str();
        while let Err(fault) = self.said().await {
            tracing::warn!(partner, %fault, note = fault.note(), "the registry has not heard who watches");
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(AFTER_ERROR) => {}
            }
        }
        let _ = stop.wait_for(|stop| *stop).await;
    }

    async fn said(&self) -> Result<(), Fault> {
        let context = Some(Context {
            sender: self.partner.as_str().to_owned(),
            ..Context::default()
        });
        let by = Instant::now() + CALL;
        match &self.watched {
            Watched::Employers {
                step,
                person_fields,
            } => {
                let request = WatchEmployersRequest {
                    context,
                    step: step.as_ref().map(|notices| HeadcountStep {
                        people: notices.step_people,
                        percent: notices.step_percent,
                    }),
                    person_fields: person_fields.clone(),
                };
                self.insurance.watch_employers(by, request).await.map(drop)
            }
            Watched::Persons(fields) => {
                let request = WatchPersonsRequest {
                    context,
                    fields: fields.clone(),
                };
                self.insurance.watch_persons(by, request).await.map(drop)
            }
        }
    }
}

const CALL: Duration = Duration::from_secs(5);
const AFTER_ERROR: Duration = Duration::from_secs(1);
