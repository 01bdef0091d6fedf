//! A day's statement in pages of one transaction, by a platform that was restarted after it was paid.

use std::time::Duration;

use conformance::payment::{PARTNER, Platform};
use gateway::admin::client;
use jiff::civil::Date;
use schemas::{
    date::{VIET_NAM, day_in_viet_nam, portal_time},
    proto::admin::{ListParcelsRequest, ReconcilePaymentsRequest, ReconcilePaymentsResponse},
};
use tokio::net::TcpListener;

use super::Scene;

async fn reconciled(scene: &Scene, day: Date) -> ReconcilePaymentsResponse {
    let request = ReconcilePaymentsRequest {
        day: day.to_string(),
    };
    let compared = client::reconcile_payments(scene.house.gateway().admin(), request).await;
    compared.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_small_pages_is_whole_after_the_platform_was_restarted() {
    let mut scene = Scene::start().await;
    let mut days = Vec::new();
    for holder in 0..3 {
        let order = scene.opened(holder, "01/2027").await;
        let paid = scene.platform.pay(&order.reference).unwrap().unwrap();
        days.push(day_in_viet_nam(portal_time::parse(&paid.at).unwrap()));
        scene.stands(&order.reference, "paid").await;
    }
    let day = days[0];
    // around midnight some of them are of the next day
    let of_day = days.iter().filter(|one| **one == day).count();
    assert!(!reconciled(&scene, day).await.whole);

    let address = scene.serving.address();
    scene.serving.stop().await;
    scene.platform = Platform::open(&scene.house.layout.agency(PARTNER)).unwrap();
    scene.platform.misbehave(|knobs| knobs.page = 1);
    let listener = TcpListener::bind(address).await.unwrap();
    scene.serving = scene.platform.serve(listener).unwrap();
    // an hour after midnight it is asked for
    let told = VIET_NAM.to_timestamp(day.tomorrow().unwrap().at(2, 0, 0, 0));
    let later = told.unwrap().duration_since(scene.house.now());
    scene.house.clock.advance(later);
    let mut compared = reconciled(&scene, day).await;
    for _ in 0..600 {
        if compared.whole {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        compared = reconciled(&scene, day).await;
    }
    assert!(compared.whole, "{compared:?}");
    assert_eq!(compared.differences, Vec::<String>::new());
    for side in &compared.sides[..3] {
        assert!(side.contains(&format!(": {of_day} payments")), "{side}");
    }
    let last = format!(
        "pay.{PARTNER}.{}-{of_day}.DOISOAT.0",
        day.strftime("%Y%m%d")
    );
    let request = ListParcelsRequest {
        subject: last,
        state: "done".to_owned(),
        ..ListParcelsRequest::default()
    };
    let listed = client::parcels(scene.house.gateway().admin(), request).await;
    assert_eq!(listed.unwrap().parcels.len(), usize::from(of_day > 1));
    assert_eq!(scene.platform.violations(), Vec::<String>::new());
}
