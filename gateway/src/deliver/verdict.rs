//! What a try means for its parcels: how long until the next one, and when there is none.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use gateway_core::ports::{Delivery, Leased};
use jiff::Timestamp;
use tokio::time::Instant;

use super::Dice;
use crate::config;

/// The terms of one lane, and what it has seen of refusals.
pub(super) struct Judge {
    pub(super) outgoing: config::Outgoing,
    dice: Dice,
    refusals: Mutex<Refusals>,
}

/// Whether others got through while a parcel was refused.
#[derive(Default)]
struct Refusals {
    delivered: Option<Instant>,
    since: HashMap<String, Instant>,
}

impl Judge {
    pub(super) fn new(outgoing: config::Outgoing, dice: Dice) -> Self {
        Self {
            outgoing,
            dice,
            refusals: Mutex::default(),
        }
    }

    /// A retry waits longer each time; what is refused too often is set aside, and a parcel whose time
    /// is up needs a person.
    pub(super) fn judge(
        &self,
        delivery: Delivery,
        parcels: &[&Leased],
        now: Timestamp,
    ) -> Delivery {
        if matches!(delivery, Delivery::Delivered { .. }) {
            self.got_through(parcels);
        }
        match delivery {
            Delivery::Refused { reason, .. } if self.is_poison(parcels, reason) => {
                Delivery::Quarantined { reason }
            }
            Delivery::Retry { reason, .. } | Delivery::Refused { reason, .. }
                if self.gives_up(parcels, now) =>
            {
                Delivery::Dead { reason }
            }
            Delivery::Unknown { .. } if self.gives_up(parcels, now) => Delivery::Dead {
                reason: "outcome-unknown",
            },
            other => self.later(other, parcels),
        }
    }

    fn later(&self, delivery: Delivery, parcels: &[&Leased]) -> Delivery {
        let wait = |after: Duration| after.max(self.backoff(attempts(parcels)));
        match delivery {
            Delivery::Retry { after, reason } => Delivery::Retry {
                after: wait(after),
                reason,
            },
            Delivery::Refused { after, reason } => Delivery::Refused {
                after: wait(after),
                reason,
            },
            Delivery::Unknown { after, reason } => Delivery::Unknown {
                after: wait(after),
                reason,
            },
            other => other,
        }
    }

    /// In company nobody knows whose fault it was, and a first try may come late for reasons of our
    /// own: only a parcel that was tried before, and now alone, is given up.
    fn gives_up(&self, parcels: &[&Leased], now: Timestamp) -> bool {
        let [alone] = parcels else { return false };
        was_tried(alone) && now >= self.time_limit(alone)
    }

    /// The legal time limit of the procedure, else the config's; what was put in late, or replayed, is
    /// tried for an hour all the same.
    fn time_limit(&self, parcel: &Leased) -> Timestamp {
        let hours = |hours: u64| Duration::from_secs(hours.saturating_mul(3_600));
        let after = |wait| parcel.put_at.checked_add(wait).unwrap_or(Timestamp::MAX);
        match parcel.due {
            Some(due) => due.max(after(hours(1))),
            None => after(hours(self.outgoing.give_up_hours)),
        }
    }

    /// So many refusals of a lone parcel in a row, for one reason. Where nothing else got through
    /// meanwhile it may be the partner's trouble and not the parcel's: then it takes four times as many.
    fn is_poison(&self, parcels: &[&Leased], reason: &'static str) -> bool {
        let [alone] = parcels else { return false };
        let before = match alone.reason.as_deref() {
            Some(last) if last == reason => alone.refusals,
            _ => 0,
        };
        let (times, most) = (before.saturating_add(1), self.outgoing.poison_after);
        let alone_in_this = self.others_got_through(&alone.id, before == 0) || reason == PANICKED;
        times >= most.saturating_mul(4) || (times >= most && alone_in_this)
    }

    /// Since this parcel was first refused; that moment is noted here.
    fn others_got_through(&self, id: &str, first: bool) -> bool {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = refusals.since.contains_key(id);
        if (noted && first) || (!noted && refusals.since.len() < NOTED_MAX) {
            refusals.since.insert(id.to_owned(), Instant::now());
        }
        let Some(since) = refusals.since.get(id) else {
            return false;
        };
        refusals.delivered.is_some_and(|last| last > *since)
    }

    fn got_through(&self, parcels: &[&Leased]) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.delivered = Some(Instant::now());
        for parcel in parcels {
            refusals.since.remove(&parcel.id);
        }
    }

    /// A parcel that whoever leased it never spoke of again, so many times in a row: it may be what
    /// kills them.
    pub(super) fn is_deadly(&self, parcel: &Leased) -> bool {
        parcel.lost >= self.outgoing.poison_after.saturating_mul(4)
    }

    /// Doubling with full jitter, bounded, and never at once.
    pub(super) fn backoff(&self, attempts: u32) -> Duration {
        let first = self.outgoing.backoff_ms.max(1);
        let longest = self.outgoing.backoff_seconds_max * 1_000;
        let most = first
            .saturating_mul(1 << attempts.min(20))
            .min(longest)
            .max(1);
        Duration::from_millis(first.min(most) / 2 + (self.dice)() % most)
    }
}

/// A reason is kept of every try that ended, and one that did not end was lost.
fn was_tried(parcel: &Leased) -> bool {
    parcel.reason.is_some() || parcel.lost > 0
}

fn attempts(parcels: &[&Leased]) -> u32 {
    parcels
        .iter()
        .map(|parcel| parcel.attempts)
        .max()
        .unwrap_or(0)
}

/// A courier that breaks on a parcel breaks on no other for it.
pub(super) const PANICKED: &str = "courier-panicked";
/// Refused parcels that are remembered at once; beyond it the longer count holds.
const NOTED_MAX: usize = 10_000;
