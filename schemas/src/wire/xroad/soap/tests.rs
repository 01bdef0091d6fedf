use super::*;

/// A message as a real consumer's library writes it, with one entry of somebody else's.
const GOOD: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xrd="http://x-road.eu/xsd/xroad.xsd" xmlns:id="http://x-road.eu/xsd/identifiers" xmlns:p="urn:p">
 <soapenv:Header>
  <xrd:client id:objectType="SUBSYSTEM"><id:xRoadInstance>VN</id:xRoadInstance><id:memberClass>GOV</id:memberClass><id:memberCode>000.00.00.X99</id:memberCode><id:subsystemCode>portal</id:subsystemCode></xrd:client>
  <xrd:service id:objectType="SERVICE"><id:xRoadInstance>VN</id:xRoadInstance><id:memberClass>GOV</id:memberClass><id:memberCode>vss</id:memberCode><id:serviceCode>NopHoSo</id:serviceCode><id:serviceVersion>v1</id:serviceVersion></xrd:service>
  <xrd:id>5f1f6e1c-0000-4000-8000-000000000001</xrd:id>
  <other xmlns="urn:other" a="1">x &amp; y</other>
  <xrd:userId>VN1&#x1EA3;</xrd:userId>
  <xrd:protocolVersion>4.0</xrd:protocolVersion>
 </soapenv:Header>
 <soapenv:Body><p:NopHoSo><p:MaHoSo>1</p:MaHoSo></p:NopHoSo></soapenv:Body>
</soapenv:Envelope>"#;

fn why(text: &str) -> (&'static str, Option<&'static str>) {
    let error = Message::read(text.as_bytes()).unwrap_err();
    (error.reason, error.field)
}

/// The good message with one piece of it replaced; the piece must be there.
fn bent(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replacen(from, to, 1)
}

fn without(from: &str, until: &str) -> String {
    let start = GOOD.find(from).unwrap();
    let end = start + GOOD[start..].find(until).unwrap() + until.len();
    format!("{}{}", &GOOD[..start], &GOOD[end..])
}

#[test]
fn a_message_is_read_and_its_answer_bears_its_header_block_byte_for_byte() {
    let read = Message::read(GOOD.as_bytes()).unwrap();
    let block = &read.block;
    assert_eq!(block.client.to_string(), "VN/GOV/000.00.00.X99/portal");
    assert_eq!(block.provider.to_string(), "VN/GOV/vss");
    assert_eq!(
        (block.service.as_str(), block.version.as_deref()),
        ("NopHoSo", Some("v1"))
    );
    assert_eq!(block.id.as_str(), "5f1f6e1c-0000-4000-8000-000000000001");
    assert!(read.wrapper.is("urn:p", "NopHoSo"));

    let answer = read.frame.answer(b"<r xmlns=\"urn:p\">1</r>");
    let answer = std::str::from_utf8(&answer).unwrap();
    let block = |text: &str| {
        let start = text.find("<soapenv:Header>").unwrap();
        text[start..text.find("</soapenv:Header>").unwrap()].to_owned()
    };
    assert_eq!(block(answer), block(GOOD));
    let parsed = Element::parse(answer.as_bytes(), &LIMITS).unwrap();
    assert!(parsed.is(ENVELOPE, "Envelope") && parsed.children[1].is(ENVELOPE, "Body"));
    assert!(parsed.children[1].children[0].is("urn:p", "r"));
    assert_eq!(parsed.children[0].children.len(), 6);
}

#[test]
fn an_envelope_without_prefix_and_one_after_a_byte_order_mark_are_answered_as_well() {
    let plain = GOOD
        .replace("soapenv:", "")
        .replace("xmlns:soapenv=", "xmlns=");
    assert!(plain.contains("<Envelope xmlns=") && plain.contains("</Body>"));
    // a prefix that begins like the name
    let alike = GOOD.replace("soapenv", "Envelope1");
    let marked = format!("\u{feff}{GOOD}");
    for text in [plain.as_str(), alike.as_str(), marked.as_str()] {
        let read = Message::read(text.as_bytes()).unwrap();
        let answer = read.frame.answer(b"<r xmlns=\"urn:p\"/>");
        let parsed = Element::parse(&answer, &LIMITS).unwrap();
        assert!(parsed.children[1].is(ENVELOPE, "Body"), "{text}");
    }
    let mut twice = "\u{feff}\u{feff}".to_owned();
    twice += GOOD;
    assert_eq!(why(&twice).0, "xml-bom");
}

#[test]
fn every_field_of_the_block_is_there_once_and_says_what_the_protocol_asks() {
    let twice = |line: &str| {
        assert!(GOOD.contains(line), "{line}");
        GOOD.replacen(line, &format!("{line}{line}"), 1)
    };
    for (text, reason, field) in [
        (
            without("<xrd:client", "</xrd:client>"),
            "soap-header-field-missing",
            Some("client"),
        ),
        (
            without("<xrd:service", "</xrd:service>"),
            "soap-header-field-missing",
            Some("service"),
        ),
        (
            without("<xrd:id>", "</xrd:id>"),
            "soap-header-field-missing",
            Some("id"),
        ),
        (
            without("<xrd:protocolVersion>", "</xrd:protocolVersion>"),
            "soap-header-field-missing",
            Some("protocolVersion"),
        ),
        (
            without("<soapenv:Header>", "</soapenv:Header>"),
            "soap-header-missing",
            None,
        ),
        (
            twice("<xrd:protocolVersion>4.0</xrd:protocolVersion>"),
            "soap-header-twice",
            Some("protocolVersion"),
        ),
        (
            twice("<xrd:id>5f1f6e1c-0000-4000-8000-000000000001</xrd:id>"),
            "soap-header-twice",
            Some("id"),
        ),
        (
            twice("<xrd:userId>VN1&#x1EA3;</xrd:userId>"),
            "soap-header-twice",
            Some("userId"),
        ),
        (
            bent(">4.0<", ">3.1<"),
            "soap-protocol-version",
            Some("protocolVersion"),
        ),
        (bent(">5f1f6e1c-", ">a b "), "soap-id", Some("id")),
        (bent("SUBSYSTEM", "MEMBER"), "soap-client", Some("client")),
        (
            bent("<id:memberClass>GOV</id:memberClass>", ""),
            "soap-client",
            Some("client"),
        ),
        (bent("X99<", "X99/a<"), "soap-client", Some("client")),
        (
            bent("<id:subsystemCode>portal", "<id:subsystemCode>.."),
            "soap-client",
            Some("client"),
        ),
        (
            bent("id:objectType=\"SERVICE\"", ""),
            "soap-service",
            Some("service"),
        ),
        (
            bent("<id:serviceCode>NopHoSo</id:serviceCode>", ""),
            "soap-service",
            Some("service"),
        ),
        (
            bent("<id:serviceCode>NopHoSo<", "<id:serviceCode>Khac<"),
            "soap-service-code",
            Some("serviceCode"),
        ),
        (
            bent(
                "<xrd:userId>",
                "<xrd:requestHash>AA</xrd:requestHash><xrd:userId>",
            ),
            "soap-request-hash",
            Some("requestHash"),
        ),
        (
            bent("a=\"1\"", "soapenv:mustUnderstand=\"1\""),
            "soap-must-understand",
            None,
        ),
    ] {
        assert_eq!(why(&text), (reason, field), "{text}");
    }
    // what X-Road itself defines is understood
    let must = bent("<xrd:id>", "<xrd:id soapenv:mustUnderstand=\"1\">");
    assert!(Message::read(must.as_bytes()).is_ok());
}

#[test]
fn an_envelope_of_another_shape_is_refused_by_its_name() {
    let body = "<soapenv:Body><p:NopHoSo><p:MaHoSo>1</p:MaHoSo></p:NopHoSo></soapenv:Body>";
    let moved = bent(body, "").replacen("<soapenv:Header>", &format!("{body}<soapenv:Header>"), 1);
    for (text, reason) in [
        (
            bent(
                "http://schemas.xmlsoap.org/soap/envelope/",
                "http://www.w3.org/2003/05/soap-envelope",
            ),
            "soap-version",
        ),
        (
            bent("http://schemas.xmlsoap.org/soap/envelope/", "urn:x"),
            "soap-envelope",
        ),
        (
            bent("xmlns:p=\"urn:p\"", "xmlns:p=\"urn:p\" k=\"1\""),
            "soap-attribute",
        ),
        (
            bent(
                "xmlns:p=\"urn:p\"",
                "xmlns:p=\"urn:p\" soapenv:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"",
            ),
            "soap-encoding",
        ),
        (
            bent("<soapenv:Body>", "<soapenv:Body k=\"1\">"),
            "soap-attribute",
        ),
        (bent("<soapenv:Body>", "<soapenv:Body>text"), "soap-text"),
        (bent(body, ""), "soap-body-missing"),
        (moved, "soap-header-missing"),
        (bent(body, &format!("{body}{body}")), "soap-structure"),
        (bent("</p:NopHoSo>", "</p:NopHoSo><p:b/>"), "soap-body"),
        (
            bent("<p:NopHoSo><p:MaHoSo>1</p:MaHoSo></p:NopHoSo>", ""),
            "soap-body",
        ),
        (
            bent(
                "<p:MaHoSo>1",
                "<p:MaHoSo><x:Include xmlns:x=\"http://www.w3.org/2004/08/xop/include\" href=\"cid:a\"/>",
            ),
            "soap-xop",
        ),
        (
            bent("?>", "?><!DOCTYPE a [<!ENTITY e \"x\">]>"),
            "xml-doctype",
        ),
        (bent(">1<", ">&e;<"), "xml-entity"),
        (bent("<p:MaHoSo>", "<!-- x --><p:MaHoSo>"), "xml-comment"),
        (bent(">1<", "><![CDATA[1]]><"), "xml-cdata"),
        (bent("UTF-8", "UTF-16"), "xml-encoding"),
        (
            bent("<p:MaHoSo>1</p:MaHoSo>", "<q:MaHoSo>1</q:MaHoSo>"),
            "xml-namespace",
        ),
        (
            bent(
                "<p:MaHoSo>1</p:MaHoSo>",
                &format!("{}{}", "<p:a>".repeat(11), "</p:a>".repeat(11)),
            ),
            "xml-too-deep",
        ),
        (bent("x &amp; y", &"x".repeat(8 << 10)), "soap-header-bytes"),
        (format!("{GOOD}{GOOD}"), "xml-processing-instruction"),
        (GOOD[..GOOD.len() - 4].to_owned(), "xml-truncated"),
        (String::new(), "xml-no-root"),
    ] {
        assert_eq!(why(&text).0, reason, "{text}");
    }
    let huge = Message::read(&vec![b' '; LIMITS.bytes_max + 1]).unwrap_err();
    assert_eq!(Fault::from(huge).code(), FaultCode::TooLarge);
}

#[test]
fn a_fault_says_code_sentence_and_id_in_both_spellings_and_nothing_of_the_message() {
    let said = Fault::new(FaultCode::Malformed, "soap-header-twice")
        .field("client")
        .log("VN/GOV/secret");
    let text = |spelling| String::from_utf8(fault(&said, spelling, "an-id")).unwrap();
    let new = text(Spelling::New);
    let parsed = Element::parse(new.as_bytes(), &LIMITS).unwrap();
    let body = &parsed.children[0];
    assert!(body.is(ENVELOPE, "Body") && body.children[0].is(ENVELOPE, "Fault"));
    let names: Vec<_> = body.children[0]
        .children
        .iter()
        .map(|one| (one.namespace.as_ref(), one.local))
        .collect();
    assert_eq!(
        names,
        [("", "faultcode"), ("", "faultstring"), ("", "detail")]
    );
    for part in [
        "<faultcode>client.duplicate_header_field</faultcode>",
        "(soap-header-twice)</faultstring>",
        "<detail><faultDetail>an-id</faultDetail>",
        "<Field>client</Field>",
    ] {
        assert!(new.contains(part), "{part} in {new}");
    }
    assert!(!new.contains("secret"));
    assert!(text(Spelling::Old).contains("<faultcode>Client.DuplicateHeaderField</faultcode>"));
    for (reason, code) in [
        ("soap-version", "SOAP-ENV:VersionMismatch"),
        ("soap-must-understand", "SOAP-ENV:MustUnderstand"),
        ("soap-header-field-missing", "client.missing_header_field"),
        ("soap-protocol-version", "client.invalid_protocol_version"),
        ("soap-body", "client.invalid_soap"),
        ("xml-doctype", "client.invalid_xml"),
        ("mime-truncated", "client.mime_parsing_failed"),
        ("else", "client.bad_request"),
    ] {
        let said = Fault::new(FaultCode::Malformed, reason);
        assert_eq!(fault_code(&said, Spelling::New), code, "{reason}");
    }
    let busy = Fault::new(FaultCode::InsuranceUnavailable, "down");
    assert_eq!(
        fault_code(&busy, Spelling::New),
        "server.service_failed.network_error"
    );
}
