//! R9: parcels committed out of order. Many hands put them in at once, each its own subjects, so that later
//! ids are committed before earlier ones, while others lease and settle; every parcel is delivered, none is
//! passed over. Within a subject they are put in in order.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use certs::seal::Vault;
use gateway_core::ports::{Class, Delivery, Outbox, Parcel, Receipt, SystemClock};
use gateway_store::{Engine, PostgresParams, Store, StoreParams};
use schemas::id::PartnerId;

use super::Plan;
use crate::torture::{
    kit::Kit,
    random::Random,
    report::{Line, thousands},
};

pub(super) async fn run(plan: Plan) -> Vec<Line> {
    let name = format!("out-of-order commits ({})", plan.engine.word());
    let kit = match Kit::make_on(plan.engine, plan.seed).await {
        Ok(kit) => kit,
        Err(why) => return vec![Line::not_run("R9", &name, why, plan.seed)],
    };
    let outbox: Arc<dyn Outbox> = Arc::new(Store::open(place(&kit)).unwrap());
    let parcels = plan
        .n
        .unwrap_or(if plan.tells_times { 2_000 } else { 10_000 });
    let heard = Arc::new(Heard::default());
    let mut hands = Vec::new();
    for hand in 0..PUTTERS {
        hands.push(tokio::spawn(put(
            Arc::clone(&outbox),
            plan.seed,
            hand,
            parcels,
        )));
    }
    for hand in 0..CARRIERS {
        let (outbox, heard) = (Arc::clone(&outbox), Arc::clone(&heard));
        hands.push(tokio::spawn(carry(outbox, heard, plan.seed, hand, parcels)));
    }
    for hand in hands {
        hand.await.unwrap();
    }
    let (skipped, wrong) = heard.judge(parcels);
    let figures = vec![
        format!("{} parcels", thousands(parcels)),
        format!("{PUTTERS} hands put in, {CARRIERS} carry"),
        format!("skipped {skipped}"),
        format!(
            "told twice {}",
            thousands(heard.twice.load(Ordering::Relaxed))
        ),
    ];
    vec![kit.figures("R9", &name, figures, "0 skipped", wrong)]
}

/// A store of its own: a file, or a database on the kit's server.
fn place(kit: &Kit) -> StoreParams {
    let engine = match &kit.cluster {
        None => Engine::Sqlite(kit.site.root().join("outbox.sqlite")),
        Some(cluster) => {
            let mut database = PostgresParams::new(cluster.database());
            // hands that wait for each other on a slow machine are not what is tried here
            database.statement_timeout = PATIENCE;
            Engine::Postgres(database)
        }
    };
    let vault = Vault::from_bytes([7; 32]);
    StoreParams::on(engine, Arc::new(vault), Arc::new(SystemClock))
}

const PUTTERS: u64 = 8;
const CARRIERS: u64 = 3;
/// Parcels of one subject.
const DEEP: u64 = 5;

#[derive(Default)]
struct Heard {
    subjects: Mutex<BTreeMap<String, Vec<u64>>>,
    all: Mutex<BTreeSet<String>>,
    twice: AtomicU64,
    late: AtomicBool,
}

impl Heard {
    fn judge(&self, parcels: u64) -> (u64, Vec<String>) {
        let mut wrong = Vec::new();
        for (subject, heard) in self.subjects.lock().unwrap().iter() {
            if !heard.is_sorted() {
                wrong.push(format!("{subject}: heard {heard:?}"));
            }
        }
        let skipped = parcels - self.all.lock().unwrap().len() as u64;
        if skipped > 0 || self.late.load(Ordering::Relaxed) {
            wrong.push(format!("{skipped} parcels were never leased"));
        }
        (skipped, wrong)
    }
}

fn partner() -> PartnerId {
    PartnerId::parse("portal").unwrap()
}

/// This hand's share, whole subjects, each one's first parcel first and the others in some order: a
/// later one may be committed before an earlier one, and is not heard before it.
async fn put(outbox: Arc<dyn Outbox>, seed: u64, hand: u64, parcels: u64) {
    let mut random = Random::of(seed, &[19, hand]);
    let subjects = (0..parcels.div_ceil(DEEP)).filter(|subject| subject % PUTTERS == hand);
    for subject in subjects {
        let left = DEEP.min(parcels - subject * DEEP);
        for sequence in 0..left {
            let parcel = Parcel {
                id: format!("{subject}.{sequence}"),
                partner: partner(),
                subject: subject.to_string(),
                sequence,
                kind: "portal.progress",
                content: Bytes::from_static(b"x"),
                class: Class::Normal,
                due: None,
            };
            outbox.put(vec![parcel]).await.unwrap();
            if random.percent(20) {
                tokio::time::sleep(Duration::from_millis(random.below(3))).await;
            }
        }
    }
}

/// Leases and settles until everything was heard; some are given back, some are forgotten.
async fn carry(outbox: Arc<dyn Outbox>, heard: Arc<Heard>, seed: u64, hand: u64, parcels: u64) {
    let mut random = Random::of(seed, &[19, 100 + hand]);
    let begun = Instant::now();
    while (heard.all.lock().unwrap().len() as u64) < parcels {
        if begun.elapsed() > PATIENCE {
            heard.late.store(true, Ordering::Relaxed);
            return;
        }
        let leased = outbox.lease(&partner(), 40, LEASE).await.unwrap();
        let mut results = Vec::new();
        let mut back = BTreeSet::new();
        for parcel in leased {
            let hold = parcel.hold();
            if back.contains(&parcel.subject) || random.percent(5) {
                back.insert(parcel.subject.clone());
                let after = Duration::ZERO;
                results.push((
                    hold,
                    Delivery::Retry {
                        after,
                        reason: "given-back",
                    },
                ));
                continue;
            }
            if !heard.all.lock().unwrap().insert(parcel.id) {
                heard.twice.fetch_add(1, Ordering::Relaxed);
            }
            let mut subjects = heard.subjects.lock().unwrap();
            subjects
                .entry(parcel.subject)
                .or_default()
                .push(parcel.sequence);
            let receipt = Receipt::plain(Bytes::from_static(b"ok"), None);
            results.push((hold, Delivery::Delivered { receipt }));
        }
        let idle = results.is_empty();
        outbox.settle(results).await.unwrap();
        if idle {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

const LEASE: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(600);
