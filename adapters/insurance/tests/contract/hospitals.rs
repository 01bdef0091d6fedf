//! Hospitals.Record: notices of births and deaths, and how a registration goes on under the number of a notice.

use schemas::fault::FaultCode::{
    self, AmbiguousSubject, Conflict, Invalid, RuleRefused, UnknownSubject,
};
use schemas::id::FacilityCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::decide_review_request::Decision;
use schemas::proto::insurance::hospital_notice::Notice;
use schemas::proto::insurance::{
    BirthCase, BirthCaseState, BirthNotice, Card, CardState, Deceased, DecideReviewRequest,
    FindRequest, HospitalAnswer, HospitalNotice, InfoRequest, ListCardsRequest, ListReviewsRequest,
    NoticeOutcome, Parent, Person, RecordHospitalNoticesRequest, RegisterBirthRequest,
    RegisterDeathRequest, ShowReviewRequest, ShowReviewResponse, WithdrawDeathRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_notice_gives_one_number_and_a_temporary_card
    a_registration_goes_on_under_the_number_of_the_notice
    a_registration_of_another_province_ends_the_temporary_card_all_the_same
    a_notice_after_its_registration_gives_nothing_new
    a_notice_that_names_the_childs_card_is_of_that_child
    a_registration_that_does_not_name_the_notice_waits_for_a_person
    twins_of_two_sexes_are_told_apart_by_it
    triplets_under_one_code_keep_a_number_each_in_whatever_order_they_are_registered
    twins_of_one_sex_are_told_apart_by_a_person_and_then_by_elimination
    twins_registered_before_their_notices_get_nothing_new
    the_same_notice_again_changes_nothing_and_other_facts_are_a_conflict
    every_broken_fact_of_a_notice_is_refused_and_changes_nothing
    a_packet_is_kept_whole_or_not_at_all
    a_late_notice_is_kept_and_gives_nothing
    a_newborn_that_dies_is_registered_all_the_same_and_has_no_card
    a_death_is_told_by_hospital_and_civil_registry_and_both_fall_with_the_registration
    a_death_under_numbers_of_two_people_is_refused
}

pub(crate) const CODE: &str = "GCS.99001.26.00001";

/// The hospital of the first place.
fn facility(scene: &Scene) -> String {
    scene.marks.places[0].facility.clone()
}

pub(crate) fn packet(
    scene: &Scene,
    key: &str,
    notices: Vec<Notice>,
) -> RecordHospitalNoticesRequest {
    let sender = FacilityCode::parse(&facility(scene)).unwrap().partner();
    RecordHospitalNoticesRequest {
        context: Some(context(sender.as_str(), key)),
        facility: facility(scene),
        received_at: "2026-11-23T01:30:00Z".into(),
        notices: notices
            .into_iter()
            .map(|notice| HospitalNotice {
                notice: Some(notice),
            })
            .collect(),
    }
}

/// The notice of the child whom `scene.birth(0)` registers, before it has a name.
pub(crate) fn notice(scene: &Scene) -> BirthNotice {
    let mother = &scene.marks.mothers[0];
    BirthNotice {
        code: CODE.into(),
        children: 1,
        sex: 1,
        birth_date: "2026-11-15".into(),
        mother: Some(Parent {
            name: mother.name.clone(),
            birth_date: mother.birth_date.clone(),
            pin: mother.pin.clone(),
        }),
        residence_commune: scene.marks.places[0].commune.clone(),
        ethnicity: "01".into(),
        nationality: "VN".into(),
        issued_on: "2026-11-16".into(),
        ..BirthNotice::default()
    }
}

pub(crate) fn twin(scene: &Scene, paper: &str, sex: i32) -> BirthNotice {
    BirthNotice {
        paper: paper.into(),
        children: 2,
        sex,
        ..notice(scene)
    }
}

pub(crate) async fn tell(scene: &Scene, key: &str, notice: Notice) -> HospitalAnswer {
    let request = packet(scene, key, vec![notice]);
    let answered = scene.insurance.record_hospital_notices(soon(), request);
    answered.await.unwrap().answers.remove(0)
}

pub(crate) async fn born(scene: &Scene, key: &str, notice: BirthNotice) -> HospitalAnswer {
    tell(scene, key, Notice::Birth(notice)).await
}

/// A registration that names the notice; `n` below 4, so that the mother is the notice's.
pub(crate) fn registration(scene: &Scene, n: u32, sex: i32) -> RegisterBirthRequest {
    let mut request = scene.birth(n);
    request.birth_notice = CODE.into();
    let child = request.child.as_mut().unwrap();
    child.sex = sex;
    if sex == 2 {
        child.pin.replace_range(3..4, "3");
    }
    request
}

pub(crate) async fn register(scene: &Scene, request: &RegisterBirthRequest) -> BirthCase {
    let answer = scene
        .insurance
        .register_birth(soon(), request.clone())
        .await;
    answer.unwrap().case.unwrap()
}

pub(crate) async fn cards(scene: &Scene, si_number: &str) -> Vec<Card> {
    let request = ListCardsRequest {
        context: Some(context("registry", "cards")),
        si_number: si_number.into(),
    };
    scene.insurance.cards(soon(), request).await.unwrap().cards
}

pub(crate) async fn person(scene: &Scene, number: &str) -> Person {
    let request = FindRequest {
        context: Some(context("registry", "find")),
        number: number.into(),
        ..FindRequest::default()
    };
    let mut found = scene.insurance.find(soon(), request).await.unwrap().people;
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub(crate) async fn people(scene: &Scene) -> u64 {
    let info = scene.insurance.info(soon(), InfoRequest {}).await.unwrap();
    info.people
}

/// The one review that waits.
async fn review(scene: &Scene) -> ShowReviewResponse {
    let request = ListReviewsRequest {
        context: Some(context("registry", "list")),
        with_decided: false,
    };
    let waiting = scene.insurance.reviews(soon(), request).await.unwrap();
    assert_eq!(waiting.reviews.len(), 1);
    let request = ShowReviewRequest {
        context: Some(context("registry", "show")),
        id: waiting.reviews[0].id,
    };
    scene.insurance.review(soon(), request).await.unwrap()
}

async fn decide(scene: &Scene, shown: &ShowReviewResponse, decision: Decision) -> BirthCase {
    let id = shown.review.as_ref().unwrap().id;
    let request = DecideReviewRequest {
        context: Some(context("registry", &format!("decide-{id}"))),
        id,
        decision: Some(decision),
        version: shown.version.clone(),
        who: "an".into(),
        why: "asked the hospital".into(),
        population: None,
    };
    let decided = scene.insurance.decide_review(soon(), request).await;
    decided.unwrap().case.unwrap()
}

async fn a_notice_gives_one_number_and_a_temporary_card(scene: Scene) {
    let before = people(&scene).await;
    let answer = born(&scene, "1", notice(&scene)).await;
    assert_eq!(answer.outcome(), NoticeOutcome::Temporary);
    assert_eq!((answer.code.as_str(), answer.paper.as_str()), (CODE, ""));
    let card = answer.card.unwrap();
    let province = &scene.marks.places[0].province;
    assert_eq!(card.number, format!("TE1{province}{}", answer.si_number));
    assert_eq!(
        (card.valid_from.as_str(), card.valid_to.as_str()),
        ("2026-11-15", "2027-01-14")
    );
    assert_eq!(
        (card.state(), card.facility, card.serial),
        (CardState::Valid, facility(&scene), 1)
    );
    let child = person(&scene, &answer.si_number).await;
    let mother = &scene.marks.mothers[0].name;
    assert_eq!(
        (child.pin.as_str(), child.name),
        ("", format!("Con bà {mother}"))
    );
    assert_eq!(people(&scene).await, before + 1);
}

async fn a_registration_goes_on_under_the_number_of_the_notice(scene: Scene) {
    let told = born(&scene, "1", notice(&scene)).await;
    let before = people(&scene).await;
    let request = registration(&scene, 0, 1);
    let case = register(&scene, &request).await;
    assert_eq!(
        (case.state(), &case.si_number),
        (BirthCaseState::Completed, &told.si_number)
    );
    let card = case.card.unwrap();
    assert_eq!((&card.number, card.serial), (&told.card.unwrap().number, 2));
    assert!(card.valid_to.as_str() > "2032");
    let prints = cards(&scene, &told.si_number).await;
    let states: Vec<_> = prints.iter().map(Card::state).collect();
    assert_eq!(states, [CardState::Valid, CardState::Replaced]);
    let child = person(&scene, &told.si_number).await;
    let registered = request.child.unwrap();
    assert_eq!((child.name, child.pin), (registered.name, registered.pin));
    assert_eq!(people(&scene).await, before);
    // the notice again is answered with the card as it is now
    let mut again = notice(&scene);
    let answer = born(&scene, "again", again.clone()).await;
    assert_eq!(answer.card, Some(card));
    again.name = "Another".into();
    let call = packet(&scene, "other", vec![Notice::Birth(again)]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(call, Conflict, "notice-has-other-facts", "code")
        .await;
}

async fn a_registration_of_another_province_ends_the_temporary_card_all_the_same(scene: Scene) {
    let told = born(&scene, "1", notice(&scene)).await;
    let elsewhere = scene
        .marks
        .places
        .iter()
        .find(|place| place.province != scene.marks.places[0].province)
        .unwrap();
    // the temporary card has run out meanwhile
    scene.time.pass(70 * 86_400);
    let mut request = registration(&scene, 0, 1);
    request.child.as_mut().unwrap().residence_commune = elsewhere.commune.clone();
    let case = register(&scene, &request).await;
    assert_eq!(case.si_number, told.si_number);
    let card = case.card.unwrap();
    assert_eq!(
        (card.number, card.serial),
        (format!("TE1{}{}", elsewhere.province, told.si_number), 1)
    );
    let prints = cards(&scene, &told.si_number).await;
    let valid = prints
        .iter()
        .filter(|card| card.state() == CardState::Valid);
    assert_eq!((valid.count(), prints.len()), (1, 2));
}

async fn a_notice_after_its_registration_gives_nothing_new(scene: Scene) {
    let case = register(&scene, &registration(&scene, 0, 1)).await;
    let before = people(&scene).await;
    let answer = born(&scene, "1", notice(&scene)).await;
    assert_eq!(
        (answer.outcome(), answer.si_number, answer.card),
        (NoticeOutcome::Known, case.si_number, case.card)
    );
    assert_eq!(people(&scene).await, before);
}

async fn a_notice_that_names_the_childs_card_is_of_that_child(scene: Scene) {
    // of a mother without a PIN: nothing but the card tells
    let mut request = registration(&scene, 0, 1);
    request.mother.as_mut().unwrap().pin.clear();
    let case = register(&scene, &request).await;
    let card = case.card.clone().unwrap().number;
    let mut told = notice(&scene);
    told.mother.as_mut().unwrap().pin.clear();
    let doubtful = BirthNotice {
        code: "GCS.99001.26.00002".into(),
        ..told.clone()
    };
    let answer = born(&scene, "doubtful", doubtful).await;
    assert_eq!(answer.outcome(), NoticeOutcome::Doubtful);
    told.card = card;
    let answer = born(&scene, "named", told).await;
    assert_eq!(
        (answer.outcome(), answer.si_number, answer.card),
        (NoticeOutcome::Known, case.si_number, case.card)
    );
}

async fn a_registration_that_does_not_name_the_notice_waits_for_a_person(scene: Scene) {
    let told = born(&scene, "1", notice(&scene)).await;
    let before = people(&scene).await;
    let mut request = registration(&scene, 0, 1);
    request.birth_notice = String::new();
    let case = register(&scene, &request).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    let shown = review(&scene).await;
    assert_eq!(shown.candidates.len(), 1);
    let same = Decision::SameAs(told.si_number.clone());
    let case = decide(&scene, &shown, same).await;
    assert_eq!(case.si_number, told.si_number);
    assert_eq!(case.card.unwrap().serial, 2);
    let child = person(&scene, &told.si_number).await;
    assert_eq!(child.name, request.child.unwrap().name);
    assert_eq!(people(&scene).await, before);
}

async fn twins_of_two_sexes_are_told_apart_by_it(scene: Scene) {
    let boy = born(&scene, "1", twin(&scene, "CT-1", 1)).await;
    let girl = born(&scene, "2", twin(&scene, "CT-2", 2)).await;
    assert_ne!(boy.si_number, girl.si_number);
    let call = packet(&scene, "3", vec![Notice::Birth(twin(&scene, "CT-3", 2))]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(call, RuleRefused, "more-children-than-told", "code")
        .await;
    let second = register(&scene, &registration(&scene, 1, 2)).await;
    let first = register(&scene, &registration(&scene, 0, 1)).await;
    assert_eq!(
        (first.si_number, second.si_number),
        (boy.si_number, girl.si_number)
    );
}

/// SO_CON 3: two girls and a boy under one code.
async fn triplets_under_one_code_keep_a_number_each_in_whatever_order_they_are_registered(
    scene: Scene,
) {
    let before = people(&scene).await;
    let triplet = |paper: &str, sex: i32| BirthNotice {
        children: 3,
        ..twin(&scene, paper, sex)
    };
    let mut numbers = Vec::new();
    for (key, paper, sex) in [("1", "CT-1", 2), ("2", "CT-2", 1), ("3", "CT-3", 2)] {
        numbers.push(born(&scene, key, triplet(paper, sex)).await.si_number);
    }
    let call = packet(&scene, "4", vec![Notice::Birth(triplet("CT-4", 1))]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(call, RuleRefused, "more-children-than-told", "code")
        .await;
    // the third of them first: either girl, until a person says which
    let case = register(&scene, &registration(&scene, 2, 2)).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    let shown = review(&scene).await;
    assert_eq!(shown.candidates.len(), 2);
    let third = Decision::SameAs(numbers[2].clone());
    assert_eq!(decide(&scene, &shown, third).await.si_number, numbers[2]);
    // the boy by his sex, and the girl that is left
    for (n, sex, nth) in [(1, 1, 1), (0, 2, 0)] {
        let case = register(&scene, &registration(&scene, n, sex)).await;
        assert_eq!(
            (case.state(), &case.si_number),
            (BirthCaseState::Completed, &numbers[nth])
        );
    }
    assert_eq!(people(&scene).await, before + 3);
}

async fn twins_of_one_sex_are_told_apart_by_a_person_and_then_by_elimination(scene: Scene) {
    let before = people(&scene).await;
    let one = born(&scene, "1", twin(&scene, "CT-1", 1)).await;
    let other = born(&scene, "2", twin(&scene, "CT-2", 1)).await;
    let case = register(&scene, &registration(&scene, 0, 1)).await;
    assert_eq!(case.state(), BirthCaseState::Processing);
    let shown = review(&scene).await;
    assert_eq!(shown.candidates.len(), 2);
    let same = Decision::SameAs(other.si_number.clone());
    assert_eq!(
        decide(&scene, &shown, same).await.si_number,
        other.si_number
    );
    let left = register(&scene, &registration(&scene, 1, 1)).await;
    assert_eq!(
        (left.state(), left.si_number),
        (BirthCaseState::Completed, one.si_number)
    );
    assert_eq!(people(&scene).await, before + 2);
}

async fn twins_registered_before_their_notices_get_nothing_new(scene: Scene) {
    let first = register(&scene, &registration(&scene, 0, 1)).await;
    // of one sex: it may be the one who is registered, and it may be the other
    let answer = born(&scene, "1", twin(&scene, "CT-1", 1)).await;
    assert_eq!(
        (answer.outcome(), answer.si_number.as_str(), answer.card),
        (NoticeOutcome::Doubtful, "", None)
    );
    let second = register(&scene, &registration(&scene, 1, 1)).await;
    assert_eq!(second.state(), BirthCaseState::Completed);
    let before = people(&scene).await;
    let named = BirthNotice {
        name: "NGUYỄN HÒA BÌNH".into(),
        ..twin(&scene, "CT-2", 1)
    };
    let answer = born(&scene, "2", named).await;
    assert_eq!(
        (answer.outcome(), answer.si_number),
        (NoticeOutcome::Known, second.si_number)
    );
    assert_ne!(first.si_number, second.case_id);
    assert_eq!(people(&scene).await, before);
}

async fn the_same_notice_again_changes_nothing_and_other_facts_are_a_conflict(scene: Scene) {
    let request = packet(&scene, "1", vec![Notice::Birth(notice(&scene))]);
    let call = |request| scene.insurance.record_hospital_notices(soon(), request);
    let first = call(request.clone()).await.unwrap();
    let fingerprint = scene.fingerprint().await;
    let second = call(request).await.unwrap();
    assert_eq!(first.encode_to_vec(), second.encode_to_vec());
    let other_key = packet(&scene, "2", vec![Notice::Birth(notice(&scene))]);
    assert_eq!(call(other_key).await.unwrap(), first);
    assert_eq!(scene.fingerprint().await, fingerprint);
    let mut other = notice(&scene);
    other.sex = 2;
    let other = packet(&scene, "3", vec![Notice::Birth(other)]);
    scene
        .refuses(call(other), Conflict, "notice-has-other-facts", "code")
        .await;
    // and one of a birth of several under the code of a single one
    let other = packet(&scene, "4", vec![Notice::Birth(twin(&scene, "CT-1", 1))]);
    scene
        .refuses(call(other), Conflict, "another-birth", "code")
        .await;
}

type BrokenParent = (fn(&mut Parent), &'static str, &'static str);
type Broken = (fn(&mut BirthNotice), FaultCode, &'static str, &'static str);

async fn every_broken_fact_of_a_notice_is_refused_and_changes_nothing(scene: Scene) {
    let mother = |notice: &mut BirthNotice, change: fn(&mut Parent)| {
        change(notice.mother.get_or_insert_default());
    };
    let cases: &[Broken] = &[
        (|n| n.code.clear(), Invalid, "malformed-id", "code"),
        (|n| n.children = 0, Invalid, "unknown-code", "children"),
        (|n| n.children = 11, Invalid, "unknown-code", "children"),
        (|n| n.children = 2, Invalid, "malformed-id", "paper"),
        (
            |n| n.paper = "CT-1".into(),
            Invalid,
            "paper-of-one",
            "paper",
        ),
        (|n| n.sex = 4, Invalid, "unknown-code", "sex"),
        (
            |n| n.birth_date = "2026-11-24".into(),
            Invalid,
            "in-the-future",
            "birth_date",
        ),
        (
            |n| n.issued_on = "2026-11-24".into(),
            Invalid,
            "in-the-future",
            "issued_on",
        ),
        (
            |n| n.issued_on = "2026-11-14".into(),
            Invalid,
            "before-birth",
            "issued_on",
        ),
        (
            |n| n.birth_date = "15/11/2026".into(),
            Invalid,
            "malformed-date",
            "birth_date",
        ),
        (|n| n.mother = None, Invalid, "missing", "mother"),
        (
            |n| n.residence_commune = "99999".into(),
            Invalid,
            "unknown-commune",
            "residence_commune",
        ),
        (
            |n| n.ethnicity = "K".into(),
            Invalid,
            "unknown-code",
            "ethnicity",
        ),
        (
            |n| n.nationality = "vn".into(),
            Invalid,
            "unknown-code",
            "nationality",
        ),
        (
            |n| n.card = "TE1".into(),
            Invalid,
            "malformed-number",
            "card",
        ),
        (
            |n| n.card = "TE1019900000001".into(),
            RuleRefused,
            "not-the-holder",
            "card",
        ),
    ];
    for (at, (change, code, reason, field)) in cases.iter().enumerate() {
        let mut broken = notice(&scene);
        change(&mut broken);
        let request = packet(&scene, &format!("broken-{at}"), vec![Notice::Birth(broken)]);
        let call = scene.insurance.record_hospital_notices(soon(), request);
        scene.refuses(call, *code, reason, field).await;
    }
    let parents: [BrokenParent; 3] = [
        (
            |m| m.pin = "001193000001".into(),
            "other-population",
            "mother.pin",
        ),
        (
            |m| m.birth_date = "2026".into(),
            "younger-than-child",
            "mother.birth_date",
        ),
        (|m| m.name = "1".into(), "malformed-name", "mother.name"),
    ];
    for (at, (change, reason, field)) in parents.into_iter().enumerate() {
        let mut broken = notice(&scene);
        mother(&mut broken, change);
        let request = packet(&scene, &format!("mother-{at}"), vec![Notice::Birth(broken)]);
        let call = scene.insurance.record_hospital_notices(soon(), request);
        scene.refuses(call, Invalid, reason, field).await;
    }
    let mut of_another = packet(&scene, "other", vec![Notice::Birth(notice(&scene))]);
    of_another.facility = scene.marks.places[1].facility.replace("001", "002");
    let mut unknown = packet(&scene, "unknown", vec![Notice::Birth(notice(&scene))]);
    unknown.facility = "01999".into();
    let many = vec![Notice::Birth(notice(&scene)); 21];
    for (request, reason, field) in [
        (of_another, "facility-of-another", "facility"),
        (unknown, "unknown-facility", "facility"),
        (packet(&scene, "none", vec![]), "missing", "notices"),
        (packet(&scene, "many", many), "too-many", "notices"),
    ] {
        let call = scene.insurance.record_hospital_notices(soon(), request);
        scene.refuses(call, Invalid, reason, field).await;
    }
}

async fn a_packet_is_kept_whole_or_not_at_all(scene: Scene) {
    let twins = || vec![twin(&scene, "CT-1", 1), twin(&scene, "CT-2", 2)];
    let notices = |twins: Vec<BirthNotice>| twins.into_iter().map(Notice::Birth).collect();
    let mut broken = twins();
    broken[1].residence_commune = "99999".into();
    let call = packet(&scene, "1", notices(broken));
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(call, Invalid, "unknown-commune", "residence_commune")
        .await;
    let request = packet(&scene, "2", notices(twins()));
    let call = scene.insurance.record_hospital_notices(soon(), request);
    let answers = call.await.unwrap().answers;
    let papers: Vec<_> = answers.iter().map(|one| one.paper.as_str()).collect();
    assert_eq!(papers, ["CT-1", "CT-2"]);
}

async fn a_late_notice_is_kept_and_gives_nothing(scene: Scene) {
    scene.time.pass(60 * 86_400);
    let before = people(&scene).await;
    let answer = born(&scene, "1", notice(&scene)).await;
    assert_eq!(
        (answer.outcome(), answer.si_number.as_str(), answer.card),
        (NoticeOutcome::Late, "", None)
    );
    assert_eq!(people(&scene).await, before);
    let case = register(&scene, &registration(&scene, 0, 1)).await;
    assert_eq!(case.state(), BirthCaseState::Completed);
}

/// A death as a hospital tells it, under the number of its card.
pub(crate) fn died(number: &str) -> RegisterDeathRequest {
    RegisterDeathRequest {
        case_id: "GBT.99001.26.00001".into(),
        death_notice: "GBT.99001.26.00001".into(),
        deceased: Some(Deceased {
            si_number: number.into(),
            name: "Con bà ai đó".into(),
            sex: 1,
            birth_date: "2026-11-15".into(),
            ..Deceased::default()
        }),
        died_on: "2026-11-17".into(),
        proof_kind: 1,
        ..RegisterDeathRequest::default()
    }
}

async fn a_newborn_that_dies_is_registered_all_the_same_and_has_no_card(scene: Scene) {
    let told = born(&scene, "1", notice(&scene)).await;
    let mut wrong = died(&told.si_number);
    wrong.deceased.as_mut().unwrap().sex = 2;
    let call = packet(&scene, "wrong", vec![Notice::Death(wrong)]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(
            call,
            AmbiguousSubject,
            "pin-of-another-person",
            "deceased.pin",
        )
        .await;
    let call = packet(&scene, "nobody", vec![Notice::Death(died("9999999999"))]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(call, UnknownSubject, "unknown-person", "deceased.si_number")
        .await;
    let answer = tell(&scene, "2", Notice::Death(died(&told.si_number))).await;
    assert_eq!(
        (answer.outcome(), &answer.si_number),
        (NoticeOutcome::Death, &told.si_number)
    );
    let card = &cards(&scene, &told.si_number).await[0];
    assert_eq!(
        (card.state(), card.valid_to.as_str()),
        (CardState::Revoked, "2026-11-17")
    );
    let before = people(&scene).await;
    let case = register(&scene, &registration(&scene, 0, 1)).await;
    assert_eq!(
        (case.state(), &case.si_number, case.card),
        (BirthCaseState::Completed, &told.si_number, None)
    );
    assert!(person(&scene, &told.si_number).await.dead);
    assert_eq!(people(&scene).await, before);
}

async fn a_death_is_told_by_hospital_and_civil_registry_and_both_fall_with_the_registration(
    scene: Scene,
) {
    let holder = scene.marks.card_holders[0].clone();
    let mut notice = died(&holder.si_number);
    notice.deceased = Some(Deceased {
        pin: holder.pin.clone(),
        name: holder.name.clone(),
        si_number: holder.si_number.clone(),
        ..Deceased::default()
    });
    tell(&scene, "1", Notice::Death(notice.clone())).await;
    assert!(person(&scene, &holder.pin).await.dead);
    let registered = RegisterDeathRequest {
        context: Some(context("dvclt", "death")),
        case_id: "G22.99.09-261120-000001".into(),
        received_at: "2026-11-23T01:30:00Z".into(),
        record: Some(Default::default()),
        ..notice.clone()
    };
    let call = scene.insurance.register_death(soon(), registered);
    call.await.unwrap();
    let request = WithdrawDeathRequest {
        context: Some(context("dvclt", "withdraw")),
        case_id: "G22.99.10-261120-000001".into(),
        withdraws: "G22.99.09-261120-000001".into(),
        reason: "another person".into(),
    };
    scene
        .insurance
        .withdraw_death(soon(), request)
        .await
        .unwrap();
    assert!(!person(&scene, &holder.pin).await.dead);
    let card = cards(&scene, &holder.si_number).await;
    assert!(card.iter().any(|card| card.state() == CardState::Valid));
}

async fn a_death_under_numbers_of_two_people_is_refused(scene: Scene) {
    let [one, other] = [0, 1].map(|at| scene.marks.card_holders[at].clone());
    let mut notice = died(&other.si_number);
    let deceased = notice.deceased.as_mut().unwrap();
    deceased.pin = one.pin;
    let call = packet(&scene, "1", vec![Notice::Death(notice)]);
    let call = scene.insurance.record_hospital_notices(soon(), call);
    scene
        .refuses(
            call,
            AmbiguousSubject,
            "pin-of-another-person",
            "deceased.pin",
        )
        .await;
}
