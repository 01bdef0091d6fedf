//! What a failure does to a parcel, and to the breaker.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_parcel_is_given_up_when_its_time_is_up_and_not_before() {
    let scene = Arc::new(Scene::new().with(&["a/1"]).otherwise(busy()));
    let mut lane = lane(&scene, portal());
    lane.outgoing.poll_ms = 10_000;
    run(lane, HOUR * 80).await;
    let settled = scene.settled("a/1");
    let (last, before) = settled.split_last().unwrap();
    assert!(before.len() > 100, "only {} tries", before.len());
    assert!(
        before
            .iter()
            .all(|(at, end)| *at < HOUR * 72 && matches!(end, Delivery::Retry { .. }))
    );
    assert!(last.0 >= HOUR * 72 && last.0 < HOUR * 73, "{last:?}");
    assert_eq!(last.1, Delivery::Dead { reason: "busy" });
}

#[tokio::test(start_paused = true)]
async fn a_busy_partner_kills_nothing_however_often_it_refuses() {
    let ids: Vec<String> = (1..=50).map(|serial| format!("s{serial}/1")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let refused = || retry("portal-refused", SECOND);
    let scene = Scene::new()
        .with(&ids)
        .answering((0..40).map(|_| refused()));
    let scene = played(scene, HOUR * 2).await;
    for id in ids {
        let settled = scene.settled(id);
        assert!(
            settled
                .iter()
                .all(|(_, end)| !matches!(end, Delivery::Dead { .. })),
            "{id}"
        );
        assert_eq!(settled.last().unwrap().1, delivered(), "{id}");
    }
}

#[tokio::test(start_paused = true)]
async fn old_parcels_that_fail_in_company_are_tried_alone_before_any_is_given_up() {
    let scene = Scene::new().batch(2);
    let long_ago = scene.now() - HOUR * 100;
    let scene = scene
        .with_since(&["a/1", "b/1"], long_ago)
        .answering([busy(), busy()]);
    let scene = played(scene, HOUR).await;
    let bodies: Vec<_> = scene.sent().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["a/1 b/1", "a/1", "b/1"]);
    assert_eq!(
        scene.settled("a/1").last().unwrap().1,
        Delivery::Dead { reason: "busy" }
    );
    assert_eq!(scene.settled("b/1").last().unwrap().1, delivered());
}

#[tokio::test(start_paused = true)]
async fn only_a_delivery_closes_the_breaker() {
    let dead = || Delivery::Dead { reason: "for-good" };
    let scene = Scene::new()
        .with(&["a/1", "b/1", "c/1", "d/1"])
        .otherwise(dead());
    let scene = played(scene, SECOND * 50).await;
    assert_eq!(scene.sent().len(), 3, "three dead ones in a row open it");
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_never_shorter_than_the_couriers_and_grows_up_to_its_bound() {
    let scene = Arc::new(Scene::new().with(&["a/1"]));
    let lane = lane(&scene, portal());
    for attempts in [0, 1, 5, 20, u32::MAX] {
        let one = Leased {
            attempts,
            ..scene.waiting.lock().unwrap()[0].parcel.clone()
        };
        for (asked, most) in [(SECOND * 900, SECOND * 900), (SECOND, SECOND * 301)] {
            let Delivery::Retry { after, .. } = lane.judge(retry("busy", asked), &[&one]) else {
                panic!("given up after {attempts}")
            };
            assert!(after >= asked && after <= most, "{attempts}: {after:?}");
        }
    }
}
