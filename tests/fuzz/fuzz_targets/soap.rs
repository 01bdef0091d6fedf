//! X-Road's SOAP with or without files: no panic, an answer that is a whole envelope with the same header block, and
//! files that are all that came between the boundaries.
#![no_main]

use gateway_fuzz::edited;
use libfuzzer_sys::fuzz_target;
use schemas::wire::xroad::related::{ATTACHMENTS_MAX, Related};
use schemas::wire::xroad::soap::{self, ENVELOPE, Message};
use schemas::xml::Element;

const ENVELOPE_OF_A_CLIENT: &str = "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
    xmlns:x=\"http://x-road.eu/xsd/xroad.xsd\" xmlns:i=\"http://x-road.eu/xsd/identifiers\"><s:Header>\
    <x:client i:objectType=\"SUBSYSTEM\"><i:xRoadInstance>VN</i:xRoadInstance><i:memberClass>GOV</i:memberClass>\
    <i:memberCode>a</i:memberCode><i:subsystemCode>portal</i:subsystemCode></x:client>\
    <x:service i:objectType=\"SERVICE\"><i:xRoadInstance>VN</i:xRoadInstance><i:memberClass>GOV</i:memberClass>\
    <i:memberCode>vss</i:memberCode><i:serviceCode>NopHoSo</i:serviceCode></x:service>\
    <x:id>message-1</x:id><x:userId>VN&#49;</x:userId><x:protocolVersion>4.0</x:protocolVersion></s:Header>\
    <s:Body><NopHoSo xmlns=\"urn:p\"><MaHoSo>1</MaHoSo></NopHoSo></s:Body></s:Envelope>";
const TYPE: &str = "multipart/related; boundary=b; type=\"text/xml\"; start=\"<root>\"";

fn multipart() -> Vec<u8> {
    format!(
        "--b\r\nContent-Type: text/xml\r\nContent-ID: <root>\r\n\r\n{ENVELOPE_OF_A_CLIENT}\r\n--b\r\nContent-ID: <f>\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
    )
    .into_bytes()
}

fn envelope(bytes: &[u8]) {
    let Ok(message) = Message::read(bytes) else {
        return;
    };
    let answer = message.frame.answer(b"<r xmlns=\"urn:p\"></r>");
    let Ok(read) = Element::parse(&answer, &soap::LIMITS) else {
        // a short body may have been where the bound of bytes was
        assert!(answer.len() > soap::LIMITS.bytes_max, "an answer that nobody can read");
        return;
    };
    let [header, body] = read.children.as_slice() else {
        panic!("an answer is a header and a body");
    };
    assert!(header.is(ENVELOPE, "Header") && body.is(ENVELOPE, "Body"));
    assert!(body.children.len() == 1 && body.children[0].is("urn:p", "r"));
    // who is answered is who asked
    let block = header.children.iter().filter(|one| one.is(soap::FIELDS, "id"));
    let ids: Vec<_> = block.map(|one| one.text.as_str()).collect();
    assert_eq!(ids, [message.block.id.as_str()]);
}

fn related(kind: &str, body: &[u8]) {
    let Ok(read) = Related::read(kind, body) else {
        return;
    };
    assert!(read.attachments.len() <= ATTACHMENTS_MAX);
    let kept: usize = read.attachments.iter().map(|one| one.content.len()).sum();
    assert!(kept + read.soap.len() <= body.len(), "more than came");
    envelope(read.soap);
}

fuzz_target!(|bytes: &[u8]| {
    let Some((way, bytes)) = bytes.split_first() else {
        return;
    };
    match way % 5 {
        0 => envelope(bytes),
        1 => envelope(&edited(ENVELOPE_OF_A_CLIENT.as_bytes(), bytes)),
        2 => related(TYPE, bytes),
        3 => related(TYPE, &edited(&multipart(), bytes)),
        _ => {
            let kind = edited(TYPE.as_bytes(), bytes);
            related(&String::from_utf8_lossy(&kind), &multipart());
        }
    }
});
