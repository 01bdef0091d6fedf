//! The gateway as it is: rooms, change feed, lane and recovery over its own store. Whatever it had begun
//! ends with it when it is killed; the store's file stays.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use certs::seal::Vault;
use gateway::{
    config::Outgoing,
    deliver::{Lane, LaneParts},
    feed::Feed,
    metrics::Metrics,
    recover::{Failures, Recovery},
    stack::{House, stack},
    wiring::dossier_words,
};
use gateway_core::{
    Arrival, Evidence, Peer,
    ports::{Blind, Clock as _, NoTokens, Orders},
    stage::{Gate, Parts},
};
use gateway_store::{Store, StoreParams};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use portal::{Desk, DeskConfig, Portal, papers::NoFiles};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{
    agency::{Sent, Told},
    insurance,
    kit::{self, kit},
    net::serve,
    portal as far,
    still::Still,
    world::{Life, World},
};

pub(super) fn live(world: Arc<World>) -> Life {
    Box::pin(async move {
        world.note("gateway: starts");
        let store = Arc::new(open(&world)?);
        let still = Arc::new(Still::new(store, Arc::clone(&world)));
        let partners = Arc::new(ArcSwap::from_pointee(kit().partners()));
        let parts = Parts {
            partners,
            signer: Arc::new(ArcSwap::from_pointee(kit().signer())),
            log: Arc::<Still>::clone(&still),
            clock: Arc::<super::world::SimClock>::clone(&world.clock),
            sight: Arc::new(Blind),
            tasks: TaskTracker::new(),
            tokens: Arc::new(NoTokens),
            logins: Arc::default(),
            bulk: Arc::new(gateway_core::bulk::NoBulk),
        };
        let gate = Gate::new(64);
        let system = stack(
            Portal::new(Arc::new(insurance::Line), Arc::new(NoFiles)),
            &parts,
            &gate,
        );
        let house = House::new(&[system], &parts, &gate);
        work(&world, &still, &parts, &house);
        let peer = kit().peer(&parts.partners.load());
        serve(PORT, move |sent| {
            answer(Arc::clone(&world), house.clone(), peer.clone(), sent)
        })
        .await
    })
}

/// The store of this world, with what earlier lives have left in it.
pub(super) fn open(world: &World) -> Result<Store, gateway_store::OpenError> {
    let vault = Arc::new(Vault::from_bytes([7; 32]));
    let file = world.folder.join("store.sqlite");
    let clock = Arc::<super::world::SimClock>::clone(&world.clock);
    let mut params = StoreParams::new(file, vault, clock);
    params.lease = Duration::from_secs(10);
    params.headroom_bytes = 0;
    params.readers = 1;
    Store::open(params)
}

/// Everything that works by itself.
fn work(world: &Arc<World>, still: &Arc<Still>, parts: &Parts, house: &House) {
    let (stop, stops) = watch::channel(false);
    let metrics = Arc::new(Metrics::new());
    let feed = Feed {
        changes: Arc::new(insurance::Line),
        outbox: Arc::<Still>::clone(still),
        owner: format!("gateway-{}", world.kills()),
        metrics: Arc::clone(&metrics),
        idle: Duration::from_secs(2),
        words: vec![Box::new(dossier_words)],
    };
    let recovery = Recovery {
        log: Arc::<Still>::clone(still),
        house: house.clone(),
        failures: Failures::new(5),
    };
    let lane = lane(world, still, parts, metrics);
    tokio::spawn(feed.run(stops.clone()));
    tokio::spawn(recovery.run(stops.clone()));
    tokio::spawn(lane.run(stops));
    let still = Arc::clone(still);
    tokio::spawn(async move {
        let _never_stopped = stop;
        loop {
            tokio::time::sleep(Duration::from_secs(5)).await;
            still.count().await;
        }
    });
}

fn lane(world: &Arc<World>, still: &Arc<Still>, parts: &Parts, metrics: Arc<Metrics>) -> Lane {
    let desk = DeskConfig {
        unit: "G99.00.01".to_owned(),
        domain: None,
        result_code: None,
        retry_after: Duration::from_millis(500),
        retry_after_refusal: Duration::from_secs(5),
        batch_max: 3,
        procedures: schemas::procedure::Catalog::embedded(),
    };
    let dice = Arc::clone(world);
    Lane::new(LaneParts {
        partner: kit::portal(),
        courier: Arc::new(Desk::new(desk, far::Line(Arc::clone(world)))),
        outbox: Arc::<Still>::clone(still),
        partners: Arc::clone(&parts.partners),
        orders: watch::channel(Orders::default()).1,
        clock: Arc::clone(&parts.clock),
        metrics,
        outgoing: Outgoing {
            poll_ms: 2_000,
            lease_seconds: 5,
            backoff_ms: 500,
            backoff_seconds_max: 20,
            give_up_hours: 72,
            poison_after: 5,
        },
        quota: kit::PLENTY,
        tally: None,
        dice: Arc::new(move || dice.below("backoff", u64::MAX)),
        breaker: (4, Duration::from_secs(5)),
        concurrency: 2,
        call_max: Duration::from_secs(4),
    })
}

async fn answer(world: Arc<World>, house: House, peer: Peer, sent: Vec<u8>) -> Option<Vec<u8>> {
    let sent: Sent = serde_json::from_slice(&sent).ok()?;
    let body = Full::new(Bytes::from(sent.body)).map_err(|never| match never {});
    let mut request = Request::post(sent.path)
        .header("host", "gateway")
        .header("content-type", sent.content_type);
    if let Some(signature) = sent.signature {
        request = request.header("x-jws-signature", signature);
    }
    let arrival = Arrival {
        request: request.body(body.boxed_unsync()).ok()?,
        peer,
        evidence: Evidence::fresh(),
        arrived_at: world.clock.now(),
    };
    let reply = house.answer(arrival).await.into_response();
    let header = |name: &str| {
        let value = reply.headers().get(name)?;
        Some(value.to_str().ok()?.to_owned())
    };
    let (status, fault) = (reply.status().as_u16(), header("lienthong-fault"));
    let signature = header("x-jws-signature");
    let body = reply.into_body().collect().await.ok()?.to_bytes();
    let told = Told {
        status,
        fault,
        body: String::from_utf8_lossy(&body).into_owned(),
        signature,
    };
    serde_json::to_vec(&told).ok()
}

/// Where partners connect.
pub(super) const PORT: u16 = 8_443;
