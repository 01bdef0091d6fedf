//! What operators have stopped, read again every second, so that an order given at one replica holds at
//! all of them within five: lanes stand still, and a suspended partner is suspended for every room.
//!
//! The registrations come from files and the orders from the store; what the rooms read is both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use certs::revocation::Revocations;
use gateway_core::{
    partner::Partners,
    ports::{Clock, Office, Orders, Recovering, StoreError, SystemClock},
};
use schemas::id::PartnerId;
use tokio::sync::watch;

/// How often the orders are read.
const READ_EVERY: Duration = Duration::from_secs(1);
/// How often changed registrations are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Reading takes longer than this: the last orders hold on.
const READ_MAX: Duration = Duration::from_secs(2);

/// How often the orders are asked for before a start is given up.
const FIRST_TRIES: usize = 5;

/// What operators have stopped could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what operators have stopped cannot be read")]
pub struct Unread;

/// Keeps the registrations in force.
pub struct Standing {
    office: Arc<dyn Office>,
    registered: Arc<ArcSwap<Partners>>,
    in_force: Arc<ArcSwap<Partners>>,
    orders: watch::Sender<Orders>,
    recovering: Arc<AtomicBool>,
    revocations: Arc<Revocations>,
    clock: Arc<dyn Clock>,
}

impl Standing {
    /// Registrations from files, and the orders as they stand now.
    ///
    /// # Errors
    /// Where the orders cannot be read: a gateway that does not know who is suspended serves nobody.
    pub async fn begin(
        office: Arc<dyn Office>,
        registered: Arc<ArcSwap<Partners>>,
    ) -> Result<Self, Unread> {
        let standing = Self {
            in_force: Arc::new(ArcSwap::new(registered.load_full())),
            orders: watch::Sender::new(Orders::default()),
            recovering: Arc::default(),
            revocations: Arc::default(),
            clock: Arc::new(SystemClock),
            office,
            registered,
        };
        standing.first().await?;
        standing.apply(&standing.registered.load_full());
        Ok(standing)
    }

    /// The same without the signing keys that were taken back, from now on and whenever more is learnt.
    #[must_use]
    pub fn screened_by(self, revocations: Arc<Revocations>, clock: Arc<dyn Clock>) -> Self {
        let standing = Self {
            revocations,
            clock,
            ..self
        };
        standing.apply(&standing.registered.load_full());
        standing
    }

    async fn first(&self) -> Result<(), Unread> {
        for _ in 1..FIRST_TRIES {
            if self.read().await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(READ_EVERY).await;
        }
        self.read().await.map(drop)
    }

    /// What the rooms read.
    #[must_use]
    pub fn partners(&self) -> Arc<ArcSwap<Partners>> {
        Arc::clone(&self.in_force)
    }

    /// What the lanes read.
    #[must_use]
    pub fn orders(&self) -> watch::Receiver<Orders> {
        self.orders.subscribe()
    }

    /// Whether the store was put back from a backup and nobody has released it, for probes and figures.
    /// The store itself begins and sends nothing meanwhile.
    #[must_use]
    pub fn recovering(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.recovering)
    }

    /// Reads and applies until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut seen = self.registered.load_full();
        let mut until_read = READ_EVERY;
        let mut learnt = self.revocations.generation();
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            until_read = until_read.saturating_sub(LOOK_EVERY);
            let mut changed = false;
            if until_read.is_zero() {
                until_read = READ_EVERY;
                changed = self.read().await.unwrap_or(false);
            }
            let generation = self.revocations.generation();
            changed |= generation != learnt;
            learnt = generation;
            let registered = self.registered.load_full();
            if changed || !Arc::ptr_eq(&registered, &seen) {
                self.apply(&registered);
                seen = registered;
            }
        }
    }

    /// True where the orders have changed. Where they cannot be read the last ones hold on.
    async fn read(&self) -> Result<bool, Unread> {
        let all = async {
            let recovering = self.office.recovering().await?;
            Ok((self.office.orders().await?, recovering))
        };
        let read: Result<Result<_, StoreError>, _> = tokio::time::timeout(READ_MAX, all).await;
        let orders = match read {
            Ok(Ok((orders, recovering))) => {
                self.recovers(recovering.as_ref());
                orders
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "orders not read; the last ones hold on");
                return Err(Unread);
            }
            Err(_) => {
                tracing::warn!("orders not read in time; the last ones hold on");
                return Err(Unread);
            }
        };
        Ok(self.orders.send_if_modified(|known| {
            let changed = *known != orders;
            if changed {
                tell(&orders);
                *known = orders;
            }
            changed
        }))
    }

    fn recovers(&self, now: Option<&Recovering>) {
        let before = self.recovering.swap(now.is_some(), Ordering::AcqRel);
        match now {
            Some(now) if !before => tracing::warn!(
                cut = %now.cut,
                "Recovering: put back from a backup; nothing is changed and nothing goes out until it is released"
            ),
            None if before => tracing::warn!("released: no longer Recovering"),
            _ => {}
        }
    }

    fn apply(&self, registered: &Arc<Partners>) {
        let orders = self.orders.borrow();
        let suspended: BTreeSet<PartnerId> = orders.suspended().cloned().collect();
        let mut stopped: BTreeMap<PartnerId, BTreeSet<String>> = BTreeMap::new();
        for (partner, operation) in orders.operations() {
            let operations = stopped.entry(partner.clone()).or_default();
            operations.insert(operation.to_owned());
        }
        let mut in_force = match suspended.is_empty() && stopped.is_empty() {
            true => Arc::clone(registered),
            false => Arc::new(registered.under(&suspended, &stopped)),
        };
        if !self.revocations.watches_nobody() {
            let now = self.clock.now();
            let is_revoked = |leaf: &[u8]| self.revocations.is_revoked(leaf, now);
            in_force = Arc::new(in_force.without_keys(is_revoked));
        }
        self.in_force.store(in_force);
    }
}

fn tell(orders: &Orders) {
    let list = |stopped: Vec<&str>| stopped.join(" ");
    let lanes = orders.0.iter().map(|order| order.partner.as_str());
    let suspended = orders.suspended().map(PartnerId::as_str);
    tracing::info!(
        stopped = list(lanes.collect()),
        suspended = list(suspended.collect()),
        "orders of operators"
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::future::{BoxFuture, ready};
    use gateway_core::{
        partner::{Environment, Partner, Quota},
        ports::{Act, ActStory, Acted, Order, ParcelFile, ParcelFilter, ParcelStory, Stop},
    };

    use super::*;

    /// One store that several replicas read.
    #[derive(Default)]
    struct Store {
        orders: Mutex<Orders>,
        recovering: Mutex<Option<Recovering>>,
        /// The store does not answer.
        hangs: AtomicBool,
    }

    type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

    impl Office for Store {
        fn list(&self, _: ParcelFilter) -> Answer<'_, Vec<ParcelStory>> {
            Box::pin(ready(Ok(Vec::new())))
        }
        fn show(&self, _: &str) -> Answer<'_, Option<ParcelFile>> {
            Box::pin(ready(Ok(None)))
        }
        fn act(&self, _: Act) -> Answer<'_, Acted> {
            Box::pin(ready(Ok(Acted::Done)))
        }
        fn orders(&self) -> Answer<'_, Orders> {
            if self.hangs.load(Ordering::SeqCst) {
                return Box::pin(std::future::pending());
            }
            Box::pin(ready(Ok(self.orders.lock().unwrap().clone())))
        }
        fn recovering(&self) -> Answer<'_, Option<Recovering>> {
            Box::pin(ready(Ok(self.recovering.lock().unwrap().clone())))
        }
        fn acts(&self, _: usize) -> Answer<'_, Vec<ActStory>> {
            Box::pin(ready(Ok(Vec::new())))
        }
        fn newest_act(&self, _: &'static str, _: &str) -> Answer<'_, Option<ActStory>> {
            Box::pin(ready(Ok(None)))
        }
    }

    fn tax() -> PartnerId {
        PartnerId::parse("tax").unwrap()
    }

    fn suspended() -> Orders {
        Orders(vec![Order {
            partner: tax(),
            stop: Stop::Partner,
            operation: None,
            act: ActStory {
                at: "2026-11-22T05:00:00Z".parse().unwrap(),
                who: "an".into(),
                why: "a test".into(),
                deed: "suspend-partner".into(),
                target: "tax".into(),
                journal: 1,
            },
        }])
    }

    fn stopped(operation: &str) -> Orders {
        let mut orders = suspended();
        orders.0[0].stop = Stop::Operation;
        orders.0[0].operation = Some(operation.into());
        orders
    }

    fn registered() -> Arc<ArcSwap<Partners>> {
        let quota = Quota {
            per_minute: 60,
            burst: 1,
        };
        let partner = Partner {
            id: tax(),
            name: "Tax".into(),
            active: true,
            stopped: std::collections::BTreeSet::new(),
            peers: Vec::new(),
            relays: Vec::new(),
            keys: Vec::new(),
            agreements: Vec::new(),
            window: Duration::from_secs(300),
            peer_quota: quota,
            token: None,
            security_server: None,
            keyed: None,
            login: None,
            dci: None,
            hub: None,
            triggers: None,
        };
        let us = PartnerId::parse("vss").unwrap();
        let partners = Partners::new(Environment::Sandbox, us, vec![partner]).unwrap();
        Arc::new(ArcSwap::from_pointee(partners))
    }

    /// A replica of its own over the store.
    struct Replica {
        partners: Arc<ArcSwap<Partners>>,
        orders: watch::Receiver<Orders>,
        registered: Arc<ArcSwap<Partners>>,
        _stop: watch::Sender<bool>,
    }

    async fn replica(store: &Arc<Store>) -> Replica {
        let registered = registered();
        let office: Arc<dyn Office> = Arc::<Store>::clone(store);
        let begun = Standing::begin(office, Arc::clone(&registered)).await;
        let standing = begun.unwrap();
        let (partners, orders) = (standing.partners(), standing.orders());
        let (stop, stops) = watch::channel(false);
        tokio::spawn(standing.run(stops));
        Replica {
            partners,
            orders,
            registered,
            _stop: stop,
        }
    }

    impl Replica {
        fn serves(&self) -> bool {
            self.partners.load().get(&tax()).unwrap().active
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_holds_at_every_replica_within_five_seconds_and_so_does_its_end() {
        let store = Arc::new(Store::default());
        let replicas = [
            replica(&store).await,
            replica(&store).await,
            replica(&store).await,
        ];
        for (orders, serves) in [(suspended(), false), (Orders::default(), true)] {
            assert!(
                replicas.iter().all(|one| one.serves() != serves),
                "{serves}"
            );
            *store.orders.lock().unwrap() = orders.clone();
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            for one in &replicas {
                assert_eq!(one.serves(), serves);
                assert_eq!(*one.orders.borrow(), orders);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_operation_is_stopped_at_every_replica_within_five_seconds_and_nothing_else() {
        let store = Arc::new(Store::default());
        let replicas = [replica(&store).await, replica(&store).await];
        *store.orders.lock().unwrap() = stopped("tax.ping");
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        for one in &replicas {
            let partners = one.partners.load();
            let tax = partners.get(&tax()).unwrap();
            assert!(tax.active && tax.stopped.contains("tax.ping"));
            assert!(
                !one.orders.borrow().holds_lane(&tax.id),
                "what goes out goes on"
            );
        }
        *store.orders.lock().unwrap() = Orders::default();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let lifted = |one: &Replica| one.partners.load().get(&tax()).unwrap().stopped.is_empty();
        assert!(replicas.iter().all(lifted));
    }

    #[tokio::test(start_paused = true)]
    async fn registrations_that_are_read_anew_stay_suspended() {
        let store = Arc::new(Store::default());
        *store.orders.lock().unwrap() = suspended();
        let replica = replica(&store).await;
        assert!(!replica.serves(), "from the very start");
        replica.registered.store(registered().load_full());
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!replica.serves());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_served_by_a_gateway_that_never_read_its_orders() {
        let store = Arc::new(Store::default());
        store.hangs.store(true, Ordering::SeqCst);
        let office: Arc<dyn Office> = store;
        let begun = Standing::begin(office, registered()).await;
        assert_eq!(begun.err(), Some(Unread));
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_store_does_not_answer_the_last_orders_hold_on() {
        let store = Arc::new(Store::default());
        *store.orders.lock().unwrap() = suspended();
        let replica = replica(&store).await;
        store.hangs.store(true, Ordering::SeqCst);
        *store.orders.lock().unwrap() = Orders::default();
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!replica.serves());
        store.hangs.store(false, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(replica.serves());
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_was_put_back_is_told_from_the_start_until_it_is_released() {
        let store = Arc::new(Store::default());
        let act = suspended().0.remove(0).act;
        *store.recovering.lock().unwrap() = Some(Recovering { cut: act.at, act });
        let office: Arc<dyn Office> = Arc::<Store>::clone(&store);
        let standing = Standing::begin(office, registered()).await.unwrap();
        let recovering = standing.recovering();
        assert!(recovering.load(Ordering::Acquire));
        let (_stop, stops) = watch::channel(false);
        tokio::spawn(standing.run(stops));
        *store.recovering.lock().unwrap() = None;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!recovering.load(Ordering::Acquire));
    }
}
