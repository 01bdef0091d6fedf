//! Births that look like known children, and the person who decides: Reviews.List, Show and Decide.

use insurance::Insurance;
use schemas::fault::FaultCode::{Conflict, Invalid, UnknownSubject};
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::{
    BirthCase, BirthCaseState, DecideReviewRequest, FindRequest, GetBirthCasesRequest, InfoRequest,
    ListCardsRequest, ListReviewsRequest, RegisterBirthRequest, Review, ShowReviewRequest,
    ShowReviewResponse,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_child_under_a_second_pin_waits_for_a_person_and_gets_no_second_number
    a_person_says_that_it_is_the_same_child_and_both_pins_are_hers
    a_person_says_that_it_is_another_child
    the_children_of_one_birth_are_never_made_one
    a_child_known_without_a_pin_is_recognised_by_notice_and_mother
    a_decision_that_did_not_see_everybody_is_refused
    a_case_that_waits_can_be_sent_and_asked_for_again
    a_pin_that_came_by_another_case_meanwhile_is_the_same_person
}

/// The first birth, with the hospital's notice.
fn first(scene: &Scene) -> RegisterBirthRequest {
    RegisterBirthRequest {
        birth_notice: "GCS.99.000001".into(),
        ..scene.birth(1)
    }
}

/// The same child, registered elsewhere under another PIN.
fn elsewhere(scene: &Scene, n: u32) -> RegisterBirthRequest {
    let mut again = first(scene);
    again.context = Some(context("dvclt", &format!("elsewhere-{n}")));
    again.case_id = format!("H99.14-261120-{n:06}");
    again.child.as_mut().unwrap().pin = scene.birth(n).child.unwrap().pin;
    again
}

async fn register(insurance: &Insurance, request: &RegisterBirthRequest) -> BirthCase {
    let answer = insurance.register_birth(soon(), request.clone()).await;
    answer.unwrap().case.unwrap()
}

async fn waiting(scene: &Scene) -> Vec<Review> {
    let request = ListReviewsRequest {
        context: Some(context("registry", "list")),
        with_decided: false,
    };
    scene
        .insurance
        .reviews(soon(), request)
        .await
        .unwrap()
        .reviews
}

async fn show(scene: &Scene, id: u64) -> ShowReviewResponse {
    let request = ShowReviewRequest {
        context: Some(context("registry", "show")),
        id,
    };
    scene.insurance.review(soon(), request).await.unwrap()
}

fn decision(shown: &ShowReviewResponse, decision: Decision) -> DecideReviewRequest {
    let id = shown.review.as_ref().unwrap().id;
    DecideReviewRequest {
        context: Some(context("registry", &format!("decide-{id}"))),
        id,
        decision: Some(decision),
        version: shown.version.clone(),
        who: "an".into(),
        why: "asked the ward".into(),
        population: None,
    }
}

async fn decide(scene: &Scene, request: DecideReviewRequest) -> BirthCase {
    let answer = scene.insurance.decide_review(soon(), request).await;
    answer.unwrap().case.unwrap()
}

async fn people(scene: &Scene) -> u64 {
    scene
        .insurance
        .info(soon(), InfoRequest {})
        .await
        .unwrap()
        .people
}

async fn si_number_of(scene: &Scene, pin: &str) -> Option<String> {
    let request = FindRequest {
        context: Some(context("registry", "find")),
        number: pin.into(),
        ..FindRequest::default()
    };
    let found = scene.insurance.find(soon(), request).await.unwrap().people;
    found.into_iter().next().map(|person| person.si_number)
}

async fn prints(scene: &Scene, si_number: &str) -> usize {
    let request = ListCardsRequest {
        context: Some(context("registry", "cards")),
        si_number: si_number.into(),
    };
    scene
        .insurance
        .cards(soon(), request)
        .await
        .unwrap()
        .cards
        .len()
}

async fn a_child_under_a_second_pin_waits_for_a_person_and_gets_no_second_number(scene: Scene) {
    let known = register(&scene.insurance, &first(&scene)).await;
    let before = people(&scene).await;
    let case = register(&scene.insurance, &elsewhere(&scene, 2)).await;
    assert_eq!(
        (case.state(), case.si_number.as_str(), case.due_on.as_str()),
        (BirthCaseState::Processing, "", "2026-11-26")
    );
    assert!(case.card.is_none());
    assert_eq!(people(&scene).await, before);

    let reviews = waiting(&scene).await;
    let [review] = reviews.as_slice() else {
        panic!("{} reviews", reviews.len())
    };
    assert_eq!(
        (review.case_id.as_str(), review.score, review.why.as_str()),
        (
            case.case_id.as_str(),
            80,
            "same-name,same-mother,same-notice"
        )
    );
    let shown = show(&scene, review.id).await;
    assert_eq!(shown.candidates.len(), 1);
    let candidate = shown.candidates[0].person.as_ref().unwrap();
    assert_eq!(candidate.si_number, known.si_number);
    assert_eq!(shown.birth.unwrap().case_id, case.case_id);
}

async fn a_person_says_that_it_is_the_same_child_and_both_pins_are_hers(scene: Scene) {
    let (one, two) = (first(&scene), elsewhere(&scene, 2));
    let known = register(&scene.insurance, &one).await;
    register(&scene.insurance, &two).await;
    let shown = show(&scene, waiting(&scene).await[0].id).await;
    let asked = decision(&shown, Decision::SameAs(known.si_number.clone()));
    let case = decide(&scene, asked.clone()).await;
    assert_eq!(
        (case.state(), &case.si_number),
        (BirthCaseState::Completed, &known.si_number)
    );
    assert_eq!(case.card, known.card);
    for request in [&one, &two] {
        let pin = &request.child.as_ref().unwrap().pin;
        assert_eq!(
            si_number_of(&scene, pin).await.as_ref(),
            Some(&known.si_number)
        );
    }
    assert_eq!(prints(&scene, &known.si_number).await, 1);
    assert!(waiting(&scene).await.is_empty());
    // safe to repeat
    let fingerprint = scene.fingerprint().await;
    assert_eq!(decide(&scene, asked).await, case);
    assert_eq!(scene.fingerprint().await, fingerprint);
    let request = ListReviewsRequest {
        context: Some(context("registry", "list")),
        with_decided: true,
    };
    let listed = scene.insurance.reviews(soon(), request).await.unwrap();
    let review = &listed.reviews[0];
    assert_eq!(
        (
            review.decided_by.as_str(),
            review.reason.as_str(),
            review.known_person
        ),
        ("an", "asked the ward", true)
    );
}

async fn a_person_says_that_it_is_another_child(scene: Scene) {
    let known = register(&scene.insurance, &first(&scene)).await;
    register(&scene.insurance, &elsewhere(&scene, 2)).await;
    let before = people(&scene).await;
    let shown = show(&scene, waiting(&scene).await[0].id).await;
    let case = decide(&scene, decision(&shown, Decision::NewPerson(true))).await;
    assert_eq!(people(&scene).await, before + 1);
    assert_ne!(case.si_number, known.si_number);
    assert!(case.card.is_some());
}

async fn the_children_of_one_birth_are_never_made_one(scene: Scene) {
    let before = people(&scene).await;
    for (n, name) in [
        (1, "Nguyễn Gia An"),
        (2, "Nguyễn Khánh Linh"),
        (3, "Nguyễn Bảo Ngọc"),
    ] {
        let mut one = elsewhere(&scene, n);
        one.child.as_mut().unwrap().name = name.into();
        let case = register(&scene.insurance, &one).await;
        assert_eq!(case.state(), BirthCaseState::Completed, "{name}");
    }
    assert_eq!(people(&scene).await, before + 3);
    // a name that is one mark away is asked about, never joined
    let mut alike = elsewhere(&scene, 4);
    alike.child.as_mut().unwrap().name = "Nguyễn Gia Ân".into();
    let case = register(&scene.insurance, &alike).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    assert_eq!(people(&scene).await, before + 3);
}

async fn a_child_known_without_a_pin_is_recognised_by_notice_and_mother(scene: Scene) {
    let known = register(&scene.insurance, &first(&scene)).await;
    let pin = first(&scene).child.unwrap().pin;
    scene.change("DELETE FROM numbers WHERE number = ?", &pin);
    let again = elsewhere(&scene, 2);
    let case = register(&scene.insurance, &again).await;
    assert_eq!(
        (case.state(), &case.si_number),
        (BirthCaseState::Completed, &known.si_number)
    );
    assert_eq!(case.card, known.card);
    let pin = again.child.unwrap().pin;
    assert_eq!(si_number_of(&scene, &pin).await, Some(known.si_number));
}

async fn a_decision_that_did_not_see_everybody_is_refused(scene: Scene) {
    let known = register(&scene.insurance, &first(&scene)).await;
    for n in [2, 3] {
        register(&scene.insurance, &elsewhere(&scene, n)).await;
    }
    let reviews = waiting(&scene).await;
    let (one, two) = (
        show(&scene, reviews[0].id).await,
        show(&scene, reviews[1].id).await,
    );
    let stranger = scene.marks.card_holders[0].si_number.clone();
    let refuse = |request, code, reason, field| {
        let call = scene.insurance.decide_review(soon(), request);
        scene.refuses(call, code, reason, field)
    };
    refuse(
        decision(&one, Decision::SameAs(stranger)),
        Invalid,
        "not-a-candidate",
        "same_as",
    )
    .await;
    refuse(
        DecideReviewRequest {
            decision: None,
            ..decision(&one, Decision::NewPerson(true))
        },
        Invalid,
        "missing",
        "decision",
    )
    .await;
    refuse(
        DecideReviewRequest {
            why: " ".into(),
            ..decision(&one, Decision::NewPerson(true))
        },
        Invalid,
        "missing",
        "why",
    )
    .await;
    refuse(
        DecideReviewRequest {
            id: 99,
            ..decision(&one, Decision::NewPerson(true))
        },
        UnknownSubject,
        "unknown-review",
        "id",
    )
    .await;
    decide(&scene, decision(&one, Decision::NewPerson(true))).await;
    // the new person may be the child of the other review
    refuse(
        decision(&two, Decision::NewPerson(true)),
        Conflict,
        "candidates-changed",
        "version",
    )
    .await;
    let mut again = decision(&one, Decision::SameAs(known.si_number.clone()));
    again.context = Some(context("registry", "somebody else"));
    refuse(again, Conflict, "decided-already", "id").await;
    let two = show(&scene, reviews[1].id).await;
    assert_eq!(two.candidates.len(), 2);
    decide(&scene, decision(&two, Decision::SameAs(known.si_number))).await;
}

async fn a_case_that_waits_can_be_sent_and_asked_for_again(scene: Scene) {
    register(&scene.insurance, &first(&scene)).await;
    let mut request = elsewhere(&scene, 2);
    let case = register(&scene.insurance, &request).await;
    request.context = Some(context("dvclt", "another message"));
    assert_eq!(register(&scene.insurance, &request).await, case);
    assert_eq!(waiting(&scene).await.len(), 1);
    let poll = GetBirthCasesRequest {
        context: Some(context("dvclt", "poll")),
        case_ids: vec![case.case_id.clone()],
    };
    let polled = scene.insurance.birth_cases(soon(), poll).await.unwrap();
    assert_eq!(polled.cases, [case]);
    request.context = Some(context("dvclt", "a third message"));
    request.child.as_mut().unwrap().name = "Nguyễn Văn Khác".into();
    let call = scene.insurance.register_birth(soon(), request);
    scene
        .refuses(call, Conflict, "case-has-other-facts", "case_id")
        .await;
}

async fn a_pin_that_came_by_another_case_meanwhile_is_the_same_person(scene: Scene) {
    register(&scene.insurance, &first(&scene)).await;
    let one = elsewhere(&scene, 2);
    register(&scene.insurance, &one).await;
    let mut other = one.clone();
    other.context = Some(context("dvclt", "by another office"));
    other.case_id = "H99.15-261120-000001".into();
    register(&scene.insurance, &other).await;
    let reviews = waiting(&scene).await;
    let before = people(&scene).await;
    let mut cases = Vec::new();
    for review in &reviews {
        let shown = show(&scene, review.id).await;
        cases.push(decide(&scene, decision(&shown, Decision::NewPerson(true))).await);
    }
    assert_eq!(people(&scene).await, before + 1);
    assert_eq!(cases[0].si_number, cases[1].si_number);
    assert_eq!(prints(&scene, &cases[0].si_number).await, 1);
}
