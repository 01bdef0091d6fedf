//! A birth or a death that its sender tells again by a road that carries less, or more.

use schemas::fault::FaultCode::{Conflict, Invalid};
use schemas::proto::insurance::{
    BirthCase, CivilRecord, Claimant, DeathCase, Deceased, Parent, RegisterBirthRequest,
    RegisterDeathRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    what_a_later_telling_of_a_birth_leaves_out_is_no_other_fact
    what_is_only_kept_of_a_birth_is_added_by_a_later_telling_and_stands_from_then_on
    who_the_child_is_and_what_its_card_is_made_of_is_not_added_by_a_later_telling
    what_differs_in_two_tellings_of_a_birth_is_refused
    what_is_added_must_be_possible
    a_birth_that_waits_for_a_person_is_told_again_too
    a_death_is_told_again_with_less_and_with_more
}

/// Everything that a birth can say.
fn whole(scene: &Scene) -> RegisterBirthRequest {
    RegisterBirthRequest {
        father: Some(Parent {
            name: "Nguyễn Văn Cha".into(),
            birth_date: "1990".into(),
            pin: String::new(),
        }),
        birth_notice: "GCS.99.000077".into(),
        poor_household_certificate: "HN-1".into(),
        ..scene.birth(1)
    }
}

/// The same birth under another message, said a little otherwise.
fn again(
    birth: &RegisterBirthRequest,
    key: &str,
    change: fn(&mut RegisterBirthRequest),
) -> RegisterBirthRequest {
    let mut again = birth.clone();
    again.context = Some(context("dvclt", key));
    again.received_at = "2026-11-23T01:45:00Z".into();
    change(&mut again);
    again
}

async fn register(scene: &Scene, birth: RegisterBirthRequest) -> BirthCase {
    let answer = scene.insurance.register_birth(soon(), birth).await;
    answer.unwrap().case.unwrap()
}

async fn is_other(scene: &Scene, birth: RegisterBirthRequest) {
    let call = scene.insurance.register_birth(soon(), birth);
    scene
        .refuses(call, Conflict, "case-has-other-facts", "case_id")
        .await;
}

fn child(birth: &mut RegisterBirthRequest) -> &mut schemas::proto::insurance::Child {
    birth.child.as_mut().unwrap()
}

fn record(birth: &mut RegisterBirthRequest) -> &mut CivilRecord {
    birth.record.as_mut().unwrap()
}

type Change = fn(&mut RegisterBirthRequest);

/// What is only kept, and how it is left out.
const KEPT: [Change; 8] = [
    |birth| record(birth).book.clear(),
    |birth| record(birth).page.clear(),
    |birth| record(birth).commune.clear(),
    |birth| child(birth).ethnicity.clear(),
    |birth| child(birth).nationality.clear(),
    |birth| child(birth).residence_detail.clear(),
    |birth| child(birth).declaration_kind = 0,
    |birth| birth.guardian.as_mut().unwrap().phone.clear(),
];

/// What says who the child is, or what its card rests on, and may be left out.
const IDENTIFYING: [Change; 6] = [
    |birth| birth.mother = None,
    |birth| birth.mother.as_mut().unwrap().pin.clear(),
    |birth| birth.mother.as_mut().unwrap().birth_date.clear(),
    |birth| birth.father = None,
    |birth| birth.birth_notice.clear(),
    |birth| birth.poor_household_certificate.clear(),
];

async fn what_a_later_telling_of_a_birth_leaves_out_is_no_other_fact(scene: Scene) {
    let birth = whole(&scene);
    let first = register(&scene, birth.clone()).await;
    let before = scene.fingerprint().await;
    for (nth, leave_out) in KEPT.into_iter().chain(IDENTIFYING).enumerate() {
        let less = again(&birth, &format!("less-{nth}"), leave_out);
        assert_eq!(register(&scene, less).await, first, "{nth}");
        assert_eq!(scene.fingerprint().await, before, "{nth}");
    }
}

async fn what_is_only_kept_of_a_birth_is_added_by_a_later_telling_and_stands_from_then_on(
    scene: Scene,
) {
    let birth = whole(&scene);
    let mut bare = birth.clone();
    for leave_out in KEPT {
        leave_out(&mut bare);
    }
    let first = register(&scene, bare.clone()).await;
    let before = scene.fingerprint().await;
    assert_eq!(register(&scene, again(&birth, "more", |_| {})).await, first);
    let after = scene.fingerprint().await;
    assert_ne!(after, before, "nothing was kept");
    // both tellings are the case from now on, and a third that differs from what was added is neither
    for (key, told) in [("bare again", &bare), ("more again", &birth)] {
        assert_eq!(register(&scene, again(told, key, |_| {})).await, first);
    }
    assert_eq!(scene.fingerprint().await, after);
    let others: [Change; 4] = [
        |birth| record(birth).book = "02/2026".into(),
        |birth| child(birth).ethnicity = "02".into(),
        |birth| child(birth).residence_detail = "Thôn 2".into(),
        |birth| birth.guardian.as_mut().unwrap().phone = "0900000001".into(),
    ];
    for (nth, change) in others.into_iter().enumerate() {
        is_other(&scene, again(&birth, &format!("other-{nth}"), change)).await;
    }

    // what came in two tellings is what would have come in one
    let one = Scene::embedded();
    register(&one, birth).await;
    assert_eq!(one.fingerprint().await, after);
}

async fn who_the_child_is_and_what_its_card_is_made_of_is_not_added_by_a_later_telling(
    scene: Scene,
) {
    for (nth, leave_out) in IDENTIFYING.into_iter().enumerate() {
        let n = u32::try_from(nth).unwrap() * 4;
        let mut birth = RegisterBirthRequest {
            child: scene.birth(n).child,
            context: Some(context("dvclt", &format!("first-{nth}"))),
            case_id: scene.birth(n).case_id,
            mother: scene.birth(n).mother,
            birth_notice: format!("GCS.99.{nth:06}"),
            ..whole(&scene)
        };
        let more = again(&birth, &format!("more-{nth}"), |_| {});
        leave_out(&mut birth);
        register(&scene, birth).await;
        is_other(&scene, more).await;
    }
}

async fn what_differs_in_two_tellings_of_a_birth_is_refused(scene: Scene) {
    let birth = whole(&scene);
    register(&scene, birth.clone()).await;
    let others: [Change; 11] = [
        |birth| child(birth).pin = "099226999999".into(),
        |birth| child(birth).pin.clear(),
        |birth| child(birth).name.clear(),
        |birth| child(birth).birth_date = "2026-11-14".into(),
        |birth| child(birth).sex = 0,
        |birth| child(birth).residence_commune.clear(),
        |birth| birth.facility.clear(),
        |birth| birth.mother.as_mut().unwrap().name.clear(),
        |birth| birth.guardian = None,
        |birth| birth.record = None,
        |birth| record(birth).registered_on = "2026-11-19".into(),
    ];
    for (nth, change) in others.into_iter().enumerate() {
        is_other(&scene, again(&birth, &format!("other-{nth}"), change)).await;
    }
}

async fn what_is_added_must_be_possible(scene: Scene) {
    let mut birth = scene.birth(1);
    record(&mut birth).commune.clear();
    register(&scene, birth.clone()).await;
    let nowhere = again(&birth, "nowhere", |birth| {
        record(birth).commune = "99999".into();
    });
    let call = scene.insurance.register_birth(soon(), nowhere);
    scene
        .refuses(call, Invalid, "unknown-commune", "record.commune")
        .await;
}

async fn a_birth_that_waits_for_a_person_is_told_again_too(scene: Scene) {
    let notice = |birth| RegisterBirthRequest {
        birth_notice: "GCS.99.000001".into(),
        ..birth
    };
    register(&scene, notice(scene.birth(1))).await;
    let mut waits = RegisterBirthRequest {
        case_id: "H99.14-261120-000002".into(),
        context: Some(context("dvclt", "elsewhere")),
        ..notice(scene.birth(1))
    };
    child(&mut waits).pin = scene.birth(2).child.unwrap().pin;
    let more = again(&waits, "more", |_| {});
    record(&mut waits).commune.clear();
    let first = register(&scene, waits.clone()).await;
    assert!(first.si_number.is_empty(), "it does not wait");
    let before = scene.fingerprint().await;
    assert_eq!(register(&scene, more.clone()).await, first);
    assert_ne!(scene.fingerprint().await, before);
    is_other(
        &scene,
        again(&more, "other", |birth| {
            record(birth).commune = "99999".into()
        }),
    )
    .await;
}

async fn a_death_is_told_again_with_less_and_with_more(scene: Scene) {
    let holder = &scene.marks.card_holders[0];
    let place = &scene.marks.places[0].commune;
    let death = |key: &str| RegisterDeathRequest {
        context: Some(context("dvclt", key)),
        case_id: "G22.99.09-261120-000001".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        deceased: Some(Deceased {
            pin: holder.pin.clone(),
            name: holder.name.clone(),
            birth_date: holder.birth_date.clone(),
            ..Deceased::default()
        }),
        died_on: "2026-11-19".into(),
        death_notice: "GBT.99.1".into(),
        claimant: Some(Claimant {
            name: "Nguyễn Thị Con".into(),
            relation: "con".into(),
            phone: String::new(),
        }),
        record: Some(CivilRecord {
            number: "1".into(),
            registered_on: "2026-11-20".into(),
            ..CivilRecord::default()
        }),
        ..RegisterDeathRequest::default()
    };
    let die = async |death: RegisterDeathRequest| -> DeathCase {
        let answer = scene.insurance.register_death(soon(), death).await;
        answer.unwrap().case.unwrap()
    };
    let first = die(death("first")).await;
    let before = scene.fingerprint().await;
    let mut less = death("less");
    less.deceased.as_mut().unwrap().birth_date.clear();
    less.death_notice.clear();
    less.claimant = None;
    assert_eq!(die(less).await, first);
    assert_eq!(scene.fingerprint().await, before);
    let mut more = death("more");
    more.record.as_mut().unwrap().commune = place.clone();
    assert_eq!(die(more.clone()).await, first);
    let after = scene.fingerprint().await;
    assert_ne!(after, before, "nothing was kept");
    assert_eq!(die(death("first again")).await, first);
    assert_eq!(scene.fingerprint().await, after);
    type Change = fn(&mut RegisterDeathRequest);
    let others: [Change; 5] = [
        |death| death.record.as_mut().unwrap().commune = "99999".into(),
        |death| death.died_on = "2026-11-18".into(),
        |death| death.deceased.as_mut().unwrap().pin.clear(),
        |death| death.deceased.as_mut().unwrap().sex = 3,
        |death| death.proof_number = "7".into(),
    ];
    for (nth, change) in others.into_iter().enumerate() {
        let mut other = more.clone();
        other.context = Some(context("dvclt", &format!("other-{nth}")));
        change(&mut other);
        let call = scene.insurance.register_death(soon(), other);
        scene
            .refuses(call, Conflict, "case-has-other-facts", "case_id")
            .await;
    }
}
