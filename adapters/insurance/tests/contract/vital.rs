//! VitalEvents.Find: what is held of a birth or a death, as it is true now.

use schemas::fault::FaultCode::Invalid;
use schemas::proto::insurance::{
    BirthChanges, CorrectBirthRequest, Deceased, FindVitalEventRequest, RegisterDeathRequest,
    VitalEvent, VitalEventKind, WithdrawDeathRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_birth_is_found_by_the_childs_number_as_it_stands_after_corrections
    a_death_is_found_while_it_stands
    whom_nobody_has_registered_is_not_told_from_whom_nobody_knows
    a_number_or_kind_that_is_none_is_refused
}

async fn find(scene: &Scene, kind: VitalEventKind, pin: &str) -> Option<VitalEvent> {
    let request = FindVitalEventRequest {
        context: Some(context("crvs", "")),
        kind: kind.into(),
        pin: pin.to_owned(),
    };
    let found = scene.insurance.vital_event(soon(), request).await;
    found.unwrap().event
}

async fn a_birth_is_found_by_the_childs_number_as_it_stands_after_corrections(scene: Scene) {
    let birth = scene.birth(1);
    let child = birth.child.clone().unwrap();
    assert_eq!(find(&scene, VitalEventKind::Birth, &child.pin).await, None);
    scene
        .insurance
        .register_birth(soon(), birth.clone())
        .await
        .unwrap();
    let found = find(&scene, VitalEventKind::Birth, &child.pin)
        .await
        .unwrap();
    assert_eq!(
        (&found.name, &found.birth_date),
        (&child.name, &child.birth_date)
    );
    assert_eq!(
        (&found.mother, &found.record),
        (&birth.mother, &birth.record)
    );
    assert_eq!(found.residence_commune, child.residence_commune);
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correction")),
        case_id: "C-1".to_owned(),
        corrects: birth.case_id.clone(),
        received_at: birth.received_at.clone(),
        reason: String::new(),
        changes: Some(BirthChanges {
            name: "Lê Thị Khác".to_owned(),
            ..BirthChanges::default()
        }),
    };
    scene
        .insurance
        .correct_birth(soon(), correction)
        .await
        .unwrap();
    let found = find(&scene, VitalEventKind::Birth, &child.pin)
        .await
        .unwrap();
    assert_eq!(found.name, "Lê Thị Khác");
    assert_eq!(find(&scene, VitalEventKind::Death, &child.pin).await, None);
}

async fn a_death_is_found_while_it_stands(scene: Scene) {
    let birth = scene.birth(2);
    let child = birth.child.clone().unwrap();
    scene
        .insurance
        .register_birth(soon(), birth.clone())
        .await
        .unwrap();
    let death = RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "D-1".to_owned(),
        received_at: birth.received_at.clone(),
        deceased: Some(Deceased {
            pin: child.pin.clone(),
            name: child.name.clone(),
            ..Deceased::default()
        }),
        died_on: birth.record.clone().unwrap().registered_on,
        record: birth.record.clone(),
        ..RegisterDeathRequest::default()
    };
    scene
        .insurance
        .register_death(soon(), death.clone())
        .await
        .unwrap();
    let found = find(&scene, VitalEventKind::Death, &child.pin)
        .await
        .unwrap();
    assert_eq!((found.name, found.died_on), (child.name, death.died_on));
    let withdrawal = WithdrawDeathRequest {
        context: Some(context("dvclt", "withdrawal")),
        case_id: "W-1".to_owned(),
        withdraws: "D-1".to_owned(),
        reason: String::new(),
    };
    scene
        .insurance
        .withdraw_death(soon(), withdrawal)
        .await
        .unwrap();
    assert_eq!(find(&scene, VitalEventKind::Death, &child.pin).await, None);
}

async fn whom_nobody_has_registered_is_not_told_from_whom_nobody_knows(scene: Scene) {
    let insured = &scene.marks.mothers[0].pin;
    for pin in [insured.as_str(), "099193999999"] {
        for kind in [VitalEventKind::Birth, VitalEventKind::Death] {
            assert_eq!(find(&scene, kind, pin).await, None);
        }
    }
}

async fn a_number_or_kind_that_is_none_is_refused(scene: Scene) {
    for (kind, pin, reason) in [
        (VitalEventKind::Birth, "123", "malformed-number"),
        (VitalEventKind::Unspecified, "099193999999", "unknown-code"),
    ] {
        let request = FindVitalEventRequest {
            context: Some(context("crvs", "")),
            kind: kind.into(),
            pin: pin.to_owned(),
        };
        let refused = scene
            .insurance
            .vital_event(soon(), request)
            .await
            .unwrap_err();
        assert_eq!((refused.code(), refused.reason()), (Invalid, reason));
    }
}
