//! What is corrected of a person, told to whoever watches.

use schemas::fault::FaultCode::Invalid;
use schemas::proto::insurance::change::What;
use schemas::proto::insurance::{
    BirthChanges, HeadcountStep, Parent, PersonChange, Sex, WatchEmployersRequest,
};

use crate::corrections::{born, correct, correction, mother, named, pin};
use crate::employer_records::told;
use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    what_is_corrected_is_told_in_order_as_far_as_each_may_be_told
    what_is_not_corrected_of_the_person_or_not_agreed_is_told_to_nobody
    the_same_correction_again_is_told_once
    a_field_that_there_is_not_is_refused
}

fn watching(partner: &str, fields: &[&str]) -> WatchEmployersRequest {
    WatchEmployersRequest {
        context: Some(context(partner, "watch")),
        step: Some(HeadcountStep::default()),
        person_fields: fields.iter().map(|&field| field.to_owned()).collect(),
    }
}

async fn watch(scene: &Scene, partner: &str, fields: &[&str]) {
    let said = scene
        .insurance
        .watch_employers(soon(), watching(partner, fields));
    assert!(!said.await.unwrap().since.is_empty());
}

/// To whom what was told of persons, oldest first; and under which ids.
async fn persons(scene: &Scene) -> Vec<(String, String, PersonChange)> {
    let changes = told(scene).await.into_iter();
    let persons = changes.filter_map(|change| match change.what {
        Some(What::Person(told)) => Some((change.partner, change.id, told)),
        _ => None,
    });
    persons.collect()
}

async fn what_is_corrected_is_told_in_order_as_far_as_each_may_be_told(scene: Scene) {
    watch(&scene, "tax", &["birthDate", "name", "pin", "sex"]).await;
    watch(&scene, "province", &["name"]).await;
    watch(&scene, "nobody", &[]).await;
    born(&scene, 1).await;
    assert_eq!(persons(&scene).await, [], "a birth is no correction");
    let old = scene.birth(1).child.unwrap().pin;
    correct(&scene, correction(&scene, 1, named("Nguyễn Hoà Giang"))).await;
    let new = pin(&scene, "099326", 50);
    let change = BirthChanges {
        pin: new.clone(),
        sex: Sex::Female.into(),
        ..BirthChanges::default()
    };
    correct(&scene, correction(&scene, 2, change)).await;
    correct(&scene, correction(&scene, 3, named("Nguyễn Hoà Hải"))).await;
    let all = persons(&scene).await;
    let of = |partner: &str| -> Vec<PersonChange> {
        let all = all.iter().filter(|(of, ..)| of == partner);
        all.map(|(.., told)| told.clone()).collect()
    };
    let change = |pin: &str| PersonChange {
        pin: pin.to_owned(),
        corrected_on: "2026-11-23".into(),
        ..PersonChange::default()
    };
    let name = |pin: &str, name: &str| PersonChange {
        name: name.into(),
        ..change(pin)
    };
    let moved = PersonChange {
        new_pin: new.clone(),
        sex: Sex::Female.into(),
        ..change(&old)
    };
    let names = [name(&old, "Nguyễn Hoà Giang"), name(&new, "Nguyễn Hoà Hải")];
    assert_eq!(of("tax"), [names[0].clone(), moved, names[1].clone()]);
    assert_eq!(of("province"), names, "not what changed beside them");
    assert_eq!(of("nobody"), []);
    let ids = all.iter().map(|(_, id, _)| id.as_str());
    for id in ids {
        assert!(id.starts_with("person."), "{id}");
        assert!(!id.contains(&old) && !id.contains(&new), "a PIN in {id}");
    }
}

async fn what_is_not_corrected_of_the_person_or_not_agreed_is_told_to_nobody(scene: Scene) {
    born(&scene, 1).await;
    // nobody watches yet
    correct(&scene, correction(&scene, 1, named("Nguyễn Hoà Giang"))).await;
    watch(&scene, "tax", &["birthDate"]).await;
    let year = Parent {
        birth_date: "1990".into(),
        ..Parent::default()
    };
    correct(&scene, correction(&scene, 2, mother(year))).await;
    correct(&scene, correction(&scene, 3, named("Nguyễn Hoà Hải"))).await;
    let day = BirthChanges {
        birth_date: "2026-09-30".into(),
        ..BirthChanges::default()
    };
    correct(&scene, correction(&scene, 4, day)).await;
    let all = persons(&scene).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(all[0].2.birth_date, "2026-09-30");
    assert_eq!(all[0].2.name, "");
    // an agreement that ended
    watch(&scene, "tax", &[]).await;
    correct(&scene, correction(&scene, 5, named("Nguyễn Hoà Giang"))).await;
    assert_eq!(persons(&scene).await, []);
}

async fn the_same_correction_again_is_told_once(scene: Scene) {
    watch(&scene, "tax", &["name"]).await;
    born(&scene, 1).await;
    let request = correction(&scene, 1, named("Nguyễn Hoà Giang"));
    correct(&scene, request.clone()).await;
    correct(&scene, request.clone()).await;
    let mut again = request;
    again.context = Some(context("dvclt", "correct-anew"));
    correct(&scene, again).await;
    assert_eq!(persons(&scene).await.len(), 1);
}

async fn a_field_that_there_is_not_is_refused(scene: Scene) {
    let said = watching("tax", &["name", "mother"]);
    let asked = scene.insurance.watch_employers(soon(), said);
    scene
        .refuses(asked, Invalid, "unknown-code", "person_fields")
        .await;
}
