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
    let lane = Lane::new(LaneParts {
        breaker: (1, SECOND),
        ..parts(&scene, partner)
    });
    lane.round().await;
    (scene.events(), lane.breaker.level() != 0)
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
    let parcels = scene.lease(&lane.partner, 1, SECOND * 30).await.unwrap();
    let suspended = Partner {
        active: false,
        ..portal()
    };
    lane.partners.store(registered(suspended).load_full());
    assert!(!ship(&lane, parcels).await);
    assert!(scene.sent().is_empty() && lane.breaker.level() == 0);
    let settled = scene.settled("a/1")[0].1.clone();
    let Delivery::Retry { after, reason } = settled else {
        panic!("{settled:?}")
    };
    assert!(reason == "partner-suspended" && after >= SECOND * 60);
}

async fn ship(lane: &Lane, parcels: Vec<Leased>) -> bool {
    let Turn::Go(pass) = lane.breaker.turn(SECOND) else {
        panic!("the breaker is open")
    };
    let load = Load {
        parcels,
        until: Instant::now() + SECOND * 30,
        pass: &pass,
    };
    lane.ship(load).await
}

/// One standing order.
fn order(stop: Stop) -> Orders {
    let partner = portal().id;
    Orders(vec![Order {
        stop,
        operation: None,
        act: ActStory {
            at: "2026-11-22T05:00:00Z".parse().unwrap(),
            who: "an".into(),
            why: "a test".into(),
            deed: "pause-lane".into(),
            target: partner.as_str().into(),
            journal: 1,
        },
        partner,
    }])
}

#[tokio::test(start_paused = true)]
async fn a_paused_lane_and_a_suspended_partner_are_sent_nothing_until_it_is_undone() {
    for stop in [Stop::Lane, Stop::Partner] {
        let scene = Arc::new(Scene::new().with(&["a/1"]));
        let (orders, read) = watch::channel(order(stop));
        let lane = Lane::new(LaneParts {
            orders: read,
            ..parts(&scene, portal())
        });
        let running = tokio::spawn(run(lane, SECOND * 120));
        tokio::time::sleep(SECOND * 60).await;
        assert_eq!(scene.events(), [], "{stop:?}");
        orders.send(Orders::default()).unwrap();
        running.await.unwrap();
        assert_eq!(scene.settled("a/1").last().unwrap().1, delivered());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lane_paused_under_a_leased_parcel_hands_it_back_untried() {
    let scene = Arc::new(Scene::new().with(&["a/1"]));
    let (orders, read) = watch::channel(Orders::default());
    let lane = Lane::new(LaneParts {
        orders: read,
        ..parts(&scene, portal())
    });
    let parcels = scene.lease(&lane.partner, 1, SECOND * 30).await.unwrap();
    orders.send(order(Stop::Lane)).unwrap();
    assert!(!ship(&lane, parcels).await);
    let untried = Delivery::Untried { after: SECOND };
    assert_eq!(
        (scene.sent().len(), scene.settled("a/1")[0].1.clone()),
        (0, untried)
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_store_says_is_not_ours_to_send_is_not_sent() {
    let scene = Scene::new().with(&["a/1"]);
    scene.holds.store(false, Ordering::SeqCst);
    let (events, failed) = round(scene, portal()).await;
    let untried = settled("a/1", Delivery::Untried { after: SECOND });
    assert_eq!((events, failed), (vec![Event::Leased(2), untried], false));
}

#[tokio::test(start_paused = true)]
async fn what_asks_for_a_field_that_is_not_agreed_waits_and_is_neither_recorded_nor_sent() {
    let (events, failed) = round(Scene::new().with(&["curious/1"]), portal()).await;
    let [
        Event::Leased(2),
        Event::Settled(_, Delivery::Retry { reason, .. }),
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!((*reason, failed), ("field-not-agreed", false));
    let granted = || {
        let mut partner = portal();
        let grants = partner.agreements[0].operations.values_mut();
        grants.for_each(|grant| grant.fields.extend(["income".to_owned()]));
        partner
    };
    let (events, _) = round(Scene::new().with(&["curious/1"]), granted()).await;
    let sent = |event: &Event| matches!(event, Event::Sent(_));
    assert!(events.iter().any(sent), "{events:?}");
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
        let [
            Event::Leased(2),
            Event::Settled(
                _,
                Delivery::Retry {
                    after,
                    reason: told,
                },
            ),
        ] = events.as_slice()
        else {
            panic!("{events:?}")
        };
        assert!(*after >= SECOND * 60 && !failed);
        assert_eq!(*told, reason);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_recorded_is_not_sent() {
    let scene = Scene {
        journal_works: false,
        ..Scene::new().with(&["a/1"])
    };
    let (events, failed) = round(scene, portal()).await;
    let untried = settled("a/1", Delivery::Untried { after: SECOND });
    assert_eq!((events, failed), (vec![Event::Leased(2), untried], false));
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
    assert_eq!((recorded.count(), failed), (2, false), "it answers");
    let Some(Event::Settled(_, Delivery::Refused { reason, after })) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!(*reason, "instead-again");
    assert!(!after.is_zero());
}

#[tokio::test(start_paused = true)]
async fn every_call_is_counted_by_how_it_ended() {
    let scene = Arc::new(Scene::new().with(&["a/1"]).answering([instead("update")]));
    let lane = lane(&scene, portal());
    lane.round().await;
    let text = lane.metrics.text();
    for outcome in ["instead", "delivered"] {
        let line =
            format!("lienthong_deliveries_total{{partner=\"portal\",outcome=\"{outcome}\"}} 1");
        assert!(text.contains(&line), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn whom_a_shipment_tells_of_is_written_down_with_its_bytes() {
    let scene = Arc::new(Scene::new().with(&["a/1", "of-a-person/1"]));
    run(lane(&scene, portal()), SECOND * 5).await;
    let told = scene.told.lock().unwrap().clone();
    let [one] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((one.sender.as_str(), one.operation), ("portal", TELL.name));
    assert_eq!(
        (&*one.rule, &*one.purpose),
        ("1/portal.sync-dossier", "public-service")
    );
    assert_eq!(one.fields, "siNumber,card");
    assert_eq!(one.numbers[0].indexed(), "pin:099099000001");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_permitted_is_told_of_nobody() {
    let partner = Partner {
        agreements: Vec::new(),
        ..portal()
    };
    let scene = Arc::new(Scene::new().with(&["of-a-person/1"]));
    run(lane(&scene, partner), SECOND * 5).await;
    assert!(scene.sent().is_empty() && scene.told.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_written_down_as_one_with_the_bytes_that_tell_of_it() {
    let scene = Arc::new(Scene::new().with(&["a/1", "of-many/1"]));
    run(lane(&scene, portal()), SECOND * 5).await;
    let told = scene.told.lock().unwrap().clone();
    let [one] = told.as_slice() else {
        panic!("{told:?}")
    };
    assert_eq!((one.whom, &*one.fields), (Whom::Many, "name,amount"));
    assert_eq!((one.sender.as_str(), one.operation), ("portal", TELL.name));
    assert_eq!(one.rule, "1/portal.sync-dossier");
    let numbers: Vec<_> = one.numbers.iter().map(PersonNumber::indexed).collect();
    assert_eq!(numbers, ["pin:099099000001", "si:9900000002"]);
    assert_eq!(scene.sent().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_tells_of_a_crowd_that_nobody_can_name_now_waits_and_is_no_news_of_the_partner() {
    let (events, failed) = round(Scene::new().with(&["unread/1"]), portal()).await;
    let [
        Event::Leased(_),
        Event::Settled(id, Delivery::Retry { reason, .. }),
    ] = events.as_slice()
    else {
        panic!("{events:?}")
    };
    assert_eq!(
        (id.as_str(), *reason, failed),
        ("unread/1", "unread", false)
    );
}
