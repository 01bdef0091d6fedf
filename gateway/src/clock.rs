//! The latest time ever seen, kept over restarts and shared by replicas: a clock that jumps back does not
//! make old messages young again.

use std::{sync::Arc, time::Duration};

use gateway_core::ports::{Clock as _, Ratchet, StoreError, TimeBook, TimeMark};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::metrics::Metrics;

/// Keeps the clock's mark in the store, and the store's in the clock.
pub struct TimeKeeper {
    clock: Arc<Ratchet>,
    book: Arc<dyn TimeBook>,
    metrics: Arc<Metrics>,
    act: u64,
    told: bool,
}

impl TimeKeeper {
    /// Raises the clock to what is written down, before anybody is let in.
    ///
    /// # Errors
    /// Where it cannot be read: a gateway that does not know how late it was trusts no clock.
    pub async fn begin(
        clock: Arc<Ratchet>,
        book: Arc<dyn TimeBook>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let mark = book.mark().await?;
        clock.raise(mark.at);
        Ok(Self {
            clock,
            book,
            metrics,
            act: mark.act,
            told: false,
        })
    }

    /// Keeps both together until `stop` turns true, and once more then.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            self.look(WRITE_EVERY).await;
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
        self.look(SignedDuration::ZERO).await;
    }

    async fn look(&mut self, most: SignedDuration) {
        if let Err(error) = self.meet(most).await {
            tracing::debug!(%error, "the time mark waits for the store");
        }
        let behind = self.clock.behind();
        self.metrics.clock_behind(behind.as_secs());
        let is_behind = behind > SignedDuration::ZERO;
        if is_behind && !self.told {
            tracing::error!(
                seconds = behind.as_secs(),
                "the clock is behind what it was: messages are judged by the later time"
            );
        }
        self.told = is_behind;
    }

    /// What is written down may be another replica's, or a person's word.
    async fn meet(&mut self, most: SignedDuration) -> Result<(), StoreError> {
        let mark = self.book.mark().await?;
        if mark.act != self.act {
            self.act = mark.act;
            self.clock.accept(mark.at);
            tracing::warn!(act = mark.act, "a person has accepted the clock");
        }
        self.clock.raise(mark.at);
        let at = self.clock.reached();
        if at.duration_since(mark.at) > most {
            self.book.reach(TimeMark { at, act: self.act }).await?;
        }
        Ok(())
    }
}

/// How often it is looked at: an act holds everywhere within this and the time of a look-up.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How much of the window may open again after a kill.
const WRITE_EVERY: SignedDuration = SignedDuration::from_secs(5);

/// How far the clock is behind what it was, for the status page; none where it is not.
#[must_use]
pub fn behind(clock: &dyn gateway_core::ports::Clock) -> Option<(SignedDuration, Timestamp)> {
    let reached = clock.reached();
    let behind = reached.duration_since(clock.now());
    (behind > SignedDuration::ZERO).then_some((behind, reached))
}
