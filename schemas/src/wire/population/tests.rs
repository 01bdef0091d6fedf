use jiff::civil::date;

use super::*;

fn question() -> Question {
    Question {
        id: MessageId::parse("0123456789abcdef-01").unwrap(),
        integration: "VSS".into(),
        service: "2.000986".into(),
        officer: "lien-thong".into(),
        name: PersonName::parse("Nguyễn Gia <An>".replace(['<', '>'], "").as_str()).unwrap(),
        pin: Pin::parse("099226000001").unwrap(),
        born: date(2026, 11, 20),
    }
}

fn answer(count: &str, citizens: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Header><h:MaYeuCau xmlns:h=\"{HEADER}\">0123456789abcdef-01\
         </h:MaYeuCau></s:Header><s:Body><q:{RESPONSE} xmlns:q=\"{SERVICE}\"><CongdanCollection xmlns=\"{DATA}\">\
         <SoCongDan>{count}</SoCongDan><GhiChu/><ThoiDiemDuLieu>20261123</ThoiDiemDuLieu><Id>1</Id>{citizens}\
         </CongdanCollection></q:{RESPONSE}></s:Body></s:Envelope>"
    )
}

const CITIZEN: &str = "<CongDan><SoDinhDanh>099226000001</SoDinhDanh><HoVaTen><Ho>Nguyễn</Ho><ChuDem>Gia</ChuDem>\
    <Ten>An</Ten></HoVaTen><GioiTinh>1</GioiTinh><TonGiao>00</TonGiao><NhomMau>O</NhomMau>\
    <NgayThangNamSinh><NgayThangNam>20261120</NgayThangNam></NgayThangNamSinh>\
    <Cha><HoVaTen>Nguyễn Văn Mẫu</HoVaTen></Cha><Me><SoDinhDanh>099193000001</SoDinhDanh></Me></CongDan>";

fn found(count: &str, citizens: &str) -> Result<Vec<Citizen>, &'static str> {
    match read(answer(count, citizens).as_bytes()) {
        Ok(Said::Found(id, citizens)) => {
            assert_eq!(id, question().id);
            Ok(citizens)
        }
        Ok(Said::Fault) => panic!("no fault"),
        Err(Unreadable(reason)) => Err(reason),
    }
}

#[test]
fn a_question_says_who_is_meant_and_nothing_else_and_is_read_back() {
    let bytes = encode(&question());
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert!(text.contains("<dc:NgayThangNam>20261120</dc:NgayThangNam>"));
    assert!(text.contains(&format!("<qldc:{OPERATION} xmlns:qldc=\"{SERVICE}\">")));
    for absent in ["GioiTinh", "Me>", "Cha>", "SoCMND"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert_eq!(decode(&bytes).unwrap(), question());
    assert!(!format!("{:?}", question()).contains("0992"));
}

#[test]
fn of_a_person_what_we_compare_is_read_and_the_rest_passed_over() {
    let citizens = found("1", CITIZEN).unwrap();
    let [one] = citizens.as_slice() else {
        panic!("one")
    };
    assert_eq!(one.pin, Some(question().pin));
    assert_eq!(
        (one.name.as_str(), one.sex),
        ("Nguyễn Gia An", Some(Sex::Male))
    );
    assert_eq!(
        one.born.as_ref().unwrap().complete(),
        Some(date(2026, 11, 20))
    );
    assert_eq!(one.mother.as_ref().unwrap().as_str(), "099193000001");
    assert_eq!(one.father, None);
    assert_eq!(found("0", "").unwrap(), []);
    let year = CITIZEN.replace("<NgayThangNam>20261120</NgayThangNam>", "<Nam>2026</Nam>");
    let one = found("1", &year).unwrap().remove(0);
    let born = one.born.unwrap();
    assert_eq!((born.complete(), born.year()), (None, 2026));
}

#[test]
fn a_fault_is_told_from_an_answer() {
    let fault = format!(
        "<s:Envelope xmlns:s=\"{ENVELOPE}\"><s:Header/><s:Body><s:Fault><faultcode>s:Server</faultcode>\
         <faultstring>busy</faultstring></s:Fault></s:Body></s:Envelope>"
    );
    assert_eq!(read(fault.as_bytes()), Ok(Said::Fault));
}

#[test]
fn whatever_could_mean_two_things_is_no_answer() {
    let whole = answer("1", CITIZEN);
    for (bytes, reason) in [
        (answer("2", CITIZEN), "count"),
        (answer("x", ""), "count"),
        (answer("0", CITIZEN), "count"),
        (
            format!("<!DOCTYPE x [<!ENTITY e \"x\">]>{whole}"),
            "xml-doctype",
        ),
        (whole.replace("<GioiTinh>1<", "<GioiTinh>7<"), "sex"),
        (whole.replace("20261120", "20261320"), "date"),
        (
            whole.replace("<SoDinhDanh>099226000001", "<SoDinhDanh>1"),
            "number",
        ),
        (
            whole.replace(
                "<GioiTinh>1</GioiTinh>",
                "<GioiTinh>1</GioiTinh><GioiTinh>2</GioiTinh>",
            ),
            "element-twice",
        ),
        (whole.replace("MaYeuCau", "MaKhac"), "answer-id"),
        (whole.replace(RESPONSE, "Khac"), "soap-body"),
        (whole.replace("s:Header", "s:Head"), "soap-envelope"),
        (
            whole.replace("O</NhomMau>", "&#x110000;</NhomMau>"),
            "xml-entity",
        ),
        (
            answer(
                "1",
                &CITIZEN.replace("<NhomMau>O", &format!("<NhomMau>{}", "O".repeat(8 << 10))),
            ),
            "xml-text-too-long",
        ),
        (answer("900", &CITIZEN.repeat(900)), "xml-too-large"),
    ] {
        assert_eq!(read(bytes.as_bytes()), Err(Unreadable(reason)), "{reason}");
    }
}
