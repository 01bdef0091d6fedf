//! What operators have stopped, read again every second, so that an order given at one replica holds at
//! all of them within five: lanes stand still, and a suspended partner is suspended for every room.
//!
//! The registrations come from files and the orders from the store; what the rooms read is both.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use gateway_core::{
    partner::Partners,
    ports::{Office, Orders},
};
use schemas::id::PartnerId;
use tokio::sync::watch;

/// How often the orders are read.
const READ_EVERY: Duration = Duration::from_secs(1);
/// How often changed registrations are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Reading takes longer than this: the last orders hold on.
const READ_MAX: Duration = Duration::from_secs(2);

/// Keeps the registrations in force.
pub struct Standing {
    office: Arc<dyn Office>,
    registered: Arc<ArcSwap<Partners>>,
    in_force: Arc<ArcSwap<Partners>>,
    orders: watch::Sender<Orders>,
}

impl Standing {
    /// Registrations from files, and the orders as they stand now.
    pub async fn begin(office: Arc<dyn Office>, registered: Arc<ArcSwap<Partners>>) -> Self {
        let standing = Self {
            in_force: Arc::new(ArcSwap::new(registered.load_full())),
            orders: watch::Sender::new(Orders::default()),
            office,
            registered,
        };
        standing.read().await;
        standing.apply(&standing.registered.load_full());
        standing
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

    /// Reads and applies until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut seen = self.registered.load_full();
        let mut until_read = READ_EVERY;
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            until_read = until_read.saturating_sub(LOOK_EVERY);
            let mut changed = false;
            if until_read.is_zero() {
                until_read = READ_EVERY;
                changed = self.read().await;
            }
            let registered = self.registered.load_full();
            if changed || !Arc::ptr_eq(&registered, &seen) {
                self.apply(&registered);
                seen = registered;
            }
        }
    }

    /// True where the orders have changed. Where they cannot be read the last ones hold on.
    async fn read(&self) -> bool {
        let read = tokio::time::timeout(READ_MAX, self.office.orders()).await;
        let orders = match read {
            Ok(Ok(orders)) => orders,
            Ok(Err(error)) => {
                tracing::warn!(%error, "orders not read; the last ones hold on");
                return false;
            }
            Err(_) => {
                tracing::warn!("orders not read in time; the last ones hold on");
                return false;
            }
        };
        self.orders.send_if_modified(|known| {
            let changed = *known != orders;
            if changed {
                tell(&orders);
                *known = orders;
            }
            changed
        })
    }

    fn apply(&self, registered: &Arc<Partners>) {
        let suspended: BTreeSet<PartnerId> = self
            .orders
            .borrow()
            .suspended()
            .map(|partner| partner.to_owned())
            .collect();
        let in_force = match suspended.is_empty() {
            true => Arc::clone(registered),
            false => Arc::new(registered.suspending(&suspended)),
        };
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
