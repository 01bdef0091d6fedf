use gateway_core::{Direction, partner::Environment};
use proptest::prelude::*;

use super::*;

const ASK: &str = "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-tax-00000001\"><Header>\
    <MessageId>tax-00000001</MessageId><SentAt>2026-11-22T05:00:00Z</SentAt>\
    <Environment>sandbox</Environment><Direction>request</Direction><Sender>tax</Sender>\
    <Receiver>vss</Receiver><Operation>tax.verify-employer</Operation></Header>\
    <VerifyEmployer><Mst>9900000016</Mst><Period>2026-10</Period><Fields><Field>fund</Field>\
    <Field>arrears</Field></Fields><Purpose>tax-compliance</Purpose></VerifyEmployer></TaxMessage>";

fn ping() -> String {
    let (head, _) = ASK.split_once("<VerifyEmployer>").unwrap();
    let head = head.replace("tax.verify-employer", "tax.ping");
    format!("{head}<Ping><Nonce>n-1</Nonce></Ping></TaxMessage>")
}

#[test]
fn a_request_is_read_with_everything_that_policy_asks_about() {
    let decoded = decode(ASK.as_bytes()).unwrap();
    assert_eq!(decoded.operation.name, "tax.verify-employer");
    assert_eq!(decoded.identity, Identity::Envelope);
    assert_eq!(decoded.purpose, "tax-compliance");
    assert_eq!(decoded.asked, ["arrears", "fund"].into());
    assert!(decoded.synthetic);
    assert!(decoded.payload.starts_with(b"<VerifyEmployer><Mst>"));
    assert!(decoded.payload.ends_with(b"</Purpose></VerifyEmployer>"));
    let claims = decoded.claims;
    assert_eq!(
        (claims.environment, claims.direction),
        (Environment::Sandbox, Direction::Request)
    );
    assert_eq!(
        (claims.id.as_str(), claims.sender.as_str()),
        ("tax-00000001", "tax")
    );
}

#[test]
fn a_ping_asks_for_no_field_and_names_nobody() {
    let decoded = decode(ping().as_bytes()).unwrap();
    assert_eq!(decoded.operation.name, "tax.ping");
    assert_eq!(decoded.purpose, PURPOSE);
    assert!(decoded.asked.is_empty() && !decoded.synthetic);
    assert_eq!(&decoded.payload[..], b"<Ping><Nonce>n-1</Nonce></Ping>");
}

#[test]
fn the_lines_of_a_request_are_counted_for_the_agreement() {
    let claims = || decode(ping().as_bytes()).unwrap().claims;
    let keys = ["9900000016", "9900000016-001", "9900000016-002"];
    let ask = Request::VerifyMany(crate::testscene::many(&["fund"], &keys));
    let decoded = judged(claims(), ask, Bytes::new(), Words::Xml).unwrap();
    assert_eq!(decoded.lines, 3);
    assert_eq!(decode(ping().as_bytes()).unwrap().lines, 1);
}

#[test]
fn a_real_tax_code_is_not_synthetic() {
    let real = ASK.replace("9900000016", "0100109106");
    assert!(!decode(real.as_bytes()).unwrap().synthetic);
}

#[test]
fn every_refusal_has_its_code_reason_and_field() {
    use FaultCode::{Invalid, WrongEnvironment};
    let cases: &[(&str, &str, FaultCode, &str, Option<&str>)] = &[
        (
            "9900000016",
            "9900000014",
            Invalid,
            "mst-check-digit",
            Some("Mst"),
        ),
        (
            "9900000016",
            "9900000000",
            Invalid,
            "mst-all-zero",
            Some("Mst"),
        ),
        (
            "9900000016",
            "9900000016-000",
            Invalid,
            "mst-branch",
            Some("Mst"),
        ),
        (
            "9900000016",
            "990000001",
            Invalid,
            "schema-value",
            Some("Mst"),
        ),
        (
            "2026-10",
            "1994-12",
            Invalid,
            "period-before-1995",
            Some("Period"),
        ),
        (
            "2026-10",
            "2026-13",
            Invalid,
            "period-month",
            Some("Period"),
        ),
        (
            "2026-10",
            "10/2026",
            Invalid,
            "schema-value",
            Some("Period"),
        ),
        (
            ">fund<",
            ">salaries<",
            Invalid,
            "schema-value",
            Some("Field"),
        ),
        (
            ">fund<",
            ">arrears<",
            Invalid,
            "schema-unique",
            Some("Field"),
        ),
        (
            "<Purpose>tax-compliance</Purpose>",
            "",
            Invalid,
            "schema-structure",
            Some("VerifyEmployer"),
        ),
        (
            ">tax-compliance<",
            ">Vì tò mò<",
            Invalid,
            "schema-value",
            Some("Purpose"),
        ),
        (
            "<Mst>",
            "<Mst xml:lang=\"vi\">",
            Invalid,
            "attribute-unexpected",
            Some("Mst"),
        ),
        (
            "Id=\"m-tax-00000001\"",
            "Id=\"m-tax-00000002\"",
            Invalid,
            "id-not-message-id",
            Some("TaxMessage"),
        ),
        (
            "tax.verify-employer",
            "tax.ping",
            Invalid,
            "operation-unlike-body",
            Some("Operation"),
        ),
        (
            "tax.verify-employer",
            "tax.delete",
            Invalid,
            "schema-value",
            Some("Operation"),
        ),
        ("05:00:00Z", "05:61:00Z", Invalid, "instant", Some("SentAt")),
        (
            "</VerifyEmployer>",
            "</VerifyEmployer><Ping></Ping>",
            Invalid,
            "schema-structure",
            Some("Ping"),
        ),
        (
            "request</Direction><Sender>tax</Sender><Receiver>vss</Receiver><Operation>tax.verify-employer</Operation></Header>",
            "",
            Invalid,
            "schema-document",
            None,
        ),
        (
            "<Direction>request",
            "<Direction>answer",
            Invalid,
            "element-missing",
            Some("InReplyTo"),
        ),
    ];
    for (from, to, code, reason, field) in cases {
        let changed = ASK.replace(from, to);
        assert_ne!(changed, ASK, "{from}");
        let fault = decode(changed.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason(), fault.wrong_field()),
            (*code, *reason, *field),
            "{from} -> {to}"
        );
    }
    let binding = format!(
        "<InReplyTo>tax-00000001</InReplyTo><RequestDigest>{}</RequestDigest></Header>",
        "ab".repeat(32)
    );
    let reflected = ping()
        .replace("</Header>", &binding)
        .replace(">request<", ">answer<")
        .replace("Ping>", "Pong>");
    let fault = decode(reflected.as_bytes()).unwrap_err();
    assert_eq!(
        (fault.code(), fault.reason()),
        (WrongEnvironment, "direction")
    );
}

fn person(subject: &str, rest: &str) -> String {
    let (head, _) = ASK.split_once("<VerifyEmployer>").unwrap();
    let head = head.replace("tax.verify-employer", "tax.verify-individual");
    format!(
        "{head}<VerifyIndividual><Subject>{subject}</Subject>{rest}\
         <Purpose>tax-compliance</Purpose></VerifyIndividual></TaxMessage>"
    )
}

const FACTS: &str = "<Year>2026</Year><Fields><Field>months</Field><Field>base</Field></Fields>";

#[test]
fn a_year_ends_with_the_month_in_which_the_question_was_sent() {
    let decoded = decode(person("<Pin>099190000001</Pin>", FACTS).as_bytes()).unwrap();
    let Request::VerifyIndividual(ask) = decoded.request else {
        panic!("another request")
    };
    let month = |text| Period::parse(text).unwrap();
    assert_eq!(
        ask.span,
        Span::months(month("2026-01"), month("2026-11")).unwrap()
    );
    assert_eq!(decoded.asked, ["base", "months"].into());
    assert_eq!(decoded.persons.len(), 1);
    assert!(decoded.synthetic);
}

#[test]
fn a_month_that_has_not_begun_in_viet_nam_is_refused() {
    let next_year = FACTS.replace("2026", "2027");
    let months = "<From>2026-01</From><To>2026-12</To><Claim><MonthsContributed>9</MonthsContributed></Claim>";
    let pin = "<Pin>099190000001</Pin>";
    for (message, field) in [
        (ASK.replace("2026-10", "2026-12"), "Period"),
        (person(pin, &next_year), "Year"),
        (person(pin, months), "To"),
    ] {
        let fault = decode(message.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.reason(), fault.wrong_field()),
            ("period-in-the-future", Some(field))
        );
    }
    // the last evening of November in London is December in Viet Nam
    let evening = ASK
        .replace("22T05:00:00Z", "30T18:00:00Z")
        .replace("2026-10", "2026-12");
    assert!(decode(evening.as_bytes()).is_ok());
}

#[test]
fn a_household_is_asked_about_by_its_owners_number_which_the_ledger_learns() {
    let household = ASK.replace("9900000016", "099075900027");
    let decoded = decode(household.as_bytes()).unwrap();
    assert!(decoded.synthetic);
    let numbers = vec![PersonNumber::parse("099075900027").unwrap()];
    assert_eq!(decoded.persons, [Person::named(numbers)]);
    let by_old_code = person("<Mst>9900000016</Mst>", FACTS);
    assert!(decode(by_old_code.as_bytes()).unwrap().persons.is_empty());
}

fn notice(day: &str, status: &str) -> String {
    let (head, _) = ASK.split_once("<VerifyEmployer>").unwrap();
    let head = head.replace("tax.verify-employer", "tax.change-notice");
    format!(
        "{head}<ChangeNotice><Mst>9900000016</Mst><Kind>suspended</Kind><EffectiveOn>{day}</EffectiveOn>\
         <Status>{status}</Status><Purpose>tax-compliance</Purpose></ChangeNotice></TaxMessage>"
    )
}

#[test]
fn a_notice_is_a_change_and_counts_in_its_time_with_a_status_of_its_day() {
    let decoded = decode(notice("2026-11-01", "05").as_bytes()).unwrap();
    assert_eq!(
        decoded.operation.effect,
        gateway_core::adapter::Effect::Change
    );
    assert!(decoded.asked.is_empty() && decoded.synthetic);
    for (day, status, reason, field) in [
        ("1994-12-31", "05", "day-out-of-range", "EffectiveOn"),
        ("2027-11-23", "05", "day-out-of-range", "EffectiveOn"),
        ("2026-11-01", "04", "status-not-in-force", "Status"),
        ("2026-11-01", "08", "status-not-in-force", "Status"),
    ] {
        let fault = decode(notice(day, status).as_bytes()).unwrap_err();
        assert_eq!((fault.reason(), fault.wrong_field()), (reason, Some(field)));
    }
    // the list of that day still had it
    assert!(decode(notice("2026-06-30", "04").as_bytes()).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = ASK.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        let _ = decode(&bytes);
    }
}
