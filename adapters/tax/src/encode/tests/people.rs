//! What is said of persons and of many.

use gateway_core::ports::{Person, PersonNumber};
use jiff::civil::date;
use schemas::{
    id::{Pin, SiNumber},
    proto::insurance::{GetContributionsResponse, GetParticipationResponse},
    wire::tax::{Claim, Line, Question, Refused, Stretch, VerifyEmployer, VerifyManyResult},
};

use super::*;
use crate::{
    perform::LineOutcome,
    testscene::{about, contributed, facts, many, many_permit, person_permit},
};

const ALL: &[&str] = &[
    "name",
    "birthDate",
    "pin",
    "siNumber",
    "employers",
    "months",
    "base",
];

fn said_of(
    granted: &[&str],
    asked: &[&str],
    found: GetContributionsResponse,
) -> VerifyIndividualResult {
    let request = Request::VerifyIndividual(about(facts(asked)));
    let permit = person_permit(granted, asked);
    let outcome = Outcome::Contributions(found);
    match answer(encode(&head(wire::VERIFY_INDIVIDUAL), &permit, &request, outcome).unwrap()) {
        Answer::VerifyIndividualResult(result) => *result,
        other => panic!("{other:?}"),
    }
}

fn head(operation: &str) -> AnswerHead {
    let mut head = answer_head();
    head.operation = operation.into();
    head
}

fn month(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn bare(kind: ResultKind) -> VerifyIndividualResult {
    let subject = about(facts(&["months"])).subject;
    VerifyIndividualResult::bare(kind, subject, month("2026-01"), month("2026-09"))
}

#[test]
fn everything_agreed_about_a_person_is_told_by_employer() {
    let mst = TaxId::parse("9900000016").unwrap();
    let stretch = |from, to, vnd| Stretch {
        mst: mst.clone(),
        months: Some((month(from), month(to))),
        base: Amount::new(vnd),
    };
    let expected = VerifyIndividualResult {
        name: Some("Nguyễn Thị Hoà".into()),
        birth_date: Some(date(1990, 2, 3)),
        pin: Some(Pin::parse("099190000001").unwrap()),
        si_number: Some(SiNumber::parse("9900000001").unwrap()),
        months: Some(9),
        base_total: Amount::new(96_000_000),
        employments: Some(vec![
            stretch("2026-01", "2026-06", 10_000_000),
            stretch("2026-07", "2026-09", 12_000_000),
        ]),
        ..bare(ResultKind::HasData)
    };
    assert_eq!(said_of(ALL, ALL, contributed()), expected);
}

#[test]
fn what_is_not_agreed_stands_in_no_employment_either() {
    let result = said_of(&["employers", "months"], ALL, contributed());
    let employments = result.employments.unwrap();
    assert!(
        employments
            .iter()
            .all(|one| one.base.is_none() && one.months.is_some())
    );
    assert_eq!(
        (result.base_total, result.name, result.pin),
        (None, None, None)
    );
    assert_eq!(result.not_disclosed.len(), 5);
}

#[test]
fn nobody_under_the_number_is_no_data_and_an_open_month_is_incomplete() {
    let nobody = said_of(
        ALL,
        &["months", "name"],
        GetContributionsResponse::default(),
    );
    assert_eq!(nobody, bare(ResultKind::NoData));
    let open = GetContributionsResponse {
        incomplete: true,
        ..contributed()
    };
    let result = said_of(ALL, &["months"], open);
    assert_eq!(
        (result.result, result.months),
        (ResultKind::Incomplete, Some(9))
    );
}

fn judged(claim: Claim, found: GetContributionsResponse) -> VerifyIndividualResult {
    let request = Request::VerifyIndividual(about(Question::Claim(claim)));
    let permit = person_permit(ALL, &["name", "birthDate", "months", "base"]);
    let encoded = encode(
        &head(wire::VERIFY_INDIVIDUAL),
        &permit,
        &request,
        Outcome::Contributions(found),
    )
    .unwrap();
    assert!(encoded.persons.iter().all(|person| person.told.is_empty()));
    match answer(encoded) {
        Answer::VerifyIndividualResult(result) => *result,
        other => panic!("{other:?}"),
    }
}

fn right() -> Claim {
    Claim {
        // another Unicode form, case, spacing and place of the mark
        name: Some("NGUYỄN  thị Hòa".into()),
        birth_date: Some(date(1990, 2, 3)),
        months: Some(9),
        base: Amount::new(96_000_000),
    }
}

#[test]
fn a_claim_that_is_so_matches_and_tells_nothing_else() {
    assert_eq!(judged(right(), contributed()), bare(ResultKind::Matches));
}

#[test]
fn a_claim_that_is_wrong_anywhere_does_not_match_and_does_not_say_where() {
    let wrong = [
        Claim {
            name: Some("Nguyễn Thị Hoa".into()),
            ..right()
        },
        Claim {
            birth_date: Some(date(1990, 3, 2)),
            ..right()
        },
        Claim {
            months: Some(8),
            ..right()
        },
        Claim {
            base: Amount::new(96_000_001),
            ..right()
        },
    ];
    for claim in wrong {
        assert_eq!(judged(claim, contributed()), bare(ResultKind::DoesNotMatch));
    }
    // nor whether anybody is there
    let nobody = GetContributionsResponse::default();
    assert_eq!(judged(right(), nobody), bare(ResultKind::DoesNotMatch));
}

#[test]
fn an_open_month_leaves_figures_undecided_but_not_the_person() {
    let open = GetContributionsResponse {
        incomplete: true,
        ..contributed()
    };
    assert_eq!(judged(right(), open.clone()), bare(ResultKind::Incomplete));
    let another = Claim {
        birth_date: Some(date(1980, 1, 1)),
        ..right()
    };
    assert_eq!(
        judged(another, open.clone()),
        bare(ResultKind::DoesNotMatch)
    );
    let person = Claim {
        months: None,
        base: None,
        ..right()
    };
    assert_eq!(judged(person, open), bare(ResultKind::Matches));
}

#[test]
fn the_ledger_learns_every_number_of_whoever_was_told_of() {
    let request = Request::VerifyIndividual(about(facts(&["months"])));
    let permit = person_permit(&["months"], &["months"]);
    let outcome = Outcome::Contributions(contributed());
    let encoded = encode(&head(wire::VERIFY_INDIVIDUAL), &permit, &request, outcome).unwrap();
    let [person] = encoded.persons.as_slice() else {
        panic!("one person")
    };
    let numbers = ["099190000001", "9900000001"].map(|text| PersonNumber::parse(text).unwrap());
    assert_eq!(
        (&person.numbers[..], &person.told[..]),
        (&numbers[..], &["months"][..])
    );
}

#[test]
fn the_owner_of_a_household_business_is_told_of_only_where_there_is_something_to_tell() {
    let household = VerifyEmployer {
        mst: TaxId::parse("099190000001").unwrap(),
        ..ask(&["fund", "name"])
    };
    let persons = |found: bool, incomplete: bool| {
        let outcome = Outcome::Participation(GetParticipationResponse {
            found,
            incomplete,
            ..response()
        });
        let permit = permit(&["fund", "name"], &["fund", "name"]);
        let request = Request::VerifyEmployer(household.clone());
        let encoded = encode(&answer_head(), &permit, &request, outcome).unwrap();
        encoded.persons
    };
    let told = |persons: Vec<Person>| {
        persons
            .into_iter()
            .map(|one| {
                assert_eq!(one.numbers[0].indexed(), "pin:099190000001");
                one.told
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(told(persons(true, false)), [["fund", "name"]]);
    assert_eq!(told(persons(true, true)), [["name"]], "the month is open");
    assert!(persons(false, false).is_empty(), "no data");
}

#[test]
fn a_person_of_whom_there_is_no_data_is_not_told_of() {
    let request = Request::VerifyIndividual(about(facts(&["months"])));
    let permit = person_permit(&["months"], &["months"]);
    let outcome = Outcome::Contributions(GetContributionsResponse::default());
    let encoded = encode(&head(wire::VERIFY_INDIVIDUAL), &permit, &request, outcome).unwrap();
    assert!(encoded.persons.is_empty());
}

fn lines(granted: &[&str], keys: &[&str], outcome: Outcome) -> Vec<Line> {
    let request = Request::VerifyMany(many(&["fund", "name"], keys));
    let permit = many_permit(granted, &["fund", "name"]);
    match answer(encode(&head(wire::VERIFY_MANY), &permit, &request, outcome).unwrap()) {
        Answer::VerifyManyResult(VerifyManyResult { lines }) => lines,
        other => panic!("{other:?}"),
    }
}

#[test]
fn lines_are_answered_in_order_each_with_its_own_result() {
    let keys = ["9900000016", "9900000017", "9900000016-001"];
    let outcome = Outcome::Many(vec![
        LineOutcome::Employer(response()),
        LineOutcome::Refused(Fault::new(FaultCode::Invalid, "mst-check-digit")),
        LineOutcome::Employer(GetParticipationResponse::default()),
    ]);
    let told = lines(&["fund"], &keys, outcome);
    let [
        Line::Employer(first),
        Line::Refused(second),
        Line::Employer(third),
    ] = told.as_slice()
    else {
        panic!("{told:?}")
    };
    assert_eq!(
        (first.mst.as_str(), first.fund),
        ("9900000016", Amount::new(100_000_000))
    );
    assert_eq!((first.name.as_ref(), first.not_disclosed.len()), (None, 1));
    let refused = Refused {
        key: "9900000017".into(),
        code: FaultCode::Invalid,
        reason: "mst-check-digit".into(),
    };
    assert_eq!(second, &refused);
    assert_eq!(
        (third.result, third.mst.as_str()),
        (ResultKind::NoData, "9900000016-001")
    );
}

#[test]
fn where_nothing_is_agreed_no_line_tells_whether_anybody_is_there() {
    let told = lines(&[], &["9900000016", "9900000017"], Outcome::NotPermitted);
    assert!(matches!(&told[0], Line::Employer(one) if one.result == ResultKind::NotPermitted));
    assert!(matches!(&told[1], Line::Refused(_)));
}

#[test]
fn lines_of_another_request_are_never_said() {
    let request = Request::VerifyMany(many(&["fund"], &["9900000016"]));
    let permit = many_permit(&["fund"], &["fund"]);
    let outcome = Outcome::Many(Vec::new());
    let fault = encode(&head(wire::VERIFY_MANY), &permit, &request, outcome).unwrap_err();
    assert_eq!(fault.reason(), "lines-of-another-request");
}
