//! Who may hold how many places: strangers at their handshake, peers afterwards; and how often
//! strangers are worth a line in the log.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use schemas::id::PartnerId;
use tokio::time::Instant;

/// Lines about strangers, so many a second at most.
#[derive(Debug, Default)]
pub struct Told(Mutex<Option<(Instant, u32)>>);

impl Told {
    pub(super) fn take(&self) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match told.as_mut() {
            Some((since, lines)) if since.elapsed() < Duration::from_secs(1) => {
                *lines += 1;
                *lines <= LINES_PER_SECOND
            }
            _ => {
                *told = Some((Instant::now(), 1));
                true
            }
        }
    }
}

const LINES_PER_SECOND: u32 = 50;
/// Handshakes at once, all addresses together and of one address: strangers share these places, not
/// those of the partners.
const HANDSHAKES: usize = 512;
const HANDSHAKES_PER_ADDRESS: usize = 128;

/// Connections whose certificate is not known yet.
#[derive(Default)]
pub(super) struct Newcomers(Mutex<HashMap<IpAddr, usize>>);

impl Newcomers {
    pub(super) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Newcomer> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = table.values().sum();
        let of_one = table.entry(from).or_default();
        if all >= HANDSHAKES || *of_one >= HANDSHAKES_PER_ADDRESS {
            if *of_one == 0 {
                table.remove(&from);
            }
            return None;
        }
        *of_one += 1;
        Some(Newcomer {
            table: Arc::clone(self),
            from,
        })
    }
}

/// One handshake; gives its place back when dropped.
pub(super) struct Newcomer {
    table: Arc<Newcomers>,
    from: IpAddr,
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let mut table = self.table.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = table.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                table.remove(&self.from);
            }
        }
    }
}

/// How many connections each peer holds.
#[derive(Default)]
pub(super) struct Holders(Mutex<HashMap<PartnerId, usize>>);

impl Holders {
    pub(super) fn enter(self: &Arc<Self>, who: &PartnerId, max: usize) -> Option<Held> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let held = table.entry(who.clone()).or_default();
        if *held >= max {
            return None;
        }
        *held += 1;
        Some(Held {
            holders: Arc::clone(self),
            who: who.clone(),
        })
    }
}

/// One connection of one peer; gives its place back when dropped.
pub(super) struct Held {
    holders: Arc<Holders>,
    who: PartnerId,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self
            .holders
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = table.get_mut(&self.who) {
            *held -= 1;
            if *held == 0 {
                table.remove(&self.who);
            }
        }
    }
}
