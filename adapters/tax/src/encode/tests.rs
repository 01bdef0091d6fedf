mod people;

use std::collections::BTreeSet;

use schemas::{
    id::{Period, UnitCode},
    proto::insurance::GetParticipationResponse,
    wire::tax::{Ageing, FieldName, LastD02, ParticipationState, ResultKind, Unit, Units},
    xsd,
};

use super::*;
use crate::testscene::{answer_head, ask, permit, ping, response};

fn said(granted: &[&str], asked: &[&str], outcome: Outcome) -> Result<VerifyEmployerResult, Fault> {
    let request = Request::VerifyEmployer(ask(asked));
    let encoded = encode(&answer_head(), &permit(granted, asked), &request, outcome)?;
    match answer(encoded) {
        Answer::VerifyEmployerResult(result) => Ok(*result),
        other => panic!("{other:?}"),
    }
}

fn answer(encoded: Encoded) -> Answer {
    assert!(encoded.callbacks.is_empty());
    let Unsigned::Xml { canonical, root_id } = encoded.unsigned else {
        panic!("not XML");
    };
    assert_eq!(root_id, "m-vss-00000001");
    assert_eq!(xsd::validate_tax_v1(&canonical), Ok(()));
    let message = wire::decode(&canonical).unwrap();
    assert_eq!(message.header.sent_at.to_string(), "2026-11-22T05:00:00Z");
    assert_eq!(message.header.reply.unwrap().digest, [0xab; 32]);
    match message.body {
        Body::Answer(answer) => answer,
        Body::Request(_) => panic!("not an answer"),
    }
}

const ALL: &[&str] = &[
    "participationState",
    "participants",
    "fund",
    "due",
    "paid",
    "arrears",
    "name",
    "unitCode",
    "registeredFrom",
    "units",
    "ageing",
    "lastD02",
];

fn words(fields: &BTreeSet<FieldName>) -> Vec<&'static str> {
    fields.iter().map(|field| field.as_str()).collect()
}

#[test]
fn with_everything_agreed_everything_asked_is_told() {
    let result = said(ALL, ALL, Outcome::Participation(response())).unwrap();
    let expected = VerifyEmployerResult {
        participation_state: Some(ParticipationState::Active),
        participants: Some(12),
        fund: Amount::new(100_000_000),
        due: Amount::new(32_000_000),
        paid: Amount::new(30_000_000),
        arrears: Some(2_000_000),
        name: Some("Công ty Thử <Nghiệm> & Con".into()),
        unit_code: Some(UnitCode::parse("TZ0000L").unwrap()),
        registered_from: Some(Period::parse("2019-03").unwrap()),
        units: Some(Units {
            count: 1,
            units: vec![Unit {
                mst: TaxId::parse("9900000016-001").unwrap(),
                unit_code: UnitCode::parse("TA0001B").unwrap(),
                state: ParticipationState::Suspended,
            }],
        }),
        ageing: Some(Ageing {
            bands: [1_500_000, 500_000, 0, 0, 0].map(|vnd| Amount::new(vnd).unwrap()),
        }),
        last_d02: Some(LastD02 {
            period: Period::parse("2026-08").unwrap(),
            submitted_on: jiff::civil::date(2026, 8, 14),
            plan: "TM".into(),
            joined: 2,
            gone: 1,
        }),
        ..VerifyEmployerResult::bare(ResultKind::HasData, ask(ALL).mst, ask(ALL).period)
    };
    assert_eq!(result, expected);
}

#[test]
fn a_field_is_told_only_if_it_was_asked_for_and_agreed() {
    let outcome = Outcome::Participation(response());
    let result = said(&["fund", "arrears"], &["fund", "name"], outcome).unwrap();
    let expected = VerifyEmployerResult {
        fund: Amount::new(100_000_000),
        not_disclosed: [FieldName::Name].into(),
        ..VerifyEmployerResult::bare(ResultKind::HasData, ask(ALL).mst, ask(ALL).period)
    };
    assert_eq!(result, expected);
}

#[test]
fn not_permitted_tells_which_fields_and_nothing_else() {
    let result = said(&["fund"], &["name", "unitCode"], Outcome::NotPermitted).unwrap();
    assert_eq!(result.result, ResultKind::NotPermitted);
    assert_eq!(words(&result.not_disclosed), ["name", "unitCode"]);
    assert_eq!((result.name, result.unit_code), (None, None));
}

#[test]
fn an_unknown_employer_is_no_data() {
    let nobody = GetParticipationResponse::default();
    let result = said(
        ALL,
        &["fund", "participationState"],
        Outcome::Participation(nobody),
    )
    .unwrap();
    assert_eq!(result.result, ResultKind::NoData);
    assert_eq!((result.fund, result.participation_state), (None, None));
    assert!(result.not_disclosed.is_empty());
}

#[test]
fn an_open_month_is_incomplete_and_its_figures_are_left_out() {
    let open = GetParticipationResponse {
        incomplete: true,
        ..response()
    };
    let result = said(ALL, ALL, Outcome::Participation(open)).unwrap();
    assert_eq!(result.result, ResultKind::Incomplete);
    assert_eq!(result.participation_state, Some(ParticipationState::Active));
    assert!(result.name.is_some() && result.unit_code.is_some());
    assert_eq!((result.participants, result.arrears), (None, None));
    assert_eq!((result.fund, result.due, result.paid), (None, None, None));
    assert_eq!(result.ageing, None);
    assert!(result.units.is_some() && result.last_d02.is_some());
}

#[test]
fn more_paid_than_due_is_a_negative_balance() {
    let ahead = GetParticipationResponse {
        arrears_vnd: -5,
        ..response()
    };
    let result = said(ALL, &["arrears"], Outcome::Participation(ahead)).unwrap();
    assert_eq!(result.arrears, Some(-5));
}

#[test]
fn what_the_registry_cannot_mean_is_not_told() {
    let cases = [
        (
            "registry-state",
            "participationState",
            GetParticipationResponse {
                state: 0,
                ..response()
            },
        ),
        (
            "registry-amount",
            "fund",
            GetParticipationResponse {
                fund_vnd: -1,
                ..response()
            },
        ),
        (
            "registry-amount",
            "due",
            GetParticipationResponse {
                due_vnd: -1,
                ..response()
            },
        ),
        (
            "registry-amount",
            "paid",
            GetParticipationResponse {
                paid_vnd: -1,
                ..response()
            },
        ),
        (
            "registry-name",
            "name",
            GetParticipationResponse {
                name: String::new(),
                ..response()
            },
        ),
        (
            "registry-name",
            "name",
            GetParticipationResponse {
                name: "x\u{0}".into(),
                ..response()
            },
        ),
        (
            "registry-name",
            "name",
            GetParticipationResponse {
                name: "ệ".repeat(256),
                ..response()
            },
        ),
        (
            "registry-unit-code",
            "unitCode",
            GetParticipationResponse {
                unit_code: "x".into(),
                ..response()
            },
        ),
        (
            "registry-period",
            "registeredFrom",
            GetParticipationResponse {
                registered_from: "never".into(),
                ..response()
            },
        ),
        (
            "registry-units",
            "units",
            GetParticipationResponse {
                units: None,
                ..response()
            },
        ),
        (
            "registry-ageing",
            "ageing",
            GetParticipationResponse {
                ageing: None,
                ..response()
            },
        ),
    ];
    for (reason, field, found) in cases {
        let fault = said(ALL, &[field], Outcome::Participation(found)).unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason()),
            (FaultCode::Internal, reason)
        );
    }
}

#[test]
fn a_ping_gets_its_nonce_back() {
    let request = Request::Ping(ping());
    let mut head = answer_head();
    head.operation = wire::PING.into();
    let encoded = encode(&head, &permit(&[], &[]), &request, Outcome::Pong).unwrap();
    assert_eq!(answer(encoded), Answer::Pong(ping()));
}

#[test]
fn an_outcome_of_another_operation_is_never_said() {
    for (request, outcome) in [
        (Request::Ping(ping()), Outcome::NotPermitted),
        (Request::VerifyEmployer(ask(&["fund"])), Outcome::Pong),
    ] {
        let fault = encode(
            &answer_head(),
            &permit(&["fund"], &["fund"]),
            &request,
            outcome,
        );
        assert_eq!(fault.unwrap_err().reason(), "outcome-of-another-operation");
    }
}
