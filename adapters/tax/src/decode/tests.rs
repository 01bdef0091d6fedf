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
    assert_eq!(decoded.purpose, PING_PURPOSE);
    assert!(decoded.asked.is_empty() && !decoded.synthetic);
    assert_eq!(&decoded.payload[..], b"<Ping><Nonce>n-1</Nonce></Ping>");
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
