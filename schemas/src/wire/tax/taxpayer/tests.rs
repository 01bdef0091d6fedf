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

fn notice(kind: NoticeKind) -> EmployerNotice {
    use NoticeKind::{Dissolved, Headcount, Merged, Moved, Registered, Suspended};
    EmployerNotice {
        mst: TaxId::parse("9900000016").unwrap(),
        unit_code: UnitCode::parse("TZ0000L").unwrap(),
        kind,
        effective_on: date(2026, 11, 1),
        state: match kind {
            Suspended => ParticipationState::Suspended,
            Dissolved | Merged => ParticipationState::Closed,
            _ => ParticipationState::Active,
        },
        name: (kind == Registered).then(|| "Công ty & Con".to_owned()),
        address: matches!(kind, Registered | Moved).then(|| "Xã Mẫu, Hà Nội".to_owned()),
        merged_into: (kind == Merged).then(|| TaxId::parse("099300123456").unwrap()),
        participants: (kind == Headcount).then(|| Participants {
            period: period("2026-10"),
            before: 12,
            now: 40,
        }),
        purpose: "tax-compliance".to_owned(),
    }
}

fn told(kind: NoticeKind) -> Message {
    question(Question::Notice(Box::new(notice(kind))))
}

fn ids(many: u32) -> std::collections::BTreeSet<MessageId> {
    let id = |nth: u32| MessageId::parse(&format!("employer.TZ0000L.tax.{nth}")).unwrap();
    (0..many).map(id).collect()
}

fn look_up(many: u32) -> Message {
    question(Question::LookUp(LookUpNotices {
        notices: ids(many),
        sent_in: None,
        purpose: "tax-compliance".to_owned(),
    }))
}

fn corrected(name: Option<&str>, sex: Option<Sex>) -> PersonNotice {
    PersonNotice {
        pin: Pin::parse("099226123456").unwrap(),
        new_pin: None,
        name: name.map(str::to_owned),
        birth_date: None,
        sex,
        corrected_on: date(2026, 11, 22),
        purpose: "tax-compliance".to_owned(),
    }
}

fn corrected_all() -> PersonNotice {
    PersonNotice {
        new_pin: Some(Pin::parse("099326123457").unwrap()),
        birth_date: Some(date(2026, 10, 1)),
        ..corrected(Some("Nguyễn Hoà Giang"), Some(Sex::Female))
    }
}

#[test]
fn a_persons_notice_tells_something_under_a_pin_and_a_new_pin_is_new() {
    let wrong = |field, reason| Err(WireError { field, reason });
    let said = |notice: PersonNotice| encode(&question(Question::Person(Box::new(notice)))).0;
    let nothing = said(corrected(None, None));
    assert_eq!(read(&nothing), wrong("PersonNotice", "nothing-changed"));
    let all = String::from_utf8(said(corrected_all())).unwrap();
    let same = all.replace("099326123457", "099226123456");
    assert_eq!(read(same.as_bytes()), wrong("NewMst", "nothing-changed"));
    for (from, to, field, reason) in [
        ("<Mst>099226123456", "<Mst>9900000016", "Mst", "not-a-pin"),
        ("<Sex>2", "<Sex>4", "Sex", "unknown-word"),
        ("2026-10-01", "2026-10-1", "BirthDate", "unknown-word"),
    ] {
        let bent = all.replace(from, to);
        assert_ne!(bent, all);
        assert_eq!(read(bent.as_bytes()), wrong(field, reason));
        assert!(xsd::validate_taxpayer_v1(bent.as_bytes()).is_err(), "{to}");
    }
    assert_eq!(
        corrected_all().told().into_iter().collect::<Vec<_>>(),
        ["birthDate", "name", "pin", "sex"]
    );
}

fn look_up_since() -> Message {
    let (from, until) = ("2026-11-22T05:00:00Z", "2026-11-22T06:00:00Z");
    question(Question::LookUp(LookUpNotices {
        notices: ids(2),
        sent_in: NoticeTime::between(from.parse().unwrap(), until.parse().unwrap()),
        purpose: "tax-compliance".to_owned(),
    }))
}

fn resend(many: u32) -> Message {
    question(Question::Resend(ResendNotices {
        notices: ids(many),
        purpose: "tax-compliance".to_owned(),
    }))
}

fn sent(many: u32, total: u32) -> NoticesHeld {
    let at = "2026-11-22T05:00:01Z".parse().unwrap();
    let notices = ids(many).into_iter().map(|id| NoticeSent { id, at });
    NoticesHeld {
        held: ids(1),
        sent: Some(NoticesSent {
            notices: notices.collect(),
            total,
        }),
    }
}

#[test]
fn a_look_up_of_notices_names_a_time_that_there_is_and_no_more_than_there_were() {
    let wrong = |field, reason| Err(WireError { field, reason });
    let (bytes, _) = encode(&look_up_since());
    let asked = String::from_utf8(bytes).unwrap();
    for (from, to, field, reason) in [
        (
            "T06:00:00Z</Until",
            "T05:00:00Z</Until",
            "Until",
            "until-not-after-from",
        ),
        (
            "T06:00:00Z</Until",
            "T06:00:00.5Z</Until",
            "Until",
            "instant",
        ),
        ("T05:00:00Z</From", "T25:00:00Z</From", "From", "instant"),
    ] {
        let bent = asked.replacen(from, to, 1);
        assert_ne!(bent, asked);
        assert_eq!(read(bent.as_bytes()), wrong(field, reason), "{bent}");
    }
    let (bytes, _) = encode(&resend(1));
    let asked = String::from_utf8(bytes).unwrap();
    let none = asked.replace("<Notice>employer.TZ0000L.tax.0</Notice>", "");
    assert_eq!(read(none.as_bytes()), wrong("Notice", "no-notices"));
    assert!(xsd::validate_taxpayer_v1(none.as_bytes()).is_err());
    let fewer = answer(LOOK_UP_NOTICES, Answer::Held(sent(2, 1)));
    let (bytes, _) = encode(&fewer);
    assert_eq!(read(&bytes), wrong("SentTotal", "fewer-than-named"));
    let (bytes, _) = encode(&answer(LOOK_UP_NOTICES, Answer::Held(sent(2, 2))));
    let twice = String::from_utf8(bytes).unwrap();
    let twice = twice.replace(
        "<Notice>employer.TZ0000L.tax.1<",
        "<Notice>employer.TZ0000L.tax.0<",
    );
    assert_eq!(read(twice.as_bytes()), wrong("Sent", "id-twice"));
    assert!(xsd::validate_taxpayer_v1(twice.as_bytes()).is_err());
}

fn request_month() -> Message {
    question(Question::Month(RequestMonth {
        manifest: MessageId::parse("month.employer.2026-10").unwrap(),
        kind: Kind::Employer,
        period: period("2026-10"),
        provinces: ProvinceSet::of(&[1, 79]),
        purpose: "tax-compliance".to_owned(),
    }))
}

fn numbers(many: usize) -> Vec<TaxId> {
    let number = |nth: usize| TaxId::parse(&format!("0993{nth:08}")).unwrap();
    (0..many).map(number).collect()
}

fn many(keys: usize) -> Message {
    question(Question::Many(Box::new(AskMany {
        asked: Many::Individuals {
            from: period("2026-01"),
            to: period("2026-10"),
            fields: [IncomeField::Months, IncomeField::Income].into(),
            keys: numbers(keys),
        },
        purpose: "tax-compliance".to_owned(),
    })))
}

/// One of each that we say.
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

fn manifest() -> MessageId {
    MessageId::parse("run.ours.2026-10.20261105T0800").unwrap()
}

fn our_month() -> Message {
    let chunk = Chunk {
        sha256: [0x5a; 32],
        bytes: 16 << 20,
        records: 50_000,
        amount: 500_000_000_000,
    };
    question(Question::Reconcile(Box::new(Reconcile {
        manifest: manifest(),
        kind: Kind::Person,
        period: period("2026-10"),
        provinces: ProvinceSet::of(&[1, 79]),
        form: Form::Ndjson,
        packing: Packing::Zstd,
        records: 100_000,
        amount: 1_000_000_000_000,
        chunks: vec![chunk; 2],
        purpose: "tax-compliance".to_owned(),
    })))
}

fn found_in_it(page: u32) -> Message {
    question(Question::Result(ReconcileResult {
        manifest: manifest(),
        page,
        purpose: "tax-compliance".to_owned(),
    }))
}

fn finding() -> FindingLine {
    FindingLine {
        category: "P-BASE".to_owned(),
        field: "amount".to_owned(),
        mst: "9900000016".to_owned(),
        person: Some("099300123456".to_owned()),
        province: "01".to_owned(),
        ours: Some("5000000".to_owned()),
        theirs: None,
        expected: Some(7_000_000),
        score: None,
        why: vec!["capped".to_owned()],
    }
}

fn page(page: u32, state: ReconcileState) -> Message {
    let done = state == ReconcileState::Done;
    let row = SummaryRow {
        category: "P-BASE".to_owned(),
        province: "01".to_owned(),
        count: 1,
    };
    let told = ReconcileResultPage {
        manifest: manifest(),
        state,
        reason: (state == ReconcileState::Refused).then(|| "record-twice".to_owned()),
        progress: 100,
        page,
        pages: if done { 3 } else { 0 },
        found: u64::from(done),
        summary: if done && page == 0 { vec![row] } else { vec![] },
        findings: if page > 0 { vec![finding()] } else { vec![] },
        not_disclosed: vec!["name".to_owned()],
    };
    let chain = done.then_some([0xc4; 32]);
    let told = SentPage { told, chain };
    answer(RECONCILE_RESULT, Answer::Page(Box::new(told)))
}

#[test]
fn a_page_has_its_chain_when_it_is_done_and_not_before() {
    let done = text(&page(3, ReconcileState::Done));
    for bent in [
        done.replace("<State>done", "<State>comparing"),
        done.split("<Chain>").next().unwrap().to_owned()
            + "</ReconcileResultPage></TaxpayerMessage>",
    ] {
        let refused = wrong("Chain", "chain-of-another-state");
        assert_eq!(read(bent.as_bytes()), refused, "{bent}");
    }
    let upper = done.replace("c4c4", "C4C4");
    assert!(read(upper.as_bytes()).is_err());
}

#[test]
fn a_chain_is_of_every_part_of_every_finding_and_of_their_order() {
    let start = [7; 32];
    let two = [finding(), FindingLine::default()];
    let whole = chained(&start, &two);
    assert_eq!(whole.get(..32), Some(&start[..]));
    let bends: [fn(&mut FindingLine); 10] = [
        |one| one.category.push('X'),
        |one| one.field.push('x'),
        |one| one.mst.push('0'),
        |one| one.person = None,
        |one| one.province = "02".to_owned(),
        |one| one.ours = None,
        |one| one.theirs = Some("1".to_owned()),
        |one| one.expected = Some(7),
        |one| one.score = Some(7),
        |one| one.why.clear(),
    ];
    for bend in bends {
        let mut bent = two.clone();
        bend(&mut bent[0]);
        assert_ne!(chained(&start, &bent), whole);
    }
    let mut moved = two.clone();
    moved.reverse();
    assert_ne!(chained(&start, &moved), whole);
    // a part cannot be taken for the one beside it
    let mut shifted = two.clone();
    shifted[0].theirs = shifted[0].ours.take();
    assert_ne!(chained(&start, &shifted), whole);
}

fn each() -> Message {
    let refused = Refused {
        key: "9900000016".to_owned(),
        code: FaultCode::AmbiguousSubject,
        reason: "several-taxpayers".to_owned(),
    };
    let person = IndividualTold {
        payers: None,
        ..individual()
    };
    let lines = vec![
        ManyLine::Employer(Box::new(employer())),
        ManyLine::Refused(refused),
        ManyLine::Individual(Box::new(person)),
    ];
    answer(VERIFY_MANY, Answer::Many(ManyTold { lines }))
}

#[test]
fn many_are_asked_and_answered_in_their_order() {
    let employers = question(Question::Many(Box::new(AskMany {
        asked: Many::Employers {
            period: period("2026-10"),
            fields: [TaxpayerField::Status, TaxpayerField::Headcount].into(),
            keys: ["9900000016", "9900000016-001", "099300123456"]
                .map(|key| TaxId::parse(key).unwrap())
                .into(),
        },
        purpose: "tax-compliance".to_owned(),
    })));
    for message in [employers, many(1), many(1_000), each()] {
        let (bytes, range) = encode(&message);
        assert_eq!(xsd::validate_taxpayer_v1(&bytes), Ok(()));
        assert_eq!(read(&bytes), Ok((message, range)));
    }
}

#[test]
fn too_many_lines_a_number_twice_none_or_payers_are_no_question_about_many() {
    let whole = text(&many(2));
    let first = "<Mst>099300000000</Mst>";
    for (from, to, field, reason) in [
        (first.to_owned(), first.repeat(2), "Mst", "key-twice"),
        (
            text(&many(2))
                .split_once("<Mst>")
                .map(|(_, rest)| format!("<Mst>{}", rest.split("</Individuals>").next().unwrap()))
                .unwrap(),
            String::new(),
            "VerifyMany",
            "no-lines",
        ),
        (
            first.to_owned(),
            "<Mst>9900000016-001</Mst>".to_owned(),
            "Mst",
            "mst-branch",
        ),
        (
            "<Field>months</Field>".to_owned(),
            "<Field>payers</Field>".to_owned(),
            "Field",
            "field-not-in-many",
        ),
    ] {
        assert!(whole.contains(&from), "{from}");
        let bent = whole.replacen(&from, &to, 1);
        assert_eq!(read(bent.as_bytes()), wrong(field, reason), "{reason}");
    }
    let long = text(&many(1_001));
    assert_eq!(read(long.as_bytes()), wrong("Mst", "too-many-lines"));
    let line = text(&each());
    let (head, rest) = line.split_once("<Line>").unwrap();
    let (one, _) = rest.split_once("</Line>").unwrap();
    let end = "</VerifyManyResult></TaxpayerMessage>";
    let lines = format!("<Line>{one}</Line>").repeat(1_001);
    let long = format!("{head}{lines}{end}");
    assert_eq!(read(long.as_bytes()), wrong("Line", "too-many-lines"));
    let empty = format!("{head}{end}");
    assert_eq!(
        read(empty.as_bytes()),
        wrong("VerifyManyResult", "no-lines")
    );
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

#[test]
fn a_notice_has_the_parts_of_its_kind_and_leaves_a_state_of_its_kind() {
    type Bend = fn(&mut EmployerNotice);
    let cases: [(NoticeKind, Bend, &str, &str); 10] = [
        (
            NoticeKind::Registered,
            |one| one.name = None,
            "Name",
            "part-missing",
        ),
        (
            NoticeKind::Moved,
            |one| one.address = None,
            "Address",
            "part-missing",
        ),
        (
            NoticeKind::Merged,
            |one| one.merged_into = None,
            "MergedInto",
            "part-missing",
        ),
        (
            NoticeKind::Headcount,
            |one| one.participants = None,
            "Participants",
            "part-missing",
        ),
        (
            NoticeKind::Moved,
            |one| one.name = Some("An".into()),
            "Name",
            "part-of-another-kind",
        ),
        (
            NoticeKind::Suspended,
            |one| one.address = Some("An".into()),
            "Address",
            "part-of-another-kind",
        ),
        (
            NoticeKind::Dissolved,
            |one| one.state = ParticipationState::Active,
            "State",
            "state-of-another-kind",
        ),
        (
            NoticeKind::Resumed,
            |one| one.state = ParticipationState::Suspended,
            "State",
            "state-of-another-kind",
        ),
        (
            NoticeKind::Merged,
            |one| one.merged_into = Some(one.mst.clone()),
            "MergedInto",
            "merged-into-itself",
        ),
        (
            NoticeKind::Headcount,
            |one| one.participants.as_mut().unwrap().now = 12,
            "Participants",
            "nothing-changed",
        ),
    ];
    for (kind, bend, field, reason) in cases {
        let mut bent = notice(kind);
        bend(&mut bent);
        let message = question(Question::Notice(Box::new(bent)));
        let refused = read(&encode(&message).0).unwrap_err();
        assert_eq!((refused.field, refused.reason), (field, reason), "{kind:?}");
    }
}

#[test]
fn ids_and_provinces_are_named_once_and_not_without_end() {
    let asked = text(&look_up(2));
    let twice = asked.replace("tax.1<", "tax.0<");
    let refused = read(twice.as_bytes()).unwrap_err();
    assert_eq!((refused.field, refused.reason), ("Notice", "id-twice"));
    assert!(xsd::validate_taxpayer_v1(twice.as_bytes()).is_err());
    let more = text(&look_up(201));
    let refused = read(more.as_bytes()).unwrap_err();
    assert_eq!((refused.field, refused.reason), ("Notice", "too-many"));
    assert!(xsd::validate_taxpayer_v1(more.as_bytes()).is_err());
    let month = text(&request_month());
    for (from, to, field) in [
        (">79<", ">01<", "Province"),
        (">employer<", ">household<", "RecordKind"),
        (">2026-10<", ">2026-13<", "Period"),
    ] {
        let refused = read(month.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(refused.field, field);
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
