//! Who may hold how many places: strangers at their handshake, peers afterwards; and how often
//! strangers are worth a line in the log.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use schemas::id::PartnerId;
use tokio::{sync::Notify, time::Instant};

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
pub(super) struct Newcomers(Mutex<Door>);

#[derive(Default)]
struct Door {
    next: u64,
    /// By the order in which they came.
    all: BTreeMap<u64, (IpAddr, Arc<Notify>)>,
    of: HashMap<IpAddr, BTreeSet<u64>>,
}

impl Newcomers {
    /// A place at the door. Where there is none, whoever has been at its handshake longest loses its own: one
    /// in good faith takes milliseconds, and a crowd of silent ones must not keep partners out.
    pub(super) fn enter(self: &Arc<Self>, from: IpAddr) -> Newcomer {
        let mut door = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(oldest) = door.too_many(from)
            && let Some((_, leave)) = door.remove(oldest)
        {
            leave.notify_one();
        }
        let (number, leave) = (door.next, Arc::new(Notify::new()));
        door.next += 1;
        door.all.insert(number, (from, Arc::clone(&leave)));
        door.of.entry(from).or_default().insert(number);
        Newcomer {
            door: Arc::clone(self),
            number,
            leave,
        }
    }
}

impl Door {
    /// Who has to make room for one more from this address.
    fn too_many(&self, from: IpAddr) -> Option<u64> {
        let of_one = self.of.get(&from);
        let of_one = of_one.filter(|numbers| numbers.len() >= HANDSHAKES_PER_ADDRESS);
        let oldest = of_one.and_then(|numbers| numbers.first().copied());
        oldest.or_else(|| {
            let is_full = self.all.len() >= HANDSHAKES;
            self.all.keys().next().copied().filter(|_| is_full)
        })
    }

    fn remove(&mut self, number: u64) -> Option<(IpAddr, Arc<Notify>)> {
        let (from, leave) = self.all.remove(&number)?;
        if let Some(numbers) = self.of.get_mut(&from) {
            numbers.remove(&number);
            if numbers.is_empty() {
                self.of.remove(&from);
            }
        }
        Some((from, leave))
    }
}

/// One handshake; gives its place back when dropped.
pub(super) struct Newcomer {
    door: Arc<Newcomers>,
    number: u64,
    leave: Arc<Notify>,
}

impl Newcomer {
    /// Resolves when it has lost its place to another.
    pub(super) async fn sent_away(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Newcomer {
    fn drop(&mut self) {
        let mut door = self.door.0.lock().unwrap_or_else(PoisonError::into_inner);
        door.remove(self.number);
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

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt as _;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
    }

    /// Which of them have lost their places.
    fn sent_away(all: &[Newcomer]) -> Vec<usize> {
        let lost = |newcomer: &Newcomer| newcomer.sent_away().now_or_never().is_some();
        (0..all.len()).filter(|nth| lost(&all[*nth])).collect()
    }

    #[test]
    fn the_oldest_of_an_address_gives_way_and_no_other() {
        let door = Arc::new(Newcomers::default());
        let other = [door.enter(address(1))];
        let many = |count: usize| (0..count).map(|_| door.enter(address(2)));
        let mut all: Vec<_> = many(HANDSHAKES_PER_ADDRESS).collect();
        assert!(sent_away(&all).is_empty());
        all.extend(many(2));
        assert_eq!(sent_away(&all), [0, 1]);
        assert!(sent_away(&other).is_empty());
    }

    #[test]
    fn at_a_full_door_the_oldest_of_all_gives_way_to_a_partner() {
        let door = Arc::new(Newcomers::default());
        let spread = |nth: usize| address(u8::try_from(nth % 8).unwrap());
        let all: Vec<_> = (0..HANDSHAKES).map(|nth| door.enter(spread(nth))).collect();
        assert!(sent_away(&all).is_empty());
        let partner = [door.enter(address(200))];
        assert_eq!(sent_away(&all), [0]);
        assert!(sent_away(&partner).is_empty());
    }

    #[test]
    fn a_place_is_given_back_once() {
        let door = Arc::new(Newcomers::default());
        for _ in 0..3 {
            let many = HANDSHAKES_PER_ADDRESS + 10;
            drop(
                (0..many)
                    .map(|_| door.enter(address(1)))
                    .collect::<Vec<_>>(),
            );
            let door = door.0.lock().unwrap();
            assert!(door.all.is_empty() && door.of.is_empty());
        }
    }
}
