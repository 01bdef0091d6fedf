//! In which order, how fast, and when not at all.

use super::*;

#[tokio::test(start_paused = true)]
async fn after_a_failure_nothing_overtakes_and_the_rest_waits_as_long_as_the_one_that_failed() {
    let scene = Scene::new().with(&["a/1", "a/2"]).answering([busy()]);
    let scene = played(scene, SECOND * 60).await;
    let bodies: Vec<_> = scene.sent().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["a/1", "a/1", "a/2"]);
    let Some((_, Delivery::Untried { after })) = scene.settled("a/2").first().cloned() else {
        panic!("the second was not put back")
    };
    assert_eq!(after, SECOND * 10);
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_its_own_sake_holds_what_stands_behind_it_and_nothing_else() {
    for answer in [
        retry(ITS_OWN, SECOND * 60),
        Delivery::Unknown {
            after: SECOND * 60,
            reason: ITS_OWN,
        },
    ] {
        let scene = Scene::new()
            .with(&["a/1", "a/2", "b/1", "c/1"])
            .batch(5)
            .answering([answer]);
        let scene = Arc::new(scene);
        // nor is it news of the partner: a failure would open the breaker
        let lane = Lane::new(LaneParts {
            courier: Arc::new(OneByOne(Arc::clone(&scene))),
            breaker: (1, SECOND * 100),
            ..parts(&scene, portal())
        });
        run(lane, SECOND * 120).await;
        let sent = scene.sent();
        let bodies: Vec<_> = sent.iter().map(|(_, body)| body.as_str()).collect();
        assert_eq!(bodies, ["a/1", "b/1", "c/1", "a/1", "a/2"]);
        assert!(sent[2].0 < SECOND, "the others waited: {sent:?}");
        let again = SECOND * 60..SECOND * 70;
        assert!(again.contains(&sent[3].0), "not at its time: {sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_no_agreement_allows_holds_back_its_subject_and_not_what_is_agreed() {
    let scene = Arc::new(
        Scene::new()
            .with(&["curious/1", "curious/2", "b/1"])
            .batch(5),
    );
    let lane = Lane::new(LaneParts {
        courier: Arc::new(OneByOne(Arc::clone(&scene))),
        ..parts(&scene, portal())
    });
    lane.round().await;
    let bodies: Vec<_> = scene.sent().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["b/1"]);
    let Delivery::Retry { after, reason } = scene.settled("curious/1")[0].1.clone() else {
        panic!("{:?}", scene.settled("curious/1"))
    };
    assert!(reason == "field-not-agreed" && after >= SECOND * 60);
    let Delivery::Untried { .. } = scene.settled("curious/2")[0].1 else {
        panic!("{:?}", scene.settled("curious/2"))
    };
    assert_eq!(lane.breaker.level(), 0);
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
async fn a_parcel_without_words_is_set_aside_and_says_nothing_about_the_partner() {
    let scene = Scene::new().with(&["mute/1", "mute/2", "a/1"]).batch(9);
    let scene = played(scene, SECOND).await;
    let aside = Delivery::Quarantined { reason: "no-words" };
    assert_eq!(scene.settled("mute/1")[0].1, aside);
    assert_eq!(scene.sent().len(), 1, "the other subject goes on");
    let lone = Arc::new(Scene::new().with(&["mute/1"]));
    let lane = lane(&lone, portal());
    lane.round().await;
    assert_eq!((lone.settled("mute/1").len(), lane.breaker.level()), (1, 0));
}

/// In real time: the limit has a clock of its own.
#[tokio::test]
async fn no_more_goes_out_than_the_limit_allows() {
    let scene = Arc::new(
        Scene::new()
            .with(&["a/1", "b/1", "c/1", "d/1", "e/1"])
            .batch(5),
    );
    let lane = Lane::new(LaneParts {
        courier: Arc::new(OneByOne(Arc::clone(&scene))),
        quota: Quota {
            per_minute: 600,
            burst: 1,
        },
        ..parts(&scene, portal())
    });
    lane.round().await;
    let times: Vec<_> = scene.sent().into_iter().map(|(at, _)| at).collect();
    assert_eq!(times.len(), 5);
    let most = times[4].saturating_sub(times[0]);
    assert!(
        most >= Duration::from_millis(390),
        "five at ten a second: {times:?}"
    );
}

/// A call that waited for its turn until the lease is nearly over would meet the next holder's.
#[tokio::test]
async fn what_would_wait_longer_for_its_turn_than_the_lease_lasts_is_handed_back_untried() {
    let scene = Arc::new(Scene::new().with(&["a/1", "b/1"]).batch(5));
    let lane = Lane::new(LaneParts {
        courier: Arc::new(OneByOne(Arc::clone(&scene))),
        quota: Quota {
            per_minute: 1,
            burst: 1,
        },
        ..parts(&scene, portal())
    });
    lane.round().await;
    assert_eq!(scene.sent().len(), 1);
    let [(_, Delivery::Untried { after })] = scene.settled("b/1")[..] else {
        panic!("{:?}", scene.settled("b/1"))
    };
    assert!(after > SECOND * 50 && after <= SECOND * 60, "{after:?}");
}

/// Leases many, sends each by itself.
struct OneByOne(Arc<Scene>);

impl Courier for OneByOne {
    fn batch_max(&self) -> usize {
        self.0.batch_max()
    }

    fn is_of_parcel(&self, reason: &'static str) -> bool {
        self.0.is_of_parcel(reason)
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
