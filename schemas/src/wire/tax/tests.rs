pub(super) mod verify;

use std::collections::BTreeSet;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::fault::{Fault, FaultCode};
use crate::id::{MessageId, Mst, PartnerId, Period, Pin, TaxId, UnitCode};
use crate::xsd;

fn header(direction: Direction, operation: &str) -> Header {
    let reply = Reply {
        to: MessageId::parse("tax-00000001").unwrap(),
        digest: [0xab; 32],
    };
    Header {
        message_id: MessageId::parse("tax-00000002").unwrap(),
        sent_at: "2026-11-22T05:00:00Z".parse().unwrap(),
        environment: Environment::Sandbox,
        direction,
        sender: PartnerId::parse("tax").unwrap(),
        receiver: PartnerId::parse("vss").unwrap(),
        operation: operation.to_owned(),
        reply: (direction == Direction::Answer).then_some(reply),
    }
}

fn ask() -> Message {
    Message {
        header: header(Direction::Request, VERIFY_EMPLOYER),
        body: Body::Request(Request::VerifyEmployer(VerifyEmployer {
            mst: TaxId::Mst(synthetic_mst(7)),
            parent: None,
            period: Period::parse("2026-10").unwrap(),
            fields: [FieldName::Fund, FieldName::Arrears].into(),
            purpose: "tax-audit".into(),
        })),
    }
}

fn synthetic_mst(seed: u32) -> Mst {
    (seed.max(1)..)
        .find_map(|n| {
            let digits = format!("99{:07}", n % 10_000_000);
            let mut leading = [0; 9];
            for (slot, byte) in leading.iter_mut().zip(digits.bytes()) {
                *slot = byte - b'0';
            }
            let check = Mst::compute_check(&leading)?;
            Mst::parse(&format!("{digits}{check}")).ok()
        })
        .unwrap()
}

fn text(message: &Message) -> String {
    String::from_utf8(encode(message)).unwrap()
}

#[test]
fn a_request_is_written_as_its_canonical_root() {
    let mst = synthetic_mst(7);
    assert_eq!(
        text(&ask()),
        format!(
            "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-tax-00000002\"><Header>\
             <MessageId>tax-00000002</MessageId><SentAt>2026-11-22T05:00:00Z</SentAt>\
             <Environment>sandbox</Environment><Direction>request</Direction><Sender>tax</Sender>\
             <Receiver>vss</Receiver><Operation>tax.verify-employer</Operation></Header>\
             <VerifyEmployer><Mst>{mst}</Mst><Period>2026-10</Period><Fields><Field>fund</Field>\
             <Field>arrears</Field></Fields><Purpose>tax-audit</Purpose></VerifyEmployer></TaxMessage>"
        )
    );
}

#[test]
fn the_body_range_is_the_body_element_as_it_stands() {
    let spaced = text(&ask())
        .replace("<VerifyEmployer>", "\n <VerifyEmployer>")
        .replace("</VerifyEmployer>", "</VerifyEmployer>\n");
    let range = body_range(spaced.as_bytes()).unwrap();
    assert!(spaced[range.clone()].starts_with("<VerifyEmployer><Mst>"));
    assert!(spaced[range].ends_with("</Purpose></VerifyEmployer>"));
}

#[test]
fn each_wrong_element_is_refused_by_its_name_and_reason() {
    let mst = synthetic_mst(7);
    let mst = mst.as_str();
    let other = synthetic_mst(20);
    let wrong_digit = format!("{}{}", &mst[..9], (mst.as_bytes()[9] - b'0' + 1) % 10);
    let cases: &[(&str, &str, &str, &str)] = &[
        (mst, &wrong_digit, "Mst", "mst-check-digit"),
        (mst, "9900000000", "Mst", "mst-all-zero"),
        (mst, &format!("{mst}-000"), "Mst", "mst-branch"),
        (mst, "99", "Mst", "mst-length"),
        (mst, "99O0000013", "Mst", "mst-characters"),
        (mst, "099275O00001", "Mst", "mst-pin"),
        (
            "</Mst>",
            &format!("-001</Mst><Parent>{other}</Parent>"),
            "Parent",
            "branch-of-another-parent",
        ),
        (
            "</Mst>",
            &format!("</Mst><Parent>{mst}</Parent>"),
            "Parent",
            "parent-without-branch",
        ),
        (
            "</Mst>",
            &format!("-001</Mst><Parent>{mst}-002</Parent>"),
            "Parent",
            "mst-branch",
        ),
        ("2026-10", "1994-12", "Period", "period-before-1995"),
        ("2026-10", "2026-13", "Period", "period-month"),
        ("2026-10", "102026", "Period", "period-shape"),
        (">fund<", ">salary<", "Field", "unknown-word"),
        (">fund<", ">arrears<", "Field", "field-twice"),
        ("tax-audit", "Tax audit", "Purpose", "purpose"),
        (
            "Id=\"m-tax-00000002\"",
            "Id=\"m-tax-00000003\"",
            "TaxMessage",
            "id-not-message-id",
        ),
        (
            " Id=\"m-tax-00000002\"",
            "",
            "TaxMessage",
            "attribute-missing",
        ),
        (
            "<Header>",
            "<Header x=\"1\">",
            "Header",
            "attribute-unexpected",
        ),
        ("05:00:00Z", "25:00:00Z", "SentAt", "instant"),
        ("05:00:00Z", "05:00:60Z", "SentAt", "instant"),
        ("05:00:00Z", "05:00:00.5Z", "SentAt", "instant"),
        ("-22T05", "-22 05", "SentAt", "instant"),
        (">sandbox<", ">Sandbox<", "Environment", "unknown-word"),
        (">request<", ">answer<", "InReplyTo", "element-missing"),
        (">tax<", ">Tax<", "Sender", "partner-id"),
        (">vss<", "><", "Receiver", "partner-id"),
        (
            "tax.verify-employer",
            "tax.ping",
            "Operation",
            "operation-unlike-body",
        ),
        ("tax.verify-employer", "Tax", "Operation", "operation-name"),
        (">tax-00000002<", ">tax<", "MessageId", "message-id"),
        (
            "</Header>",
            "<InReplyTo>tax-00000001</InReplyTo></Header>",
            "InReplyTo",
            "request-in-reply",
        ),
        (
            "</TaxMessage>",
            "<Ping></Ping></TaxMessage>",
            "TaxMessage",
            "element-unexpected",
        ),
        ("tax:v1", "tax:v2", "TaxMessage", "element-unexpected"),
        ("<Mst>", "<!-- x --><Mst>", "TaxMessage", "xml-comment"),
        (
            "<Mst>",
            "<x:Mst xmlns:x=\"urn:x\"></x:Mst><Mst>",
            "Mst",
            "element-unexpected",
        ),
        ("</Mst>", "<x></x></Mst>", "Mst", "element-unexpected"),
    ];
    for (from, to, field, reason) in cases {
        let changed = text(&ask()).replace(from, to);
        let error = decode(changed.as_bytes()).unwrap_err();
        assert_eq!(
            (error.field, error.reason),
            (*field, *reason),
            "{from} -> {to}"
        );
    }
}

#[test]
fn an_answer_must_say_what_it_answers() {
    let mut answer = ask();
    answer.header = header(Direction::Answer, PING);
    answer.body = Body::Answer(Answer::Pong(Pong::default()));
    let good = text(&answer);
    assert_eq!(decode(good.as_bytes()).unwrap(), answer);
    let upper = good.replace(&"ab".repeat(32), &"AB".repeat(32));
    let error = decode(upper.as_bytes()).unwrap_err();
    assert_eq!((error.field, error.reason), ("RequestDigest", "digest"));
}

#[test]
fn every_fault_is_said_and_read_back_and_passes_the_schema() {
    for &code in FaultCode::ALL {
        let fault = Fault::new(code, "some-reason")
            .field("Mst")
            .retry_after(std::time::Duration::from_millis(1500));
        let body = FaultBody::from(&fault);
        assert_eq!(body.retry_after, Some(2));
        let bytes = encode_fault(&body);
        assert_eq!(xsd::validate_tax_v1(&bytes), Ok(()), "{code:?}");
        assert_eq!(decode_fault(&bytes), Ok(body));
    }
}

#[test]
fn a_fault_whose_blame_is_not_that_of_its_code_is_refused() {
    let body = FaultBody::from(&Fault::new(FaultCode::Invalid, "x"));
    let bytes = String::from_utf8(encode_fault(&body)).unwrap();
    for (from, to, reason) in [
        (">sender<", ">gateway<", "blame-unlike-code"),
        (">never<", ">same-id<", "retry-unlike-code"),
        (">INVALID<", ">NO-SUCH<", "unknown-word"),
    ] {
        let error = decode_fault(bytes.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(error.reason, reason);
    }
}

#[test]
fn the_table_names_every_element_of_the_schema() {
    let leaves: BTreeSet<&str> = FIELDS
        .iter()
        .filter_map(|field| field.wire.rsplit('/').next())
        .collect();
    let containers = [
        "TaxMessage",
        "Header",
        "VerifyEmployer",
        "Ping",
        "VerifyEmployerResult",
        "VerifyIndividual",
        "Claim",
        "VerifyMany",
        "Employers",
        "Individuals",
        "Units",
        "Unit",
        "Ageing",
        "LastD02",
        "VerifyIndividualResult",
        "Employments",
        "Employment",
        "VerifyManyResult",
        "Line",
        "Refused",
        "ChangeNotice",
        "ChangeNoticeReceipt",
        "LookUpNotices",
        "ResendNotices",
        "LookUpNoticesResult",
        "Sent",
        "ResendNoticesReceipt",
        "Dispute",
        "DisputeReceipt",
        "Reconcile",
        "Chunk",
        "ReconcileResult",
        "ReconcileReceipt",
        "ReconcileChunkReceipt",
        "ReconcileResultPage",
        "Summary",
        "Finding",
        "Pong",
    ];
    let declared: BTreeSet<&str> = xsd::TAX_V1
        .split("<xs:element name=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| !containers.contains(name) && *name != "Fault")
        .collect();
    assert_eq!(leaves, declared);
}

#[test]
fn the_words_of_the_schema_are_the_words_of_the_types() {
    let words = |kind: &str| -> BTreeSet<&str> {
        let (_, rest) = xsd::TAX_V1
            .split_once(&format!("<xs:simpleType name=\"{kind}\">"))
            .unwrap();
        let block = rest.split("</xs:simpleType>").next().unwrap();
        block
            .split("<xs:enumeration value=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect()
    };
    let of = |all: &[&'static str]| -> BTreeSet<&'static str> { all.iter().copied().collect() };
    assert_eq!(
        words("FieldType"),
        FieldName::ALL.iter().map(|one| one.as_str()).collect()
    );
    assert_eq!(
        words("ResultType"),
        ResultKind::ALL.iter().map(|one| one.as_str()).collect()
    );
    assert_eq!(
        words("DirectionType"),
        Direction::ALL.iter().map(|one| one.as_str()).collect()
    );
    assert_eq!(
        words("EnvironmentType"),
        Environment::ALL.iter().map(|one| one.as_str()).collect()
    );
    assert_eq!(
        words("ParticipationStateType"),
        ParticipationState::ALL
            .iter()
            .map(|one| one.as_str())
            .collect()
    );
    assert_eq!(
        words("NoticeKindType"),
        NoticeKind::ALL.iter().map(|one| one.as_str()).collect()
    );
    assert_eq!(
        words("PersonFieldType"),
        PersonField::ALL.iter().map(|one| one.as_str()).collect()
    );
    assert_eq!(
        words("OperationType"),
        of(&[
            VERIFY_EMPLOYER,
            VERIFY_INDIVIDUAL,
            VERIFY_MANY,
            CHANGE_NOTICE,
            LOOK_UP_NOTICES,
            RESEND_NOTICES,
            DISPUTE,
            RECONCILE,
            RECONCILE_CHUNK,
            RECONCILE_RESULT,
            PING
        ])
    );
}

fn any_header(direction: Direction, operation: &'static str) -> impl Strategy<Value = Header> {
    let instant = 0_i64..4_000_000_000;
    let id = "[A-Za-z0-9._-]{8,128}";
    let partner = "[a-z0-9-]{2,32}";
    let environment = prop::sample::select(Environment::ALL);
    (
        instant,
        id,
        partner,
        partner,
        environment,
        id,
        any::<[u8; 32]>(),
    )
        .prop_map(
            move |(seconds, id, sender, receiver, environment, to, digest)| Header {
                message_id: MessageId::parse(&id).unwrap(),
                sent_at: Timestamp::from_second(seconds).unwrap(),
                environment,
                direction,
                sender: PartnerId::parse(&sender).unwrap(),
                receiver: PartnerId::parse(&receiver).unwrap(),
                operation: operation.to_owned(),
                reply: (direction == Direction::Answer).then(|| Reply {
                    to: MessageId::parse(&to).unwrap(),
                    digest,
                }),
            },
        )
}

fn any_fields(min: usize) -> impl Strategy<Value = BTreeSet<FieldName>> {
    prop::sample::subsequence(FieldName::ALL, min..=FieldName::ALL.len())
        .prop_map(|fields| fields.into_iter().collect())
}

fn any_period() -> impl Strategy<Value = Period> {
    (1995_i16..=9999, 1_i8..=12).prop_map(|(year, month)| Period::new(year, month).unwrap())
}

fn any_mst() -> impl Strategy<Value = Mst> {
    (1_u32..9_000_000, prop::option::of(1_u16..=999)).prop_map(|(seed, branch)| {
        let root = synthetic_mst(seed);
        match branch {
            Some(branch) => Mst::parse(&format!("{root}-{branch:03}")).unwrap(),
            None => root,
        }
    })
}

fn any_code() -> impl Strategy<Value = TaxId> {
    prop_oneof![
        any_mst().prop_map(TaxId::Mst),
        any_pin().prop_map(TaxId::Pin)
    ]
}

fn any_pin() -> impl Strategy<Value = Pin> {
    (0_u8..=3, 0_u8..=99, 0_u32..1_000_000).prop_map(|(century, year, serial)| {
        Pin::parse(&format!("099{century}{year:02}{serial:06}")).unwrap()
    })
}

/// A branch may be named with its enterprise, everybody else not.
fn any_subject_of_a_question() -> impl Strategy<Value = (TaxId, Option<Mst>)> {
    (any_code(), any::<bool>()).prop_map(|(code, with_parent)| {
        let parent = match &code {
            TaxId::Mst(mst) if mst.branch().is_some() && with_parent => {
                Some(Mst::parse(mst.root()).unwrap())
            }
            _ => None,
        };
        (code, parent)
    })
}

fn any_amount() -> impl Strategy<Value = Option<Amount>> {
    prop::option::of((0..=i64::MAX).prop_map(|vnd| Amount::new(vnd).unwrap()))
}

prop_compose! {
    pub(super) fn any_request()(
        header in any_header(Direction::Request, VERIFY_EMPLOYER),
        (mst, parent) in any_subject_of_a_question(),
        period in any_period(),
        fields in any_fields(1),
        purpose in "[a-z0-9][a-z0-9.-]{1,63}",
    ) -> Message {
        let ask = VerifyEmployer { mst, parent, period, fields, purpose };
        Message { header, body: Body::Request(Request::VerifyEmployer(ask)) }
    }
}

prop_compose! {
    pub(super) fn any_result()(
        header in any_header(Direction::Answer, VERIFY_EMPLOYER),
        result in verify::any_employer_result(),
    ) -> Message {
        Message { header, body: Body::Answer(Answer::VerifyEmployerResult(Box::new(result))) }
    }
}

prop_compose! {
    pub(super) fn any_ping()(
        direction in prop::sample::select(Direction::ALL),
        nonce in prop::option::of("[A-Za-z0-9._-]{1,64}"),
    )(header in any_header(direction, PING), nonce in Just(nonce)) -> Message {
        let ping = Ping { nonce };
        let body = match header.direction {
            Direction::Request => Body::Request(Request::Ping(ping)),
            Direction::Answer => Body::Answer(Answer::Pong(ping)),
        };
        Message { header, body }
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        any_request(),
        any_result(),
        any_ping(),
        verify::any_individual(),
        verify::any_individual_answer(),
        verify::any_many(),
        verify::any_many_answer(),
        verify::any_notice(),
        verify::any_receipt(),
        verify::any_dispute(),
        verify::any_dispute_receipt(),
    ]
}

proptest! {
    #[test]
    fn decode_gives_back_what_encode_wrote_and_the_schema_agrees(
        message in any_message()
    ) {
        let bytes = encode(&message);
        prop_assert_eq!(decode(&bytes), Ok(message));
        prop_assert_eq!(xsd::validate_tax_v1(&bytes), Ok(()));
        let text = std::str::from_utf8(&bytes).unwrap();
        let range = body_range(&bytes).unwrap();
        prop_assert_eq!(&text[..range.start].rfind("</Header>"), &Some(range.start - 9));
        prop_assert_eq!(&text[range.end..], "</TaxMessage>");
    }

    #[test]
    fn what_the_reader_accepts_breaks_no_pattern_of_the_schema(
        message in any_message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any_change()), 1..3),
    ) {
        let mut document = String::from_utf8(encode(&message)).unwrap();
        for (at, change) in changes {
            let values = values(&document);
            let value = values[at.index(values.len())].clone();
            let changed = change.of(&document[value.clone()]);
            document.replace_range(value, &changed);
        }
        let bytes = document.as_bytes();
        if read(bytes).is_ok() && xsd::outline_tax_v1(bytes).is_ok() {
            prop_assert_eq!(xsd::validate_tax_v1(bytes), Ok(()), "{}", document);
        }
    }

    #[test]
    fn no_change_of_bytes_makes_the_reader_panic(
        message in any_request(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = encode(&message);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&bytes);
        let _ = xsd::validate_tax_v1(&bytes);
    }
}

/// Where the values stand: the text of elements, and of attributes.
fn values(document: &str) -> Vec<Range<usize>> {
    let ends = |open: char, close: char| {
        document.match_indices(open).filter_map(move |(at, _)| {
            let end = at + 1 + document[at + 1..].find(['<', '>', '"'])?;
            (end > at + 1 && document[end..].starts_with(close)).then_some(at + 1..end)
        })
    };
    ends('>', '<').chain(ends('"', '"')).collect()
}

/// A value that is nearly what it was, or something else altogether.
#[derive(Debug, Clone)]
enum Change {
    Insert(prop::sample::Index, char),
    Remove(prop::sample::Index),
    Twice,
    Instead(String),
}

fn any_change() -> impl Strategy<Value = Change> {
    let sign = prop::sample::select("0 +-_.:TZzAaÀ1\t\n".chars().collect::<Vec<_>>());
    prop_oneof![
        (any::<prop::sample::Index>(), sign).prop_map(|(at, sign)| Change::Insert(at, sign)),
        any::<prop::sample::Index>().prop_map(Change::Remove),
        Just(Change::Twice),
        "[-+0-9A-Za-z._: ]{0,140}".prop_map(Change::Instead),
        "-?[0-9]{1,20}".prop_map(Change::Instead),
    ]
}

impl Change {
    fn of(&self, value: &str) -> String {
        let mut signs: Vec<char> = value.chars().collect();
        match self {
            Self::Insert(at, sign) => signs.insert(at.index(signs.len() + 1), *sign),
            Self::Remove(at) => drop(signs.remove(at.index(signs.len()))),
            Self::Twice => signs.extend(signs.clone()),
            Self::Instead(value) => return value.clone(),
        }
        signs.into_iter().collect()
    }
}
