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
    what_waited_before_anybody_was_asked_is_asked_about_before_its_number
    a_supplement_of_what_was_never_asked_about_gives_no_number
    what_is_told_again_as_it_was_before_the_last_question_is_asked_about_anew
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
        population: None,
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

/// A second birth that may be the first child's, as it was told while nobody was asked.
async fn waits_unasked(scene: &Scene) -> RegisterBirthRequest {
    register(&scene.insurance, scene.birth(1)).await;
    let mut twice = scene.birth(1);
    twice.context = Some(context("dvclt", "twice"));
    twice.case_id = scene.birth(2).case_id;
    twice.child.as_mut().unwrap().pin = scene.birth(2).child.unwrap().pin;
    assert_eq!(register(&scene.insurance, twice.clone()).await.state, 3);
    twice
}

/// A word about the only case that waits, with what the database says.
async fn word(scene: &Scene, key: &str, finding: PopulationFinding) -> DecideReviewRequest {
    let id = waiting(scene).await[0].id;
    let request = ShowReviewRequest {
        context: Some(context("registry", "show")),
        id,
    };
    let shown = scene.insurance.review(soon(), request).await.unwrap();
    DecideReviewRequest {
        context: Some(context("registry", key)),
        id,
        decision: Some(Decision::NewPerson(true)),
        version: shown.version,
        who: "an".into(),
        why: "asked the ward".into(),
        population: Some(finding),
    }
}

async fn decided(scene: &Scene, request: DecideReviewRequest) -> BirthCase {
    let decided = scene.insurance.decide_review(soon(), request).await;
    decided.unwrap().case.unwrap()
}

async fn what_waited_before_anybody_was_asked_is_asked_about_before_its_number(scene: Scene) {
    waits_unasked(&scene).await;
    let before = people(&scene).await;
    let why = waiting(&scene).await[0].why.clone();
    let first = word(&scene, "first", finding(Verdict::ToBeAsked, &[])).await;
    let fingerprint = scene.fingerprint().await;
    let asked = scene.insurance.decide_review(soon(), first.clone());
    scene
        .refuses(asked, RuleRefused, "population-not-asked", "population")
        .await;
    let bent = DecideReviewRequest {
        population: Some(finding(Verdict::Differs, &["a-name"])),
        ..first.clone()
    };
    let asked = scene.insurance.decide_review(soon(), bent);
    scene
        .refuses(asked, Invalid, "unknown-code", "population")
        .await;
    assert_eq!(scene.fingerprint().await, fingerprint);
    // it says otherwise: nothing is decided, and a person sees why
    let otherwise = DecideReviewRequest {
        population: Some(finding(Verdict::Differs, &["population-name"])),
        ..first.clone()
    };
    let case = decided(&scene, otherwise.clone()).await;
    assert_eq!((case.state, &*case.si_number), (3, ""));
    assert_eq!(people(&scene).await, before, "nobody new");
    let [review] = waiting(&scene).await.try_into().unwrap();
    assert_eq!(review.why, format!("population-name,{why}"));
    // the same word again is the same, and one about what was shown before is none
    assert_eq!(decided(&scene, otherwise).await, case);
    let stale = DecideReviewRequest {
        context: Some(context("registry", "stale")),
        ..first
    };
    let asked = scene.insurance.decide_review(soon(), stale);
    scene
        .refuses(asked, FaultCode::Conflict, "candidates-changed", "version")
        .await;
    // whoever has seen it decides, and the database is asked no more
    let second = word(&scene, "second", finding(Verdict::ToBeAsked, &[])).await;
    let case = decided(&scene, second).await;
    assert!(!case.si_number.is_empty() && case.card.is_some());
    assert_eq!(people(&scene).await, before + 1);
}

async fn a_supplement_of_what_was_never_asked_about_gives_no_number(scene: Scene) {
    let twice = waits_unasked(&scene).await;
    let before = people(&scene).await;
    let ask = DecideReviewRequest {
        decision: Some(Decision::Ask("Giấy chứng sinh?".into())),
        ..word(&scene, "ask", finding(Verdict::ToBeAsked, &[])).await
    };
    assert_eq!(
        decided(&scene, ask).await.state,
        2,
        "nobody gets a number by it"
    );
    // another mother: nobody is alike any more
    let supplement = SupplementBirthRequest {
        context: Some(context("dvclt", "supplement")),
        case_id: "G22.99.10-261123-000001".into(),
        supplements: twice.case_id,
        received_at: "2026-11-26T01:40:00Z".into(),
        changes: Some(BirthChanges {
            name: "Lê Thị Khác".into(),
            mother: scene.birth(2).mother,
            ..BirthChanges::default()
        }),
        population: Some(finding(Verdict::ToBeAsked, &[])),
        ..SupplementBirthRequest::default()
    };
    let case = scene.insurance.supplement_birth(soon(), supplement).await;
    assert_eq!(case.unwrap().case.unwrap().state, 3, "a person looks again");
    assert_eq!(people(&scene).await, before);
    let why = waiting(&scene).await[0].why.clone();
    assert!(why.starts_with("population-asked-otherwise"), "{why}");
    let request = word(&scene, "decide", finding(Verdict::ToBeAsked, &[])).await;
    let asked = scene.insurance.decide_review(soon(), request.clone());
    scene
        .refuses(asked, RuleRefused, "population-not-asked", "population")
        .await;
    let agrees = DecideReviewRequest {
        population: Some(finding(Verdict::Agrees, &[])),
        ..request
    };
    assert!(decided(&scene, agrees).await.card.is_some());
}

async fn what_is_told_again_as_it_was_before_the_last_question_is_asked_about_anew(scene: Scene) {
    let first = scene.birth(1).child.unwrap().name;
    waits_unasked(&scene).await;
    let named = async |nth: u32, name: &str| {
        let ask = DecideReviewRequest {
            decision: Some(Decision::Ask("Tên?".into())),
            ..word(&scene, &format!("ask-{nth}"), PopulationFinding::default()).await
        };
        assert_eq!(decided(&scene, ask).await.state, 2);
        let supplement = SupplementBirthRequest {
            context: Some(context("dvclt", &format!("supplement-{nth}"))),
            case_id: format!("G22.99.10-261123-00000{nth}"),
            supplements: scene.birth(2).case_id,
            received_at: "2026-11-26T01:40:00Z".into(),
            changes: Some(BirthChanges {
                name: name.into(),
                ..BirthChanges::default()
            }),
            population: Some(finding(Verdict::ToBeAsked, &[])),
            ..SupplementBirthRequest::default()
        };
        let case = scene.insurance.supplement_birth(soon(), supplement).await;
        assert_eq!(case.unwrap().case.unwrap().state, 3, "a person looks again");
    };
    named(1, "Lê Thị Khác").await;
    let other = finding(Verdict::Differs, &["population-mother"]);
    let asked = word(&scene, "of-the-other", other).await;
    assert_eq!(decided(&scene, asked).await.state, 3);
    named(2, &first).await;
    let request = word(&scene, "of-the-first", finding(Verdict::ToBeAsked, &[])).await;
    let asked = scene.insurance.decide_review(soon(), request);
    scene
        .refuses(asked, RuleRefused, "population-not-asked", "population")
        .await;
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
