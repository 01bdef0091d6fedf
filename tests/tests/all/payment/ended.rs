//! What waited in the lane when its quote, or its dossier, ended is not asked of the platform any more.

use std::time::Duration;

use conformance::payment::{PARTNER, Payment, Platform};
use gateway::admin::client;
use jiff::SignedDuration;
use schemas::{
    date::portal_time,
    proto::admin::{
        ActRequest, DecideDossierRequest, ListParcelsRequest, ParcelLine, ShowDossierRequest,
    },
};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_dossier_was_withdrawn_or_stopped_meanwhile_is_never_asked_for() {
    let scene = Scene::start().await;
    act(&scene, "pause-lane").await;
    let admin = scene.house.gateway().admin();
    let mut held = Vec::new();
    for (holder, word, state) in [(0, "withdraw", 7), (1, "stop", 8)] {
        let code = scene.submit(holder, "01/2027").await;
        let order = until("a quote", async || scene.shown(&code).await?.payment).await;
        until("INIT in the lane", async || {
            init(&scene, &order.reference).await
        })
        .await;
        let show = ShowDossierRequest {
            code: code.clone(),
            who: "an.officer".to_owned(),
            why: "the applicant asks".to_owned(),
        };
        let shown = client::dossier(admin, show).await.unwrap();
        let decide = DecideDossierRequest {
            code: code.clone(),
            step: shown.dossier.unwrap().step,
            decision: word.to_owned(),
            told: "Không còn nhu cầu".to_owned(),
            who: "an.officer".to_owned(),
            why: "the applicant asks".to_owned(),
            ..DecideDossierRequest::default()
        };
        let decided = client::decide_dossier(admin, decide).await.unwrap();
        assert_eq!(decided.state, state);
        held.push(order);
    }
    let wanted = scene.submit(2, "01/2027").await;
    act(&scene, "resume-lane").await;
    scene.stands(&wanted, "open").await;
    for order in &held {
        let ended = until("the end of INIT", async || {
            let parcel = init(&scene, &order.reference).await?;
            (parcel.state == "dead").then_some(parcel)
        })
        .await;
        assert_eq!(ended.reason, "dossier-ended");
    }
    let asked = scene.platform.orders();
    let asked: Vec<&String> = asked.keys().collect();
    let wanted = scene.shown(&wanted).await.unwrap().payment.unwrap();
    assert_eq!(
        asked,
        [&wanted.reference],
        "the platform was asked for that one alone"
    );
    // money that comes all the same is kept, and is to be given back
    for (n, order) in (1..).zip(&held) {
        let paid = Payment {
            id: format!("GD-{n}"),
            reference: order.reference.clone(),
            vnd: order.vnd,
            at: portal_time::format(scene.house.now()),
        };
        let reply = scene.call_back(&paid).await;
        assert_eq!(Platform::proven_state(&reply).as_deref(), Some("2"));
        let entries = scene.shown(&order.reference).await.unwrap().entries;
        assert_eq!(entries.len(), 1);
        assert!(
            entries[0].contains("TO REFUND (dossier-ended)"),
            "{entries:?}"
        );
    }
    assert_eq!(scene.platform.violations(), Vec::<String>::new());
}
