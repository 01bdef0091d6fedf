//! Messages whose holder died after T1: taken up again from their recorded bytes, under the same
//! evidence and the same effect key, so that what was acknowledged is also done, and done once.

use std::{sync::Arc, time::Duration};

use gateway_core::ports::MessageLog;
use tokio::sync::watch;

use crate::stack::House;

/// How many are taken up in one round.
const BATCH: usize = 64;
/// How often the log is looked at.
const EVERY: Duration = Duration::from_secs(2);

/// The recovery worker.
pub struct Recovery {
    /// Where unfinished messages are.
    pub log: Arc<dyn MessageLog>,
    /// The rooms.
    pub house: House,
}

impl Recovery {
    /// Recovers until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            self.round().await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn round(&self) {
        let unfinished = match self.log.unfinished(BATCH).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::warn!(%error, "unfinished messages not read");
                return;
            }
        };
        for message in unfinished {
            let evidence = message.evidence;
            // in a task of its own: a message that panics must not end recovery
            let house = self.house.clone();
            gateway_core::faultpoint!("resume-before");
            let resumed = tokio::spawn(async move { house.resume(message).await }).await;
            gateway_core::faultpoint!("resume-after");
            let Ok(resumed) = resumed else {
                tracing::error!(%evidence, "recovery of this message panicked");
                continue;
            };
            match resumed {
                Some(Ok(_)) => tracing::info!(%evidence, "recovered"),
                Some(Err(refusal)) => {
                    tracing::warn!(%evidence, fault = %refusal.fault, "not recovered yet");
                }
                None => tracing::error!(%evidence, "its route is gone; a person has to decide"),
            }
        }
    }
}
