//! What waited in the lane when its quote ended is not asked of the platform any more.

use std::time::Duration;

use conformance::payment::PARTNER;
use gateway::admin::client;
use jiff::SignedDuration;
use schemas::proto::admin::{ActRequest, ListParcelsRequest, ParcelLine};

use super::Scene;

async fn act(scene: &Scene, deed: &str) {
    let request = ActRequest {
        deed: deed.to_owned(),
        target: PARTNER.to_owned(),
        who: "an.officer".to_owned(),
        why: "the platform is being repaired".to_owned(),
        ..ActRequest::default()
    };
    client::act(scene.house.gateway().admin(), request)
        .await
        .unwrap();
}

/// The parcel by which the platform would be asked to take the payment of this reference.
async fn init(scene: &Scene, reference: &str) -> Option<ParcelLine> {
    let request = ListParcelsRequest {
        subject: format!("pay.{PARTNER}.{reference}.INIT.0"),
        ..ListParcelsRequest::default()
    };
    let listed = client::parcels(scene.house.gateway().admin(), request).await;
    listed.unwrap().parcels.pop()
}

async fn until<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..600 {
        if let Some(found) = found().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what}: never")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_waits_in_the_lane_while_its_quote_ends_is_never_asked_for() {
    let scene = Scene::start().await;
    act(&scene, "pause-lane").await;
    let code = scene.submit(0, "01/2027").await;
    let old = until("a quote", async || scene.shown(&code).await?.payment).await;
    assert_eq!(old.state, "quoted");
    until("INIT in the lane", async || {
        init(&scene, &old.reference).await
    })
    .await;
    scene
        .house
        .clock
        .advance(SignedDuration::from_hours(9 * 24));
    let new = until("the price of the day", async || {
        let payment = scene.shown(&code).await?.payment?;
        (payment.reference != old.reference).then_some(payment)
    })
    .await;
    act(&scene, "resume-lane").await;
    let opened = scene.stands(&new.reference, "open").await;
    assert_eq!(opened.payment.unwrap().dossier_state, 6);
    let ended = until("the end of the old one", async || {
        let parcel = init(&scene, &old.reference).await?;
        (parcel.state == "dead").then_some(parcel)
    })
    .await;
    assert_eq!(ended.reason, "quote-is-over");
    let asked: Vec<String> = scene.platform.orders().into_keys().collect();
    assert_eq!(
        asked,
        [new.reference.as_str()],
        "the platform was never asked for the old one"
    );
    let state = scene
        .shown(&old.reference)
        .await
        .unwrap()
        .payment
        .unwrap()
        .state;
    assert_eq!(state, "over");
    assert_eq!(scene.platform.violations(), Vec::<String>::new());
}
