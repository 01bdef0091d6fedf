//! Every message about persons and about many, made up; and what is refused of them.

use super::*;
use crate::id::SiNumber;

fn any_day() -> impl Strategy<Value = jiff::civil::Date> {
    (1900_i16..2100, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| jiff::civil::date(y, m, d))
}

fn some_amount() -> impl Strategy<Value = Amount> {
    (0..=i64::MAX).prop_map(|vnd| Amount::new(vnd).unwrap())
}

fn any_name() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1F\\u{FDD0}-\\u{FDEF}\\u{FFFE}\\u{FFFF}]{1,255}"
        .prop_filter("noncharacters of other planes", |name| {
            crate::xml::is_text(name)
        })
}

fn any_unit_code() -> impl Strategy<Value = UnitCode> {
    "[A-Z]{2}[0-9]{4}[A-Z]".prop_map(|code| UnitCode::parse(&code).unwrap())
}

fn any_si_number() -> impl Strategy<Value = SiNumber> {
    "99[0-9]{8}".prop_map(|number| SiNumber::parse(&number).unwrap())
}

fn any_unit() -> impl Strategy<Value = Unit> {
    (
        any_mst(),
        any_unit_code(),
        prop::sample::select(ParticipationState::ALL),
    )
        .prop_map(|(mst, unit_code, state)| Unit {
            mst: TaxId::Mst(mst),
            unit_code,
            state,
        })
}

fn any_last_d02() -> impl Strategy<Value = LastD02> {
    let counts = any::<(u32, u32)>();
    (any_period(), any_day(), "[A-Z]{2}", counts).prop_map(
        |(period, submitted_on, plan, (joined, gone))| LastD02 {
            period,
            submitted_on,
            plan,
            joined,
            gone,
        },
    )
}

prop_compose! {
    pub(super) fn any_employer_result()(
        (result, mst, period) in (prop::sample::select(ResultKind::ALL), any_code(), any_period()),
        participation_state in prop::option::of(prop::sample::select(ParticipationState::ALL)),
        participants in any::<Option<u32>>(),
        (fund, due, paid) in (any_amount(), any_amount(), any_amount()),
        arrears in any::<Option<i64>>(),
        name in prop::option::of(any_name()),
        unit_code in prop::option::of(any_unit_code()),
        registered_from in prop::option::of(any_period()),
        units in prop::option::of((any::<u32>(), prop::collection::vec(any_unit(), 0..4))),
        ageing in prop::option::of([some_amount(), some_amount(), some_amount(), some_amount(), some_amount()]),
        last_d02 in prop::option::of(any_last_d02()),
        not_disclosed in any_fields(0),
    ) -> VerifyEmployerResult {
        VerifyEmployerResult {
            result, mst, period, participation_state, participants, fund, due, paid, arrears, name,
            unit_code, registered_from,
            units: units.map(|(count, units)| Units { count, units }),
            ageing: ageing.map(|bands| Ageing { bands }),
            last_d02,
            not_disclosed,
        }
    }
}

fn any_subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        any_pin().prop_map(Subject::Pin),
        any_si_number().prop_map(Subject::SiNumber),
        (1_u32..9_000_000).prop_map(|seed| Subject::Mst(synthetic_mst(seed))),
    ]
}

fn any_span() -> impl Strategy<Value = Span> {
    prop_oneof![
        (1995_i16..=9999).prop_map(Span::Year),
        (any_period(), 0_usize..60).prop_map(|(from, months)| {
            let to = (0..months).try_fold(from, |month, _| month.next());
            Span::months(from, to.unwrap_or(from)).unwrap()
        }),
    ]
}

fn any_person_fields(min: usize) -> impl Strategy<Value = BTreeSet<PersonField>> {
    prop::sample::subsequence(PersonField::ALL, min..=PersonField::ALL.len())
        .prop_map(|fields| fields.into_iter().collect())
}

fn any_claim() -> impl Strategy<Value = Claim> {
    (
        prop::option::of(any_name()),
        prop::option::of(any_day()),
        any::<Option<u32>>(),
        any_amount(),
    )
        .prop_map(|(name, birth_date, months, base)| Claim {
            name,
            birth_date,
            months,
            base,
        })
        .prop_filter("nothing claimed", |claim| !claim.fields().is_empty())
}

prop_compose! {
    pub(in crate::wire::tax) fn any_individual()(
        header in any_header(Direction::Request, VERIFY_INDIVIDUAL),
        (subject, span) in (any_subject(), any_span()),
        question in prop_oneof![
            any_person_fields(1).prop_map(Question::Fields),
            any_claim().prop_map(Question::Claim),
        ],
        purpose in "[a-z0-9][a-z0-9.-]{1,63}",
    ) -> Message {
        let ask = VerifyIndividual { subject, span, question, purpose };
        Message { header, body: Body::Request(Request::VerifyIndividual(ask)) }
    }
}

fn any_stretch() -> impl Strategy<Value = Stretch> {
    let months = prop::option::of((any_period(), any_period()));
    (any_code(), months, any_amount()).prop_map(|(mst, months, base)| Stretch { mst, months, base })
}

prop_compose! {
    fn any_individual_result()(
        (result, subject) in (prop::sample::select(ResultKind::ALL), any_subject()),
        (from, to) in (any_period(), any_period()),
        name in prop::option::of(any_name()),
        birth_date in prop::option::of(any_day()),
        pin in prop::option::of(any_pin()),
        si_number in prop::option::of(any_si_number()),
        months in any::<Option<u32>>(),
        base_total in any_amount(),
        employments in prop::option::of(prop::collection::vec(any_stretch(), 0..4)),
        not_disclosed in any_person_fields(0),
    ) -> VerifyIndividualResult {
        VerifyIndividualResult {
            result, subject, from, to, name, birth_date, pin, si_number, months, base_total,
            employments, not_disclosed,
        }
    }
}

prop_compose! {
    pub(in crate::wire::tax) fn any_individual_answer()(
        header in any_header(Direction::Answer, VERIFY_INDIVIDUAL),
        result in any_individual_result(),
    ) -> Message {
        Message { header, body: Body::Answer(Answer::VerifyIndividualResult(Box::new(result))) }
    }
}

/// Good keys and, here and there, one with a wrong check digit; no two alike.
fn any_asked() -> impl Strategy<Value = Asked> {
    let wrong = |mst: &Mst| {
        let digits = mst.root();
        let last = (digits.as_bytes()[9] - b'0' + 1) % 10;
        Key::of("Mst", &format!("{}{last}", &digits[..9]), |_, text| {
            TaxId::parse(text).map_err(|_| "mst-check-digit")
        })
        .unwrap()
    };
    let single: Vec<FieldName> = FieldName::ALL
        .iter()
        .copied()
        .filter(|field| !field.is_a_part())
        .collect();
    let count = single.len();
    let fields = prop::sample::subsequence(single, 1..=count);
    let codes = prop::collection::btree_map(any_mst(), any::<bool>(), 1..6);
    let employers = (any_period(), fields, codes).prop_map(move |(period, fields, codes)| {
        let mut keys: Vec<Key<TaxId>> = codes
            .iter()
            .filter(|(_, good)| **good)
            .map(|(mst, _)| Key::Good(TaxId::Mst(mst.clone())))
            .collect();
        if let Some((mst, _)) = codes.first_key_value() {
            keys.push(wrong(mst));
        }
        Asked::Employers {
            period,
            fields: fields.into_iter().collect(),
            keys,
        }
    });
    let facts = any_person_fields(1).prop_filter("one by one only", |fields| {
        !fields.contains(&PersonField::Employers)
    });
    let people = prop::collection::hash_set(any_subject(), 1..6);
    let individuals = (any_span(), facts, people).prop_map(|(span, fields, people)| {
        let keys = people.into_iter().map(Key::Good).collect();
        Asked::Individuals { span, fields, keys }
    });
    prop_oneof![employers, individuals]
}

prop_compose! {
    pub(in crate::wire::tax) fn any_many()(
        header in any_header(Direction::Request, VERIFY_MANY),
        asked in any_asked(),
        purpose in "[a-z0-9][a-z0-9.-]{1,63}",
    ) -> Message {
        Message { header, body: Body::Request(Request::VerifyMany(VerifyMany { asked, purpose })) }
    }
}

fn any_line() -> impl Strategy<Value = Line> {
    let refused = (
        "[0-9-]{9,14}",
        prop::sample::select(FaultCode::ALL),
        "[a-z0-9]{1,64}",
    );
    prop_oneof![
        any_employer_result().prop_map(|result| Line::Employer(Box::new(result))),
        any_individual_result().prop_map(|result| Line::Individual(Box::new(result))),
        refused.prop_map(|(key, code, reason)| Line::Refused(Refused { key, code, reason })),
    ]
}

prop_compose! {
    pub(in crate::wire::tax) fn any_many_answer()(
        header in any_header(Direction::Answer, VERIFY_MANY),
        lines in prop::collection::vec(any_line(), 1..5),
    ) -> Message {
        let result = VerifyManyResult { lines };
        Message { header, body: Body::Answer(Answer::VerifyManyResult(result)) }
    }
}

fn said(operation: &str, body: &str) -> String {
    let mut message = ask();
    message.header.operation = operation.to_owned();
    message.body = Body::Request(Request::Ping(Ping::default()));
    let text = String::from_utf8(encode(&message)).unwrap();
    text.replace("<Ping></Ping>", body)
}

fn refusal(operation: &str, body: &str) -> (&'static str, &'static str) {
    let error = decode(said(operation, body).as_bytes()).unwrap_err();
    (error.field, error.reason)
}

const PERSON: &str = "<VerifyIndividual><Subject><Pin>099275000001</Pin></Subject><Year>2026</Year>\
    <Fields><Field>months</Field></Fields><Purpose>tax-audit</Purpose></VerifyIndividual>";

#[test]
fn each_wrong_question_about_a_person_is_refused_by_its_name_and_reason() {
    assert!(decode(said(VERIFY_INDIVIDUAL, PERSON).as_bytes()).is_ok());
    let branch = format!("<Mst>{}-001</Mst>", synthetic_mst(7));
    let cases = [
        ("099275000001", "09927500000", "Pin", "pin"),
        (
            "<Pin>099275000001</Pin>",
            "<SiNumber>99x</SiNumber>",
            "SiNumber",
            "si-number",
        ),
        (
            "<Pin>099275000001</Pin>",
            "<Mst>9900000017</Mst>",
            "Mst",
            "mst-check-digit",
        ),
        ("<Pin>099275000001</Pin>", &branch, "Mst", "mst-branch"),
        (
            "<Year>2026</Year>",
            "<Year>1994</Year>",
            "Year",
            "period-before-1995",
        ),
        (
            "<Year>2026</Year>",
            "<From>2026-02</From><To>2026-01</To>",
            "To",
            "span-backwards",
        ),
        (
            "<Year>2026</Year>",
            "<From>2020-01</From><To>2025-01</To>",
            "To",
            "span-too-long",
        ),
        (
            "<Year>2026</Year>",
            "<From>1994-12</From><To>2025-01</To>",
            "From",
            "period-before-1995",
        ),
        (
            "<Fields><Field>months</Field></Fields>",
            "<Claim></Claim>",
            "Claim",
            "nothing-claimed",
        ),
        (
            "</Field>",
            "</Field><Field>months</Field>",
            "Field",
            "field-twice",
        ),
        (">months<", ">fund<", "Field", "unknown-word"),
    ];
    for (from, to, field, reason) in cases {
        let changed = PERSON.replace(from, to);
        assert_ne!(changed, PERSON, "{from}");
        assert_eq!(
            refusal(VERIFY_INDIVIDUAL, &changed),
            (field, reason),
            "{to}"
        );
    }
}

fn many(keys: &str) -> String {
    format!(
        "<VerifyMany><Employers><Period>2026-09</Period><Fields><Field>fund</Field></Fields>{keys}\
         </Employers><Purpose>tax-audit</Purpose></VerifyMany>"
    )
}

#[test]
fn a_wrong_check_digit_is_of_its_line_and_a_key_twice_is_of_the_message() {
    let good = synthetic_mst(7);
    let keys = format!("<Mst>{good}</Mst><Mst>9900000017</Mst>");
    let message = decode(said(VERIFY_MANY, &many(&keys)).as_bytes()).unwrap();
    let Body::Request(Request::VerifyMany(VerifyMany {
        asked: Asked::Employers { keys, .. },
        ..
    })) = message.body
    else {
        panic!("another body")
    };
    assert_eq!(keys[0], Key::Good(TaxId::Mst(good.clone())));
    assert!(matches!(
        &keys[1],
        Key::Bad {
            reason: "mst-check-digit",
            ..
        }
    ));
    let twice = format!("<Mst>{good}-001</Mst><Mst>{good}001</Mst>");
    assert_eq!(refusal(VERIFY_MANY, &many(&twice)), ("Mst", "key-twice"));
    let bad_twice = "<Mst>9900000017</Mst><Mst>9900000017</Mst>";
    assert_eq!(refusal(VERIFY_MANY, &many(bad_twice)), ("Mst", "key-twice"));
}

#[test]
fn a_thousand_lines_are_read_and_one_more_is_refused() {
    let keys = |count: u32| -> String {
        let key = |seed| format!("<Mst>{}</Mst>", synthetic_mst(100 + seed * 3));
        (0..count).map(key).collect()
    };
    let message = said(VERIFY_MANY, &many(&keys(1_000)));
    assert_eq!(xsd::validate_tax_v1(message.as_bytes()), Ok(()));
    assert!(decode(message.as_bytes()).is_ok());
    assert_eq!(
        refusal(VERIFY_MANY, &many(&keys(1_001))),
        ("Mst", "too-many-lines")
    );
    assert_eq!(refusal(VERIFY_MANY, &many("")), ("VerifyMany", "no-lines"));
}

#[test]
fn what_is_more_than_one_value_is_not_asked_of_many() {
    let key = format!("<Mst>{}</Mst>", synthetic_mst(7));
    for field in ["units", "ageing", "lastD02"] {
        let body = many(&key).replace(">fund<", &format!(">{field}<"));
        assert_eq!(refusal(VERIFY_MANY, &body), ("Field", "field-not-in-many"));
    }
    let people = "<VerifyMany><Individuals><Year>2026</Year><Fields><Field>employers</Field></Fields>\
        <Pin>099275000001</Pin></Individuals><Purpose>tax-audit</Purpose></VerifyMany>";
    assert_eq!(refusal(VERIFY_MANY, people), ("Field", "field-not-in-many"));
}

prop_compose! {
    pub(in crate::wire::tax) fn any_notice()(
        header in any_header(Direction::Request, CHANGE_NOTICE),
        (mst, other) in (any_mst(), any_pin()),
        kind in prop::sample::select(NoticeKind::ALL),
        (effective_on, status) in (any_day(), "[0-9]{2}"),
        status_reason in prop::option::of("[A-Za-z0-9.]{1,16}"),
        (text, address) in (any_name(), prop::option::of(any_name())),
        before in 0_u32..1_000_000,
        purpose in "[a-z0-9][a-z0-9.-]{1,63}",
    ) -> Message {
        let is = |this| kind == this;
        let notice = ChangeNotice {
            mst: TaxId::Mst(mst),
            kind,
            effective_on,
            status: (kind.is_of_the_status() || before % 2 == 0).then_some(status),
            status_reason,
            name: is(NoticeKind::Registered).then(|| text.clone()),
            address: match kind {
                NoticeKind::Moved => Some(text),
                NoticeKind::Registered => address,
                _ => None,
            },
            merged_into: is(NoticeKind::Merged).then_some(TaxId::Pin(other)),
            headcount: is(NoticeKind::Headcount).then_some((before, before + 1)),
            purpose,
        };
        Message { header, body: Body::Request(Request::ChangeNotice(Box::new(notice))) }
    }
}

prop_compose! {
    pub(in crate::wire::tax) fn any_dispute()(
        header in any_header(Direction::Request, DISPUTE),
        discrepancy in "d-[0-9a-f]{32}",
        reason in any_name(),
        purpose in "[a-z0-9][a-z0-9.-]{1,63}",
    ) -> Message {
        // never blank, and no longer than it may be
        let reason: String = reason.chars().take(254).chain(['.']).collect();
        let dispute = Dispute { discrepancy, reason, purpose };
        Message { header, body: Body::Request(Request::Dispute(dispute)) }
    }
}

prop_compose! {
    pub(in crate::wire::tax) fn any_dispute_receipt()(
        header in any_header(Direction::Answer, DISPUTE),
        discrepancy in "d-[0-9a-f]{32}",
        seconds in 0_i64..4_000_000_000,
    ) -> Message {
        let disputed_at = Timestamp::from_second(seconds).unwrap();
        let receipt = DisputeReceipt { discrepancy, disputed_at };
        Message { header, body: Body::Answer(Answer::DisputeReceipt(receipt)) }
    }
}

#[test]
fn a_dispute_names_a_discrepancy_and_says_why() {
    let said_so = |id: &str, reason: &str| {
        format!(
            "<Dispute><Discrepancy>{id}</Discrepancy><Reason>{reason}</Reason>\
             <Purpose>tax-audit</Purpose></Dispute>"
        )
    };
    let id = format!("d-{}", "0a".repeat(16));
    assert!(decode(said(DISPUTE, &said_so(&id, "counted")).as_bytes()).is_ok());
    for (id, reason, field) in [
        (&*id, " ", "Reason"),
        (&id.to_uppercase(), "counted", "Discrepancy"),
        ("d-0", "counted", "Discrepancy"),
    ] {
        let body = said_so(id, reason);
        assert_eq!(refusal(DISPUTE, &body).0, field, "{body}");
    }
}

prop_compose! {
    pub(in crate::wire::tax) fn any_receipt()(
        header in any_header(Direction::Answer, CHANGE_NOTICE),
        seconds in 0_i64..4_000_000_000,
    ) -> Message {
        let received_at = Timestamp::from_second(seconds).unwrap();
        let receipt = Received { received_at };
        Message { header, body: Body::Answer(Answer::ChangeNoticeReceipt(receipt)) }
    }
}

#[test]
fn a_notice_has_the_parts_of_its_kind_and_no_other() {
    const PAUSED: &str = "<ChangeNotice><Mst>9900000016</Mst><Kind>suspended</Kind>\
        <EffectiveOn>2026-11-01</EffectiveOn><Status>05</Status><Purpose>tax-audit</Purpose></ChangeNotice>";
    assert!(decode(said(CHANGE_NOTICE, PAUSED).as_bytes()).is_ok());
    let other = synthetic_mst(20);
    let merged = |into: &str| {
        PAUSED.replace(">suspended<", ">merged<").replace(
            "<Purpose>",
            &format!("<MergedInto>{into}</MergedInto><Purpose>"),
        )
    };
    assert!(decode(said(CHANGE_NOTICE, &merged(other.as_str())).as_bytes()).is_ok());
    let counts = |before: u32, now: u32| {
        let counts = format!(
            "<HeadcountBefore>{before}</HeadcountBefore><Headcount>{now}</Headcount><Purpose>"
        );
        PAUSED
            .replace("suspended", "headcount")
            .replace("<Purpose>", &counts)
    };
    assert!(decode(said(CHANGE_NOTICE, &counts(10, 2)).as_bytes()).is_ok());
    for (body, field, reason) in [
        (
            PAUSED.replace("<Status>05</Status>", ""),
            "Status",
            "part-missing",
        ),
        (
            PAUSED.replace("suspended", "registered"),
            "Name",
            "part-missing",
        ),
        (
            PAUSED.replace("suspended", "moved"),
            "Address",
            "part-missing",
        ),
        (
            PAUSED.replace("suspended", "merged"),
            "MergedInto",
            "part-missing",
        ),
        (
            PAUSED.replace("suspended", "headcount"),
            "Headcount",
            "part-missing",
        ),
        (
            PAUSED.replace("<Purpose>", "<Name>A</Name><Purpose>"),
            "Name",
            "part-of-another-kind",
        ),
        (merged("9900000016"), "MergedInto", "merged-into-itself"),
        (counts(10, 10), "Headcount", "nothing-changed"),
        (
            PAUSED.replace("11-01", "11-31"),
            "EffectiveOn",
            "unknown-word",
        ),
        (
            PAUSED.replace("suspended", "asleep"),
            "Kind",
            "unknown-word",
        ),
    ] {
        assert_eq!(refusal(CHANGE_NOTICE, &body), (field, reason), "{body}");
    }
}
