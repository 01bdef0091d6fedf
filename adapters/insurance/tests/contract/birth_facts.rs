//! The facts of a birth, asked by the notice's code and the mother's PIN: Hospitals.BirthFacts.

use schemas::fault::FaultCode::Invalid;
use schemas::proto::insurance::{
    BirthFacts, BirthNotice, GetBirthFactsRequest, HospitalNotice, Parent,
    RecordHospitalNoticesRequest, hospital_notice::Notice,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    the_mother_of_a_notice_is_told_its_children
    a_code_that_nobody_told_and_one_of_another_mother_are_one_answer
    what_cannot_be_asked_is_refused
}

async fn told(scene: &Scene) {
    let place = &scene.marks.places[0];
    let mother = &scene.marks.mothers[0];
    let notice = |paper: &str, sex: i32| BirthNotice {
        code: "GCS.99.000001".into(),
        paper: paper.into(),
        children: 2,
        name: if sex == 1 {
            "Nguyễn Gia An".into()
        } else {
            String::new()
        },
        sex,
        birth_date: "2026-11-20".into(),
        mother: Some(Parent {
            name: mother.name.clone(),
            birth_date: mother.birth_date.clone(),
            pin: mother.pin.clone(),
        }),
        residence_commune: place.commune.clone(),
        ethnicity: "01".into(),
        nationality: "VN".into(),
        issued_on: "2026-11-21".into(),
        card: String::new(),
        reissued: false,
    };
    let notices = [("A", 1), ("B", 2)].map(|(paper, sex)| HospitalNotice {
        notice: Some(Notice::Birth(notice(paper, sex))),
    });
    let sender = format!("cskcb-{}", place.facility.to_lowercase());
    let request = RecordHospitalNoticesRequest {
        context: Some(context(&sender, "notices")),
        facility: place.facility.clone(),
        received_at: "2026-11-23T01:30:00Z".into(),
        notices: notices.into(),
    };
    scene
        .insurance
        .record_hospital_notices(soon(), request)
        .await
        .unwrap();
}

fn ask(code: &str, mother: &str) -> GetBirthFactsRequest {
    GetBirthFactsRequest {
        context: Some(context("dvclt", "facts")),
        code: code.into(),
        mother_pin: mother.into(),
    }
}

async fn facts(scene: &Scene, code: &str, mother: &str) -> Vec<BirthFacts> {
    let answer = scene.insurance.birth_facts(soon(), ask(code, mother)).await;
    answer.unwrap().children
}

async fn the_mother_of_a_notice_is_told_its_children(scene: Scene) {
    told(&scene).await;
    let before = scene.fingerprint().await;
    let children = facts(&scene, "GCS.99.000001", &scene.marks.mothers[0].pin).await;
    let [one, two] = children.as_slice() else {
        panic!("{} children", children.len())
    };
    assert_eq!(
        (&*one.paper, &*one.name, one.sex, &*one.birth_date),
        ("A", "Nguyễn Gia An", 1, "2026-11-20")
    );
    assert_eq!(
        (one.children, &*one.issued_on, one.si_number.len()),
        (2, "2026-11-21", 10)
    );
    assert_eq!((&*two.paper, &*two.name, two.sex), ("B", "", 2));
    assert_ne!(one.si_number, two.si_number);
    assert_eq!(
        scene.fingerprint().await,
        before,
        "a question changes nothing"
    );
}

async fn a_code_that_nobody_told_and_one_of_another_mother_are_one_answer(scene: Scene) {
    told(&scene).await;
    let (mother, other) = (&scene.marks.mothers[0].pin, &scene.marks.mothers[1].pin);
    assert_eq!(facts(&scene, "GCS.99.000001", other).await, []);
    assert_eq!(facts(&scene, "GCS.99.000002", mother).await, []);
}

async fn what_cannot_be_asked_is_refused(scene: Scene) {
    let mother = scene.marks.mothers[0].pin.clone();
    for (request, reason, field) in [
        (ask("", &mother), "malformed-id", "code"),
        (ask("GCS 1", &mother), "malformed-id", "code"),
        (ask("GCS.1", "123"), "malformed-pin", "mother.pin"),
        (
            ask("GCS.1", "001190000001"),
            "other-population",
            "mother.pin",
        ),
    ] {
        let call = scene.insurance.birth_facts(soon(), request);
        scene.refuses(call, Invalid, reason, field).await;
    }
}
