//! Many employers or many persons in one question.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn many_are_asked_in_one_signed_question_and_answered_in_order_each_for_itself() {
    let (scene, departments) = Scene::start().await;
    let (ended, _) = seeded(&departments[0], "E-STATUS-TAX");
    let (unknown, _) = seeded(&departments[0], "E-NOTAX");
    let (renamed, _) = seeded(&departments[0], "E-NAME");
    let mut truth = Truth::default();
    for department in &departments {
        for row in &department.rows {
            truth.add(department.period.parse().unwrap(), row);
        }
    }
    truth.ambiguous.insert(renamed.to_owned());
    scene.register.learn(truth);
    scene.register.misbehave(|knobs| knobs.drop_replies = 1);
    let keys = [unknown, ended, renamed];
    let asked = scene.many(
        "vss-many-0001",
        "employers",
        &keys,
        &["status", "headcount"],
    );
    let told = scene.ask(asked.clone()).await.unwrap();
    let of = |line: usize| told.lines[line].mst.as_str();
    assert_eq!([of(0), of(1), of(2)], keys, "in the order asked");
    assert_eq!(told.lines[0].result, "noData");
    assert_eq!(told.lines[1].result, "hasData");
    assert_eq!(told.lines[1].told[0].value, "03");
    let fault = told.lines[2].fault.as_ref().unwrap();
    assert_eq!(fault.code, "AMBIGUOUS-SUBJECT", "that line alone");
    assert!(told.journal > 0, "the signed answer is kept");
    assert!(scene.register.times("vss-many-0001") >= 2, "a lost reply");
    assert_eq!(scene.ask(asked).await.unwrap(), told, "the same question");

    // persons: everyone of them is noted before anything is shown
    let (_, first) = seeded(&departments[1], "P-BASE");
    let (_, second) = seeded(&departments[1], "P-NAME");
    let asked = scene.many("", "individuals", &[first, second], &["months", "income"]);
    let told = scene.ask(asked).await.unwrap();
    assert_eq!(told.lines.len(), 2);
    for person in [first, second] {
        let access = AccessRequest {
            person: person.to_owned(),
            who: "a.security.officer".into(),
            why: "who looked".into(),
            max: 10,
        };
        let admin = scene.house.gateway().admin();
        let accesses = client::accesses(admin, access).await.unwrap().accesses;
        assert!(accesses.iter().any(|one| one.operator == "an.officer"));
    }
    assert_eq!(scene.register.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_in_another_order_one_short_or_telling_more_are_never_told() {
    let (scene, departments) = Scene::start().await;
    let (first, _) = seeded(&departments[0], "E-NAME");
    let (second, _) = seeded(&departments[0], "E-ADDR");
    type Knob = fn(&mut Mischief) -> &mut u32;
    let cases: [(Knob, &str); 4] = [
        (|knobs| &mut knobs.swap_lines, "answer-of-another-subject"),
        (|knobs| &mut knobs.lose_a_line, "answer-of-another-subject"),
        (|knobs| &mut knobs.tell_more, "answer-tells-more"),
        (|knobs| &mut knobs.another_key, "answer-not-proven"),
    ];
    for (nth, (knob, reason)) in cases.into_iter().enumerate() {
        scene.register.misbehave(|knobs| *knob(knobs) = 1_000);
        let id = format!("vss-bent-{nth:04}");
        let asked = AskTaxRequest {
            wait_ms: 100,
            ..scene.many(&id, "employers", &[first, second], &["headcount"])
        };
        let refused = scene.ask(asked).await.unwrap_err();
        assert!(refused.contains("UNAVAILABLE"), "{reason}: {refused}");
        scene.unanswered(&id, reason).await;
        scene.register.misbehave(|knobs| *knob(knobs) = 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_of_the_wrong_making_or_more_than_agreed_never_leave() {
    let (scene, departments) = Scene::start().await;
    let all: Vec<&str> = departments[0].seeds.iter().map(|seed| &*seed.1).collect();
    let unique: std::collections::BTreeSet<&str> = all.into_iter().collect();
    let keys: Vec<&str> = unique.into_iter().take(4).collect();
    let twice = [keys[0], keys[1], keys[0]];
    for (keys, fields, reason) in [
        (&keys[..], &["status"][..], "more-lines-than-agreed"),
        (&twice[..], &["status"][..], "key-twice"),
        (&keys[..0], &["status"][..], "lines"),
        (&["9900000000"][..], &["status"][..], "tax-code"),
        (&keys[..1], &["address"][..], "field-not-agreed: address"),
        (&keys[..1], &["payers"][..], "field"),
    ] {
        let asked = scene.many("vss-never-0002", "employers", keys, fields);
        let refused = scene.ask(asked).await.unwrap_err();
        assert!(refused.contains(reason), "{refused} instead of {reason}");
    }
    let admin = scene.house.gateway().admin();
    let unknown = client::parcel(admin, "ask.tax.vss-never-0002").await;
    assert!(unknown.is_err(), "a refused question stands in the outbox");
    let acts = client::acts(admin, 100).await.unwrap().acts;
    assert!(acts.iter().all(|act| act.deed != "ask-tax"));
    assert_eq!(scene.register.times("vss-never-0002"), 0);
}
