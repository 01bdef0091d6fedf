//! Messages whose holder died after T1: taken up again from their recorded bytes, under the same
//! evidence and the same effect key, so that what was acknowledged is also done, and done once.

use std::{future::ready, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use gateway_core::ports::{MessageLog, Unfinished};
use tokio::sync::watch;

use crate::stack::House;

/// How many are taken up in one round.
const BATCH: usize = 256;
/// How many at once: what comes in meanwhile goes first.
const AT_ONCE: usize = 16;
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
            let wait = self.round().await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One round; says how long to wait before the next: not at all where there are more, unless
    /// nothing succeeds at present.
    async fn round(&self) -> Duration {
        let unfinished = match self.log.unfinished(BATCH).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::warn!(%error, "unfinished messages not read");
                return EVERY;
            }
        };
        let more = unfinished.len() == BATCH;
        let resumed = stream::iter(unfinished)
            .map(|message| self.resume(message))
            .buffer_unordered(AT_ONCE)
            .filter(|resumed| ready(*resumed));
        match more && resumed.count().await > 0 {
            true => Duration::ZERO,
            false => EVERY,
        }
    }

    /// One message; true where it has come to its end.
    async fn resume(&self, message: Unfinished) -> bool {
        let evidence = message.evidence;
        // in a task of its own: a message that panics must not end recovery
        let house = self.house.clone();
        gateway_core::faultpoint!("resume-before");
        let resumed = tokio::spawn(async move { house.resume(message).await }).await;
        gateway_core::faultpoint!("resume-after");
        match resumed {
            Ok(Some(Ok(_))) => {
                tracing::info!(%evidence, "recovered");
                return true;
            }
            Ok(Some(Err(refusal))) => {
                tracing::warn!(%evidence, fault = %refusal.fault, "not recovered yet");
            }
            Ok(None) => tracing::error!(%evidence, "its route is gone; a person has to decide"),
            Err(_) => tracing::error!(%evidence, "recovery of this message panicked"),
        }
        false
    }
}
