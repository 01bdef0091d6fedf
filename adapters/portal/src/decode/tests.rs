use jiff::civil::date;
use schemas::{
    codes::procedures::REISSUE_CARD,
    fault::FaultCode,
    id::{MessageId, PartnerId},
    wire::portal::encode,
};

use serde_json::json;

use super::*;

pub(crate) fn claims(operation: &str) -> Claims {
    Claims {
        sender: PartnerId::parse("portal").unwrap(),
        receiver: PartnerId::parse("vss").unwrap(),
        environment: gateway_core::partner::Environment::Sandbox,
        direction: gateway_core::Direction::Request,
        id: MessageId::parse("dossier-message-1").unwrap(),
        sent_at: Timestamp::from_second(1_795_000_000).unwrap(),
        operation: operation.to_owned(),
    }
}

/// A man born in 1990 who lost his card; every number synthetic.
fn submission() -> Submission {
    Submission {
        reference: "DVC-2026-0001".into(),
        procedure: REISSUE_CARD.into(),
        applicant: Applicant {
            name: "Lê Văn Mẫu".into(),
            pin: "099090000001".into(),
            born: "17/05/1990".into(),
            sex: Some("1".into()),
            phone: Some("0900000000".into()),
            email: Some("mau@example.vn".into()),
            tax_code: None,
            si_number: None,
            tech_id: None,
        },
        form: None,
        card: Some("DN4019912345678".into()),
        reason: Some("MAT".into()),
        papers: Vec::new(),
        submitted_at: "20261122115959".into(),
        note: None,
    }
}

pub(crate) fn submit() -> Submit {
    decode(
        Catalog::embedded(),
        claims("portal.submit-dossier"),
        &encode(&submission()),
    )
    .unwrap()
    .request
}

fn why(bytes: &[u8]) -> (FaultCode, &'static str, Option<&'static str>) {
    let fault = decode(Catalog::embedded(), claims("portal.submit-dossier"), bytes).unwrap_err();
    (fault.code(), fault.reason(), fault.wrong_field())
}

/// Why the dossier is refused after `change`: reason and field of an `Invalid`.
fn refusal(change: impl FnOnce(&mut Submission)) -> (&'static str, Option<&'static str>) {
    let mut said = submission();
    change(&mut said);
    let (code, reason, field) = why(&encode(&said));
    assert_eq!(code, FaultCode::Invalid);
    (reason, field)
}

#[test]
fn a_dossier_is_read_and_remembered_by_the_id_of_its_envelope() {
    let bytes = encode(&submission());
    let decoded = decode(Catalog::embedded(), claims("portal.submit-dossier"), &bytes).unwrap();
    assert_eq!(
        (decoded.identity, decoded.operation.name),
        (Identity::Envelope, "portal.submit-dossier")
    );
    assert_eq!(
        (decoded.purpose.as_str(), decoded.synthetic),
        ("card-reissue", true)
    );
    assert_eq!(decoded.payload, bytes);
    let request = decoded.request;
    assert_eq!(request.born, date(1990, 5, 17));
    assert_eq!(request.submitted_at.to_string(), "2026-11-22T04:59:59Z");
    let asked = Reissue {
        held_by: HeldBy::Card(CardNumber::parse("DN4019912345678").unwrap()),
        reason: ReissueReason::Lost,
    };
    assert!(request.asks == Asks::Reissue(asked));
}

#[test]
fn a_card_may_be_named_by_its_holders_si_number() {
    let said = Submission {
        card: Some("9912345678".into()),
        reason: Some("HONG".into()),
        ..submission()
    };
    let request = decode(
        Catalog::embedded(),
        claims("portal.submit-dossier"),
        &encode(&said),
    )
    .unwrap()
    .request;
    let asked = Reissue {
        held_by: HeldBy::Holder(SiNumber::parse("9912345678").unwrap()),
        reason: ReissueReason::Damaged,
    };
    assert!(request.asks == Asks::Reissue(asked));
}

#[test]
fn one_synthetic_number_makes_the_message_synthetic() {
    let synthetic = |pin: &str, card: &str| {
        let applicant = Applicant {
            pin: pin.into(),
            ..submission().applicant
        };
        let said = Submission {
            applicant,
            card: Some(card.into()),
            ..submission()
        };
        decode(
            Catalog::embedded(),
            claims("portal.submit-dossier"),
            &encode(&said),
        )
        .unwrap()
        .synthetic
    };
    assert!(synthetic("001090000001", "9912345678"));
    assert!(synthetic("099090000001", "0112345678"));
    assert!(!synthetic("001090000001", "0112345678"));
}

#[test]
fn names_in_nfc_and_nfd_are_one_name_and_the_signed_bytes_stay() {
    let read = |name: &str| {
        let applicant = Applicant {
            name: name.into(),
            ..submission().applicant
        };
        let decoded = decode(
            Catalog::embedded(),
            claims("portal.submit-dossier"),
            &encode(&Submission {
                applicant,
                ..submission()
            }),
        )
        .unwrap();
        assert!(
            String::from_utf8(decoded.payload.to_vec())
                .unwrap()
                .contains(name)
        );
        decoded.request.name
    };
    assert!(read("Lê Văn Mẫu") == read("Le\u{302} Va\u{306}n Ma\u{302}\u{303}u"));
}

#[test]
fn a_pin_that_contradicts_sex_or_birth_is_refused() {
    assert_eq!(
        refusal(|said| said.applicant.sex = Some("2".into())),
        ("pin-sex-mismatch", Some("SoDinhDanh"))
    );
    assert_eq!(
        refusal(|said| said.applicant.born = "17/05/1991".into()),
        ("pin-year-mismatch", Some("SoDinhDanh"))
    );
    assert_eq!(
        refusal(|said| said.applicant.pin = "97090000001".into()),
        ("bad-pin", Some("SoDinhDanh"))
    );
    let sexless = Applicant {
        sex: None,
        ..submission().applicant
    };
    let said = Submission {
        applicant: sexless,
        ..submission()
    };
    assert!(
        decode(
            Catalog::embedded(),
            claims("portal.submit-dossier"),
            &encode(&said)
        )
        .is_ok()
    );
}

#[test]
fn dates_that_cannot_be_are_refused() {
    assert_eq!(
        refusal(|said| said.submitted_at = "2026-11-22".into()),
        ("bad-date", Some("NgayNopHoSo"))
    );
    assert_eq!(
        refusal(|said| said.submitted_at = "20261122246000".into()),
        ("bad-date", Some("NgayNopHoSo"))
    );
    assert_eq!(
        refusal(|said| said.applicant.born = "31/02/1990".into()),
        ("bad-date", Some("NgayThangNamSinh"))
    );
    let unborn = |said: &mut Submission| said.applicant.born = "23/11/2026".into();
    assert_eq!(
        refusal(unborn),
        ("birth-after-submission", Some("NgayThangNamSinh"))
    );
}

#[test]
fn other_values_that_are_none_are_refused_by_name() {
    assert_eq!(
        refusal(|said| said.applicant.name = " ".into()),
        ("missing-field", Some("HoVaTen"))
    );
    assert_eq!(
        refusal(|said| said.applicant.name = "Lê 9".into()),
        ("bad-name", Some("HoVaTen"))
    );
    assert_eq!(
        refusal(|said| said.applicant.sex = Some("nam".into())),
        ("unknown-code", Some("GioiTinh"))
    );
    assert_eq!(
        refusal(|said| said.reason = Some("CHAY".into())),
        ("unknown-code", Some("LyDoCapLai"))
    );
    assert_eq!(
        refusal(|said| said.card = Some("DN1019912345678".into())),
        ("bad-card", Some("MaThe"))
    );
    assert_eq!(
        refusal(|said| said.card = Some("099090000001".into())),
        ("bad-card", Some("MaThe"))
    );
    assert_eq!(
        refusal(|said| said.procedure = "x".into()),
        ("bad-procedure", Some("MaTTHC"))
    );
    assert_eq!(
        refusal(|said| said.procedure = "1.001193".into()),
        ("procedure-not-for-us", Some("MaTTHC"))
    );
    for reference in ["", "a b", "a\"b", &"x".repeat(65)] {
        assert_eq!(
            refusal(|said| said.reference = reference.into()),
            ("bad-reference", Some("MaThamChieu"))
        );
    }
    let long = |said: &mut Submission| said.applicant.phone = Some("0".repeat(21));
    assert_eq!(refusal(long), ("text-too-long", Some("SoDienThoai")));
    let odd = |said: &mut Submission| said.applicant.email = Some("a\u{0}b".into());
    assert_eq!(refusal_of_text(odd), (FaultCode::Malformed, "json-nul"));
    let odd = |said: &mut Submission| said.applicant.email = Some("a\nb".into());
    assert_eq!(refusal(odd), ("control-character", Some("ThuDienTu")));
}

fn refusal_of_text(change: impl FnOnce(&mut Submission)) -> (FaultCode, &'static str) {
    let mut said = submission();
    change(&mut said);
    let (code, reason, _) = why(&encode(&said));
    (code, reason)
}

#[test]
fn what_is_not_json_of_ours_is_refused_by_kind() {
    assert_eq!(
        why(br#"{"MaThe":"1","MaThe":"2"}"#),
        (FaultCode::Malformed, "json-duplicate-key", None)
    );
    assert_eq!(
        why(br#"{"ChuHoSo":{"HoVaTen":"a","HoVaT\u0065n":"b"}}"#),
        (FaultCode::Malformed, "json-duplicate-key", None)
    );
    assert_eq!(why(b"{}"), (FaultCode::Invalid, "json-mismatch", None));
    assert_eq!(
        why(b"[[[[[[[[[[[[1]]]]]]]]]]]]"),
        (FaultCode::TooLarge, "json-too-deep", None)
    );
    assert_eq!(why(b"<xml/>"), (FaultCode::Malformed, "json-syntax", None));
}

#[test]
fn a_signature_for_another_operation_is_refused() {
    let fault = decode(
        Catalog::embedded(),
        claims("civil.birth"),
        &encode(&submission()),
    )
    .unwrap_err();
    assert_eq!(fault.reason(), "operation-and-path-differ");
}

#[test]
fn nothing_of_a_person_prints() {
    assert_eq!(
        format!("{:?}", submit()),
        r#"Submit { reference: "DVC-2026-0001", .. }"#
    );
}

/// The same man asks that his name is put right, with a paper that proves it.
fn change() -> Submission {
    Submission {
        procedure: "9.000007".into(),
        card: None,
        reason: None,
        form: form(json!({"MaBHXH": "9912345678", "HoVaTen": "Lê Văn Mới", "LyDo": "Sai tên"})),
        papers: vec![SubmittedPaper {
            code: "GIAY-TO".into(),
            file_id: "tep-1".into(),
            file_name: "khai-sinh.pdf".into(),
            sha256: None,
            data: None,
        }],
        ..submission()
    }
}

fn form(members: serde_json::Value) -> Option<FormMembers> {
    members.as_object().cloned()
}

pub(crate) fn change_of_details() -> Submit {
    read_as(&change()).unwrap().request
}

fn read_as(said: &Submission) -> Result<Decoded<Submit>, Fault> {
    decode(
        Catalog::embedded(),
        claims("portal.submit-dossier"),
        &encode(said),
    )
}

/// Why the change of details is refused after `bend`.
fn no_change(bend: impl FnOnce(&mut Submission)) -> (&'static str, Option<&'static str>) {
    let mut said = change();
    bend(&mut said);
    let fault = read_as(&said).unwrap_err();
    assert_eq!(fault.code(), FaultCode::Invalid);
    (fault.reason(), fault.wrong_field())
}

fn set(said: &mut Submission, name: &str, value: serde_json::Value) {
    said.form.as_mut().unwrap().insert(name.into(), value);
}

#[test]
fn a_form_is_read_by_its_procedures_row_and_everybody_in_it_is_named() {
    let decoded = read_as(&change()).unwrap();
    assert_eq!(
        (decoded.purpose.as_str(), decoded.lines, decoded.synthetic),
        ("record-change", 1, true)
    );
    assert_eq!(decoded.persons.len(), 2);
    assert!(matches!(&decoded.request.asks, Asks::Form(filled, papers)
        if filled.get("LyDo").unwrap().text() == "Sai tên" && papers.len() == 1));
}

#[test]
fn a_form_that_is_not_its_procedures_is_refused_by_field() {
    for (name, value, wrong) in [
        ("Mabimat", json!("x"), ("unknown-field", Some("TK1-TS"))),
        (
            "MaThe",
            json!("DN4019912345678"),
            ("unknown-field", Some("TK1-TS")),
        ),
        (
            "MaBHXH",
            json!(9_912_345_678_u64),
            ("wrong-kind", Some("MaBHXH")),
        ),
        ("MaBHXH", json!("99"), ("bad-number", Some("MaBHXH"))),
        (
            "NgayThangNamSinh",
            json!("1990-05-17"),
            ("bad-date", Some("NgayThangNamSinh")),
        ),
        ("LyDo", json!(""), ("missing-field", Some("LyDo"))),
        ("LyDo", json!({"a": 1}), ("wrong-kind", Some("LyDo"))),
    ] {
        assert_eq!(no_change(|said| set(said, name, value)), wrong);
    }
    assert_eq!(
        no_change(|said| said.form = None),
        ("missing-field", Some("MaBHXH"))
    );
    assert_eq!(
        no_change(|said| said.procedure = "9.999999".into()),
        ("procedure-not-for-us", Some("MaTTHC"))
    );
    let twice = |said: &mut Submission| said.form = form(json!({"MaThe": "DN4019912345678"}));
    assert_eq!(refusal(twice), ("field-twice", Some("MaThe")));
    assert_eq!(
        refusal(|said| said.card = None),
        ("missing-field", Some("MaThe"))
    );
}

#[test]
fn a_paper_that_is_missing_unknown_or_a_path_is_refused() {
    assert_eq!(
        no_change(|said| said.papers.clear()),
        ("missing-paper", Some("TaiLieuNop"))
    );
    assert_eq!(
        no_change(|said| said.papers[0].code = "ANH".into()),
        ("unknown-paper", Some("TaiLieuNop"))
    );
    for name in ["../khai-sinh.pdf", "a/b", "a\\b", "C:a", ".khai-sinh", ""] {
        assert_eq!(
            no_change(|said| said.papers[0].file_name = name.into()),
            ("bad-file-name", Some("TenTepDinhKem"))
        );
    }
    assert_eq!(
        no_change(|said| said.papers[0].file_id = "a b".into()),
        ("bad-reference", Some("TepDinhKemId"))
    );
    let many = |said: &mut Submission| said.papers = vec![said.papers[0].clone(); 21];
    assert_eq!(no_change(many), ("too-many-papers", Some("TaiLieuNop")));
}

#[test]
fn an_employers_dossier_needs_the_employers_account() {
    let list = |code: Option<&str>| Submission {
        procedure: "9.000006".into(),
        applicant: Applicant {
            tax_code: code.map(str::to_owned),
            ..submission().applicant
        },
        form: form(json!({
            "Masothue": "9900000016", "Madonvi": "TZ0000L", "Tendonvi": "Công ty Mẫu", "NoiDung": "Ngừng việc",
            "TuThang": "10/2026",
            "DanhSach": [{"Hoten": "Trần Thị Mẫu", "Masobhxh": "9912345679"},
                {"Hoten": "Lê Văn Mẫu", "Masobhxh": "9912345678"}],
        })),
        papers: vec![SubmittedPaper {
            code: "DS-XACNHAN".into(),
            ..change().papers[0].clone()
        }],
        ..change()
    };
    let why = |code| {
        let fault = read_as(&list(code)).unwrap_err();
        (fault.reason(), fault.wrong_field())
    };
    assert_eq!(why(None), ("missing-field", Some("MaSoThue")));
    assert_eq!(why(Some("9900000015")), ("bad-number", Some("MaSoThue")));
    let decoded = read_as(&list(Some("9900000016"))).unwrap();
    assert_eq!((decoded.lines, decoded.persons.len()), (2, 3));
    assert_eq!(decoded.request.tax_code.unwrap().as_str(), "9900000016");
}

#[test]
fn one_more_procedure_is_taken_in_by_its_text_alone() {
    let text = r#"{"code": "9.000017", "vi": "Thủ tục thứ 17", "en": "the 17th", "valid_from": "2026-01-01",
        "source": "own profile; a test", "certainty": "own-profile", "purpose": "test", "applicant": "person",
        "form": {"name": "MAU-17", "certainty": "own-profile", "fields": [
            {"name": "MaBHXH", "vi": "Mã số", "kind": "si-number", "role": "holder"}]},
        "papers": [], "steps": [1, 2, 4, 9, 10],
        "limit": {"days": 3, "count": "calendar", "source": "a test"}, "decides": "person"}"#;
    let mut texts = Catalog::texts().to_vec();
    texts.push(text);
    let catalog: &'static Catalog = Box::leak(Box::new(Catalog::of(&texts).unwrap()));
    let said = Submission {
        procedure: "9.000017".into(),
        form: form(json!({"MaBHXH": "9912345678"})),
        papers: Vec::new(),
        ..change()
    };
    assert_eq!(read_as(&said).unwrap_err().reason(), "procedure-not-for-us");
    let decoded = decode(catalog, claims("portal.submit-dossier"), &encode(&said)).unwrap();
    assert_eq!(decoded.purpose, "test");
}

#[test]
fn the_accounts_own_number_is_read_and_everybody_named_is_told_once() {
    let with = |number: &str| {
        let mut said = submission();
        said.applicant.si_number = Some(number.to_owned());
        encode(&said)
    };
    let claims = || claims("portal.submit-dossier");
    let decoded = decode(Catalog::embedded(), claims(), &with("9912345678")).unwrap();
    let own = SiNumber::parse("9912345678").unwrap();
    assert_eq!(decoded.request.si_number.as_ref(), Some(&own));
    // the card is of the same number
    assert_eq!(decoded.persons.len(), 2);
    let decoded = decode(Catalog::embedded(), claims(), &with("9912345679")).unwrap();
    let named: Vec<_> = decoded
        .persons
        .iter()
        .flat_map(|person| person.numbers.clone())
        .collect();
    let si = |number: &str| PersonNumber::Si(SiNumber::parse(number).unwrap());
    assert_eq!(
        named,
        [
            PersonNumber::Pin(Pin::parse("099090000001").unwrap()),
            si("9912345679"),
            si("9912345678"),
        ]
    );
    let none = decode(Catalog::embedded(), claims(), &with(" ")).unwrap();
    assert_eq!(none.request.si_number, None);
    for wrong in ["99", "99123456789", "99 1234567"] {
        let (code, reason, field) = why(&with(wrong));
        assert_eq!(
            (code, reason, field),
            (FaultCode::Invalid, "bad-number", Some("MaBHXH")),
            "{wrong}"
        );
    }
}
