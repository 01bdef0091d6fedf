//! Corrections of a birth: Births.Correct.

use schemas::fault::FaultCode::{AmbiguousSubject, Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::{
    BirthCase, BirthChanges, Card, CardState, CorrectBirthRequest, Deceased, FindRequest,
    ListCardsRequest, Parent, Person, RegisterBirthRequest, RegisterDeathRequest, Sex,
    ShowBirthRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_corrected_name_is_printed_and_number_and_validity_stay
    what_is_not_printed_is_corrected_without_a_new_card
    the_guardians_name_is_on_the_card
    a_corrected_sex_needs_a_pin_that_says_so_and_both_pins_are_the_childs
    a_corrected_day_of_birth_moves_the_validity_and_one_that_is_too_old_ends_the_card
    corrections_follow_one_another_and_are_all_kept
    the_same_correction_again_is_the_same_and_other_facts_are_refused
    a_birth_that_is_not_the_senders_is_not_corrected
    a_correction_that_is_not_possible_changes_nothing
}

pub async fn born(scene: &Scene, n: u32) -> BirthCase {
    let answer = scene.insurance.register_birth(soon(), scene.birth(n)).await;
    answer.unwrap().case.unwrap()
}

/// The nth correction of the first birth.
pub fn correction(scene: &Scene, n: u32, changes: BirthChanges) -> CorrectBirthRequest {
    CorrectBirthRequest {
        context: Some(context("dvclt", &format!("correct-{n}"))),
        case_id: format!("G22.99.10-261123-{n:06}"),
        corrects: scene.birth(1).case_id,
        received_at: "2026-11-23T01:40:00Z".into(),
        reason: "viết sai".into(),
        changes: Some(changes),
    }
}

pub fn named(name: &str) -> BirthChanges {
    BirthChanges {
        name: name.into(),
        ..BirthChanges::default()
    }
}

pub fn mother(change: Parent) -> BirthChanges {
    BirthChanges {
        mother: Some(change),
        ..BirthChanges::default()
    }
}

pub async fn correct(scene: &Scene, request: CorrectBirthRequest) -> BirthCase {
    let answer = scene.insurance.correct_birth(soon(), request).await;
    answer.unwrap().case.unwrap()
}

async fn person(scene: &Scene, pin: &str) -> Person {
    let request = FindRequest {
        context: Some(context("registry", "find")),
        number: pin.into(),
        ..FindRequest::default()
    };
    let found = scene.insurance.find(soon(), request).await.unwrap();
    found.people.into_iter().next().unwrap()
}

async fn prints(scene: &Scene, case: &BirthCase) -> Vec<Card> {
    let request = ListCardsRequest {
        context: Some(context("registry", "cards")),
        si_number: case.si_number.clone(),
    };
    scene.insurance.cards(soon(), request).await.unwrap().cards
}

pub fn pin(scene: &Scene, prefix: &str, n: u32) -> String {
    format!("{prefix}{:06}", scene.marks.child_pin_serial_from + n)
}

async fn a_corrected_name_is_printed_and_number_and_validity_stay(scene: Scene) {
    let before = born(&scene, 1).await;
    scene.time.pass(60);
    let request = correction(&scene, 1, named("Nguyễn Hoà Giang"));
    let case_id = request.case_id.clone();
    let after = correct(&scene, request).await;
    let (old, new) = (before.card.clone().unwrap(), after.card.clone().unwrap());
    assert_eq!(new, Card { serial: 2, ..old });
    assert_eq!(after.si_number, before.si_number);
    assert_eq!(after.corrected_by, case_id);
    assert!(after.updated_at > before.updated_at);
    let states: Vec<_> = prints(&scene, &after)
        .await
        .iter()
        .map(Card::state)
        .collect();
    assert_eq!(states, [CardState::Valid, CardState::Replaced]);
    let pin = scene.birth(1).child.unwrap().pin;
    assert_eq!(person(&scene, &pin).await.name, "Nguyễn Hoà Giang");
}

async fn what_is_not_printed_is_corrected_without_a_new_card(scene: Scene) {
    let before = born(&scene, 1).await;
    let other = scene.marks.mothers[1].pin.clone();
    let change = Parent {
        pin: other,
        ..Parent::default()
    };
    let after = correct(&scene, correction(&scene, 1, mother(change))).await;
    assert_eq!(after.card, before.card);
    assert_eq!(prints(&scene, &after).await.len(), 1);
    // by another PIN alone as well: it is not on the card
    let change = BirthChanges {
        pin: pin(&scene, "099226", 77),
        ..BirthChanges::default()
    };
    let after = correct(&scene, correction(&scene, 2, change)).await;
    assert_eq!(after.card, before.card);
}

async fn the_guardians_name_is_on_the_card(scene: Scene) {
    born(&scene, 1).await; // the mother is the guardian
    let change = Parent {
        name: "Trần Thị Khác".into(),
        ..Parent::default()
    };
    let after = correct(&scene, correction(&scene, 1, mother(change))).await;
    assert_eq!(after.card.unwrap().serial, 2);
}

async fn a_corrected_sex_needs_a_pin_that_says_so_and_both_pins_are_the_childs(scene: Scene) {
    let before = born(&scene, 1).await;
    let change = BirthChanges {
        sex: Sex::Female.into(),
        ..BirthChanges::default()
    };
    let alone = correction(&scene, 1, change.clone());
    let asked = scene.insurance.correct_birth(soon(), alone);
    scene
        .refuses(asked, Invalid, "pin-sex-mismatch", "child.pin")
        .await;
    let new = pin(&scene, "099326", 50);
    let change = BirthChanges {
        pin: new.clone(),
        ..change
    };
    let after = correct(&scene, correction(&scene, 1, change)).await;
    assert_eq!(
        (after.card.unwrap().serial, &after.si_number),
        (2, &before.si_number)
    );
    let old = scene.birth(1).child.unwrap().pin;
    let (by_new, by_old) = (person(&scene, &new).await, person(&scene, &old).await);
    assert_eq!(by_new, by_old);
    assert_eq!((by_new.pin, by_new.sex), (new, Sex::Female.into()));
    // and back: the PIN that was theirs before is theirs again
    let change = BirthChanges {
        pin: old.clone(),
        sex: Sex::Male.into(),
        ..BirthChanges::default()
    };
    correct(&scene, correction(&scene, 2, change)).await;
    assert_eq!(person(&scene, &old).await.pin, old);
}

async fn a_corrected_day_of_birth_moves_the_validity_and_one_that_is_too_old_ends_the_card(
    scene: Scene,
) {
    born(&scene, 1).await;
    let born_on = |day: &str, pin: String| BirthChanges {
        birth_date: day.into(),
        pin,
        ..BirthChanges::default()
    };
    let change = born_on("2026-09-30", String::new());
    let card = correct(&scene, correction(&scene, 1, change)).await.card;
    let card = card.unwrap();
    assert_eq!(card.valid_from, "2026-09-30");
    assert_eq!((card.serial, card.state()), (2, CardState::Valid));
    let old = born_on("2020-01-15", pin(&scene, "099220", 60));
    let card = correct(&scene, correction(&scene, 2, old)).await.card;
    let card = card.unwrap();
    assert_eq!((card.serial, card.state()), (2, CardState::Revoked));
}

async fn corrections_follow_one_another_and_are_all_kept(scene: Scene) {
    born(&scene, 1).await;
    correct(&scene, correction(&scene, 1, named("Nguyễn Hoà Giang"))).await;
    scene.time.pass(60);
    let year = Parent {
        birth_date: "1990".into(),
        ..Parent::default()
    };
    correct(&scene, correction(&scene, 2, mother(year))).await;
    scene.time.pass(60);
    let last = correct(&scene, correction(&scene, 3, named("Nguyễn Hoà Hải"))).await;
    assert_eq!(last.card.clone().unwrap().serial, 3);
    // the birth sent again is the same birth, as it stands now
    let again = RegisterBirthRequest {
        context: Some(context("dvclt", "again")),
        ..scene.birth(1)
    };
    let again = scene.insurance.register_birth(soon(), again).await;
    assert_eq!(again.unwrap().case.unwrap(), last);
    let request = ShowBirthRequest {
        context: Some(context("registry", "story")),
        case_id: scene.birth(1).case_id,
        ..ShowBirthRequest::default()
    };
    let shown = scene
        .insurance
        .birth_stories(soon(), request)
        .await
        .unwrap();
    let events = &shown.births[0].later;
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|one| (one.what.as_str(), &one.case_id[17..]))
        .collect();
    assert_eq!(
        told,
        [
            ("correction-printed", "000001"),
            ("correction", "000002"),
            ("correction-printed", "000003")
        ]
    );
}

async fn the_same_correction_again_is_the_same_and_other_facts_are_refused(scene: Scene) {
    born(&scene, 1).await;
    let request = correction(&scene, 1, named("Nguyễn Hoà Giang"));
    let first = correct(&scene, request.clone()).await;
    let again = CorrectBirthRequest {
        context: Some(context("dvclt", "another-key")),
        received_at: "2026-11-23T01:50:00Z".into(),
        ..request.clone()
    };
    assert_eq!(correct(&scene, again.clone()).await, first);
    let other = CorrectBirthRequest {
        context: Some(context("dvclt", "a-third-key")),
        changes: Some(named("Nguyễn Hoà Hải")),
        ..again
    };
    let asked = scene.insurance.correct_birth(soon(), other);
    scene
        .refuses(asked, Conflict, "case-has-other-facts", "case_id")
        .await;
}

async fn a_birth_that_is_not_the_senders_is_not_corrected(scene: Scene) {
    born(&scene, 1).await;
    let foreign = CorrectBirthRequest {
        context: Some(context("other", "correct")),
        ..correction(&scene, 1, named("Nguyễn Hoà Giang"))
    };
    let unknown = CorrectBirthRequest {
        corrects: "G22.99.08-261120-777777".into(),
        ..correction(&scene, 1, named("Nguyễn Hoà Giang"))
    };
    for request in [foreign, unknown] {
        let asked = scene.insurance.correct_birth(soon(), request);
        scene
            .refuses(asked, UnknownSubject, "unknown-case", "corrects")
            .await;
    }
}

async fn a_correction_that_is_not_possible_changes_nothing(scene: Scene) {
    born(&scene, 1).await;
    let other = born(&scene, 2).await;
    let pin_of_other = scene.birth(2).child.unwrap().pin;
    let changes = |change: fn(&mut BirthChanges)| {
        let mut changes = BirthChanges::default();
        change(&mut changes);
        changes
    };
    for (changes, code, reason, field) in [
        (BirthChanges::default(), Invalid, "missing", "changes"),
        (named("1"), Invalid, "malformed-name", "child.name"),
        (
            changes(|one| one.birth_date = "2027-01-01".into()),
            Invalid,
            "before-birth",
            "record.registered_on",
        ),
        (
            changes(|one| one.birth_date = "2025-11-15".into()),
            Invalid,
            "pin-birth-year-mismatch",
            "child.pin",
        ),
        (
            BirthChanges {
                pin: pin_of_other,
                ..BirthChanges::default()
            },
            AmbiguousSubject,
            "pin-of-another-person",
            "child.pin",
        ),
    ] {
        let request = correction(&scene, 1, changes);
        let asked = scene.insurance.correct_birth(soon(), request);
        scene.refuses(asked, code, reason, field).await;
    }
    // one who waits for a person, and one who is dead
    let mut doubtful = scene.birth(1);
    doubtful.context = Some(context("dvclt", "doubt"));
    doubtful.case_id = "H99.14-261120-000002".into();
    doubtful.child.as_mut().unwrap().pin = pin(&scene, "099226", 90);
    scene
        .insurance
        .register_birth(soon(), doubtful)
        .await
        .unwrap();
    let child = scene.birth(2).child.unwrap();
    let death = RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "death".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        deceased: Some(Deceased {
            pin: child.pin,
            name: child.name,
            ..Deceased::default()
        }),
        died_on: "2026-11-20".into(),
        ..RegisterDeathRequest::default()
    };
    scene.insurance.register_death(soon(), death).await.unwrap();
    for (corrects, code, reason) in [
        ("H99.14-261120-000002", Conflict, "case-waits"),
        (&*other.case_id, RuleRefused, "person-is-dead"),
    ] {
        let request = CorrectBirthRequest {
            corrects: corrects.into(),
            ..correction(&scene, 1, named("Nguyễn Hoà Giang"))
        };
        let asked = scene.insurance.correct_birth(soon(), request);
        scene.refuses(asked, code, reason, "corrects").await;
    }
}
