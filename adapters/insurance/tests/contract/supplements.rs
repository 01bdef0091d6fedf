//! States 2 and 6 of a birth: what a person asks of its sender, what comes, and what does not: Reviews.Decide,
//! Births.Supplement and Births.Judge.

use schemas::fault::FaultCode::{Conflict, Invalid, RuleRefused, UnknownSubject};
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::{
    AckRequest, BirthCase, BirthCaseState, BirthChanges, BirthStory, CorrectBirthRequest,
    DecideReviewRequest, FindRequest, GetBirthCasesRequest, InfoRequest, JudgeClocksRequest,
    JudgeClocksResponse, LawfulTimesRequest, LeaseRequest, ListReviewsRequest, Parent,
    RegisterBirthRequest, Review, ShowBirthRequest, ShowReviewRequest, ShowReviewResponse,
    SupplementBirthRequest, change::What,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_case_that_was_asked_waits_for_its_sender_and_its_time_stands_still
    what_leaves_nothing_to_doubt_gives_a_card_without_a_person
    what_leaves_a_doubt_waits_for_a_person_again
    papers_alone_are_a_supplement_too
    a_case_that_is_refused_gets_nothing_and_is_told_why
    a_supplement_that_does_not_come_ends_the_case_once
    what_is_corrected_later_is_corrected_as_it_was_supplemented
    the_same_supplement_again_is_the_same_and_other_facts_are_refused
    what_nobody_asked_for_is_refused
    a_word_that_did_not_see_the_supplement_is_refused
    a_case_that_was_late_before_it_was_asked_stays_late
}

const DAY: i64 = 86_400;
const ASKED: &str = "Bổ sung giấy chứng sinh";

/// A birth, and another that may be the same child: the review of the other.
async fn doubt(scene: &Scene) -> BirthCase {
    let mut again = scene.birth(1);
    again.context = Some(context("dvclt", "again"));
    again.case_id = scene.birth(2).case_id;
    again.child.as_mut().unwrap().pin = scene.birth(2).child.unwrap().pin;
    register(scene, scene.birth(1)).await;
    let case = register(scene, again).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    case
}

async fn register(scene: &Scene, request: RegisterBirthRequest) -> BirthCase {
    let answer = scene.insurance.register_birth(soon(), request).await;
    answer.unwrap().case.unwrap()
}

async fn show(scene: &Scene) -> ShowReviewResponse {
    let request = ShowReviewRequest {
        context: Some(context("registry", "show")),
        id: 1,
    };
    scene.insurance.review(soon(), request).await.unwrap()
}

async fn word(scene: &Scene, key: &str, decision: Decision) -> DecideReviewRequest {
    DecideReviewRequest {
        context: Some(context("registry", key)),
        id: 1,
        decision: Some(decision),
        version: show(scene).await.version,
        who: "an".into(),
        why: "nobody can say".into(),
        population: None,
    }
}

async fn say(scene: &Scene, key: &str, decision: Decision) -> BirthCase {
    let request = word(scene, key, decision).await;
    let answer = scene.insurance.decide_review(soon(), request).await;
    answer.unwrap().case.unwrap()
}

async fn asked(scene: &Scene) -> BirthCase {
    doubt(scene).await;
    scene.time.pass(60);
    say(scene, "ask", Decision::Ask(ASKED.into())).await
}

/// The nth supplement of the case that waits, received when the clock stands where it does in these tests.
fn supplement(scene: &Scene, n: u32, changes: BirthChanges) -> SupplementBirthRequest {
    SupplementBirthRequest {
        context: Some(context("dvclt", &format!("supplement-{n}"))),
        case_id: format!("G22.99.10-261123-{n:06}"),
        supplements: scene.birth(2).case_id,
        received_at: "2026-11-26T01:40:00Z".into(),
        reason: "đã có giấy".into(),
        changes: Some(changes),
        birth_notice: String::new(),
        population: None,
    }
}

/// It was another mother, and so another child.
fn other_mother(scene: &Scene) -> BirthChanges {
    let mother = scene.marks.mothers[1].clone();
    BirthChanges {
        mother: Some(Parent {
            name: mother.name,
            birth_date: mother.birth_date,
            pin: mother.pin,
        }),
        ..BirthChanges::default()
    }
}

async fn send(scene: &Scene, request: SupplementBirthRequest) -> BirthCase {
    let answer = scene.insurance.supplement_birth(soon(), request).await;
    answer.unwrap().case.unwrap()
}

async fn polled(scene: &Scene) -> BirthCase {
    let request = GetBirthCasesRequest {
        context: Some(context("dvclt", "poll")),
        case_ids: vec![scene.birth(2).case_id],
    };
    let polled = scene.insurance.birth_cases(soon(), request).await;
    polled.unwrap().cases.remove(0)
}

/// The states of the second case as they were told since the last time.
async fn told(scene: &Scene) -> Vec<i32> {
    let request = LeaseRequest {
        owner: "test".into(),
        max: 500,
        lease_seconds: 60,
    };
    let leased = scene.insurance.lease(soon(), request).await.unwrap();
    let ids = leased.changes.iter().map(|one| one.id.clone()).collect();
    let owner = "test".into();
    let ack = AckRequest { owner, ids };
    scene.insurance.ack(soon(), ack).await.unwrap();
    let case_id = scene.birth(2).case_id;
    let states = leased.changes.iter().filter_map(|one| match &one.what {
        Some(What::Birth(case)) if case.case_id == case_id => Some(case.state),
        _ => None,
    });
    states.collect()
}

async fn judge(scene: &Scene) -> JudgeClocksResponse {
    let request = JudgeClocksRequest {
        context: Some(context("registry", "judge")),
        max: 500,
    };
    scene.insurance.judge_clocks(soon(), request).await.unwrap()
}

async fn story(scene: &Scene) -> BirthStory {
    let request = ShowBirthRequest {
        context: Some(context("registry", "story")),
        case_id: scene.birth(2).case_id,
        ..ShowBirthRequest::default()
    };
    let found = scene.insurance.birth_stories(soon(), request).await;
    found.unwrap().births.remove(0)
}

async fn reviews(scene: &Scene, with_decided: bool) -> Vec<Review> {
    let request = ListReviewsRequest {
        context: Some(context("registry", "list")),
        with_decided,
    };
    let listed = scene.insurance.reviews(soon(), request).await;
    listed.unwrap().reviews
}

async fn people(scene: &Scene) -> u64 {
    let info = scene.insurance.info(soon(), InfoRequest {}).await;
    info.unwrap().people
}

async fn a_case_that_was_asked_waits_for_its_sender_and_its_time_stands_still(scene: Scene) {
    let case = asked(&scene).await;
    assert_eq!(
        (
            case.state(),
            case.told.as_str(),
            case.supplement_by.as_str()
        ),
        (BirthCaseState::NeedsSupplement, ASKED, "2026-12-03")
    );
    assert!(case.card.is_none() && case.si_number.is_empty());
    assert_eq!(case.updated_at, "2026-11-23T02:01:00Z");
    assert_eq!(polled(&scene).await, case);
    assert_eq!(told(&scene).await, [3, 2]);
    assert_eq!(reviews(&scene, false).await[0].supplement_by, "2026-12-03");
    // far beyond the two days of the card, and within those of the supplement
    scene.time.pass(9 * DAY);
    let judged = judge(&scene).await;
    assert_eq!((judged.marks.len(), judged.breached), (0, 0));
    let request = LawfulTimesRequest {
        context: Some(context("registry", "month")),
        month: "2026-11".into(),
    };
    let times = scene.insurance.lawful_times(soon(), request).await.unwrap();
    let overdue: u64 = times.provinces.iter().map(|one| one.overdue).sum();
    assert_eq!(overdue, 0);
    let story = story(&scene).await;
    assert_eq!(
        story.later.iter().map(|one| &*one.what).collect::<Vec<_>>(),
        ["supplement-asked"]
    );
    assert!(story.over_percent < 5 && told(&scene).await.is_empty());
}

async fn what_leaves_nothing_to_doubt_gives_a_card_without_a_person(scene: Scene) {
    asked(&scene).await;
    let before = people(&scene).await;
    scene.time.pass(3 * DAY);
    let case = send(&scene, supplement(&scene, 1, other_mother(&scene))).await;
    assert_eq!(case.state(), BirthCaseState::Completed);
    assert!(case.card.is_some() && case.told.is_empty() && case.supplement_by.is_empty());
    // the time began anew with what came
    assert_eq!(case.due_on, "2026-11-30");
    assert_eq!(people(&scene).await, before + 1);
    assert_eq!(told(&scene).await, [3, 2, 4]);
    let story = story(&scene).await;
    assert_eq!(story.settled, "minted");
    let later: Vec<_> = story.later.iter().map(|one| &*one.what).collect();
    assert_eq!(later, ["supplement-asked", "supplemented"]);
    assert!(reviews(&scene, false).await.is_empty());
    assert_eq!(judge(&scene).await.breached, 0);
    scene.time.pass(30 * DAY);
    assert!(judge(&scene).await.marks.is_empty());
}

async fn what_leaves_a_doubt_waits_for_a_person_again(scene: Scene) {
    asked(&scene).await;
    scene.time.pass(3 * DAY);
    let named = BirthChanges {
        name: "Nguyễn Hoà Ân".into(),
        ..BirthChanges::default()
    };
    let mut request = supplement(&scene, 1, named);
    request.changes.as_mut().unwrap().name = scene.birth(1).child.unwrap().name.to_uppercase();
    let case = send(&scene, request).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    assert_eq!(case.due_on, "2026-11-30");
    assert!(case.told.is_empty() && case.supplement_by.is_empty());
    assert_eq!(told(&scene).await, [3, 2, 3]);
    let shown = show(&scene).await;
    let name = shown.birth.unwrap().child.unwrap().name;
    assert_eq!(name, scene.birth(1).child.unwrap().name.to_uppercase());
    // its own two days run
    scene.time.pass(30 * DAY);
    assert_eq!(judge(&scene).await.marks[0].percent, 100);
    let before = people(&scene).await;
    let number = shown.candidates[0].person.clone().unwrap().si_number;
    let case = say(&scene, "same", Decision::SameAs(number)).await;
    assert_eq!(case.state(), BirthCaseState::Completed);
    assert_eq!(people(&scene).await, before);
}

async fn papers_alone_are_a_supplement_too(scene: Scene) {
    asked(&scene).await;
    let request = SupplementBirthRequest {
        changes: None,
        ..supplement(&scene, 1, BirthChanges::default())
    };
    let case = send(&scene, request).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    // it can be asked again, under another version
    let case = say(&scene, "ask again", Decision::Ask("Bổ sung lần nữa".into())).await;
    assert_eq!(case.state(), BirthCaseState::NeedsSupplement);
    let notice = SupplementBirthRequest {
        birth_notice: "GCS.99.000009".into(),
        ..supplement(&scene, 2, BirthChanges::default())
    };
    send(&scene, notice).await;
    let shown = show(&scene).await;
    assert_eq!(shown.birth.unwrap().birth_notice, "GCS.99.000009");
    assert_eq!(told(&scene).await, [3, 2, 3, 2, 3]);
}

async fn a_case_that_is_refused_gets_nothing_and_is_told_why(scene: Scene) {
    doubt(&scene).await;
    let before = people(&scene).await;
    let request = word(
        &scene,
        "refuse",
        Decision::Refuse("Không đúng sự thật".into()),
    )
    .await;
    let answer = scene.insurance.decide_review(soon(), request.clone()).await;
    let case = answer.unwrap().case.unwrap();
    assert_eq!(
        (case.state(), case.told.as_str(), case.si_number.as_str()),
        (BirthCaseState::Refused, "Không đúng sự thật", "")
    );
    assert!(case.card.is_none());
    assert_eq!(polled(&scene).await, case);
    assert_eq!(told(&scene).await, [3, 6]);
    assert_eq!(people(&scene).await, before);
    assert_eq!(story(&scene).await.settled, "refused");
    let listed = reviews(&scene, true).await;
    assert!(listed[0].refused && listed[0].decided_by == "an");
    assert!(reviews(&scene, false).await.is_empty());
    // safe to repeat, also as the sender does
    let fingerprint = scene.fingerprint().await;
    scene
        .insurance
        .decide_review(soon(), request)
        .await
        .unwrap();
    assert_eq!(scene.fingerprint().await, fingerprint);
    // nothing can be made of it any more
    let late = scene
        .insurance
        .supplement_birth(soon(), supplement(&scene, 1, other_mother(&scene)));
    scene
        .refuses(late, RuleRefused, "case-is-closed", "supplements")
        .await;
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correct")),
        case_id: "G22.99.10-261123-000009".into(),
        corrects: scene.birth(2).case_id,
        received_at: "2026-11-23T01:40:00Z".into(),
        changes: Some(other_mother(&scene)),
        ..CorrectBirthRequest::default()
    };
    let call = scene.insurance.correct_birth(soon(), correction);
    scene
        .refuses(call, RuleRefused, "case-is-closed", "corrects")
        .await;
    // the child's own number is free: another case may bring it
    let mut anew = scene.birth(2);
    anew.case_id = scene.birth(3).case_id;
    anew.context = Some(context("dvclt", "anew"));
    assert!(register(&scene, anew).await.card.is_some());
}

async fn a_supplement_that_does_not_come_ends_the_case_once(scene: Scene) {
    asked(&scene).await;
    // 2026-12-03 17:00 in Viet Nam is its end
    scene.time.pass(10 * DAY + 8 * 3_600 - 61);
    judge(&scene).await;
    assert_eq!(
        polled(&scene).await.state(),
        BirthCaseState::NeedsSupplement
    );
    scene.time.pass(62);
    let late = scene
        .insurance
        .supplement_birth(soon(), supplement(&scene, 1, other_mother(&scene)));
    scene
        .refuses(late, RuleRefused, "supplement-too-late", "supplements")
        .await;
    judge(&scene).await;
    let case = polled(&scene).await;
    assert_eq!(
        (case.state(), case.told.as_str()),
        (BirthCaseState::Refused, "Quá hạn bổ sung hồ sơ")
    );
    let fingerprint = scene.fingerprint().await;
    judge(&scene).await;
    assert_eq!(scene.fingerprint().await, fingerprint);
    assert_eq!(told(&scene).await, [3, 2, 6]);
    // whoever was waited for cannot make us late
    assert_eq!(judge(&scene).await.breached, 0);
    assert_eq!(reviews(&scene, true).await[0].decided_by, "rule");
}

async fn what_is_corrected_later_is_corrected_as_it_was_supplemented(scene: Scene) {
    asked(&scene).await;
    let named = BirthChanges {
        name: "Nguyễn Khánh Linh".into(),
        ..other_mother(&scene)
    };
    let case = send(&scene, supplement(&scene, 1, named)).await;
    let correction = CorrectBirthRequest {
        context: Some(context("dvclt", "correct")),
        case_id: "G22.99.10-261123-000009".into(),
        corrects: scene.birth(2).case_id,
        received_at: "2026-11-26T01:50:00Z".into(),
        changes: Some(BirthChanges {
            mother: Some(Parent {
                birth_date: "1990".into(),
                ..Parent::default()
            }),
            ..BirthChanges::default()
        }),
        ..CorrectBirthRequest::default()
    };
    let after = scene.insurance.correct_birth(soon(), correction).await;
    // nothing that is printed changes: the name on the card is the supplemented one, and stays
    assert_eq!(after.unwrap().case.unwrap().card, case.card);
    let request = FindRequest {
        context: Some(context("registry", "find")),
        number: case.si_number,
        ..FindRequest::default()
    };
    let found = scene.insurance.find(soon(), request).await.unwrap();
    assert_eq!(found.people[0].name, "Nguyễn Khánh Linh");
    // the first message again is still the same message
    let mut again = scene.birth(1);
    again.context = Some(context("dvclt", "again, once more"));
    again.case_id = scene.birth(2).case_id;
    again.child.as_mut().unwrap().pin = scene.birth(2).child.unwrap().pin;
    let case = register(&scene, again).await;
    assert_eq!(case.state(), BirthCaseState::Completed);
}

async fn the_same_supplement_again_is_the_same_and_other_facts_are_refused(scene: Scene) {
    asked(&scene).await;
    let request = supplement(&scene, 1, other_mother(&scene));
    let case = send(&scene, request.clone()).await;
    let fingerprint = scene.fingerprint().await;
    assert_eq!(send(&scene, request.clone()).await, case);
    let again = SupplementBirthRequest {
        context: Some(context("dvclt", "another message")),
        received_at: "2026-11-26T01:45:00Z".into(),
        ..request.clone()
    };
    assert_eq!(send(&scene, again.clone()).await, case);
    assert_eq!(scene.fingerprint().await, fingerprint);
    let other = SupplementBirthRequest {
        context: Some(context("dvclt", "a third message")),
        birth_notice: "GCS.99.000001".into(),
        ..again
    };
    let call = scene.insurance.supplement_birth(soon(), other);
    scene
        .refuses(call, Conflict, "case-has-other-facts", "case_id")
        .await;
}

async fn what_nobody_asked_for_is_refused(scene: Scene) {
    doubt(&scene).await;
    let unasked = supplement(&scene, 1, other_mother(&scene));
    let call = |request| scene.insurance.supplement_birth(soon(), request);
    scene
        .refuses(
            call(unasked.clone()),
            RuleRefused,
            "supplement-not-asked",
            "supplements",
        )
        .await;
    let done = SupplementBirthRequest {
        supplements: scene.birth(1).case_id,
        ..unasked.clone()
    };
    scene
        .refuses(call(done), RuleRefused, "case-is-closed", "supplements")
        .await;
    for sender in ["dvclt", "ward"] {
        let case = if sender == "ward" { 2 } else { 9 };
        let unknown = SupplementBirthRequest {
            context: Some(context(sender, "unknown")),
            supplements: scene.birth(case).case_id,
            ..unasked.clone()
        };
        scene
            .refuses(call(unknown), UnknownSubject, "unknown-case", "supplements")
            .await;
    }
    say(&scene, "ask", Decision::Ask(ASKED.into())).await;
    let impossible = SupplementBirthRequest {
        changes: Some(BirthChanges {
            birth_date: "2026-11-22".into(),
            ..BirthChanges::default()
        }),
        ..unasked.clone()
    };
    scene
        .refuses(
            call(impossible),
            Invalid,
            "before-birth",
            "record.registered_on",
        )
        .await;
    for (received_at, reason, field) in [
        ("yesterday", "malformed-instant", "received_at"),
        ("2026-11-26T01:40:00Z", "malformed-id", "case_id"),
    ] {
        let malformed = SupplementBirthRequest {
            received_at: received_at.into(),
            case_id: match field {
                "case_id" => "a b".into(),
                _ => unasked.case_id.clone(),
            },
            ..unasked.clone()
        };
        scene.refuses(call(malformed), Invalid, reason, field).await;
    }
    let long = SupplementBirthRequest {
        reason: "x".repeat(4_097),
        ..unasked
    };
    scene
        .refuses(call(long), Invalid, "malformed-text", "reason")
        .await;
}

async fn a_word_that_did_not_see_the_supplement_is_refused(scene: Scene) {
    doubt(&scene).await;
    let call = |request| scene.insurance.decide_review(soon(), request);
    for (key, text, reason) in [
        ("empty", " ".to_owned(), "missing"),
        ("long", "x".repeat(1_001), "malformed-text"),
        ("two lines", "one\ntwo".to_owned(), "malformed-text"),
    ] {
        let ask = word(&scene, key, Decision::Ask(text.clone())).await;
        scene.refuses(call(ask), Invalid, reason, "told").await;
        let key = format!("refuse {key}");
        let refuse = word(&scene, &key, Decision::Refuse(text)).await;
        scene.refuses(call(refuse), Invalid, reason, "told").await;
    }
    let before = word(&scene, "before", Decision::Refuse("Không".into())).await;
    say(&scene, "ask", Decision::Ask(ASKED.into())).await;
    scene
        .refuses(
            call(before.clone()),
            Conflict,
            "candidates-changed",
            "version",
        )
        .await;
    let twice = word(&scene, "twice", Decision::Ask(ASKED.into())).await;
    scene
        .refuses(
            call(twice),
            Conflict,
            "supplement-asked-already",
            "decision",
        )
        .await;
    let asked = word(&scene, "while it waits", Decision::Refuse("Không".into())).await;
    send(&scene, supplement(&scene, 1, BirthChanges::default())).await;
    scene
        .refuses(call(asked), Conflict, "candidates-changed", "version")
        .await;
    // without the supplement a person may say all the same
    say(&scene, "ask again", Decision::Ask("Lần hai".into())).await;
    let case = say(&scene, "new", Decision::NewPerson(true)).await;
    assert_eq!(case.state(), BirthCaseState::Completed);
    let call = scene
        .insurance
        .supplement_birth(soon(), supplement(&scene, 2, BirthChanges::default()));
    scene
        .refuses(call, RuleRefused, "case-is-closed", "supplements")
        .await;
}

async fn a_case_that_was_late_before_it_was_asked_stays_late(scene: Scene) {
    doubt(&scene).await;
    scene.time.pass(4 * DAY);
    say(&scene, "ask", Decision::Ask(ASKED.into())).await;
    let judged = judge(&scene).await;
    assert_eq!((judged.marks.len(), judged.breached), (1, 1));
    scene.time.pass(DAY);
    let mut request = supplement(&scene, 1, other_mother(&scene));
    request.received_at = "2026-11-28T01:40:00Z".into();
    let case = send(&scene, request).await;
    assert_eq!(case.state(), BirthCaseState::Completed);
    let request = LawfulTimesRequest {
        context: Some(context("registry", "month")),
        month: "2026-11".into(),
    };
    let times = scene.insurance.lawful_times(soon(), request).await.unwrap();
    let late: u64 = times.provinces.iter().map(|one| one.late).sum();
    assert_eq!(late, 1);
    assert_eq!(judge(&scene).await.breached, 1);
}
