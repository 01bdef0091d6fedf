use super::words::{answer, proven};
use super::*;
use crate::identity::tests::write_agency;
use crate::jws::Draft;

const BODY: &str = "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Header>\
    <bca:MaYeuCau xmlns:bca=\"http://dancuquocgia.bca\">question-0001</bca:MaYeuCau></soapenv:Header><soapenv:Body>\
    <qldc:XacMinhThongTinNhanThan xmlns:qldc=\"http://gtel.vn/qldc\">\
    <dc:MaYeuCau xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">question-0001</dc:MaYeuCau>\
    <dc:MaTichHop xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">VSS-99</dc:MaTichHop>\
    <dc:MaDVC xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">2.000986</dc:MaDVC>\
    <dc:MaCanBo xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">LIEN-THONG-99</dc:MaCanBo>\
    <dc:HoVaTen xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">Lê Gia An</dc:HoVaTen>\
    <dc:SoDinhDanh xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">099226000001</dc:SoDinhDanh>\
    <dc:NgayThangNamSinh xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\"><dc:NgayThangNam>20261120</dc:NgayThangNam>\
    </dc:NgayThangNamSinh></qldc:XacMinhThongTinNhanThan></soapenv:Body></soapenv:Envelope>";

/// The database's own reading of a body that the gateway signed so; the test's gateway has the agency's key.
fn read(body: &str, bend: impl Fn(Draft) -> Draft) -> Result<(String, String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    write_agency(folder.path(), PARTNER);
    let identity = Identity::load(folder.path()).unwrap();
    let draft = Draft::new(&identity, "population.verify", PATH, body.into());
    let draft = draft
        .set("kid", "vss-1")
        .set("iss", "vss")
        .set("aud", PARTNER)
        .set("jti", "question-0001");
    let sent = bend(draft).sign(&identity.sign).unwrap();
    let question = proven(&identity, sent.signature.as_deref(), body.as_bytes())?;
    Ok((question.name, question.number, question.born))
}

#[test]
fn a_question_is_read_only_where_every_element_and_the_signature_are_in_order() {
    let same = |draft| draft;
    let read_well = read(BODY, same).unwrap();
    let expected = ("Lê Gia An", "099226000001", "20261120");
    assert_eq!((&*read_well.0, &*read_well.1, &*read_well.2), expected);
    for (from, to, wrong) in [
        ("VSS-99", "TCT-99", "who asks"),
        ("099226000001", "09922600000", "SoDinhDanh"),
        (">20261120<", ">2026<", "NgayThangNam"),
        ("bca:MaYeuCau", "bca:Ma", "the header block"),
        ("qldc\">", "other\">", "an envelope of another form"),
        (
            "<soapenv:Header>",
            "<!-- --><soapenv:Header>",
            "not canonical XML",
        ),
    ] {
        assert_eq!(read(&BODY.replace(from, to), same).unwrap_err(), wrong);
    }
    let more = BODY.replace(
        "</qldc:",
        "<dc:GioiTinh xmlns:dc=\"http://www.mic.gov.vn/dancu/1.0\">1</dc:GioiTinh></qldc:",
    );
    assert!(
        read(&more, same).unwrap_err().ends_with("dc:GioiTinh"),
        "more than is needed"
    );
    let bent = |name: &'static str, value: &'static str| {
        read(BODY, move |draft| draft.set(name, value)).unwrap_err()
    };
    assert_eq!(bent("op", "civil.status"), "operation");
    assert_eq!(bent("aud", "tax"), "receiver");
    assert_eq!(bent("jti", "question-0002"), "MaYeuCau");
}

#[test]
fn an_answer_tells_of_the_person_or_of_nobody() {
    let person = Person {
        name: "Lê Gia <An>".into(),
        sex: 1,
        born: "2026".into(),
        mother: "099193000001".into(),
        ..Person::default()
    };
    let text = answer("question-0001", Some(("099226000001", &person)));
    assert!(text.contains("<SoCongDan>1</SoCongDan>") && text.contains("<Nam>2026</Nam>"));
    assert!(text.contains("<Ten>&lt;An&gt;</Ten>"));
    assert!(crate::xml::read(&text).is_some());
    assert!(answer("question-0001", None).contains("<SoCongDan>0</SoCongDan>"));
    assert!(!format!("{person:?}").contains("An"));
}
