//! How often: governor's exact limits per (who, what), with the numbers that the caller is told.
//!
//! The keys are registered partners and known routes or operations, so the table is bounded by the
//! registrations. Each process counts for itself; where replicas share a [`Tally`], that decides, and
//! the own count goes along, so that it can take over at any moment without a fresh burst.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use futures_util::future::BoxFuture;
use governor::{
    DefaultDirectRateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
};
use schemas::id::PartnerId;

use crate::partner::Quota;

type Limiter = governor::RateLimiter<
    governor::state::NotKeyed,
    governor::state::InMemoryState,
    DefaultClock,
    StateInformationMiddleware,
>;

/// A limiter with the quota that it was made for, by who and what.
type Table = HashMap<(PartnerId, &'static str), (Quota, Arc<Limiter>)>;

/// Where a caller stands with one limit, for the RateLimit headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Messages at once.
    pub limit: u32,
    /// Messages left now.
    pub remaining: u32,
    /// Until the next message is allowed.
    pub reset: Duration,
}

/// One count for all replicas.
pub trait Tally: Send + Sync + std::fmt::Debug {
    /// Takes one message from the limit of (room, who, what): the standing, refused or not, or nothing
    /// where the count cannot be asked now. Answers within a short time of its own.
    fn take<'a>(
        &'a self,
        room: &'static str,
        who: &'a PartnerId,
        what: &'static str,
        quota: Quota,
    ) -> BoxFuture<'a, Option<Result<Standing, Standing>>>;
}

/// The limits of one room, each made on first use from the partner's quota.
#[derive(Default)]
pub struct Limits {
    clock: DefaultClock,
    table: RwLock<Table>,
    shared: Option<(&'static str, Arc<dyn Tally>)>,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

impl Limits {
    /// No limit has been used yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same for the room of this name, counted by a tally that replicas share where there is one.
    #[must_use]
    pub fn of(room: &'static str, tally: Option<Arc<dyn Tally>>) -> Self {
        Self {
            shared: tally.map(|tally| (room, tally)),
            ..Self::default()
        }
    }

    /// Whether somebody else is asked first: then [`Limits::take_shared`] may wait.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// What replicas share, where they do.
    pub(crate) fn tally(&self) -> Option<Arc<dyn Tally>> {
        self.shared.as_ref().map(|(_, tally)| Arc::clone(tally))
    }

    /// Takes one message from the limit of (who, what) that all replicas share; from this process's own
    /// where none is shared or the count cannot be asked.
    ///
    /// # Errors
    /// The standing of a caller that has none left, with the true wait.
    pub async fn take_shared(
        &self,
        who: &PartnerId,
        what: &'static str,
        quota: Quota,
    ) -> Result<Standing, Standing> {
        let Some((room, tally)) = &self.shared else {
            return self.take(who, what, quota);
        };
        match tally.take(room, who, what, quota).await {
            None => self.take(who, what, quota),
            Some(Ok(standing)) => {
                // what was let in counts here as well, for the moment when the shared count is gone
                let _ = self.take(who, what, quota);
                Ok(standing)
            }
            Some(refused) => refused,
        }
    }

    /// Takes one message from this process's own limit of (who, what).
    ///
    /// # Errors
    /// The standing of a caller that has none left, with the true wait.
    pub fn take(
        &self,
        who: &PartnerId,
        what: &'static str,
        quota: Quota,
    ) -> Result<Standing, Standing> {
        let limiter = self.limiter(who, what, quota);
        match limiter.check() {
            Ok(state) => Ok(Standing {
                limit: quota.burst,
                remaining: state.remaining_burst_capacity(),
                reset: Duration::ZERO,
            }),
            Err(not_until) => Err(Standing {
                limit: quota.burst,
                remaining: 0,
                reset: not_until.wait_time_from(self.clock.now()),
            }),
        }
    }

    fn limiter(&self, who: &PartnerId, what: &'static str, quota: Quota) -> Arc<Limiter> {
        let key = (who.clone(), what);
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_for, limiter)) = table.get(&key)
            && *made_for == quota
        {
            return Arc::clone(limiter);
        }
        drop(table);
        let limiter = Arc::new(make(quota));
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        match table.get(&key) {
            Some((made_for, made)) if *made_for == quota => Arc::clone(made),
            _ => {
                table.insert(key, (quota, Arc::clone(&limiter)));
                limiter
            }
        }
    }
}

fn make(quota: Quota) -> Limiter {
    let at_least_one = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
    let quota = governor::Quota::per_minute(at_least_one(quota.per_minute))
        .allow_burst(at_least_one(quota.burst));
    DefaultDirectRateLimiter::direct(quota).with_middleware()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(id: &str) -> PartnerId {
        PartnerId::parse(id).unwrap()
    }

    const QUOTA: Quota = Quota {
        per_minute: 60,
        burst: 3,
    };

    #[test]
    fn the_burst_is_exact_and_the_wait_is_told() {
        let limits = Limits::new();
        for left in [2, 1, 0] {
            let standing = limits.take(&who("tax"), "/a", QUOTA).unwrap();
            assert_eq!(standing.remaining, left);
        }
        let standing = limits.take(&who("tax"), "/a", QUOTA).unwrap_err();
        assert!(standing.reset > Duration::ZERO && standing.reset <= Duration::from_secs(1));
    }

    #[test]
    fn one_partner_never_uses_up_the_limit_of_another() {
        let limits = Limits::new();
        while limits.take(&who("tax"), "/a", QUOTA).is_ok() {}
        assert!(limits.take(&who("portal"), "/a", QUOTA).is_ok());
        assert!(limits.take(&who("tax"), "/b", QUOTA).is_ok());
    }

    /// Says what it is told to, and counts how often it was asked.
    #[derive(Debug, Default)]
    struct Oracle {
        says: std::sync::Mutex<Option<Result<Standing, Standing>>>,
        asked: std::sync::atomic::AtomicU32,
    }

    impl Tally for Oracle {
        fn take<'a>(
            &'a self,
            _room: &'static str,
            _who: &'a PartnerId,
            _what: &'static str,
            _quota: Quota,
        ) -> BoxFuture<'a, Option<Result<Standing, Standing>>> {
            self.asked
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let says = *self.says.lock().unwrap();
            Box::pin(std::future::ready(says))
        }
    }

    #[tokio::test]
    async fn a_shared_count_decides_and_without_it_the_own_one_goes_on_where_it_stood() {
        let standing = |remaining| Standing {
            limit: 3,
            remaining,
            reset: Duration::from_secs(7),
        };
        let oracle = Arc::new(Oracle::default());
        let limits = Limits::of("permit", Some(Arc::<Oracle>::clone(&oracle)));
        assert!(limits.is_shared());
        let tax = who("tax");
        let take = || limits.take_shared(&tax, "/a", QUOTA);
        *oracle.says.lock().unwrap() = Some(Ok(standing(9)));
        assert_eq!(take().await, Ok(standing(9)));
        assert_eq!(take().await, Ok(standing(9)));
        *oracle.says.lock().unwrap() = Some(Err(standing(0)));
        assert_eq!(take().await, Err(standing(0)));
        *oracle.says.lock().unwrap() = None;
        assert_eq!(take().await.unwrap().remaining, 0); // two of the burst of three were let in
        assert!(take().await.is_err());
        assert_eq!(oracle.asked.load(std::sync::atomic::Ordering::Relaxed), 5);
    }

    #[test]
    fn a_changed_quota_starts_afresh() {
        let limits = Limits::new();
        while limits.take(&who("tax"), "/a", QUOTA).is_ok() {}
        let more = Quota { burst: 5, ..QUOTA };
        assert_eq!(limits.take(&who("tax"), "/a", more).unwrap().limit, 5);
    }
}
