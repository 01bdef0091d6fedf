//! What happened, in its order; a clock that is turned by hand; and knobs that hold or break one step.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::ports::{Clock, Sight};

/// One line for each room left, each write of the log and each effect.
#[derive(Clone, Default)]
pub(super) struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    pub(super) fn write(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The lines that begin with this word, without it.
    pub(super) fn about(&self, word: &str) -> Vec<String> {
        let rest = |line: String| Some(line.strip_prefix(word)?.trim_start().to_owned());
        self.lines().into_iter().filter_map(rest).collect()
    }

    pub(super) fn times(&self, line: &str) -> usize {
        self.lines().iter().filter(|seen| *seen == line).count()
    }
}

impl Sight for Diary {
    fn room(&self, room: &'static str, _: &'static str, outcome: &'static str, _: Duration) {
        self.write(format!("room {room} {outcome}"));
    }

    fn refused(&self, room: &'static str, partner: &str, code: &'static str) {
        self.write(format!("refused {room} {partner} {code}"));
    }

    fn answered(&self, partner: &str, operation: &'static str, outcome: &'static str) {
        self.write(format!("answered {partner} {operation} {outcome}"));
    }
}

/// A clock that stands until it is turned.
#[derive(Clone)]
pub(super) struct Dial(Arc<Mutex<Timestamp>>);

impl Dial {
    pub(super) fn at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    pub(super) fn turn(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now += by;
    }
}

impl Clock for Dial {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// What is to become of the next passages of named steps; each knob works once, in its order.
#[derive(Clone, Default)]
pub(super) struct Knobs(Arc<Mutex<VecDeque<(&'static str, Knob)>>>);

enum Knob {
    Break,
    Hold(Held),
}

/// A step that waits for its release.
#[derive(Clone)]
pub(super) struct Held {
    reached: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Held {
    /// Waits until somebody stands at the step.
    pub(super) async fn reached(&self) {
        self.reached.acquire().await.unwrap().forget();
    }

    pub(super) fn release(&self) {
        self.open.add_permits(1);
    }
}

impl Knobs {
    /// The next passage of this step fails and changes nothing.
    pub(super) fn break_next(&self, step: &'static str) {
        self.0.lock().unwrap().push_back((step, Knob::Break));
    }

    /// The next passage of this step waits.
    pub(super) fn hold_next(&self, step: &'static str) -> Held {
        let held = Held {
            reached: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
        };
        let knob = (step, Knob::Hold(held.clone()));
        self.0.lock().unwrap().push_back(knob);
        held
    }

    /// Passes a step; `false` where it is broken.
    pub(super) async fn pass(&self, step: &'static str) -> bool {
        let knob = {
            let mut knobs = self.0.lock().unwrap();
            let first = knobs.iter().position(|(name, _)| *name == step);
            first.and_then(|at| knobs.remove(at))
        };
        match knob {
            None => true,
            Some((_, Knob::Break)) => false,
            Some((_, Knob::Hold(held))) => {
                held.reached.add_permits(1);
                held.open.acquire().await.unwrap().forget();
                true
            }
        }
    }
}
