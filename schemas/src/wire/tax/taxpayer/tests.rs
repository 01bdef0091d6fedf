mod many;
mod month;
mod notices;

use jiff::civil::date;
use proptest::prelude::*;

use super::super::words::{IncomeField, NoticeKind, ParticipationState, ResultKind, TaxpayerField};
use super::super::{Amount, Environment, NoticeSent, NoticeTime, NoticesSent, Refused, Reply};
use super::*;
use crate::codes::province_set::ProvinceSet;
use crate::fault::{Fault, FaultCode};
use crate::id::{MessageId, PartnerId, Period, Pin, Sex, TaxId, UnitCode};
use crate::wire::tax::reconcile::{
    Chunk, FindingLine, ReconcileResultPage, ReconcileState, SummaryRow,
};
use crate::wire::tax_records::{Form, Kind, Packing};
use crate::xsd;

use many::{each, many};
use month::{found_in_it, manifest, our_month, page};
use notices::{
    corrected, corrected_all, ids, look_up, look_up_since, request_month, resend, sent, told,
};

fn header(direction: Direction, operation: &str) -> Header {
    let reply = Reply {
        to: MessageId::parse("vss-00000001").unwrap(),
        digest: [0xab; 32],
    };
    Header {
        message_id: MessageId::parse("vss-00000002").unwrap(),
        sent_at: "2026-11-22T05:00:00Z".parse().unwrap(),
        environment: Environment::Sandbox,
        direction,
        sender: PartnerId::parse("vss").unwrap(),
        receiver: PartnerId::parse("tax").unwrap(),
        operation: operation.to_owned(),
        reply: (direction == Direction::Answer).then_some(reply),
    }
}

fn question(question: Question) -> Message {
    Message {
        header: header(Direction::Request, question.operation()),
        body: Body::Question(question),
    }
}

fn answer(operation: &str, answer: Answer) -> Message {
    Message {
        header: header(Direction::Answer, operation),
        body: Body::Answer(answer),
    }
}

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn employer() -> EmployerTold {
    EmployerTold {
        result: ResultKind::HasData,
        mst: TaxId::parse("9900000016").unwrap(),
        period: period("2026-10"),
        status: Some(TaxpayerStatus {
            code: "03".to_owned(),
            reason: Some("1.A".to_owned()),
            since: date(2026, 3, 1),
        }),
        name: Some("Công ty & Con".to_owned()),
        address: None,
        headcount: Some(12),
        income_paid: Amount::new(300_000_000),
        not_disclosed: [TaxpayerField::Address].into(),
    }
}

fn individual() -> IndividualTold {
    IndividualTold {
        result: ResultKind::Incomplete,
        mst: TaxId::parse("099300123456").unwrap(),
        from: period("2026-01"),
        to: period("2026-10"),
        name: None,
        months: Some(9),
        income: Amount::new(0),
        payers: Some(vec![Payer {
            mst: TaxId::parse("9900000016").unwrap(),
            months: Some(9),
            income: None,
        }]),
        not_disclosed: [].into(),
    }
}

pub(super) fn questions() -> Vec<Message> {
    let alone = [
        Question::Employer(AskEmployer {
            mst: TaxId::parse("9900000016").unwrap(),
            period: period("2026-10"),
            fields: [TaxpayerField::Status, TaxpayerField::Name].into(),
            purpose: "tax-compliance".to_owned(),
        }),
        Question::Individual(AskIndividual {
            mst: TaxId::parse("099300123456").unwrap(),
            from: period("2026-01"),
            to: period("2026-10"),
            fields: [IncomeField::Payers].into(),
            purpose: "tax-compliance".to_owned(),
        }),
    ];
    let notices = NoticeKind::ALL.iter().copied().map(told);
    let others = [
        many(3),
        look_up(0),
        look_up(2),
        request_month(),
        our_month(),
        found_in_it(3),
    ];
    alone
        .map(question)
        .into_iter()
        .chain(notices)
        .chain(others)
        .collect()
}

/// One of each that is answered.
pub(super) fn answers() -> Vec<Message> {
    let at = "2026-11-22T05:00:00Z".parse().unwrap();
    let fault = Fault::new(FaultCode::Invalid, "mst-check-digit").field("Mst");
    let receipt = Received { received_at: at };
    vec![
        answer(VERIFY_EMPLOYER, Answer::Employer(Box::new(employer()))),
        answer(
            VERIFY_INDIVIDUAL,
            Answer::Individual(Box::new(individual())),
        ),
        each(),
        answer(CHANGE_NOTICE, Answer::Notice(receipt)),
        answer(
            LOOK_UP_NOTICES,
            Answer::Held(NoticesHeld {
                held: ids(2),
                sent: None,
            }),
        ),
        answer(
            LOOK_UP_NOTICES,
            Answer::Held(NoticesHeld {
                held: ids(0),
                sent: None,
            }),
        ),
        answer(REQUEST_MONTH, Answer::Month(Received { received_at: at })),
        answer(
            RECONCILE,
            Answer::Taken(ReconcileReceipt {
                manifest: manifest(),
                chunks: 2,
            }),
        ),
        answer(
            RECONCILE_CHUNK,
            Answer::Chunk(ReconcileChunkReceipt {
                manifest: manifest(),
                number: 2,
                records: 50_000,
                amount: 1 << 53,
            }),
        ),
        page(0, ReconcileState::Comparing),
        page(0, ReconcileState::Refused),
        page(0, ReconcileState::Done),
        page(3, ReconcileState::Done),
        answer(VERIFY_EMPLOYER, Answer::Fault(FaultBody::from(&fault))),
    ]
}

#[test]
fn what_is_told_and_asked_about_it_is_read_back_and_is_of_the_schema() {
    let at = "2026-11-22T05:00:00Z".parse().unwrap();
    let mut all: Vec<Message> = NoticeKind::ALL.iter().copied().map(told).collect();
    all.extend([
        look_up(0),
        look_up(200),
        look_up_since(),
        resend(200),
        request_month(),
    ]);
    let persons = [
        corrected(Some("Nguyễn Hoà Giang"), None),
        corrected(None, Some(Sex::Undetermined)),
        corrected_all(),
    ];
    all.extend(persons.map(|one| question(Question::Person(Box::new(one)))));
    all.extend([
        answer(CHANGE_NOTICE, Answer::Notice(Received { received_at: at })),
        answer(
            LOOK_UP_NOTICES,
            Answer::Held(NoticesHeld {
                held: ids(200),
                sent: None,
            }),
        ),
        answer(
            LOOK_UP_NOTICES,
            Answer::Held(NoticesHeld {
                held: ids(0),
                sent: None,
            }),
        ),
        answer(LOOK_UP_NOTICES, Answer::Held(sent(0, 0))),
        answer(LOOK_UP_NOTICES, Answer::Held(sent(200, 201))),
        answer(PERSON_NOTICE, Answer::Person(Received { received_at: at })),
        answer(RESEND_NOTICES, Answer::Resend(Received { received_at: at })),
        answer(REQUEST_MONTH, Answer::Month(Received { received_at: at })),
    ]);
    for message in all {
        let (bytes, range) = encode(&message);
        assert_eq!(xsd::validate_taxpayer_v1(&bytes), Ok(()), "{message:?}");
        assert_eq!(read(&bytes), Ok((message, range)));
    }
}

fn text(message: &Message) -> String {
    String::from_utf8(encode(message).0).unwrap()
}

/// Some fields of a list, at least one.
fn some<W: Copy + Ord + std::fmt::Debug + 'static>(
    all: &'static [W],
) -> impl Strategy<Value = std::collections::BTreeSet<W>> {
    proptest::sample::subsequence(all, 1..=all.len()).prop_map(|words| words.into_iter().collect())
}

fn optional_name() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[A-Za-zÀ-ỹ &<>]{1,40}")
}

proptest! {
    #[test]
    fn what_is_written_is_read_back_and_is_of_the_schema(
        fields in some(TaxpayerField::ALL),
        facts in some(IncomeField::ALL),
        name in optional_name(),
        address in optional_name(),
        headcount in proptest::option::of(any::<u32>()),
        vnd in proptest::option::of(0..=i64::MAX),
        payers in proptest::option::of(0_usize..=IndividualTold::PAYERS_MAX),
    ) {
        let payer = individual().payers.unwrap()[0].clone();
        let all = [
            question(Question::Employer(AskEmployer {
                mst: TaxId::parse("9900000016").unwrap(),
                period: period("2026-10"),
                fields: fields.clone(),
                purpose: "tax-compliance".into(),
            })),
            question(Question::Individual(AskIndividual {
                mst: TaxId::parse("099300123456").unwrap(),
                from: period("2026-01"),
                to: period("2026-10"),
                fields: facts.clone(),
                purpose: "tax-compliance".into(),
            })),
            answer(VERIFY_EMPLOYER, Answer::Employer(Box::new(EmployerTold {
                name: name.clone(),
                address,
                headcount,
                income_paid: vnd.and_then(Amount::new),
                not_disclosed: fields,
                ..employer()
            }))),
            answer(VERIFY_INDIVIDUAL, Answer::Individual(Box::new(IndividualTold {
                name,
                income: vnd.and_then(Amount::new),
                payers: payers.map(|many| vec![payer; many]),
                not_disclosed: facts,
                ..individual()
            }))),
            answer(VERIFY_EMPLOYER, Answer::Fault(FaultBody::from(&Fault::new(
                FaultCode::Overloaded,
                "busy",
            )))),
        ];
        for message in all {
            let (bytes, range) = encode(&message);
            prop_assert_eq!(read(&bytes), Ok((message, range)));
            prop_assert_eq!(xsd::validate_taxpayer_v1(&bytes), Ok(()));
        }
    }

    #[test]
    fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(&bytes);
        let _ = decode_fault(&bytes);
    }
}

#[test]
fn the_body_range_is_the_body_element_as_it_stands() {
    let message = answer(VERIFY_EMPLOYER, Answer::Employer(Box::new(employer())));
    let (bytes, range) = encode(&message);
    let body = std::str::from_utf8(&bytes[range]).unwrap();
    assert!(body.starts_with("<VerifyEmployerResult><Result>hasData</Result>"));
    assert!(body.ends_with("</VerifyEmployerResult>"));
}

#[test]
fn each_wrong_element_is_refused_by_its_name_and_reason() {
    let told = text(&answer(
        VERIFY_EMPLOYER,
        Answer::Employer(Box::new(employer())),
    ));
    let person = text(&answer(
        VERIFY_INDIVIDUAL,
        Answer::Individual(Box::new(individual())),
    ));
    for (from, to, field, reason) in [
        ("hasData", "noData", "Result", "value-without-data"),
        ("hasData", "notPermitted", "Result", "value-without-data"),
        ("hasData", "matches", "Result", "unknown-word"),
        ("9900000016", "9900000017", "Mst", "mst-check-digit"),
        ("2026-10<", "1994-12<", "Period", "period-before-1995"),
        (">03<", ">3<", "Code", "unknown-word"),
        ("2026-03-01", "2026-02-30", "Since", "unknown-word"),
        (">12<", ">012<", "Headcount", "unknown-word"),
        ("<Field>address", "<Field>fund", "Field", "unknown-word"),
        (
            "Operation>taxpayer.verify-employer",
            "Operation>taxpayer.verify-individual",
            "Operation",
            "operation-unlike-body",
        ),
        (
            "m-vss-00000002",
            "m-vss-00000003",
            ROOT,
            "id-not-message-id",
        ),
    ] {
        let bent = told.replace(from, to);
        assert_ne!(bent, told, "{from}");
        let refused = read(bent.as_bytes()).unwrap_err();
        assert_eq!((refused.field, refused.reason), (field, reason), "{to}");
    }
    for (from, to, field, reason) in [
        (">2026-01<", ">2026-11<", "To", "span-backwards"),
        (">2026-01<", ">2020-01<", "To", "span-too-long"),
        ("099300123456", "9900000016-001", "Mst", "mst-branch"),
    ] {
        let refused = read(person.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!((refused.field, refused.reason), (field, reason), "{to}");
    }
}

#[test]
fn a_message_of_the_other_direction_is_none_of_this_profile() {
    let told = text(&answer(
        VERIFY_EMPLOYER,
        Answer::Employer(Box::new(employer())),
    ));
    let other = told.replace(NAMESPACE, super::super::NAMESPACE);
    assert!(read(other.as_bytes()).is_err());
    assert!(super::super::decode(told.as_bytes()).is_err());
    assert!(xsd::validate_taxpayer_v1(other.as_bytes()).is_err());
}

#[test]
fn the_field_table_lists_what_the_schema_has() {
    let schema = xsd::TAXPAYER_V1;
    for field in FIELDS {
        for element in field.wire.split('/') {
            let declared = format!("<xs:element name=\"{element}\"");
            assert!(schema.contains(&declared), "{}", field.wire);
        }
    }
    for element in schema.split("<xs:element name=\"").skip(1) {
        let element = element.split('"').next().unwrap();
        let listed =
            |field: &super::super::fields::Field| field.wire.split('/').any(|part| part == element);
        let a_list = ["TaxpayerMessage", "Field"].contains(&element);
        assert!(a_list || FIELDS.iter().any(listed), "{element}");
    }
}
