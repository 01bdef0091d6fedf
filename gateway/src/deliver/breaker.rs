//! When a partner fails too often it is left alone for a while; then exactly one call asks whether it
//! is back. All hands of a lane share one.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Closed, open or half-open.
#[derive(Debug)]
pub(super) struct Breaker {
    standing: Mutex<Standing>,
    max: u32,
    rest: Duration,
}

#[derive(Debug)]
struct Standing {
    phase: Phase,
    /// Grows with every change of phase, so that a call that began before says nothing any more.
    since: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// So many failures in a row.
    Closed { failures: u32 },
    /// Nobody may call until then.
    Open { until: Instant },
    /// One call is out.
    Probing,
}

/// What one call, or the lack of one, says about the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It answered.
    Up,
    /// It did not, or it could not take calls.
    Down,
    /// It was not called.
    None,
}

/// How a lane may go on.
#[derive(Debug)]
pub(super) enum Turn<'b> {
    /// As ever.
    Go(Pass<'b>),
    /// With one parcel: the only call until it has ended.
    Probe(Pass<'b>),
    /// Not now; look again after this long.
    Rest(Duration),
}

/// The right to call, given back by telling how it went; a probe that says nothing lets another ask.
#[derive(Debug)]
pub(super) struct Pass<'b> {
    breaker: &'b Breaker,
    since: u64,
}

impl Breaker {
    pub(super) fn new((max, rest): (u32, Duration)) -> Self {
        Self {
            standing: Mutex::new(Standing {
                phase: Phase::Closed { failures: 0 },
                since: 0,
            }),
            max: max.max(1),
            rest,
        }
    }

    /// Asks whether to call. `look` is how soon to look again while a probe is out.
    pub(super) fn turn(&self, look: Duration) -> Turn<'_> {
        let mut standing = self.lock();
        match standing.phase {
            Phase::Closed { .. } => Turn::Go(self.pass(&standing)),
            Phase::Probing => Turn::Rest(look),
            Phase::Open { until } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Turn::Rest(left);
                }
                standing.enter(Phase::Probing);
                Turn::Probe(self.pass(&standing))
            }
        }
    }

    /// 0 closed, 1 half-open, 2 open.
    pub(super) fn level(&self) -> i64 {
        match self.lock().phase {
            Phase::Closed { .. } => 0,
            Phase::Probing => 1,
            Phase::Open { .. } => 2,
        }
    }

    fn pass(&self, standing: &Standing) -> Pass<'_> {
        Pass {
            breaker: self,
            since: standing.since,
        }
    }

    fn note(&self, since: u64, news: News) {
        let mut standing = self.lock();
        if standing.since != since {
            return;
        }
        let rested = || Phase::Open {
            until: Instant::now() + self.rest,
        };
        match (standing.phase, news) {
            (Phase::Closed { .. }, News::Up) => standing.phase = Phase::Closed { failures: 0 },
            (Phase::Closed { failures }, News::Down) if failures + 1 < self.max => {
                standing.phase = Phase::Closed {
                    failures: failures + 1,
                };
            }
            (Phase::Closed { .. } | Phase::Probing, News::Down) => standing.enter(rested()),
            (Phase::Probing, News::Up) => standing.enter(Phase::Closed { failures: 0 }),
            (Phase::Closed { .. } | Phase::Probing | Phase::Open { .. }, _) => {}
        }
    }

    /// A probe that was never made: the next to ask may make it.
    fn gave_up(&self, since: u64) {
        let mut standing = self.lock();
        if standing.since == since && standing.phase == Phase::Probing {
            standing.enter(Phase::Open {
                until: Instant::now(),
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since += 1;
    }
}

impl Pass<'_> {
    /// How one call ended; what never reached the partner is no news about it.
    pub(super) fn note(&self, news: News) {
        self.breaker.note(self.since, news);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.breaker.gave_up(self.since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_secs(10);
    const LOOK: Duration = Duration::from_millis(200);

    fn call(breaker: &Breaker, news: News) {
        match breaker.turn(LOOK) {
            Turn::Go(pass) | Turn::Probe(pass) => pass.note(news),
            Turn::Rest(left) => panic!("rests for {left:?}"),
        }
    }

    fn rests(breaker: &Breaker) -> Option<Duration> {
        match breaker.turn(LOOK) {
            Turn::Rest(left) => Some(left),
            Turn::Go(_) | Turn::Probe(_) => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_at_the_kth_failure_in_a_row_and_not_before() {
        for max in [1, 2, 3, 10] {
            let breaker = Breaker::new((max, REST));
            for _ in 1..max {
                call(&breaker, News::Down);
            }
            call(&breaker, News::None);
            assert_eq!(breaker.level(), 0, "after {} of {max}", max - 1);
            call(&breaker, News::Up);
            for _ in 1..max {
                call(&breaker, News::Down);
            }
            assert_eq!(breaker.level(), 0, "an answer starts the row anew");
            call(&breaker, News::Down);
            assert_eq!((breaker.level(), rests(&breaker)), (2, Some(REST)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_open_lets_exactly_one_probe_through_until_it_has_ended() {
        let breaker = Breaker::new((1, REST));
        call(&breaker, News::Down);
        tokio::time::advance(REST).await;
        let Turn::Probe(probe) = breaker.turn(LOOK) else {
            panic!("no probe")
        };
        for _ in 0..5 {
            assert_eq!(rests(&breaker), Some(LOOK), "a second probe");
            tokio::time::advance(REST).await;
        }
        probe.note(News::Up);
        assert_eq!((breaker.level(), rests(&breaker)), (0, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_probe_opens_it_for_a_whole_period_and_one_never_made_for_none() {
        let breaker = Breaker::new((3, REST));
        (0..3).for_each(|_| call(&breaker, News::Down));
        tokio::time::advance(REST).await;
        drop(breaker.turn(LOOK));
        call(&breaker, News::Down);
        assert_eq!(rests(&breaker), Some(REST), "one failure, not three");
    }

    #[tokio::test(start_paused = true)]
    async fn what_began_before_it_opened_neither_closes_it_nor_keeps_it_open() {
        let breaker = Breaker::new((1, REST));
        let (Turn::Go(slow), Turn::Go(slower)) = (breaker.turn(LOOK), breaker.turn(LOOK)) else {
            panic!("closed at the start")
        };
        call(&breaker, News::Down);
        tokio::time::advance(REST / 2).await;
        slow.note(News::Up);
        assert_eq!(rests(&breaker), Some(REST / 2));
        slower.note(News::Down);
        assert_eq!(rests(&breaker), Some(REST / 2));
    }

    /// Whatever the partner does, and however many ask, it never opens twice within one period.
    #[tokio::test(start_paused = true)]
    async fn it_never_flaps_faster_than_its_period() {
        let breaker = Breaker::new((2, REST));
        let (mut level, mut opened) = (0, Vec::new());
        let start = Instant::now();
        for step in 0_u32..4_000 {
            let news = match step.wrapping_mul(2_654_435_761) >> 30 {
                0 => News::Up,
                3 => News::None,
                _ => News::Down,
            };
            if let Turn::Go(pass) | Turn::Probe(pass) = breaker.turn(LOOK) {
                pass.note(news);
            }
            if breaker.level() == 2 && level != 2 {
                opened.push(start.elapsed());
            }
            level = breaker.level();
            tokio::time::advance(Duration::from_millis(37)).await;
        }
        assert!(opened.len() > 5, "{opened:?}");
        assert!(
            opened.windows(2).all(|pair| pair[1] - pair[0] >= REST),
            "{opened:?}"
        );
    }
}
