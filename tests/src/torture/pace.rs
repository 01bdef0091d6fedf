//! Messages at a fixed pace, whatever becomes of them: each has a moment at which it is due, and its time
//! counts from there, so that a gateway that stands still cannot hide it by slowing the senders.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::line::{Broken, Caller, Line};
use crate::message::Message;

/// How one message ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Answered, and no fault.
    Done,
    /// Answered by this fault code and status, with this `Retry-After`, seconds.
    Refused(String, u16, Option<u64>),
    /// No answer.
    Broken(&'static str),
    /// Every line was taken: it was never sent.
    Unsent,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Shot {
    /// When it should have been sent.
    pub due: Instant,
    /// From then until its answer was whole.
    pub took: Duration,
    /// How it ended.
    pub end: End,
}

/// The lines of one partner, opened as they are needed.
#[derive(Debug, Clone)]
pub struct Lines {
    caller: Caller,
    free: Arc<Mutex<(Vec<Line>, usize)>>,
}

impl Lines {
    /// At most so many lines.
    #[must_use]
    pub fn new(caller: Caller, most: usize) -> Self {
        Self {
            caller,
            free: Arc::new(Mutex::new((Vec::new(), most))),
        }
    }

    fn take(&self) -> Option<Line> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        free.0.pop().or_else(|| {
            free.1 = free.1.checked_sub(1)?;
            Some(self.caller.line())
        })
    }

    /// Sends one message, due at this moment.
    pub async fn shoot(&self, due: Instant, message: &Message) -> Shot {
        let Some(mut line) = self.take() else {
            return Shot {
                due,
                took: Duration::ZERO,
                end: End::Unsent,
            };
        };
        let mut ended = line.exchange(message).await;
        // a kept connection may have been closed at this very moment: said once more, on a new one
        if matches!(ended, Err(Broken("reset"))) {
            ended = line.exchange(message).await;
        }
        let took = due.elapsed();
        self.free
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .push(line);
        let end = match ended {
            Err(Broken(why)) => End::Broken(why),
            Ok(reply) => match reply.header("lienthong-fault") {
                "" if reply.status == 200 => End::Done,
                fault => End::Refused(
                    fault.to_owned(),
                    reply.status,
                    reply.header("retry-after").parse().ok(),
                ),
            },
        };
        Shot { due, took, end }
    }

    /// Sends one message every so often until then, and waits for their ends.
    pub async fn fire(
        &self,
        every: Duration,
        until: Instant,
        mut write: impl FnMut(u64) -> Message + Send,
    ) -> Vec<Shot> {
        let mut flying = JoinSet::new();
        let (start, mut shots, mut nth) = (Instant::now(), Vec::new(), 0);
        loop {
            let due = start + every * u32::try_from(nth).unwrap_or(u32::MAX);
            if due >= until {
                break;
            }
            let message = write(nth);
            tokio::time::sleep_until(due.into()).await;
            let lines = self.clone();
            flying.spawn(async move { lines.shoot(due, &message).await });
            nth += 1;
            while let Some(Ok(shot)) = flying.try_join_next() {
                shots.push(shot);
            }
        }
        while let Some(Ok(shot)) = flying.join_next().await {
            shots.push(shot);
        }
        shots.sort_by_key(|shot| shot.due);
        shots
    }

    /// How many messages a second so many senders get through, each sending its next when the last is
    /// answered.
    pub async fn rate(
        &self,
        senders: u64,
        during: Duration,
        write: impl Fn(u64) -> Message + Send + Sync + Clone + 'static,
    ) -> f64 {
        let until = Instant::now() + during;
        let mut tasks = JoinSet::new();
        for sender in 0..senders {
            let (lines, write) = (self.clone(), write.clone());
            tasks.spawn(async move {
                let mut done = 0_u64;
                while Instant::now() < until {
                    let message = write(sender);
                    let shot = lines.shoot(Instant::now(), &message).await;
                    done += u64::from(shot.end == End::Done);
                }
                done
            });
        }
        let mut all = 0;
        while let Some(done) = tasks.join_next().await {
            all += done.unwrap_or(0);
        }
        all as f64 / during.as_secs_f64()
    }
}

/// What came of many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub shots: u64,
    /// Answered, and no fault.
    pub done: u64,
    /// By fault code, by how the line broke, or `unsent`.
    pub not_done: BTreeMap<String, u64>,
    /// Half of those done were as quick.
    pub p50: Duration,
    /// 99 of a hundred were as quick.
    pub p99: Duration,
}

impl Tally {
    /// Counts them.
    #[must_use]
    pub fn of<'a>(shots: impl IntoIterator<Item = &'a Shot>) -> Self {
        let mut tally = Self::default();
        let mut took = Vec::new();
        for shot in shots {
            tally.shots += 1;
            let what = match &shot.end {
                End::Done => {
                    tally.done += 1;
                    took.push(shot.took);
                    continue;
                }
                End::Refused(code, _, _) => code.as_str(),
                End::Broken(why) => why,
                End::Unsent => "unsent",
            };
            *tally.not_done.entry(what.to_owned()).or_default() += 1;
        }
        took.sort_unstable();
        tally.p50 = percentile(&took, 50);
        tally.p99 = percentile(&took, 99);
        tally
    }
}

/// Of sorted times, the one that so many of a hundred do not exceed; zero where there are none.
#[must_use]
pub fn percentile(sorted: &[Duration], of_100: usize) -> Duration {
    let rank = (sorted.len() * of_100).div_ceil(100);
    sorted
        .get(rank.saturating_sub(1))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_time_that_so_many_do_not_exceed() {
        let times: Vec<_> = (1..=200).map(Duration::from_millis).collect();
        let at = |of_100| percentile(&times, of_100).as_millis();
        assert_eq!([at(50), at(99), at(100)], [100, 198, 200]);
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }

    #[test]
    fn a_tally_counts_each_end_by_its_name() {
        let shot = |end| Shot {
            due: Instant::now(),
            took: Duration::from_millis(3),
            end,
        };
        let shots = [
            shot(End::Done),
            shot(End::Refused("RATE-LIMITED".to_owned(), 429, Some(1))),
            shot(End::Broken("reset")),
            shot(End::Unsent),
            shot(End::Unsent),
        ];
        let tally = Tally::of(&shots);
        assert_eq!((tally.shots, tally.done), (5, 1));
        let counts: Vec<_> = tally.not_done.into_values().collect();
        assert_eq!(counts, [1, 1, 2]);
        assert_eq!(tally.p99, Duration::from_millis(3));
    }
}
