use std::process::Command;

use super::*;

const HEADER: &str = "<Header><MessageId>tax-00000001</MessageId><SentAt>2026-11-22T05:00:00Z</SentAt>\
    <Environment>sandbox</Environment><Direction>request</Direction><Sender>tax</Sender>\
    <Receiver>vss</Receiver><Operation>tax.verify-employer</Operation></Header>";

const ASK: &str = "<VerifyEmployer><Mst>9900000016</Mst><Period>2026-10</Period><Fields>\
    <Field>fund</Field><Field>arrears</Field></Fields><Purpose>tax-audit</Purpose></VerifyEmployer>";

fn message(header: &str, body: &str) -> String {
    format!(
        "<TaxMessage xmlns=\"urn:vn:lienthong:tax:v1\" Id=\"m-tax-00000001\">{header}{body}</TaxMessage>"
    )
}

fn valid() -> Vec<(&'static str, String)> {
    let result = |inside: &str| {
        format!(
            "<VerifyEmployerResult><Result>hasData</Result><Mst>9900000016-001</Mst>\
                 <Period>2026-10</Period>{inside}</VerifyEmployerResult>"
        )
    };
    let fault = "<Code>INVALID</Code><Reason>mst-check-digit</Reason><Field>Mst</Field>\
        <Blame>sender</Blame><Retry>never</Retry><TextVi>Sai.</TextVi><TextEn>Wrong.</TextEn>";
    vec![
        ("a request", message(HEADER, ASK)),
        ("a ping", message(HEADER, "<Ping></Ping>")),
        ("a ping with a nonce", message(HEADER, "<Ping>\n <Nonce>1</Nonce>\n</Ping>")),
        ("an answer bound to its request", message(
            &HEADER.replace("</Header>", &format!(
                "<InReplyTo>tax-00000001</InReplyTo><RequestDigest>{}</RequestDigest></Header>",
                "ab".repeat(32)
            )),
            &result("<Participants>12</Participants><Fund>0</Fund><Arrears>-5</Arrears>\
                     <Name>Công ty &amp; Con</Name><NotDisclosed><Field>due</Field></NotDisclosed>"),
        )),
        ("a name of 255 letters with marks", message(
            &HEADER.replace("</Header>", &format!(
                "<InReplyTo>tax-00000001</InReplyTo><RequestDigest>{}</RequestDigest></Header>",
                "ab".repeat(32)
            )),
            &result(&format!("<Name>{}</Name>", "ệ".repeat(255))),
        )),
        ("a fault in a message", message(HEADER, &format!("<Fault>{fault}</Fault>"))),
        ("a lone fault", format!("<Fault xmlns=\"urn:vn:lienthong:tax:v1\">{fault}</Fault>")),
        ("a signed message", message(HEADER, &format!(
            "{ASK}<ds:Signature xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:x/></ds:Signature>"
        ))),
    ]
}

fn invalid() -> Vec<(&'static str, String, Rule, Option<&'static str>)> {
    use Rule::{Attribute, Structure, Unique, Value};
    let with = |from: &str, to: &str| message(&HEADER.replace(from, to), &ASK.replace(from, to));
    vec![
        ("no header", message("", ASK), Structure, Some("TaxMessage")),
        (
            "no body",
            message(HEADER, ""),
            Structure,
            Some("TaxMessage"),
        ),
        (
            "two bodies",
            message(HEADER, &format!("{ASK}<Ping/>")),
            Structure,
            Some("Ping"),
        ),
        (
            "an unknown body",
            message(HEADER, "<DropTable/>"),
            Structure,
            None,
        ),
        (
            "another root",
            "<Ping xmlns=\"urn:vn:lienthong:tax:v1\"/>".into(),
            Structure,
            Some("Ping"),
        ),
        (
            "another namespace",
            with("x", "x").replace("tax:v1", "tax:v2"),
            Structure,
            Some("TaxMessage"),
        ),
        (
            "no id on the root",
            with("x", "x").replace(" Id=\"m-tax-00000001\"", ""),
            Attribute,
            Some("TaxMessage"),
        ),
        (
            "an attribute too many",
            with("<VerifyEmployer>", "<VerifyEmployer x=\"1\">"),
            Attribute,
            Some("VerifyEmployer"),
        ),
        (
            "header out of order",
            with(
                "<Sender>tax</Sender><Receiver>vss</Receiver>",
                "<Receiver>vss</Receiver><Sender>tax</Sender>",
            ),
            Structure,
            None,
        ),
        (
            "a short message id",
            with("tax-00000001</M", "tax</M"),
            Value,
            Some("MessageId"),
        ),
        (
            "a local time",
            with("05:00:00Z", "12:00:00+07:00"),
            Value,
            Some("SentAt"),
        ),
        (
            "another environment",
            with("sandbox", "staging"),
            Value,
            Some("Environment"),
        ),
        (
            "an unknown operation",
            with("tax.verify-employer", "tax.delete"),
            Value,
            Some("Operation"),
        ),
        (
            "a tax code of nine digits",
            with("9900000016", "990000001"),
            Value,
            Some("Mst"),
        ),
        (
            "a tax code with a space",
            with("9900000016", " 9900000016"),
            Value,
            Some("Mst"),
        ),
        (
            "a month in words",
            with("2026-10", "Oct 2026"),
            Value,
            Some("Period"),
        ),
        (
            "an unknown field",
            with(">fund<", ">salaries<"),
            Value,
            Some("Field"),
        ),
        ("a field twice", with(">fund<", ">arrears<"), Unique, None),
        (
            "no fields",
            with("<Field>fund</Field><Field>arrears</Field>", ""),
            Structure,
            Some("Fields"),
        ),
        (
            "text between elements",
            with("<Period>", "x<Period>"),
            Structure,
            None,
        ),
        (
            "half a binding",
            message(
                &HEADER.replace("</Header>", "<InReplyTo>tax-00000001</InReplyTo></Header>"),
                ASK,
            ),
            Structure,
            None,
        ),
        (
            "a name of 256 letters",
            message(
                HEADER,
                &format!(
                    "<VerifyEmployerResult><Result>hasData</Result>\
            <Mst>9900000016</Mst><Period>2026-10</Period><Name>{}</Name></VerifyEmployerResult>",
                    "ệ".repeat(256)
                ),
            ),
            Value,
            Some("Name"),
        ),
        (
            "a negative fund",
            message(
                HEADER,
                "<VerifyEmployerResult><Result>hasData</Result>\
            <Mst>9900000016</Mst><Period>2026-10</Period><Fund>-1</Fund></VerifyEmployerResult>",
            ),
            Value,
            Some("Fund"),
        ),
    ]
}

#[test]
fn valid_documents_pass() {
    for (what, document) in valid() {
        assert_eq!(validate_tax_v1(document.as_bytes()), Ok(()), "{what}");
    }
}

#[test]
fn each_invalid_document_is_refused_by_its_rule_at_its_element() {
    for (what, document, rule, element) in invalid() {
        let error = validate_tax_v1(document.as_bytes()).unwrap_err();
        assert_eq!(error.rule, rule, "{what}");
        if element.is_some() {
            assert_eq!(error.element, element, "{what}");
        }
        assert_eq!(error.line, 1, "{what}");
    }
}

#[test]
fn the_outline_differs_by_the_patterns_alone() {
    for (what, document) in valid() {
        assert_eq!(outline_tax_v1(document.as_bytes()), Ok(()), "{what}");
    }
    let mut by_pattern = 0;
    for (what, document, rule, _) in invalid() {
        match outline_tax_v1(document.as_bytes()) {
            Err(error) => assert_eq!(Some(error), validate_tax_v1(document.as_bytes()).err()),
            Ok(()) => {
                assert_eq!(rule, Rule::Value, "{what}");
                by_pattern += 1;
            }
        }
    }
    assert!(by_pattern > 0, "a schema has patterns");
    assert!(!without_patterns(TAX_V1).contains("pattern value"));
}

#[test]
fn the_validator_underneath_overlooks_an_attribute_on_a_value_so_the_typed_reader_refuses_it() {
    let document = message(HEADER, &ASK.replace("<Mst>", "<Mst x=\"1\">"));
    assert_eq!(validate_tax_v1(document.as_bytes()), Ok(()));
    let error = crate::wire::tax::decode(document.as_bytes()).unwrap_err();
    assert_eq!((error.field, error.reason), ("Mst", "attribute-unexpected"));
}

#[test]
fn what_is_no_document_is_refused_without_panic() {
    for bytes in [&b""[..], b"<a", b"\xFF", b"<!DOCTYPE a><a/>"] {
        assert_eq!(validate_tax_v1(bytes).unwrap_err().rule, Rule::Document);
    }
}

#[test]
fn a_refusal_quotes_nothing_of_the_document() {
    let document = message(HEADER, &ASK.replace("9900000016", "secret"));
    let error = validate_tax_v1(document.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "schema-value at Mst in line 1");
}

#[test]
fn xmllint_gives_the_same_verdicts() {
    if Command::new("xmllint").arg("--version").output().is_err() {
        println!("not run: xmllint is not installed");
        return;
    }
    let folder = std::env::temp_dir().join(format!("tax-xsd-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (schema, instance) = (folder.join("tax.xsd"), folder.join("one.xml"));
    std::fs::write(&schema, TAX_V1).unwrap();
    let passes = |document: &str| {
        std::fs::write(&instance, document).unwrap();
        let run = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema"])
            .args([&schema, &instance])
            .output()
            .unwrap();
        run.status.success()
    };
    for (what, document) in valid() {
        assert!(passes(&document), "{what}");
    }
    for (what, document, ..) in invalid() {
        assert!(!passes(&document), "{what}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
