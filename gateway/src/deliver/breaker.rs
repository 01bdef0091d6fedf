//! When a partner fails too often it is left alone for a while; then one parcel asks whether it is back.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row; open for a while after too many, then one probe.
pub(super) struct Breaker {
    failures: u32,
    max: u32,
    rest: Duration,
    open_until: Option<Instant>,
}

impl Breaker {
    pub(super) fn new((max, rest): (u32, Duration)) -> Self {
        Self {
            failures: 0,
            max,
            rest,
            open_until: None,
        }
    }

    /// How long to leave the partner alone.
    pub(super) fn wait(&self) -> Option<Duration> {
        let left = self.open_until?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Half open: the next batch is one parcel.
    pub(super) fn probing(&self) -> bool {
        self.open_until.is_some()
    }

    /// How one call of the partner ended. What never reached it is no news about it.
    pub(super) fn note(&mut self, succeeded: bool) {
        if succeeded {
            self.failures = 0;
            self.open_until = None;
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= self.max {
            self.open_until = Some(Instant::now() + self.rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_breaker_opens_after_so_many_failures_and_lets_one_probe_through() {
        let mut breaker = Breaker::new((3, Duration::from_secs(10)));
        for _ in 0..2 {
            breaker.note(false);
            assert_eq!(breaker.wait(), None);
        }
        breaker.note(false);
        assert_eq!(breaker.wait(), Some(Duration::from_secs(10)));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(breaker.wait(), None);
        assert!(breaker.probing());
        breaker.note(false);
        assert!(
            breaker.wait().is_some(),
            "a failed probe opens it again at once"
        );
        tokio::time::advance(Duration::from_secs(10)).await;
        breaker.note(true);
        assert!(!breaker.probing());
    }
}
