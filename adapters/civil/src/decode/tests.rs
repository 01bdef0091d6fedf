use jiff::{Timestamp, civil::date};
use schemas::{
    id::{MessageId, PartnerId},
    wire::civil::{
        Address, BirthForm, BirthMessage, InsuranceBlock, RegistrationResult, StatusQuery, encode,
    },
};

use super::*;

pub(crate) mod deaths;

pub(crate) fn claims(operation: &str) -> Claims {
    Claims {
        sender: PartnerId::parse("dvclt").unwrap(),
        receiver: PartnerId::parse("vss").unwrap(),
        environment: gateway_core::partner::Environment::Sandbox,
        direction: gateway_core::Direction::Request,
        id: MessageId::parse("transmission-1").unwrap(),
        sent_at: Timestamp::from_second(1_795_000_000).unwrap(),
        operation: operation.to_owned(),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn place(commune: &str) -> Option<Address> {
    Some(Address {
        province: some("01"),
        district: None,
        commune: some(commune),
        detail: some("số 1 phố Mẫu"),
    })
}

/// A girl born on 2026-11-03 in Ba Đình, every number synthetic.
pub(crate) fn form() -> BirthForm {
    BirthForm {
        birth_notice: some("01001-GCS-26-0001"),
        registered_at: some("00004"),
        child_name: some("Nguyễn Thị Hoà"),
        child_sex: some("2"),
        child_born: some("03.11.2026"),
        declaration_kind: some("1"),
        mother_pin: some("099198000001"),
        mother_residence: place("00004"),
        requester_name: some("Nguyễn Văn Nam"),
        requester_phone: some("0900000000"),
        result: Some(RegistrationResult {
            pin: some("099326000001"),
            registered_on: some("20.11.2026"),
            registered_province: some("01"),
            registered_commune: some("00004"),
            child_name: some("NGUYỄN THỊ HÒA"),
            child_sex: Some(2),
            child_born: some("03.11.2026"),
            child_ethnicity: some("01"),
            child_nationality: some("VN"),
            mother_name: some("Trần Thị Bình"),
            mother_born: some("..1998"),
            father_name: some("Nguyễn Văn Nam"),
            father_born: some("05.06.1996"),
            number: some("123"),
            book: some("01/2026"),
            page: some("45"),
            ..RegistrationResult::default()
        }),
        insurance: Some(InsuranceBlock {
            facility: some("01001"),
            guardian: some("me"),
            phone: some("0911111111"),
            ..InsuranceBlock::default()
        }),
        ..BirthForm::default()
    }
}

pub(crate) fn message() -> BirthMessage {
    BirthMessage {
        unit: "00004".into(),
        module: "LTKS".into(),
        case_id: "G22.99.08-261120-000001".into(),
        received_at: "20/11/2026 09:30:00".into(),
        ..BirthMessage::default()
    }
}

fn read(message: &BirthMessage, form: &BirthForm) -> Result<Decoded<Said>, Fault> {
    let bytes = encode(&message.clone().with_form(form));
    decode("/civil/v1/NhanDKHT", claims("civil.birth"), &bytes)
}

pub(crate) fn birth() -> Birth {
    match read(&message(), &form()).unwrap().request.request {
        Request::Birth(birth) => *birth,
        _ => panic!("no birth"),
    }
}

/// Why the form is refused after `change`: fault code, reason, field.
fn refusal(change: impl FnOnce(&mut BirthForm)) -> (FaultCode, &'static str, Option<&'static str>) {
    let mut form = form();
    change(&mut form);
    why(read(&message(), &form))
}

fn why<T: std::fmt::Debug>(
    read: Result<T, Fault>,
) -> (FaultCode, &'static str, Option<&'static str>) {
    let fault = read.unwrap_err();
    (fault.code(), fault.reason(), fault.wrong_field())
}

fn result(form: &mut BirthForm) -> &mut RegistrationResult {
    form.result.as_mut().unwrap()
}

fn insurance(form: &mut BirthForm) -> &mut InsuranceBlock {
    form.insurance.as_mut().unwrap()
}

fn invalid(
    reason: &'static str,
    field: &'static str,
) -> (FaultCode, &'static str, Option<&'static str>) {
    (FaultCode::Invalid, reason, Some(field))
}

#[test]
fn a_registered_birth_is_read() {
    let decoded = read(&message(), &form()).unwrap();
    assert_eq!(decoded.operation.name, "civil.birth");
    assert_eq!(decoded.purpose, PURPOSE);
    assert!(decoded.synthetic);
    let birth = birth();
    assert_eq!(birth.child.born, date(2026, 11, 3));
    assert_eq!(
        (birth.child.commune.code, birth.child.commune.province),
        ("00004", "01")
    );
    assert_eq!(birth.guardian.relation, Relation::Mother);
    assert_eq!(birth.guardian.phone, "0911111111");
    assert_eq!(birth.received_at.to_string(), "2026-11-20T02:30:00Z");
    assert_eq!(birth.record.book, "01/2026");
}

#[test]
fn the_dedupe_id_is_the_module_and_the_inter_linked_code() {
    let id = MessageId::parse("LTKS-G22.99.08-261120-000001").unwrap();
    assert_eq!(
        read(&message(), &form()).unwrap().identity,
        Identity::Content(id)
    );
}

#[test]
fn the_content_digest_covers_the_raw_body() {
    let bytes = encode(&message().with_form(&form()));
    let decoded = decode("/civil/v1/NhanDKHT", claims("civil.birth"), &bytes).unwrap();
    assert_eq!(decoded.payload, bytes);
}

#[test]
fn names_in_nfc_and_nfd_are_one_name_and_the_signed_bytes_stay() {
    let (nfc, nfd) = (
        "Nguyễn Thị Hoà",
        "Nguye\u{302}\u{303}n Thi\u{323} Hoa\u{300}",
    );
    let read_with = |name: &str| {
        let mut form = form();
        form.child_name = some(name);
        result(&mut form).child_name = some(name);
        let decoded = read(&message(), &form).unwrap();
        assert!(
            String::from_utf8(decoded.payload.to_vec())
                .unwrap()
                .contains(name)
        );
        match decoded.request.request {
            Request::Birth(birth) => birth.child.name,
            _ => panic!("no birth"),
        }
    };
    assert!(read_with(nfc) == read_with(nfd));
}

#[test]
fn what_a_birth_abroad_and_foreign_parents_add_is_taken_and_changes_nothing_of_the_card() {
    let plain = form();
    let mut abroad = form();
    abroad.registration_kind = some("3");
    abroad.birth_place_abroad = some("Praha");
    abroad.foreign_number = some("1234/2026");
    abroad.foreign_on = some("10.11.2026");
    abroad.foreign_office = some("Úřad městské části Praha 4");
    abroad.foreign_country = some("CZ");
    // a father without a number of ours, known by his passport
    abroad.father_nationality = some("CZ");
    abroad.father_paper_kind = some("2");
    abroad.father_paper_number = some("CZ1234567");
    result(&mut abroad).father_nationality = some("CZ");
    let decoded = read(&message(), &abroad).unwrap();
    let body = String::from_utf8(decoded.payload.to_vec()).unwrap();
    for kept in ["1234/2026", "Praha 4", "CZ1234567"] {
        assert!(body.contains(kept), "the journal keeps {kept}");
    }
    let read = |form: &BirthForm| match read(&message(), form).unwrap().request.request {
        Request::Birth(birth) => *birth,
        _ => panic!("no birth"),
    };
    assert!(read(&abroad) == read(&plain));
    // a foreign child's nationality is the registered one
    result(&mut abroad).child_nationality = some("CZ");
    assert_eq!(read(&abroad).child.nationality, "CZ");
}

#[test]
fn a_pin_that_contradicts_the_birth_is_refused() {
    let with = |pin: &'static str| refusal(move |form| result(form).pin = some(pin));
    assert_eq!(
        with("099226000001"),
        invalid("pin-sex-mismatch", "soDinhDanh")
    );
    assert_eq!(
        with("099325000001"),
        invalid("pin-year-mismatch", "soDinhDanh")
    );
    assert_eq!(with("097326000001"), invalid("bad-pin", "soDinhDanh"));
    assert_eq!(with("09932600000"), invalid("bad-pin", "soDinhDanh"));
}

#[test]
fn a_commune_that_is_not_in_force_on_the_day_is_refused() {
    let unknown = |field| invalid("unknown-commune", field);
    assert_eq!(
        refusal(|form| form.mother_residence = place("00000")),
        unknown("meNoiCuTru")
    );
    assert_eq!(
        refusal(|form| insurance(form).residence = place("99999")),
        unknown("noiCuTru")
    );
    assert_eq!(
        refusal(|form| result(form).registered_commune = some("00001")),
        unknown("ndkksMaXa")
    );
    // A commune that ended with June 2025.
    assert_eq!(
        refusal(|form| form.mother_residence = place("00001")),
        unknown("meNoiCuTru")
    );
}

#[test]
fn a_birth_registered_before_the_merger_is_read_with_the_communes_of_that_day() {
    let mut form = form();
    result(&mut form).registered_on = some("20.06.2025");
    result(&mut form).child_born = some("03.06.2025");
    result(&mut form).pin = some("099325000001");
    result(&mut form).registered_commune = some("00001");
    form.child_born = some("03.06.2025");
    form.registered_at = some("00001");
    form.mother_residence = place("00001");
    let old = |unit: &str| BirthMessage {
        unit: unit.into(),
        received_at: "20/06/2025 09:30:00".into(),
        ..message()
    };
    for unit in ["00001", "001"] {
        let Request::Birth(birth) = read(&old(unit), &form).unwrap().request.request else {
            panic!("a poll")
        };
        assert_eq!(birth.record.commune.district, Some("001"));
    }
    assert_eq!(
        why(read(&old("002"), &form)),
        invalid("unit-and-result-differ", "maDonVi")
    );
}

#[test]
fn a_residence_is_the_childs_own_or_the_mothers_or_the_fathers_or_the_requesters() {
    type Set = fn(&mut BirthForm);
    let steps: [(Set, &str); 4] = [
        (|form| form.requester_residence = place("00004"), "00004"),
        (|form| form.father_residence = place("00008"), "00008"),
        (|form| form.mother_residence = place("00004"), "00004"),
        (|form| insurance(form).residence = place("00008"), "00008"),
    ];
    let mut form = form();
    form.mother_residence = None;
    assert_eq!(
        why(read(&message(), &form)),
        invalid("missing-field", "noiCuTru")
    );
    for (set, commune) in steps {
        set(&mut form);
        let Request::Birth(birth) = read(&message(), &form).unwrap().request.request else {
            panic!("a poll")
        };
        assert_eq!(birth.child.commune.code, commune);
    }
}

#[test]
fn a_province_that_is_not_the_communes_is_refused() {
    let wrong =
        |form: &mut BirthForm| form.mother_residence.as_mut().unwrap().province = some("79");
    assert_eq!(
        refusal(wrong),
        invalid("province-and-commune-differ", "meNoiCuTru")
    );
    let wrong = |form: &mut BirthForm| result(form).registered_province = some("79");
    assert_eq!(
        refusal(wrong),
        invalid("province-and-commune-differ", "ndkksMaTinh")
    );
}

#[test]
fn dates_that_cannot_be_are_refused() {
    assert_eq!(
        refusal(|form| result(form).registered_on = some("31.11.2026")),
        invalid("bad-date", "ngayDangKy")
    );
    assert_eq!(
        refusal(|form| result(form).child_born = some("2026-11-03")),
        invalid("bad-date", "nksNgaySinh")
    );
    assert_eq!(
        refusal(|form| result(form).mother_born = some(".13.1998")),
        invalid("bad-date", "meNgaySinh")
    );
    assert_eq!(
        refusal(|form| result(form).father_born = some("x")),
        invalid("bad-date", "chaNgaySinh")
    );
    let late = |form: &mut BirthForm| result(form).registered_on = some("21.11.2026");
    assert_eq!(
        refusal(late),
        invalid("registered-after-received", "ngayDangKy")
    );
    let unborn = |form: &mut BirthForm| result(form).child_born = some("21.11.2026");
    assert_eq!(
        refusal(unborn),
        invalid("birth-after-registration", "nksNgaySinh")
    );
    for text in [
        "20/11/2026",
        "20/11/2026 9:30:00",
        "20/11/2026 24:00:00",
        "20-11-2026 09:30:00",
        "20/11/2026 09.30.00",
        "",
        "20/11/2026 09:30:0á",
    ] {
        let message = BirthMessage {
            received_at: text.into(),
            ..message()
        };
        assert_eq!(
            why(read(&message, &form())),
            invalid("bad-date", "ngayTiepNhan"),
            "{text}"
        );
    }
}

#[test]
fn names_that_are_none_are_refused() {
    let with = |name: &'static str| refusal(move |form| result(form).child_name = some(name));
    assert_eq!(with("Nguyễn\u{202E}Thị"), invalid("bad-name", "nksHoTen"));
    assert_eq!(with("Нгуен"), invalid("bad-name", "nksHoTen"));
    assert_eq!(
        refusal(|form| result(form).mother_name = some("12")),
        invalid("bad-name", "meHoTen")
    );
    assert_eq!(
        refusal(|form| result(form).father_name = some("a<b>")),
        invalid("bad-name", "chaHoTen")
    );
}

#[test]
fn codes_outside_their_list_are_refused() {
    let unknown = |field| invalid("unknown-code", field);
    assert_eq!(
        refusal(|form| result(form).child_sex = Some(4)),
        unknown("nksGioiTinh")
    );
    assert_eq!(
        refusal(|form| result(form).child_ethnicity = some("56")),
        unknown("nksDanToc")
    );
    assert_eq!(
        refusal(|form| result(form).child_nationality = some("Vn")),
        unknown("nksQuocTich")
    );
    assert_eq!(
        refusal(|form| form.declaration_kind = some("6")),
        unknown("nksLoaiKhaiSinh")
    );
    assert_eq!(
        refusal(|form| insurance(form).guardian = some("ong")),
        unknown("nguoiGiamHo")
    );
    assert_eq!(
        refusal(|form| insurance(form).facility = some("0100")),
        invalid("bad-facility", "noiKCBBanDau")
    );
    assert_eq!(
        refusal(|form| form.mother_pin = some("1")),
        invalid("bad-pin", "meSoDDCN")
    );
    assert_eq!(
        refusal(|form| form.father_pin = some("1")),
        invalid("bad-pin", "chaSoDDCN")
    );
}

#[test]
fn an_abandoned_child_has_no_parents_and_the_requester_is_its_guardian() {
    let mut form = form();
    form.declaration_kind = some("5");
    form.mother_residence = None;
    form.mother_pin = None;
    form.requester_residence = place("00004");
    insurance(&mut form).guardian = some("nyc");
    let result = result(&mut form);
    (result.mother_name, result.mother_born) = (None, None);
    (result.father_name, result.father_born) = (None, None);
    let Request::Birth(birth) = read(&message(), &form).unwrap().request.request else {
        panic!("no birth")
    };
    assert!(birth.mother.is_none() && birth.father.is_none());
    assert_eq!(birth.guardian.relation, Relation::Requester);
    assert_eq!(birth.child.declaration_kind, 5);
}

#[test]
fn a_parent_who_is_said_to_be_unknown_is_not_named() {
    let differ = invalid("kind-and-parents-differ", "nksLoaiKhaiSinh");
    for kind in ["2", "3", "4", "5"] {
        assert_eq!(
            refusal(|form| form.declaration_kind = some(kind)),
            differ,
            "{kind}"
        );
    }
    for (kind, without_mother) in [("2", true), ("3", false)] {
        let mut form = form();
        form.declaration_kind = some(kind);
        insurance(&mut form).guardian = some(if without_mother { "cha" } else { "me" });
        let result = result(&mut form);
        match without_mother {
            true => result.mother_name = None,
            false => result.father_name = None,
        }
        let Request::Birth(birth) = read(&message(), &form).unwrap().request.request else {
            panic!("no birth")
        };
        assert_eq!(
            (birth.mother.is_none(), birth.father.is_none()),
            (without_mother, !without_mother)
        );
    }
}

#[test]
fn what_must_be_there_is_named_when_it_is_not() {
    let missing = |field| invalid("missing-field", field);
    assert_eq!(refusal(|form| form.result = None), missing("ketQuaXuLy"));
    assert_eq!(refusal(|form| form.insurance = None), missing("baoHiem"));
    assert_eq!(
        refusal(|form| result(form).pin = None),
        missing("soDinhDanh")
    );
    assert_eq!(
        refusal(|form| result(form).child_name = some("  ")),
        missing("nksHoTen")
    );
    assert_eq!(
        refusal(|form| result(form).child_sex = None),
        missing("nksGioiTinh")
    );
    assert_eq!(
        refusal(|form| result(form).child_born = None),
        missing("nksNgaySinh")
    );
    assert_eq!(
        refusal(|form| result(form).child_ethnicity = None),
        missing("nksDanToc")
    );
    assert_eq!(
        refusal(|form| result(form).child_nationality = None),
        missing("nksQuocTich")
    );
    assert_eq!(
        refusal(|form| result(form).registered_on = None),
        missing("ngayDangKy")
    );
    assert_eq!(
        refusal(|form| result(form).registered_commune = None),
        missing("ndkksMaXa")
    );
    assert_eq!(
        refusal(|form| result(form).number = None),
        missing("soDangKy")
    );
    assert_eq!(refusal(|form| result(form).book = None), missing("quyenSo"));
    assert_eq!(
        refusal(|form| form.declaration_kind = None),
        missing("nksLoaiKhaiSinh")
    );
    assert_eq!(
        refusal(|form| insurance(form).facility = None),
        missing("noiKCBBanDau")
    );
    assert_eq!(
        refusal(|form| insurance(form).guardian = None),
        missing("nguoiGiamHo")
    );
    assert_eq!(
        refusal(|form| result(form).mother_name = None),
        missing("meHoTen")
    );
    let fatherless = |form: &mut BirthForm| {
        insurance(form).guardian = some("cha");
        result(form).father_name = None;
    };
    assert_eq!(refusal(fatherless), missing("chaHoTen"));
    let nobody = |form: &mut BirthForm| {
        insurance(form).guardian = some("nyc");
        form.requester_name = None;
    };
    assert_eq!(refusal(nobody), missing("nycHoTen"));
}

#[test]
fn a_form_about_another_child_than_the_result_is_refused() {
    let differ = |field| invalid("form-and-result-differ", field);
    assert_eq!(
        refusal(|form| form.child_name = some("Nguyễn Thị Hoa")),
        differ("nksHoTen")
    );
    assert_eq!(
        refusal(|form| form.child_sex = some("1")),
        differ("nksGioiTinh")
    );
    assert_eq!(
        refusal(|form| form.child_born = some("04.11.2026")),
        differ("nksNgaySinh")
    );
    let elsewhere = |form: &mut BirthForm| form.registered_at = some("00008");
    assert_eq!(
        refusal(elsewhere),
        invalid("unit-and-result-differ", "noiDangKy")
    );
    let unit = BirthMessage {
        unit: "00008".into(),
        ..message()
    };
    assert_eq!(
        why(read(&unit, &form())),
        invalid("unit-and-result-differ", "maDonVi")
    );
}

#[test]
fn texts_are_bounded_and_hold_no_control_character() {
    assert_eq!(
        refusal(|form| result(form).book = Some("9".repeat(51))),
        invalid("text-too-long", "quyenSo")
    );
    assert_eq!(
        refusal(|form| form.birth_notice = some("a\u{7}b")),
        invalid("control-character", "maGCS")
    );
    let long = |form: &mut BirthForm| {
        form.mother_residence.as_mut().unwrap().detail = Some("ă".repeat(1_025))
    };
    assert_eq!(refusal(long), invalid("text-too-long", "meNoiCuTru"));
}

#[test]
fn a_marriage_is_not_for_us_and_each_module_has_its_operation() {
    for (module, reason) in [
        ("LTKT", "operation-and-module-differ"),
        ("LTCC", "operation-and-module-differ"),
        ("LTKH", "module-not-for-us"),
    ] {
        let message = BirthMessage {
            module: module.into(),
            ..message()
        };
        assert_eq!(why(read(&message, &form())), invalid(reason, "module"));
    }
    let message = BirthMessage {
        module: "LTKX".into(),
        ..message()
    };
    assert_eq!(
        why(read(&message, &form())),
        invalid("unknown-code", "module")
    );
}

#[test]
fn a_case_id_that_is_no_dossier_code_is_refused() {
    for id in [
        "",
        "1",
        "G22.99.08-261120-1",
        "G22.99.08-261120-000001\n1",
        "../../G22-261120-0001",
    ] {
        let message = BirthMessage {
            case_id: id.into(),
            ..message()
        };
        assert_eq!(
            why(read(&message, &form())),
            invalid("bad-case-id", "maHoSoLT"),
            "{id}"
        );
    }
}

/// The form as XML, an element for each member.
fn as_xml(name: &str, value: &serde_json::Value) -> String {
    let inner = match value {
        serde_json::Value::Object(members) => members
            .iter()
            .map(|(name, value)| as_xml(name, value))
            .collect(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("<{name}>{inner}</{name}>")
}

#[test]
fn the_form_as_an_object_or_as_xml_says_what_it_says_as_a_text() {
    let form = serde_json::to_value(form()).unwrap();
    let read = |data: serde_json::Value| {
        let mut envelope = serde_json::to_value(message()).unwrap();
        envelope["data"] = data;
        let bytes = envelope.to_string().into_bytes();
        decode("/civil/v1/NhanDKHT", claims("civil.birth"), &bytes)
    };
    let xml = as_xml("hoTich", &form);
    assert!(xml.contains("<nksGioiTinh>2</nksGioiTinh>"));
    let told = |data| read(data).unwrap().request;
    let text = told(form.to_string().into());
    assert!(text == told(form.clone()));
    assert!(text == told(xml.clone().into()));
    // with a declaration, white space, and what is empty
    let spaced = xml.replace("<ketQuaXuLy>", "\n <meHoTen/> <ketQuaXuLy>\n  ");
    let spaced = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{spaced}\n");
    assert!(text == told(spaced.into()));
    let bent = |from: &str, to: &str| why(read(xml.replacen(from, to, 1).into()));
    for (from, to, code, reason) in [
        (
            "<hoTich>",
            "<HoTich>",
            FaultCode::Malformed,
            "xml-malformed",
        ),
        (
            "<soDangKy>",
            "<la>1</la><soDangKy>",
            FaultCode::Invalid,
            "element-unexpected",
        ),
        (
            "<soDangKy>",
            "text<soDangKy>",
            FaultCode::Invalid,
            "element-unexpected",
        ),
        (
            "<hoTich>",
            "<hoTich la=\"1\">",
            FaultCode::Invalid,
            "element-unexpected",
        ),
        (
            "<hoTich>",
            "<hoTich xmlns=\"urn:la\">",
            FaultCode::Invalid,
            "element-unexpected",
        ),
        (
            "<nksGioiTinh>2</nksGioiTinh>",
            "<nksGioiTinh>2</nksGioiTinh><nksGioiTinh>2</nksGioiTinh>",
            FaultCode::Malformed,
            "element-twice",
        ),
    ] {
        assert_eq!(bent(from, to), (code, reason, Some("data")), "{to}");
    }
    let wrong = xml.replace(
        "<nksGioiTinh>2</nksGioiTinh>",
        "<nksGioiTinh>nữ</nksGioiTinh>",
    );
    assert_eq!(
        why(read(wrong.into())),
        (FaultCode::Invalid, "element-unexpected", Some("data"))
    );
    let entity = format!("<!DOCTYPE hoTich [<!ENTITY a \"b\">]>{xml}");
    assert_eq!(why(read(entity.into())).0, FaultCode::Malformed);
    for neither in [
        serde_json::json!(1),
        serde_json::json!([]),
        serde_json::json!(null),
    ] {
        assert_eq!(
            why(read(neither)),
            (FaultCode::Invalid, "json-mismatch", None)
        );
    }
    // a member twice inside an object is refused as outside
    let twice = serde_json::to_string(&message()).unwrap();
    let twice = twice.replace("\"data\":\"\"", r#""data":{"nksHoTen":"A","nksHoTen":"B"}"#);
    let refused = decode(
        "/civil/v1/NhanDKHT",
        claims("civil.birth"),
        twice.as_bytes(),
    );
    assert_eq!(
        why(refused),
        (FaultCode::Malformed, "json-duplicate-key", None)
    );
}

#[test]
fn a_key_twice_is_refused_outside_and_inside() {
    let birth = |bytes: &[u8]| why(decode("/civil/v1/NhanDKHT", claims("civil.birth"), bytes));
    let outer = br#"{"module":"LTKS","module":"LTKT"}"#;
    assert_eq!(
        birth(outer),
        (FaultCode::Malformed, "json-duplicate-key", None)
    );
    let inner = BirthMessage {
        data: r#"{"nksHoTen":"A","nksHo\u0054en":"B"}"#.into(),
        ..message()
    };
    assert_eq!(
        birth(&encode(&inner)),
        (FaultCode::Malformed, "json-duplicate-key", Some("data"))
    );
}

#[test]
fn what_is_not_json_of_ours_is_refused_by_kind() {
    let birth = |bytes: &[u8]| why(decode("/civil/v1/NhanDKHT", claims("civil.birth"), bytes));
    assert_eq!(
        birth(b"<xml/>"),
        (FaultCode::Malformed, "json-syntax", None)
    );
    assert_eq!(birth(b"{}"), (FaultCode::Invalid, "json-mismatch", None));
    let inner = |data: String| {
        why(decode(
            "/civil/v1/NhanDKHT",
            claims("civil.birth"),
            &encode(&BirthMessage { data, ..message() }),
        ))
    };
    assert_eq!(
        inner("{".into()),
        (FaultCode::Malformed, "json-truncated", Some("data"))
    );
    assert_eq!(
        inner(r#"{"nksHoTen":"\u0000"}"#.into()),
        (FaultCode::Malformed, "json-nul", Some("data"))
    );
    assert_eq!(
        inner(r#"{"la":1}"#.into()),
        (FaultCode::Invalid, "json-mismatch", Some("data"))
    );
    assert_eq!(
        inner("[".repeat(40)),
        (FaultCode::TooLarge, "json-too-deep", Some("data"))
    );
}

#[test]
fn a_signature_for_one_operation_does_not_open_the_other_door() {
    let bytes = encode(&message().with_form(&form()));
    let crossed = decode("/civil/v1/NhanDKHT", claims("civil.result"), &bytes);
    assert_eq!(
        why(crossed),
        (FaultCode::Invalid, "operation-and-path-differ", None)
    );
    assert_eq!(
        why(decode("/civil/v1/x", claims("civil.birth"), &bytes)).0,
        FaultCode::UnknownRoute
    );
}

fn poll(ids: &[&str], province: &str, module: &str) -> Result<Decoded<Said>, Fault> {
    let case_ids = ids.iter().map(|id| (*id).to_owned()).collect();
    let query = StatusQuery {
        case_ids,
        province: province.into(),
        module: module.into(),
    };
    decode(
        "/civil/v1/LayKetQua",
        claims("civil.result"),
        &encode(&query),
    )
}

#[test]
fn a_poll_asks_for_one_to_three_cases_and_is_never_remembered() {
    let id = "G22.99.08-261120-000001";
    for count in 1..=3 {
        let decoded = poll(&vec![id; count], "01", "LTKS").unwrap();
        assert_eq!(
            (decoded.identity, decoded.operation.name),
            (Identity::Fresh, "civil.result")
        );
    }
    assert_eq!(
        why(poll(&[id; 4], "01", "LTKS")),
        invalid("too-many-cases", "maDinhDanhHoSo")
    );
    assert_eq!(
        why(poll(&[], "01", "LTKS")),
        invalid("missing-field", "maDinhDanhHoSo")
    );
    assert_eq!(
        why(poll(&["x"], "01", "LTKS")),
        invalid("bad-case-id", "maDinhDanhHoSo")
    );
    assert_eq!(
        why(poll(&[id], "00", "LTKS")),
        invalid("unknown-code", "maTinh")
    );
    assert_eq!(
        why(poll(&[id], "01", "LTKH")),
        invalid("module-not-for-us", "module")
    );
    assert_eq!(
        why(poll(&[id], "01", "KS")),
        invalid("unknown-code", "module")
    );
}

fn asked_by(code: &str, mother: &str) -> Result<Decoded<Said>, Fault> {
    let query = schemas::wire::civil::FactsQuery {
        code: code.into(),
        mother_pin: mother.into(),
    };
    decode(
        "/civil/v1/TraCuuGCS",
        claims("civil.birth-facts"),
        &encode(&query),
    )
}

#[test]
fn facts_are_asked_by_the_notice_and_the_mother_and_never_remembered() {
    let decoded = asked_by(" 01001-GCS-26-0001 ", "099198000001").unwrap();
    assert_eq!(
        (decoded.identity, decoded.purpose.as_str()),
        (Identity::Fresh, crate::FACTS_PURPOSE)
    );
    assert_eq!(decoded.asked.len(), 5);
    assert!(decoded.synthetic && decoded.persons.len() == 1);
    assert_eq!(
        format!("{:?}", decoded.request.request),
        "Facts(FactsAsked(***))",
        "neither code nor number prints"
    );
    for (code, mother, reason, field) in [
        ("", "099198000001", "bad-code", "maGCS"),
        ("GCS 1", "099198000001", "bad-code", "maGCS"),
        (&*"x".repeat(65), "099198000001", "bad-code", "maGCS"),
        ("GCS.1", "", "bad-pin", "meSoDDCN"),
        ("GCS.1", "09919800000", "bad-pin", "meSoDDCN"),
    ] {
        assert_eq!(
            why(asked_by(code, mother)),
            invalid(reason, field),
            "{code}"
        );
    }
    let crossed = decode("/civil/v1/TraCuuGCS", claims("civil.result"), b"{}");
    assert_eq!(
        why(crossed),
        (FaultCode::Invalid, "operation-and-path-differ", None)
    );
}

#[test]
fn nothing_of_a_person_prints() {
    let shown = format!("{:?}", birth());
    assert_eq!(
        shown,
        "Birth { case_id: DossierCode(G22.99.08-261120-000001), .. }"
    );
    let shown = format!("{:?}", refused_with_a_secret());
    assert!(!shown.contains("Kín"), "{shown}");
}

fn refused_with_a_secret() -> Fault {
    let mut form = form();
    result(&mut form).child_name = some("Kín 123");
    read(&message(), &form).unwrap_err()
}
