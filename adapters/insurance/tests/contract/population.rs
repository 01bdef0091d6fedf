//! What the national population database says stands before a number: Births.Register with a finding.

use insurance::Insurance;
use schemas::fault::FaultCode::{self, Invalid, RuleRefused};
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::{
    BirthCase, BirthChanges, DecideReviewRequest, FindRequest, InfoRequest, ListReviewsRequest,
    PopulationFinding, PopulationVerdict as Verdict, RegisterBirthRequest, Review,
    ShowReviewRequest, SupplementBirthRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    nobody_gets_a_number_before_the_database_was_asked
    whoever_has_a_number_already_is_not_asked_about
    a_child_of_whom_it_says_otherwise_waits_for_a_person_who_sees_why
    a_supplement_does_not_talk_away_what_the_database_said
    a_finding_that_is_none_is_refused
}

fn finding(verdict: Verdict, differs: &[&str]) -> PopulationFinding {
    PopulationFinding {
        verdict: verdict.into(),
        differs: differs.iter().map(|word| (*word).to_owned()).collect(),
    }
}

fn found(scene: &Scene, n: u32, verdict: Verdict, differs: &[&str]) -> RegisterBirthRequest {
    RegisterBirthRequest {
        population: Some(finding(verdict, differs)),
        ..scene.birth(n)
    }
}

async fn register(insurance: &Insurance, request: RegisterBirthRequest) -> BirthCase {
    let answer = insurance.register_birth(soon(), request).await;
    answer.unwrap().case.unwrap()
}

/// A birth that is refused so, and changes nothing.
async fn refused(scene: &Scene, request: RegisterBirthRequest, code: FaultCode, reason: &str) {
    let before = people(scene).await;
    let fault = scene.insurance.register_birth(soon(), request).await;
    let fault = fault.unwrap_err();
    assert_eq!((fault.code(), fault.reason()), (code, reason));
    assert_eq!(fault.wrong_field(), Some("population"));
    assert_eq!(people(scene).await, before);
}

async fn people(scene: &Scene) -> u64 {
    let info = scene.insurance.info(soon(), InfoRequest {}).await;
    info.unwrap().people
}

async fn waiting(scene: &Scene) -> Vec<Review> {
    let request = ListReviewsRequest {
        context: Some(context("registry", "list")),
        with_decided: false,
    };
    let listed = scene.insurance.reviews(soon(), request).await;
    listed.unwrap().reviews
}

async fn decide(scene: &Scene, decision: Decision, nth: u32) -> BirthCase {
    let id = waiting(scene).await[0].id;
    let request = ShowReviewRequest {
        context: Some(context("registry", "show")),
        id,
    };
    let shown = scene.insurance.review(soon(), request).await.unwrap();
    let request = DecideReviewRequest {
        context: Some(context("registry", &format!("decide-{nth}"))),
        id,
        decision: Some(decision),
        version: shown.version,
        who: "an".into(),
        why: "asked the ward".into(),
    };
    let decided = scene.insurance.decide_review(soon(), request).await;
    decided.unwrap().case.unwrap()
}

async fn nobody_gets_a_number_before_the_database_was_asked(scene: Scene) {
    let asked_first = found(&scene, 1, Verdict::ToBeAsked, &[]);
    refused(
        &scene,
        asked_first.clone(),
        RuleRefused,
        "population-not-asked",
    )
    .await;
    let agrees = found(&scene, 1, Verdict::Agrees, &[]);
    let case = register(&scene.insurance, agrees).await;
    assert!(!case.si_number.is_empty() && case.card.is_some());
    // what was done under the key is the answer, whatever is demanded of whoever asks again
    assert_eq!(register(&scene.insurance, asked_first.clone()).await, case);
    // and so is the case under another key
    let again = RegisterBirthRequest {
        context: Some(context("dvclt", "another-key")),
        ..asked_first
    };
    assert_eq!(
        register(&scene.insurance, again).await.si_number,
        case.si_number
    );
    assert!(waiting(&scene).await.is_empty());
}

async fn whoever_has_a_number_already_is_not_asked_about(scene: Scene) {
    let case = register(&scene.insurance, scene.birth(1)).await;
    let elsewhere = RegisterBirthRequest {
        context: Some(context("dvclt", "elsewhere")),
        case_id: "H99.14-261120-000002".into(),
        ..found(&scene, 1, Verdict::ToBeAsked, &[])
    };
    let known = register(&scene.insurance, elsewhere).await;
    assert_eq!(known.si_number, case.si_number);
}

async fn a_child_of_whom_it_says_otherwise_waits_for_a_person_who_sees_why(scene: Scene) {
    let before = people(&scene).await;
    let differs = ["population-name", "population-mother"];
    let told = found(&scene, 1, Verdict::Differs, &differs);
    let case = register(&scene.insurance, told.clone()).await;
    assert_eq!((case.state, case.si_number.as_str()), (3, ""));
    assert_eq!(people(&scene).await, before, "no number and nobody new");
    let [review] = waiting(&scene).await.try_into().unwrap();
    assert_eq!(
        (review.score, review.why.as_str()),
        (0, "population-name,population-mother")
    );
    // the same message again finds the case as it stands
    assert_eq!(register(&scene.insurance, told).await.state, 3);
    let case = decide(&scene, Decision::NewPerson(true), 1).await;
    assert!(!case.si_number.is_empty() && case.card.is_some());
    let request = FindRequest {
        context: Some(context("registry", "find")),
        number: scene.birth(1).child.unwrap().pin,
        ..FindRequest::default()
    };
    let known = scene.insurance.find(soon(), request).await.unwrap().people;
    assert_eq!(known[0].si_number, case.si_number);
    assert_eq!(people(&scene).await, before + 1);
}

async fn a_supplement_does_not_talk_away_what_the_database_said(scene: Scene) {
    let told = found(&scene, 1, Verdict::Differs, &["population-name"]);
    register(&scene.insurance, told).await;
    let asked = decide(&scene, Decision::Ask("Tên?".into()), 1).await;
    assert_eq!(asked.state, 2);
    let supplement = SupplementBirthRequest {
        context: Some(context("dvclt", "supplement")),
        case_id: "G22.99.10-261123-000001".into(),
        supplements: scene.birth(1).case_id,
        received_at: "2026-11-26T01:40:00Z".into(),
        changes: Some(BirthChanges {
            name: "Lê Thị Khác".into(),
            ..BirthChanges::default()
        }),
        population: Some(finding(Verdict::ToBeAsked, &[])),
        ..SupplementBirthRequest::default()
    };
    let case = scene.insurance.supplement_birth(soon(), supplement).await;
    assert_eq!(case.unwrap().case.unwrap().state, 3, "a person looks again");
    let [review] = waiting(&scene).await.try_into().unwrap();
    assert_eq!(review.why, "population-name,population-asked-otherwise");
    let case = decide(&scene, Decision::NewPerson(true), 2).await;
    assert!(case.card.is_some());
}

async fn a_finding_that_is_none_is_refused(scene: Scene) {
    for (verdict, differs) in [
        (Verdict::Agrees, &["population-name"][..]),
        (Verdict::Differs, &[]),
        (Verdict::Differs, &["population-name", "a-name"]),
        (Verdict::Unspecified, &["population-name"]),
    ] {
        let told = found(&scene, 1, verdict, differs);
        refused(&scene, told, Invalid, "unknown-code").await;
    }
    register(&scene.insurance, scene.birth(1)).await;
}
