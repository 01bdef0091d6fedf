//! What is lost, forged, late or down on the way.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_lost_the_same_id_is_one_question_with_one_answer() {
    let (scene, departments) = Scene::start().await;
    let (mst, _) = seeded(&departments[0], "E-NAME");
    scene.register.misbehave(|knobs| knobs.drop_replies = 2);
    let asked = scene.employer("vss-lost-0001", mst, &["name"]);
    let first = scene.ask(asked.clone()).await.unwrap();
    let times = scene.register.times("vss-lost-0001");
    assert!(times >= 3, "asked {times} times for two lost replies");
    scene.register.learn(Truth::default());
    let again = scene.ask(asked.clone()).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(scene.register.times("vss-lost-0001"), times, "asked anew");
    let other = AskTaxRequest {
        fields: vec!["status".into()],
        ..asked
    };
    let refused = scene.ask(other).await.unwrap_err();
    assert!(refused.contains("same-id-other-content"), "{refused}");
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_forged_or_to_another_question_is_never_told() {
    let (scene, departments) = Scene::start().await;
    let (mst, _) = seeded(&departments[0], "E-NAME");
    type Knob = fn(&mut Mischief) -> &mut u32;
    let cases: [(Knob, &str); 6] = [
        (|knobs| &mut knobs.another_id, "answer-of-another-question"),
        (
            |knobs| &mut knobs.another_digest,
            "answer-of-another-question",
        ),
        (|knobs| &mut knobs.another_key, "answer-not-proven"),
        (|knobs| &mut knobs.flip_a_byte, "answer-not-proven"),
        (
            |knobs| &mut knobs.another_subject,
            "answer-of-another-subject",
        ),
        (|knobs| &mut knobs.tell_more, "answer-tells-more"),
    ];
    for (nth, (knob, reason)) in cases.into_iter().enumerate() {
        scene.register.misbehave(|knobs| *knob(knobs) = 1_000);
        let id = format!("vss-forged-{nth}");
        let asked = AskTaxRequest {
            wait_ms: 100,
            ..scene.employer(&id, mst, &["name"])
        };
        let refused = scene.ask(asked).await.unwrap_err();
        assert!(refused.contains("UNAVAILABLE"), "{reason}: {refused}");
        scene.unanswered(&id, reason).await;
        scene.register.misbehave(|knobs| *knob(knobs) = 0);
        // the department is itself again: the same question has its answer, under its own id
        if nth == 0 {
            let again = scene.employer(&id, mst, &["name"]);
            let told = scene.ask(again).await.unwrap();
            assert_eq!(value(&told, "name"), Some("Hợp tác xã Chuồn Chuồn Ớt"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_that_is_down_is_unavailable_and_answers_later_under_the_same_id() {
    let (mut scene, departments) = Scene::start().await;
    let (mst, _) = seeded(&departments[0], "E-NAME");
    scene.serving.take().unwrap().stop().await;
    let asked = AskTaxRequest {
        wait_ms: 300,
        ..scene.employer("vss-down-0001", mst, &["name"])
    };
    let refused = scene.ask(asked).await.unwrap_err();
    assert!(refused.contains("UNAVAILABLE"), "{refused}");
    let parcel = scene.parcel("vss-down-0001").await;
    assert_eq!((parcel.receipt, parcel.state == "done"), (0, false));
    assert_eq!(scene.register.times("vss-down-0001"), 0);
    let listener = TcpListener::bind(("127.0.0.1", scene.port)).await.unwrap();
    scene.serving = Some(scene.register.serve(listener).unwrap());
    let told = scene
        .ask(scene.employer("vss-down-0001", mst, &["name"]))
        .await;
    assert_eq!(told.unwrap().result, "hasData");
    // whoever asked first waits no more: the question has the time of a call
    assert_eq!(scene.register.asked_within(), Some(Duration::from_secs(10)));
    assert!(scene.parcel("vss-down-0001").await.receipt > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_department_is_told_how_long_whoever_asks_waits() {
    let (scene, departments) = Scene::start().await;
    let (mst, _) = seeded(&departments[0], "E-NAME");
    let asked = AskTaxRequest {
        wait_ms: 4_000,
        ..scene.employer("vss-within-001", mst, &["name"])
    };
    scene.ask(asked).await.unwrap();
    let within = scene.register.asked_within().unwrap();
    assert!(within <= Duration::from_secs(4), "{within:?}");
    assert!(within > Duration::from_millis(100), "{within:?}");
    // a department that keeps to it says nothing when nobody waits any more
    let long = Duration::from_secs(20);
    scene.register.misbehave(|knobs| knobs.delay = long);
    let asked = AskTaxRequest {
        wait_ms: 1_000,
        ..scene.employer("vss-within-002", mst, &["name"])
    };
    let refused = scene.ask(asked).await.unwrap_err();
    assert!(refused.contains("UNAVAILABLE"), "{refused}");
    assert_eq!(scene.register.times("vss-within-002"), 0, "not looked at");
    scene
        .register
        .misbehave(|knobs| knobs.delay = Duration::ZERO);
    let asked = scene.employer("vss-within-002", mst, &["name"]);
    assert_eq!(scene.ask(asked).await.unwrap().result, "hasData");
}
