//! Nothing leaves that is not permitted and recorded.

use super::*;

fn recorded(body: &str) -> Event {
    Event::Recorded(body.to_owned())
}

fn sent(body: &str) -> Event {
    Event::Sent(body.to_owned())
}

fn settled(id: &str, delivery: Delivery) -> Event {
    Event::Settled(id.to_owned(), delivery)
}

/// The diary of one round, and whether the breaker has heard of a failure.
async fn round(scene: Scene, partner: Partner) -> (Vec<Event>, bool) {
    let scene = Arc::new(scene);
    let mut breaker = Breaker::new((1, SECOND));
    let lane = lane(&scene, partner);
    lane.round(&mut breaker, &Limits::new()).await;
    (scene.events(), breaker.probing())
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_was_recorded_before() {
    let (events, failed) = round(Scene::new().with(&["a/1"]), portal()).await;
    let expected = [
        Event::Leased(2),
        recorded("a/1"),
        sent("a/1"),
        settled("a/1", delivered()),
    ];
    assert_eq!((events.as_slice(), failed), (&expected[..], false));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_partner_is_sent_nothing() {
    let partner = Partner {
        active: false,
        ..portal()
    };
    let scene = Arc::new(Scene::new().with(&["a/1"]));
    run(lane(&scene, partner), SECOND * 600).await;
    assert_eq!(scene.events(), []);
}

#[tokio::test(start_paused = true)]
async fn a_partner_suspended_after_the_lease_is_sent_nothing() {
    let scene = Arc::new(Scene::new().with(&["a/1"]));
    let lane = lane(&scene, portal());
    let leased = scene.lease(&lane.partner, 1, SECOND).await.unwrap();
    let suspended = Partner {
        active: false,
        ..portal()
    };
    lane.partners.store(registered(suspended).load_full());
    let mut breaker = Breaker::new((1, SECOND));
    assert!(!lane.ship(leased, &mut breaker, &Limits::new()).await);
    assert!(scene.sent().is_empty() && !breaker.probing());
    assert_eq!(
        scene.settled("a/1")[0].1,
        retry("partner-suspended", SECOND * 60)
    );
}

#[tokio::test(start_paused = true)]
async fn what_no_agreement_permits_waits_and_is_neither_recorded_nor_sent() {
    let without = |change: fn(&mut Agreement)| {
        let mut partner = portal();
        change(&mut partner.agreements[0]);
        partner
    };
    for (partner, reason) in [
        (without(|a| a.operations.clear()), "operation-not-agreed"),
        (
            without(|a| a.valid_from = date(2027, 1, 1)),
            "agreement-not-in-force",
        ),
        (
            without(|a| a.roads = [Road::Direct].into()),
            "road-not-agreed",
        ),
        (without(|a| a.purposes.clear()), "purpose-not-agreed"),
    ] {
        let (events, failed) = round(Scene::new().with(&["a/1"]), partner).await;
        let expected = [Event::Leased(2), settled("a/1", retry(reason, SECOND * 60))];
        assert_eq!((events.as_slice(), failed), (&expected[..], false));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_sent() {
    let scene = Scene {
        journal_works: false,
        ..Scene::new().with(&["a/1"])
    };
    let (events, failed) = round(scene, portal()).await;
    let [_, Event::Settled(_, Delivery::Retry { reason, .. })] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((*reason, failed), ("journal-unavailable", false));
}

#[tokio::test(start_paused = true)]
async fn other_words_are_recorded_before_they_are_sent() {
    let scene = Scene::new().with(&["a/1"]).answering([instead("update")]);
    let (events, failed) = round(scene, portal()).await;
    let expected = [
        Event::Leased(2),
        recorded("a/1"),
        sent("a/1"),
        recorded("update"),
        sent("update"),
        settled("a/1", delivered()),
    ];
    assert_eq!((events.as_slice(), failed), (&expected[..], false));
}

#[tokio::test(start_paused = true)]
async fn other_words_are_sent_once_and_asked_for_again_they_wait() {
    let scene = Scene::new()
        .with(&["a/1"])
        .answering([instead("update"), instead("update of it")]);
    let (events, failed) = round(scene, portal()).await;
    let recorded = events
        .iter()
        .filter(|event| matches!(event, Event::Recorded(_)));
    assert_eq!((recorded.count(), failed), (2, true));
    let Some(Event::Settled(_, Delivery::Retry { reason, after })) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(*reason, "instead-again");
    assert!(!after.is_zero());
}

#[tokio::test(start_paused = true)]
async fn every_call_is_counted_by_how_it_ended() {
    let scene = Arc::new(Scene::new().with(&["a/1"]).answering([instead("update")]));
    let lane = lane(&scene, portal());
    lane.round(&mut Breaker::new((1, SECOND)), &Limits::new())
        .await;
    let text = lane.metrics.text();
    for outcome in ["instead", "delivered"] {
        let line =
            format!("lienthong_deliveries_total{{partner=\"portal\",outcome=\"{outcome}\"}} 1");
        assert!(text.contains(&line), "{text}");
    }
}
