//! In which order, how fast, and when not at all.

use super::*;

#[tokio::test(start_paused = true)]
async fn after_a_failure_nothing_overtakes_and_the_rest_waits_as_long_as_the_one_that_failed() {
    let scene = Scene::new().with(&["a/1", "a/2"]).answering([busy()]);
    let scene = played(scene, SECOND * 60).await;
    let bodies: Vec<_> = scene.sent().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["a/1", "a/1", "a/2"]);
    let Some((_, Delivery::Retry { after, reason })) = scene.settled("a/2").first().cloned() else {
        panic!("the second was not put back")
    };
    assert_eq!((after, reason), (SECOND * 10, "after-a-failure"));
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_never_went_is_not_given_up_however_old_it_is() {
    let scene = Scene::new();
    let long_ago = scene.now() - HOUR * 100;
    let scene = scene
        .with_since(&["a/1", "b/1"], long_ago)
        .answering([busy(), busy()]);
    let scene = played(scene, SECOND * 60).await;
    let dead = |id| {
        let settled = scene.settled(id);
        settled
            .into_iter()
            .any(|(_, end)| matches!(end, Delivery::Dead { .. }))
    };
    assert!(dead("a/1"), "tried twice, a hundred hours old");
    assert!(!dead("b/1"), "{:?}", scene.settled("b/1"));
    assert_eq!(
        scene.settled("b/1").last().map(|(_, end)| end.clone()),
        Some(delivered())
    );
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_is_silent_and_then_asks_with_one_parcel() {
    let ids = ["a/1", "b/1", "c/1", "d/1", "e/1"];
    let scene = Scene::new()
        .with(&ids)
        .batch(5)
        .answering([busy(), busy(), busy(), busy()]);
    let scene = played(scene, SECOND * 200).await;
    let sent = scene.sent();
    let third = sent[2].0;
    assert!(
        sent[3].0 >= third + SECOND * 60,
        "silent while open: {sent:?}"
    );
    assert!(
        sent[4].0 >= sent[3].0 + SECOND * 60,
        "a failed probe opens it again: {sent:?}"
    );
    let asked = scene.events().into_iter().filter_map(|event| match event {
        Event::Leased(most) => Some(most),
        _ => None,
    });
    let asked: Vec<_> = asked.collect();
    assert_eq!(asked[..6], [10, 10, 10, 1, 1, 10], "{asked:?}");
    assert!(
        ids.iter()
            .all(|id| scene.settled(id).last().unwrap().1 == delivered())
    );
}

#[tokio::test(start_paused = true)]
async fn a_parcel_without_words_is_dead_and_says_nothing_about_the_partner() {
    let mute: Vec<String> = (1..=9).map(|serial| format!("mute/{serial}")).collect();
    let mute: Vec<_> = mute.iter().map(String::as_str).collect();
    let scene = Scene::new().with(&mute).batch(9).with(&["a/1"]);
    let scene = played(scene, SECOND).await;
    let dead = Delivery::Dead { reason: "no-words" };
    assert!(mute.iter().all(|id| scene.settled(id)[0].1 == dead));
    assert_eq!(scene.sent().len(), 1);
    let mut breaker = Breaker::new((1, SECOND));
    let lone = Arc::new(Scene::new().with(&["mute/1"]));
    lane(&lone, portal())
        .round(&mut breaker, &Limits::new())
        .await;
    assert_eq!(
        (lone.settled("mute/1").len(), breaker.probing()),
        (1, false)
    );
    breaker.note(false);
    let again = Arc::new(Scene::new().with(&["mute/1"]));
    lane(&again, portal())
        .round(&mut breaker, &Limits::new())
        .await;
    assert!(breaker.probing(), "nor does it close it");
}

/// In real time: the limit has a clock of its own.
#[tokio::test]
async fn no_more_goes_out_than_the_limit_allows() {
    let scene = Arc::new(
        Scene::new()
            .with(&["a/1", "b/1", "c/1", "d/1", "e/1"])
            .batch(5),
    );
    let lane = Lane {
        courier: Arc::new(OneByOne(Arc::clone(&scene))),
        quota: Quota {
            per_minute: 600,
            burst: 1,
        },
        ..lane(&scene, portal())
    };
    lane.round(&mut Breaker::new((3, SECOND)), &Limits::new())
        .await;
    let times: Vec<_> = scene.sent().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times.len(), 5);
    let most = times[4].saturating_sub(times[0]);
    assert!(
        most >= Duration::from_millis(390),
        "five at ten a second: {times:?}"
    );
}

/// Leases many, sends each by itself.
struct OneByOne(Arc<Scene>);

impl Courier for OneByOne {
    fn batch_max(&self) -> usize {
        self.0.batch_max()
    }

    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        (
            parcels.iter().map(|one| shipment(&[one])).collect(),
            Vec::new(),
        )
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        self.0.send(sendable)
    }
}
