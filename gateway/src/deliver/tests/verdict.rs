//! What a failure does to a parcel, and to the breaker.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_parcel_is_given_up_when_its_time_is_up_and_not_before() {
    let scene = Arc::new(Scene::new().with(&["a/1"]).otherwise(busy()));
    let mut lane = lane(&scene, portal());
    lane.judge.outgoing.poll_ms = 10_000;
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
async fn a_partner_that_refuses_everything_for_a_while_has_nothing_quarantined() {
    let ids: Vec<String> = (1..=50).map(|serial| format!("s{serial}/1")).collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let scene = Scene::new()
        .with(&ids)
        .answering((0..400).map(|_| refused()));
    let scene = played(scene, HOUR * 2).await;
    for id in ids {
        let settled = scene.settled(id);
        let stuck =
            |end: &Delivery| matches!(end, Delivery::Dead { .. } | Delivery::Quarantined { .. });
        assert!(settled.iter().all(|(_, end)| !stuck(end)), "{id}");
        assert_eq!(settled.last().unwrap().1, delivered(), "{id}");
    }
}

/// Answers by what it is told.
struct Picky(Arc<Scene>);

impl Courier for Picky {
    fn batch_max(&self) -> usize {
        self.0.batch_max()
    }

    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        self.0.pack(parcels)
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        let body = text(&sendable.shipment().body);
        let sent = self.0.send(sendable);
        Box::pin(async move {
            sent.await;
            if body.starts_with("bad") {
                refused()
            } else {
                delivered()
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_parcel_refused_k_times_while_others_get_through_is_quarantined_and_holds_only_its_subject()
 {
    let others: Vec<String> = (1..=40).map(|serial| format!("s/{serial}")).collect();
    let others: Vec<_> = others.iter().map(String::as_str).collect();
    let scene = Arc::new(Scene::new().with(&["bad/1", "bad/2"]).with(&others));
    let lane = Lane::new(LaneParts {
        courier: Arc::new(Picky(Arc::clone(&scene))),
        ..parts(&scene, portal())
    });
    run(lane, HOUR).await;
    let settled = scene.settled("bad/1");
    let refusals = settled
        .iter()
        .filter(|(_, end)| matches!(end, Delivery::Refused { .. }));
    assert_eq!(refusals.count(), 2, "{settled:?}");
    let aside = Delivery::Quarantined {
        reason: "portal-refused",
    };
    assert_eq!(settled.last().unwrap().1, aside, "at the third");
    assert!(
        others
            .iter()
            .all(|id| scene.settled(id).last().unwrap().1 == delivered())
    );
    let behind = scene
        .sent()
        .into_iter()
        .filter(|(_, body)| body.contains("bad/2"));
    assert_eq!(behind.count(), 0, "nothing overtakes it");
}

#[tokio::test(start_paused = true)]
async fn a_parcel_refused_for_ever_with_nobody_beside_it_is_quarantined_after_four_times_as_many() {
    let scene = Scene::new().with(&["a/1"]).otherwise(refused());
    let scene = played(scene, HOUR * 4).await;
    assert_eq!(scene.sent().len(), 12);
    let aside = Delivery::Quarantined {
        reason: "portal-refused",
    };
    assert_eq!(scene.settled("a/1").last().unwrap().1, aside);
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_breaks_its_courier_is_quarantined_after_k_tries_and_breaks_nothing_else() {
    let scene = Scene::new().with(&["deadly/1", "a/1", "b/1"]).batch(1);
    let scene = played(scene, HOUR).await;
    let settled = scene.settled("deadly/1");
    assert_eq!(settled.len(), 3, "{settled:?}");
    let aside = Delivery::Quarantined {
        reason: "courier-panicked",
    };
    assert_eq!(settled.last().unwrap().1, aside);
    for id in ["a/1", "b/1"] {
        assert_eq!(scene.settled(id).last().unwrap().1, delivered());
    }
}

#[tokio::test(start_paused = true)]
async fn a_parcel_that_nobody_ever_spoke_of_again_is_quarantined_before_it_is_sent() {
    for (lost, sent) in [(11, 1), (12, 0)] {
        let scene = Scene::new().with(&["a/1", "b/1"]);
        scene.waiting.lock().unwrap()[0].parcel.lost = lost;
        let scene = played(scene, SECOND).await;
        let of_a = scene.sent().into_iter().filter(|(_, body)| body == "a/1");
        assert_eq!(of_a.count(), sent, "{lost} leases without a word");
        assert_eq!(scene.settled("b/1").last().unwrap().1, delivered());
    }
}

#[tokio::test(start_paused = true)]
async fn an_unknown_outcome_is_asked_again_and_never_dies_before_its_limit() {
    let scene = Scene::new().with(&["a/1"]).otherwise(unknown());
    let scene = played(scene, HOUR * 80).await;
    let settled = scene.settled("a/1");
    let (last, before) = settled.split_last().unwrap();
    let asked = |end: &Delivery| matches!(end, Delivery::Unknown { .. });
    assert!(before.len() > 100 && before.iter().all(|(_, end)| asked(end)));
    assert!(last.0 >= HOUR * 72, "{last:?}");
    assert_eq!(
        last.1,
        Delivery::Dead {
            reason: "outcome-unknown"
        }
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_bytes_ask_again_within_the_window_and_new_ones_after_it() {
    for (ago, body) in [(300, "as said before"), (301, "a/1")] {
        let scene = Scene::new().with(&["a/1"]);
        let said = Said {
            body: Bytes::from_static(b"as said before"),
            at: scene.now() - SECOND * ago,
        };
        scene.waiting.lock().unwrap()[0].parcel.said = Some(said);
        let scene = Arc::new(scene);
        lane(&scene, portal()).round().await;
        assert_eq!(scene.sent()[0].1, body, "{ago} s ago, the window is 300 s");
        assert_eq!(scene.events()[1], Event::Recorded(body.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_legal_time_limit_ends_the_tries_and_what_came_late_has_an_hour() {
    for (due, ends) in [
        (HOUR * 5, HOUR * 5),
        (HOUR * 200, HOUR * 200),
        (SECOND, HOUR),
    ] {
        let scene = Scene::new().with(&["a/1"]).otherwise(busy());
        let limit = scene.now() + due;
        scene.waiting.lock().unwrap()[0].parcel.due = Some(limit);
        let scene = played(scene, HOUR * 210).await;
        let (at, last) = scene.settled("a/1").last().unwrap().clone();
        assert_eq!(last, Delivery::Dead { reason: "busy" }, "{due:?}");
        assert!(at >= ends && at <= ends + HOUR, "{due:?}: {at:?}");
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
async fn what_the_partner_refuses_is_no_failure_of_the_partner() {
    let answers = [refused(), refused(), refused(), refused()];
    let scene = Arc::new(
        Scene::new()
            .with(&["a/1", "b/1", "c/1", "d/1"])
            .answering(answers),
    );
    let lane = Lane::new(LaneParts {
        breaker: (1, HOUR),
        ..parts(&scene, portal())
    });
    run(lane, SECOND * 5).await;
    assert_eq!(scene.sent().len(), 4);
    let scene = Scene::new()
        .with(&["a/1", "b/1", "c/1", "d/1"])
        .otherwise(unknown());
    let scene = played(scene, SECOND * 50).await;
    assert_eq!(scene.sent().len(), 3, "three without an answer open it");
}

#[tokio::test(start_paused = true)]
async fn what_our_own_side_does_not_give_is_no_news_of_the_partner() {
    let breaker = (2, SECOND * 10);
    let down = || retry("not-reached", Duration::ZERO);
    let ours = || retry(OUR_DISK, Duration::ZERO);
    let aside = || Delivery::Quarantined { reason: OUR_DISK };
    let level = async |answers: Vec<Delivery>| {
        let (parcels, calls) = (["a/1", "b/1", "c/1", "d/1"], answers.len());
        let scene = Arc::new(Scene::new().with(&parcels).answering(answers));
        let lane = Lane::new(LaneParts {
            breaker,
            ..parts(&scene, portal())
        });
        for _ in 0..100 {
            if scene.sent().len() < calls {
                lane.round().await;
                tokio::time::advance(SECOND / 10).await;
            }
        }
        assert!(scene.sent().len() >= calls);
        lane.breaker.level()
    };
    assert_eq!(level(vec![ours(), ours(), ours(), ours()]).await, 0);
    // it neither counts among the partner's failures nor ends a row of them
    assert_eq!(level(vec![down(), ours(), aside()]).await, 0);
    assert_eq!(level(vec![down(), ours(), aside(), down()]).await, 2);
    let other = Delivery::Quarantined { reason: "said" };
    assert_eq!(level(vec![down(), other, down()]).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_never_shorter_than_the_couriers_and_grows_up_to_its_bound() {
    let scene = Arc::new(Scene::new().with(&["a/1"]));
    let judge = Judge::new(parts(&scene, portal()).outgoing, fair_dice());
    for attempts in [0, 1, 5, 20, u32::MAX] {
        let one = Leased {
            attempts,
            ..scene.waiting.lock().unwrap()[0].parcel.clone()
        };
        for (asked, most) in [(SECOND * 900, SECOND * 900), (SECOND, SECOND * 301)] {
            let judged = judge.judge(retry("busy", asked), &[&one], scene.now());
            let Delivery::Retry { after, .. } = judged else {
                panic!("given up after {attempts}")
            };
            assert!(after >= asked && after <= most, "{attempts}: {after:?}");
        }
    }
}
