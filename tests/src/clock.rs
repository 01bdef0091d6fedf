//! Time that a test can turn; it runs with the machine's until it is told otherwise.

use std::sync::{Arc, Mutex, PoisonError};

use gateway_core::ports::Clock;
use jiff::{SignedDuration, Timestamp};

/// A clock that runs, ahead or behind, or stands still.
#[derive(Debug)]
pub struct TestClock(Mutex<Mode>);

#[derive(Debug, Clone, Copy)]
enum Mode {
    Running(SignedDuration),
    Standing(Timestamp),
}

impl TestClock {
    /// The machine's time.
    #[must_use]
    pub fn running() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Mode::Running(SignedDuration::ZERO))))
    }

    /// Jumps forward (or back) and goes on from there as before.
    pub fn advance(&self, by: SignedDuration) {
        let mut mode = self.mode();
        *mode = match *mode {
            Mode::Running(offset) => Mode::Running(offset + by),
            Mode::Standing(at) => Mode::Standing(at + by),
        };
    }

    /// Stands still at the beginning of this second, and says which it is.
    pub fn stop(&self) -> Timestamp {
        let at = Timestamp::from_second(self.now().as_second()).unwrap();
        *self.mode() = Mode::Standing(at);
        at
    }

    fn mode(&self) -> std::sync::MutexGuard<'_, Mode> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        match *self.mode() {
            Mode::Running(offset) => Timestamp::now() + offset,
            Mode::Standing(at) => at,
        }
    }
}
