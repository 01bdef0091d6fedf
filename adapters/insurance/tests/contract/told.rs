//! What a sender is told of its cases: each time a poll would tell something else, once, in the order of the case.

use schemas::proto::insurance::{
    AckRequest, BirthCase, BirthChanges, Change, CorrectBirthRequest, DeathCase, Deceased,
    GetBirthCasesRequest, GetDeathCasesRequest, LeaseRequest, RegisterBirthRequest,
    RegisterDeathRequest, WithdrawDeathRequest, change::What,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_birth_is_told_once_and_its_repetition_not_at_all
    what_becomes_of_a_child_is_told_of_every_case_of_it_in_order
    a_death_that_waits_for_its_person_is_told_when_it_is_met
    the_same_case_of_two_senders_is_two
}

async fn feed(scene: &Scene) -> Vec<Change> {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    let leased = scene.insurance.lease(soon(), request).await.unwrap();
    let ids = leased.changes.iter().map(|one| one.id.clone()).collect();
    let request = AckRequest {
        owner: "test".into(),
        ids,
    };
    let done = scene.insurance.ack(soon(), request).await.unwrap();
    assert_eq!(done.acknowledged as usize, leased.changes.len());
    leased.changes
}

/// Subject, position and state of each change.
fn told(changes: &[Change]) -> Vec<(String, u64, i32)> {
    let state = |change: &Change| match &change.what {
        Some(What::Birth(case)) => case.state,
        Some(What::Death(case)) => -i32::from(case.withdrawn_by.is_empty()),
        other => panic!("{other:?}"),
    };
    let line = |one: &Change| (one.subject.clone(), one.subject_sequence, state(one));
    changes.iter().map(line).collect()
}

async fn births(scene: &Scene, sender: &str, case_id: &str) -> BirthCase {
    let request = GetBirthCasesRequest {
        context: Some(context(sender, "poll")),
        case_ids: vec![case_id.to_owned()],
    };
    let told = scene.insurance.birth_cases(soon(), request).await;
    told.unwrap().cases.remove(0)
}

async fn deaths(scene: &Scene, case_id: &str) -> DeathCase {
    let request = GetDeathCasesRequest {
        context: Some(context("dvclt", "poll")),
        case_ids: vec![case_id.to_owned()],
    };
    let told = scene.insurance.death_cases(soon(), request).await;
    told.unwrap().cases.remove(0)
}

/// The last that was told of each case is what a poll tells now.
async fn agrees(scene: &Scene, changes: &[Change]) {
    for (at, change) in changes.iter().enumerate() {
        if changes[at + 1..]
            .iter()
            .any(|later| (&later.partner, &later.subject) == (&change.partner, &change.subject))
        {
            continue;
        }
        match change.what.as_ref().unwrap() {
            What::Birth(case) => {
                let polled = births(scene, &change.partner, &case.case_id).await;
                assert_eq!(*case, polled);
            }
            What::Death(case) => assert_eq!(*case, deaths(scene, &case.case_id).await),
            other => panic!("{other:?}"),
        }
    }
}

async fn register(scene: &Scene, request: RegisterBirthRequest) {
    let told = scene.insurance.register_birth(soon(), request).await;
    told.unwrap();
}

fn death(scene: &Scene, birth: &RegisterBirthRequest) -> RegisterDeathRequest {
    let child = birth.child.as_ref().unwrap();
    RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "G22.99.09-261120-000001".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        deceased: Some(Deceased {
            pin: child.pin.clone(),
            name: child.name.clone(),
            sex: child.sex,
            birth_date: scene.birth(1).child.unwrap().birth_date,
            ..Deceased::default()
        }),
        died_on: "2026-11-19".into(),
        proof_kind: 1,
        ..RegisterDeathRequest::default()
    }
}

async fn take_back(scene: &Scene, n: u32) {
    let request = WithdrawDeathRequest {
        context: Some(context("dvclt", &format!("withdraw-{n}"))),
        case_id: "G22.99.10-261120-000001".into(),
        withdraws: "G22.99.09-261120-000001".into(),
        reason: "another person".into(),
    };
    scene
        .insurance
        .withdraw_death(soon(), request)
        .await
        .unwrap();
}

async fn a_birth_is_told_once_and_its_repetition_not_at_all(scene: Scene) {
    register(&scene, scene.birth(1)).await;
    register(&scene, scene.birth(1)).await;
    let again = RegisterBirthRequest {
        context: Some(context("dvclt", "another message")),
        ..scene.birth(1)
    };
    register(&scene, again).await;
    let changes = feed(&scene).await;
    let subject = format!("LTKS-{}", scene.birth(1).case_id);
    assert_eq!(told(&changes), [(subject.clone(), 1, 4)]);
    assert_eq!(changes[0].id, format!("dvclt.{subject}.1"));
    agrees(&scene, &changes).await;
    assert_eq!(feed(&scene).await, []);
}

async fn what_becomes_of_a_child_is_told_of_every_case_of_it_in_order(scene: Scene) {
    let (first, other) = (scene.birth(1), "H99.14-261120-000001");
    let moved = RegisterBirthRequest {
        context: Some(context("ward", "moved")),
        case_id: other.into(),
        ..scene.birth(1)
    };
    register(&scene, first.clone()).await;
    register(&scene, moved).await;
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correct")),
        case_id: "G22.99.10-261123-000001".into(),
        corrects: first.case_id.clone(),
        received_at: "2026-11-23T01:40:00Z".into(),
        changes: Some(BirthChanges {
            name: "Nguyễn Hoà Giang".into(),
            ..BirthChanges::default()
        }),
        ..CorrectBirthRequest::default()
    };
    let corrected = scene.insurance.correct_birth(soon(), correction.clone());
    corrected.await.unwrap();
    // again it is the same correction, and nothing to tell
    let corrected = scene.insurance.correct_birth(soon(), correction);
    corrected.await.unwrap();
    let mut died = death(&scene, &first);
    died.deceased.as_mut().unwrap().name = "Nguyễn Hoà Giang".into();
    scene.insurance.register_death(soon(), died).await.unwrap();
    take_back(&scene, 1).await;
    take_back(&scene, 2).await;
    let changes = feed(&scene).await;
    let of = |subject: &str| -> Vec<(u64, i32)> {
        let all = told(&changes).into_iter();
        let own = all.filter(|one| one.0 == subject);
        own.map(|(_, nth, state)| (nth, state)).collect()
    };
    let four = [(1, 4), (2, 4), (3, 4), (4, 4)];
    assert_eq!(of(&format!("LTKS-{}", first.case_id)), four);
    assert_eq!(of(&format!("LTKS-{other}")), four);
    assert_eq!(of("LTKT-G22.99.09-261120-000001"), [(1, -1), (2, 0)]);
    assert_eq!(changes.len(), 10);
    agrees(&scene, &changes).await;
}

async fn a_death_that_waits_for_its_person_is_told_when_it_is_met(scene: Scene) {
    let birth = scene.birth(1);
    let died = death(&scene, &birth);
    scene.insurance.register_death(soon(), died).await.unwrap();
    let changes = feed(&scene).await;
    assert_eq!(
        told(&changes),
        [("LTKT-G22.99.09-261120-000001".to_owned(), 1, -1)]
    );
    agrees(&scene, &changes).await;
    register(&scene, birth.clone()).await;
    let changes = feed(&scene).await;
    assert_eq!(
        told(&changes),
        [
            ("LTKT-G22.99.09-261120-000001".to_owned(), 2, -1),
            (format!("LTKS-{}", birth.case_id), 1, 4)
        ]
    );
    agrees(&scene, &changes).await;
    // the child lives after all, and has its card now
    take_back(&scene, 1).await;
    let changes = feed(&scene).await;
    assert_eq!(changes.len(), 2);
    agrees(&scene, &changes).await;
    let Some(What::Birth(case)) = &changes[0].what else {
        panic!("not the birth")
    };
    assert!(case.card.is_some());
}

async fn the_same_case_of_two_senders_is_two(scene: Scene) {
    register(&scene, scene.birth(1)).await;
    let other = RegisterBirthRequest {
        context: Some(context("ward", "the same number")),
        case_id: scene.birth(1).case_id,
        ..scene.birth(2)
    };
    register(&scene, other).await;
    let changes = feed(&scene).await;
    let ids: Vec<&str> = changes.iter().map(|one| one.id.as_str()).collect();
    let case = scene.birth(1).case_id;
    assert_eq!(
        ids,
        [
            format!("dvclt.LTKS-{case}.1"),
            format!("ward.LTKS-{case}.1")
        ]
    );
    agrees(&scene, &changes).await;
}
