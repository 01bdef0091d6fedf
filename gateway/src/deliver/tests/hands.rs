//! Several hands of one lane.

use super::*;

/// A lane with so many hands over a courier that takes a second for each call.
async fn with_hands(concurrency: usize, parcels: &[&str], time: Duration) -> Arc<Scene> {
    let scene = Arc::new(Scene {
        takes: SECOND,
        ..Scene::new().with(parcels)
    });
    let lane = Lane::new(LaneParts {
        concurrency,
        courier: Arc::new(Single(Arc::clone(&scene))),
        ..parts(&scene, portal())
    });
    run(lane, time).await;
    scene
}

/// Leases one parcel at a time.
struct Single(Arc<Scene>);

impl Courier for Single {
    fn batch_max(&self) -> usize {
        1
    }

    fn pack(&self, parcels: &[Leased]) -> (Vec<Shipment>, Vec<(String, &'static str)>) {
        self.0.pack(parcels)
    }

    fn send<'a>(&'a self, sendable: &'a Sendable) -> BoxFuture<'a, Delivery> {
        self.0.send(sendable)
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_shipments_of_different_subjects_are_in_flight_and_no_more() {
    let ids = ["a/1", "b/1", "c/1", "d/1", "e/1", "f/1"];
    for (hands, took) in [(1, 6), (3, 2)] {
        let scene = with_hands(hands, &ids, SECOND * 20).await;
        assert_eq!(scene.most_in_flight.load(Ordering::SeqCst), hands);
        let last = scene.settled("f/1").last().unwrap().0;
        assert!(
            last >= SECOND * took && last < SECOND * (took + 1),
            "{last:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_of_one_subject_are_never_in_flight() {
    let scene = with_hands(4, &["a/1", "a/2", "a/3"], SECOND * 20).await;
    assert_eq!(scene.most_in_flight.load(Ordering::SeqCst), 1);
    let sent: Vec<_> = scene.sent().into_iter().map(|(_, body)| body).collect();
    assert_eq!(sent, ["a/1", "a/2", "a/3"]);
}

#[tokio::test(start_paused = true)]
async fn while_half_open_one_hand_asks_and_the_others_wait() {
    let ids = ["a/1", "b/1", "c/1", "d/1", "e/1", "f/1"];
    let scene = Arc::new(
        Scene {
            takes: SECOND * 5,
            ..Scene::new().with(&ids)
        }
        .otherwise(busy()),
    );
    let lane = Lane::new(LaneParts {
        concurrency: 4,
        courier: Arc::new(Single(Arc::clone(&scene))),
        breaker: (1, SECOND * 60),
        ..parts(&scene, portal())
    });
    run(lane, SECOND * 200).await;
    let times: Vec<_> = scene.sent().into_iter().map(|(at, _)| at).collect();
    let first = times.iter().filter(|at| **at < SECOND * 60).count();
    assert_eq!(first, 4, "the four that were under way: {times:?}");
    let probes: Vec<_> = times.into_iter().skip(4).collect();
    assert!(probes.len() >= 2, "{probes:?}");
    assert!(
        probes
            .windows(2)
            .all(|pair| pair[1] - pair[0] >= SECOND * 60),
        "{probes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_its_lease_is_cut_off_with_an_unknown_outcome() {
    let scene = Arc::new(Scene {
        takes: HOUR,
        ..Scene::new().with(&["a/1"])
    });
    run(lane(&scene, portal()), SECOND * 100).await;
    let (at, end) = scene.settled("a/1")[0].clone();
    assert_eq!(at, SECOND * 30);
    assert!(
        matches!(
            end,
            Delivery::Unknown {
                reason: "lease-over",
                ..
            }
        ),
        "{end:?}"
    );
}

/// Two replicas, each with a lane of its own, over one store.
#[tokio::test(start_paused = true)]
async fn two_lanes_over_one_store_send_each_parcel_once_and_never_two_of_one_subject() {
    let ids: Vec<String> = ["a", "b", "c"]
        .iter()
        .flat_map(|subject| (1..=4).map(move |serial| format!("{subject}/{serial}")))
        .collect();
    let ids: Vec<_> = ids.iter().map(String::as_str).collect();
    let scene = Arc::new(Scene {
        takes: SECOND,
        ..Scene::new().with(&ids)
    });
    let replica = || {
        Lane::new(LaneParts {
            concurrency: 4,
            courier: Arc::new(Single(Arc::clone(&scene))),
            ..parts(&scene, portal())
        })
    };
    tokio::join!(run(replica(), SECOND * 30), run(replica(), SECOND * 30));
    let most = scene.most_in_flight.load(Ordering::SeqCst);
    assert_eq!(most, 3, "one of each subject");
    let mut sent: Vec<_> = scene.sent().into_iter().map(|(_, body)| body).collect();
    for subject in ["a", "b", "c"] {
        let of_it = sent.iter().filter(|id| id.starts_with(subject));
        assert!(of_it.is_sorted(), "{sent:?}");
    }
    sent.sort_unstable();
    assert_eq!(sent, ids);
}
