use gateway_core::Road;
use http::header::CONTENT_TYPE;

use super::*;
use crate::testhead;

const SHAPE: Shape = Shape {
    namespace: wire::NAMESPACE,
    root: wire::ROOT,
};

const GOOD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <t:TaxMessage xmlns:t=\"urn:vn:lienthong:tax:v1\" Id=\"m-tax-00000001\">\n<t:Header>\
    <t:MessageId>tax-00000001</t:MessageId><t:SentAt>2026-11-22T05:00:00Z</t:SentAt>\
    <t:Environment>sandbox</t:Environment><t:Direction>request</t:Direction><t:Sender>tax</t:Sender>\
    <t:Receiver>vss</t:Receiver><t:Operation>tax.ping</t:Operation></t:Header><t:Ping/>\
    <ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"/></t:TaxMessage>";

fn arrives(peer: &str, body: &str) -> Result<Envelope, Fault> {
    let head = testhead::head(peer, &[(CONTENT_TYPE, "application/xml")]);
    envelope(&head, &Bytes::copy_from_slice(body.as_bytes()), SHAPE)
}

#[test]
fn the_header_is_what_the_envelope_claims() {
    let envelope = arrives("tax", GOOD).unwrap();
    assert_eq!(envelope.road, Road::Direct);
    assert_eq!(envelope.signature, SignatureForm::Xml);
    let claims = envelope.claims;
    assert_eq!(
        (
            claims.sender.as_str(),
            claims.receiver.as_str(),
            claims.id.as_str()
        ),
        ("tax", "vss", "tax-00000001")
    );
    assert_eq!(
        (
            claims.environment,
            claims.direction,
            claims.operation.as_str()
        ),
        (Environment::Sandbox, Direction::Request, "tax.ping")
    );
    assert_eq!(claims.sent_at.to_string(), "2026-11-22T05:00:00Z");
}

#[test]
fn another_peer_can_only_be_a_relay() {
    assert_eq!(arrives("ngsp", GOOD).unwrap().road, Road::Ngsp);
}

#[test]
fn every_refusal_has_its_code_reason_and_field() {
    use FaultCode::{Malformed, TooLarge};
    let deep = format!("{}{}", "<x>".repeat(70), "</x>".repeat(70));
    let wide: String = (0..70).map(|n| format!(" a{n}=\"\"")).collect();
    let cases: &[(&str, &str, FaultCode, &str, Option<&str>)] = &[
        (GOOD, "", Malformed, "empty-body", None),
        (GOOD, "{\"a\":1}", Malformed, "xml-trailing", None),
        ("<t:Ping/>", "<t:Ping>", Malformed, "xml-malformed", None),
        (
            "\n<t:TaxMessage",
            "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><t:TaxMessage",
            Malformed,
            "xml-doctype",
            None,
        ),
        (
            "<t:Ping/>",
            "<!-- x --><t:Ping/>",
            Malformed,
            "xml-comment",
            None,
        ),
        (
            "<t:Ping/>",
            "<?x y?><t:Ping/>",
            Malformed,
            "xml-processing-instruction",
            None,
        ),
        (">tax<", ">t&e;x<", Malformed, "xml-entity", None),
        (">tax<", "><![CDATA[tax]]><", Malformed, "xml-cdata", None),
        ("UTF-8", "UTF-16", Malformed, "xml-encoding", None),
        ("<t:Ping/>", &deep, TooLarge, "xml-too-deep", None),
        (
            "<t:Ping/>",
            &format!("<x{wide}/>"),
            TooLarge,
            "xml-too-many-attributes",
            None,
        ),
        (
            "<t:Ping/>",
            &" ".repeat(1 << 20),
            TooLarge,
            "xml-too-large",
            None,
        ),
        (
            "tax:v1",
            "tax:v2",
            Malformed,
            "element-unexpected",
            Some("TaxMessage"),
        ),
        (
            " Id=\"m-tax-00000001\"",
            "",
            Malformed,
            "attribute-missing",
            Some("TaxMessage"),
        ),
        (
            ">tax-00000001<",
            ">tax<",
            Malformed,
            "message-id",
            Some("MessageId"),
        ),
        (
            "2026-11-22T05",
            "2026-11-32T05",
            Malformed,
            "instant",
            Some("SentAt"),
        ),
        (
            ">sandbox<",
            ">moon<",
            Malformed,
            "unknown-word",
            Some("Environment"),
        ),
        (">tax<", ">T<", Malformed, "partner-id", Some("Sender")),
        (
            "<t:Receiver>vss</t:Receiver>",
            "",
            Malformed,
            "element-unexpected",
            Some("Receiver"),
        ),
    ];
    for (from, to, code, reason, field) in cases {
        let fault = arrives("tax", &GOOD.replace(from, to)).unwrap_err();
        assert_eq!(
            (fault.code(), fault.reason(), fault.wrong_field()),
            (*code, *reason, *field),
            "{from:.40} -> {to:.40}"
        );
    }
}

#[test]
fn a_body_of_another_media_type_is_not_even_looked_at() {
    let head = testhead::head("tax", &[(CONTENT_TYPE, "application/json")]);
    let fault = envelope(&head, &Bytes::from_static(GOOD.as_bytes()), SHAPE).unwrap_err();
    assert_eq!(fault.code(), FaultCode::UnsupportedMediaType);
}

#[test]
fn what_the_wire_writes_is_its_own_canonical_form_by_the_verifiers_reckoning() {
    use certs::{keys::VerifyingKey, xmldsig};
    use schemas::id::{MessageId, Mst, PartnerId, Period};
    use wire::{Answer, Body, Message, Reply, ResultKind, VerifyEmployerResult};

    let key = testhead::signing_key();
    let public = VerifyingKey::from_spki_der(key.public_spki()).unwrap();
    let header = Header {
        message_id: MessageId::parse("vss-00000001").unwrap(),
        sent_at: "2026-11-22T05:00:00Z".parse().unwrap(),
        environment: wire::Environment::Sandbox,
        direction: wire::Direction::Answer,
        sender: PartnerId::parse("vss").unwrap(),
        receiver: PartnerId::parse("tax").unwrap(),
        operation: wire::VERIFY_EMPLOYER.into(),
        reply: Some(Reply {
            to: MessageId::parse("tax-00000001").unwrap(),
            digest: [1; 32],
        }),
    };
    for name in [
        "Công ty",
        "a & b < c > d \"e\" 'f'",
        "x\ty\nz\rw\r\n",
        " \u{1F600}e\u{323}\u{302} ",
        "]]>",
    ] {
        let mst = Mst::parse("9900000016").unwrap();
        let period = Period::parse("2026-10").unwrap();
        let result = VerifyEmployerResult {
            name: Some(name.into()),
            ..VerifyEmployerResult::bare(ResultKind::HasData, schemas::id::TaxId::Mst(mst), period)
        };
        let message = Message {
            header: header.clone(),
            body: Body::Answer(Answer::VerifyEmployerResult(Box::new(result))),
        };
        let canonical = wire::encode(&message);
        let signed = xmldsig::sign_enveloped(&canonical, "m-vss-00000001", &key, None).unwrap();
        let proven = xmldsig::verify(&signed, &public, &xmldsig::Profile::default()).unwrap();
        assert_eq!(proven.canonical(), canonical, "{name:?}");
        assert_eq!(wire::decode(proven.canonical()), Ok(message));
    }
}
