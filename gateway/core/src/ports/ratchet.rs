//! The latest time that was ever seen: what was too old once stays too old, though the clock goes back.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::{Clock, StoreError};

/// A clock that remembers how far it once was. What it tells as now is the clock below it: leases and
/// retries go on by that. Only freshness is judged by [`Clock::reached`].
pub struct Ratchet {
    clock: Arc<dyn Clock>,
    /// Microseconds since 1970.
    highest: AtomicI64,
}

impl Ratchet {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn over(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            highest: AtomicI64::new(i64::MIN),
        }
    }

    /// Another, or an earlier life of this one, was as far as that.
    pub fn raise(&self, at: Timestamp) {
        self.highest
            .fetch_max(at.as_microsecond(), Ordering::SeqCst);
    }

    /// A person has said that the clock is right and that it was ahead before.
    pub fn accept(&self, at: Timestamp) {
        let now = self.clock.now().max(at);
        self.highest.store(now.as_microsecond(), Ordering::SeqCst);
    }

    /// How far the clock is behind what it was.
    #[must_use]
    pub fn behind(&self) -> SignedDuration {
        self.reached().duration_since(self.clock.now())
    }
}

impl std::fmt::Debug for Ratchet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ratchet").finish_non_exhaustive()
    }
}

impl Clock for Ratchet {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        self.raise(now);
        now
    }

    fn reached(&self) -> Timestamp {
        let now = self.now();
        let highest = Timestamp::from_microsecond(self.highest.load(Ordering::SeqCst));
        match highest {
            Ok(highest) if highest.duration_since(now) > A_STEP => highest,
            _ => now,
        }
    }
}

/// The latest time, as the store keeps it for all replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeMark {
    /// The latest time that any of them has written down.
    pub at: Timestamp,
    /// The journal record of the act by which a person last accepted an earlier one; 0: nobody did.
    pub act: u64,
}

/// The store's part of it.
pub trait TimeBook: Send + Sync + 'static {
    /// What is written down.
    fn mark(&self) -> BoxFuture<'_, Result<TimeMark, StoreError>>;

    /// Writes a later time down, unless an act came meanwhile that `mark` does not know. Durable when
    /// it resolves.
    fn reach(&self, mark: TimeMark) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Clocks are kept by such steps; a step back of that length is no jump.
const A_STEP: SignedDuration = SignedDuration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    struct Dial(AtomicI64);

    impl Clock for Dial {
        fn now(&self) -> Timestamp {
            Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ratchet() -> (Arc<Dial>, Ratchet) {
        let dial = Arc::new(Dial(AtomicI64::new(10_000_000)));
        (Arc::clone(&dial), Ratchet::over(dial))
    }

    #[test]
    fn now_follows_the_clock_and_what_was_reached_does_not_go_back() {
        let (dial, ratchet) = ratchet();
        assert_eq!((ratchet.now(), ratchet.reached()), (at(10_000), at(10_000)));
        dial.0.store(6_400_000, Ordering::SeqCst);
        assert_eq!((ratchet.now(), ratchet.reached()), (at(6_400), at(10_000)));
        assert_eq!(ratchet.behind(), SignedDuration::from_secs(3_600));
        dial.0.store(10_000_001, Ordering::SeqCst);
        assert_eq!(ratchet.behind(), SignedDuration::ZERO);
    }

    #[test]
    fn a_step_of_a_second_is_no_jump_and_a_longer_one_is() {
        let (dial, ratchet) = ratchet();
        let _ = ratchet.now();
        dial.0.store(9_999_000, Ordering::SeqCst);
        assert_eq!(ratchet.reached(), at(9_999));
        dial.0.store(9_998_999, Ordering::SeqCst);
        assert_eq!(ratchet.reached(), at(10_000));
    }

    #[test]
    fn what_others_have_reached_counts_until_a_person_accepts_the_clock() {
        let (_, ratchet) = ratchet();
        ratchet.raise(at(13_600));
        assert_eq!(ratchet.reached(), at(13_600));
        ratchet.accept(at(9_000));
        assert_eq!(ratchet.reached(), at(10_000));
    }
}
