//! Births.Register and Births.GetCases.

use insurance::Insurance;
use schemas::codes::child_card;
use schemas::fault::FaultCode::{self, AmbiguousSubject, Conflict, Invalid, RuleRefused};
use schemas::id::{CardNumber, SiNumber};
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthCase, BirthCaseState, GetBirthCasesRequest, InfoRequest, ListCardsRequest, Parent,
    RegisterBirthRequest, SubmitReissueRequest,
};

use crate::over_both;
use crate::scene::{Scene, context, soon};

over_both! {
    a_birth_becomes_one_number_for_life_and_one_child_card
    the_same_key_gets_the_same_bytes_and_changes_nothing
    another_key_with_the_same_case_and_facts_gets_the_same_case
    the_same_case_with_other_facts_is_a_conflict
    a_known_key_answers_what_was_done_however_it_is_worded_now
    a_key_of_another_method_is_no_refusal_for_good
    a_known_pin_is_the_same_person_and_gets_no_second_number
    a_pin_of_another_person_is_refused
    every_broken_fact_is_refused_and_changes_nothing
    a_parents_day_of_birth_may_be_known_in_part
    a_commune_is_judged_by_the_day_of_registration
    cases_come_back_in_the_order_asked_and_only_to_their_sender
    ten_at_once_under_one_key_are_one_birth
}

async fn register(insurance: &Insurance, request: &RegisterBirthRequest) -> BirthCase {
    insurance
        .register_birth(soon(), request.clone())
        .await
        .unwrap()
        .case
        .unwrap()
}

async fn a_birth_becomes_one_number_for_life_and_one_child_card(scene: Scene) {
    let before = scene.insurance.info(soon(), InfoRequest {}).await.unwrap();
    let case = register(&scene.insurance, &scene.birth(1)).await;
    let number = SiNumber::parse(&case.si_number).unwrap();
    assert!(number.is_synthetic());
    assert_eq!(
        (case.state(), case.known),
        (BirthCaseState::Completed, true)
    );
    assert_eq!(case.due_on, "2026-11-26"); // two working days; the 24th is a holiday
    let card = case.card.unwrap();
    let parsed = CardNumber::parse(&card.number).unwrap();
    assert_eq!((parsed.object_code(), parsed.level()), ("TE", 1));
    assert_eq!(
        (parsed.province(), parsed.si_number()),
        (&*scene.marks.places[0].province, number)
    );
    let law =
        child_card::validity("2026-11-15".parse().unwrap(), "2026-11-23".parse().unwrap()).unwrap();
    assert_eq!(
        (card.valid_from, card.valid_to),
        ("2026-11-15".into(), law.to.to_string())
    );
    assert_eq!(
        (case.card_rule.as_str(), card.serial),
        (law.rule.term.source, 1)
    );
    let after = scene.insurance.info(soon(), InfoRequest {}).await.unwrap();
    assert_eq!(
        (after.people, after.cards),
        (before.people + 1, before.cards + 1)
    );
}

async fn the_same_key_gets_the_same_bytes_and_changes_nothing(scene: Scene) {
    let request = scene.birth(1);
    let first = scene
        .insurance
        .register_birth(soon(), request.clone())
        .await
        .unwrap();
    let fingerprint = scene.fingerprint().await;
    scene.time.pass(86_400);
    let second = scene
        .insurance
        .register_birth(soon(), request)
        .await
        .unwrap();
    assert_eq!(first.encode_to_vec(), second.encode_to_vec());
    assert_eq!(scene.fingerprint().await, fingerprint);
}

async fn another_key_with_the_same_case_and_facts_gets_the_same_case(scene: Scene) {
    let request = scene.birth(1);
    let first = register(&scene.insurance, &request).await;
    let fingerprint = scene.fingerprint().await;
    let again = RegisterBirthRequest {
        context: Some(context("dvclt", "another message")),
        received_at: "2026-11-23T01:59:00Z".into(),
        ..request
    };
    assert_eq!(register(&scene.insurance, &again).await, first);
    assert_eq!(scene.fingerprint().await, fingerprint);
}

async fn the_same_case_with_other_facts_is_a_conflict(scene: Scene) {
    let request = scene.birth(1);
    register(&scene.insurance, &request).await;
    let mut other = RegisterBirthRequest {
        context: Some(context("dvclt", "another message")),
        ..request
    };
    other.child.as_mut().unwrap().name = "Nguyễn Văn Khác".into();
    let call = scene.insurance.register_birth(soon(), other);
    scene
        .refuses(call, Conflict, "case-has-other-facts", "case_id")
        .await;
}

async fn a_known_key_answers_what_was_done_however_it_is_worded_now(scene: Scene) {
    let request = scene.birth(1);
    let first = register(&scene.insurance, &request).await;
    let fingerprint = scene.fingerprint().await;
    let other = RegisterBirthRequest {
        context: request.context,
        ..scene.birth(2)
    };
    assert_eq!(register(&scene.insurance, &other).await, first);
    assert_eq!(scene.fingerprint().await, fingerprint);
}

async fn a_key_of_another_method_is_no_refusal_for_good(scene: Scene) {
    let birth = scene.birth(1);
    register(&scene.insurance, &birth).await;
    let fingerprint = scene.fingerprint().await;
    let reissue = SubmitReissueRequest {
        context: birth.context,
        ..scene.reissue(1)
    };
    let fault = scene
        .insurance
        .submit_reissue(soon(), reissue)
        .await
        .unwrap_err();
    assert_eq!(
        (fault.code(), fault.reason()),
        (FaultCode::InsuranceUnavailable, "corrupt")
    );
    assert!(!fault.is_final());
    assert_eq!(scene.fingerprint().await, fingerprint);
}

async fn a_known_pin_is_the_same_person_and_gets_no_second_number(scene: Scene) {
    let first = register(&scene.insurance, &scene.birth(1)).await;
    let people = scene
        .insurance
        .info(soon(), InfoRequest {})
        .await
        .unwrap()
        .people;
    let again = RegisterBirthRequest {
        context: Some(context("ward", "other case")),
        case_id: "another-case".into(),
        ..scene.birth(1)
    };
    let second = register(&scene.insurance, &again).await;
    assert_eq!(
        (&second.si_number, &second.card),
        (&first.si_number, &first.card)
    );
    let listed = ListCardsRequest {
        context: again.context,
        si_number: first.si_number,
    };
    assert_eq!(
        scene
            .insurance
            .cards(soon(), listed)
            .await
            .unwrap()
            .cards
            .len(),
        1
    );
    assert_eq!(
        scene
            .insurance
            .info(soon(), InfoRequest {})
            .await
            .unwrap()
            .people,
        people
    );
}

async fn a_pin_of_another_person_is_refused(scene: Scene) {
    register(&scene.insurance, &scene.birth(1)).await;
    let mut other = scene.birth(2);
    other.child.as_mut().unwrap().pin = scene.birth(1).child.unwrap().pin;
    let call = scene.insurance.register_birth(soon(), other);
    scene
        .refuses(call, AmbiguousSubject, "pin-of-another-person", "child.pin")
        .await;
}

async fn a_parents_day_of_birth_may_be_known_in_part(scene: Scene) {
    for (n, born) in [(1, "1990"), (5, "1990-05"), (9, "1990-05-31"), (13, "")] {
        let mut birth = scene.birth(n);
        birth.mother.as_mut().unwrap().birth_date = born.into();
        let answer = scene.insurance.register_birth(soon(), birth).await;
        assert!(answer.unwrap().case.unwrap().card.is_some(), "{born}");
    }
}

type Break = fn(&mut RegisterBirthRequest);

fn child(request: &mut RegisterBirthRequest) -> &mut schemas::proto::insurance::Child {
    request.child.as_mut().unwrap()
}

fn record(request: &mut RegisterBirthRequest) -> &mut schemas::proto::insurance::CivilRecord {
    request.record.as_mut().unwrap()
}

const BROKEN: &[(FaultCode, &str, &str, Break)] = &[
    (Invalid, "no-context", "context", |r| r.context = None),
    (Invalid, "malformed-key", "context.key", |r| {
        r.context.as_mut().unwrap().key.truncate(31)
    }),
    (Invalid, "malformed-sender", "context.sender", |r| {
        r.context.as_mut().unwrap().sender = "DVCLT".into()
    }),
    (Invalid, "malformed-id", "case_id", |r| {
        r.case_id = "a b".into()
    }),
    (Invalid, "malformed-instant", "received_at", |r| {
        r.received_at = "yesterday".into()
    }),
    (Invalid, "missing", "child", |r| r.child = None),
    (Invalid, "missing", "record", |r| r.record = None),
    (Invalid, "malformed-date", "child.birth_date", |r| {
        child(r).birth_date = "15/11/2026".into()
    }),
    (Invalid, "malformed-date", "record.registered_on", |r| {
        record(r).registered_on = "".into()
    }),
    (Invalid, "before-birth", "record.registered_on", |r| {
        record(r).registered_on = "2026-11-14".into()
    }),
    (Invalid, "in-the-future", "record.registered_on", |r| {
        record(r).registered_on = "2026-11-24".into()
    }),
    (Invalid, "unknown-code", "child.sex", |r| child(r).sex = 0),
    (Invalid, "malformed-pin", "child.pin", |r| {
        child(r).pin = "09922650000".into()
    }),
    (Invalid, "other-population", "child.pin", |r| {
        child(r).pin = "001226500001".into()
    }),
    (Invalid, "pin-sex-mismatch", "child.pin", |r| {
        child(r).sex = 2
    }),
    (Invalid, "pin-birth-year-mismatch", "child.pin", |r| {
        child(r).pin = "099225500001".into()
    }),
    (Invalid, "unknown-commune", "child.residence_commune", |r| {
        child(r).residence_commune = "99999".into()
    }),
    (Invalid, "unknown-commune", "record.commune", |r| {
        record(r).commune = "99999".into()
    }),
    (Invalid, "unknown-facility", "facility", |r| {
        r.facility = "99999".into()
    }),
    (Invalid, "unknown-facility", "facility", |r| {
        r.facility = "".into()
    }),
    (Invalid, "malformed-name", "child.name", |r| {
        child(r).name = "12345".into()
    }),
    (Invalid, "unknown-code", "child.declaration_kind", |r| {
        child(r).declaration_kind = 6
    }),
    (Invalid, "unknown-code", "child.ethnicity", |r| {
        child(r).ethnicity = "1".into()
    }),
    (Invalid, "unknown-code", "child.nationality", |r| {
        child(r).nationality = "vn".into()
    }),
    (Invalid, "unknown-code", "guardian.relation", |r| {
        r.guardian.as_mut().unwrap().relation = "cousin".into()
    }),
    (Invalid, "malformed-pin", "mother.pin", |r| {
        r.mother.as_mut().unwrap().pin = "1".into()
    }),
    (Invalid, "younger-than-child", "mother.birth_date", |r| {
        r.mother.as_mut().unwrap().birth_date = "2026".into()
    }),
    (Invalid, "younger-than-child", "mother.birth_date", |r| {
        r.mother.as_mut().unwrap().birth_date = "2026-01".into()
    }),
    (Invalid, "malformed-date", "mother.birth_date", |r| {
        r.mother.as_mut().unwrap().birth_date = "1990-13".into()
    }),
    (Invalid, "malformed-date", "mother.birth_date", |r| {
        r.mother.as_mut().unwrap().birth_date = "1990-5".into()
    }),
    (Invalid, "malformed-date", "father.birth_date", |r| {
        r.father = Some(Parent {
            name: "Trần Văn Cha".into(),
            birth_date: "19x0".into(),
            pin: String::new(),
        });
    }),
    (RuleRefused, "not-under-six", "child.birth_date", |r| {
        child(r).birth_date = "2019-03-15".into();
        child(r).pin = "099219500001".into();
    }),
];

async fn every_broken_fact_is_refused_and_changes_nothing(scene: Scene) {
    for (code, reason, field, break_it) in BROKEN {
        let mut request = scene.birth(1);
        break_it(&mut request);
        scene
            .refuses(
                scene.insurance.register_birth(soon(), request),
                *code,
                reason,
                field,
            )
            .await;
    }
    // the same key is free still: a refusal is not an outcome
    register(&scene.insurance, &scene.birth(1)).await;
}

async fn a_commune_is_judged_by_the_day_of_registration(scene: Scene) {
    let ended = scene.marks.ended_commune.clone();
    let mut request = scene.birth(1);
    child(&mut request).residence_commune = ended.clone();
    let call = scene.insurance.register_birth(soon(), request.clone());
    scene
        .refuses(call, Invalid, "unknown-commune", "child.residence_commune")
        .await;

    record(&mut request).registered_on = "2025-06-20".into();
    record(&mut request).commune = ended;
    child(&mut request).birth_date = "2025-06-01".into();
    child(&mut request).pin = "099225500001".into();
    let case = register(&scene.insurance, &request).await;
    assert!(case.card.unwrap().number.starts_with("TE1"));
}

async fn cases_come_back_in_the_order_asked_and_only_to_their_sender(scene: Scene) {
    let (one, two) = (scene.birth(1), scene.birth(2));
    let first = register(&scene.insurance, &one).await;
    let second = register(&scene.insurance, &two).await;
    let ask = |sender: &str, ids: &[&str]| GetBirthCasesRequest {
        context: Some(context(sender, "poll")),
        case_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
    };
    let asked = ask("dvclt", &[&two.case_id, "unknown-case", &one.case_id]);
    let cases = scene
        .insurance
        .birth_cases(soon(), asked)
        .await
        .unwrap()
        .cases;
    assert_eq!((&cases[0], &cases[2]), (&second, &first));
    assert_eq!(
        cases[1],
        BirthCase {
            case_id: "unknown-case".into(),
            ..BirthCase::default()
        }
    );

    let others = scene
        .insurance
        .birth_cases(soon(), ask("portal", &[&one.case_id]))
        .await
        .unwrap()
        .cases;
    assert!(!others[0].known && others[0].si_number.is_empty() && others[0].card.is_none());

    let none = scene.insurance.birth_cases(soon(), ask("dvclt", &[]));
    scene.refuses(none, Invalid, "missing", "case_ids").await;
    let four = scene
        .insurance
        .birth_cases(soon(), ask("dvclt", &["a", "b", "c", "d"]));
    scene.refuses(four, Invalid, "too-many", "case_ids").await;
}

async fn ten_at_once_under_one_key_are_one_birth(scene: Scene) {
    let people = scene
        .insurance
        .info(soon(), InfoRequest {})
        .await
        .unwrap()
        .people;
    let calls = (0..10).map(|_| scene.insurance.register_birth(soon(), scene.birth(1)));
    let answers = futures_util::future::join_all(calls).await;
    let first = answers[0].clone().unwrap();
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap() == &first)
    );
    assert_eq!(
        scene
            .insurance
            .info(soon(), InfoRequest {})
            .await
            .unwrap()
            .people,
        people + 1
    );
}
