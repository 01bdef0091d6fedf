use jiff::civil::date;
use schemas::{
    id::{MessageId, PartnerId},
    wire::portal::encode,
};

use super::*;

fn claims(operation: &str) -> Claims {
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
            tech_id: None,
        },
        card: "DN4019912345678".into(),
        reason: "MAT".into(),
        submitted_at: "20261122115959".into(),
        note: None,
    }
}

pub(crate) fn submit() -> Submit {
    decode(claims("portal.submit-dossier"), &encode(&submission()))
        .unwrap()
        .request
}

fn why(bytes: &[u8]) -> (FaultCode, &'static str, Option<&'static str>) {
    let fault = decode(claims("portal.submit-dossier"), bytes).unwrap_err();
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
    let decoded = decode(claims("portal.submit-dossier"), &bytes).unwrap();
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
    assert_eq!(
        request.held_by,
        HeldBy::Card(CardNumber::parse("DN4019912345678").unwrap())
    );
    assert_eq!(request.reason, ReissueReason::Lost);
}

#[test]
fn a_card_may_be_named_by_its_holders_si_number() {
    let said = Submission {
        card: "9912345678".into(),
        reason: "HONG".into(),
        ..submission()
    };
    let request = decode(claims("portal.submit-dossier"), &encode(&said))
        .unwrap()
        .request;
    assert_eq!(
        request.held_by,
        HeldBy::Holder(SiNumber::parse("9912345678").unwrap())
    );
    assert_eq!(request.reason, ReissueReason::Damaged);
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
            card: card.into(),
            ..submission()
        };
        decode(claims("portal.submit-dossier"), &encode(&said))
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
    assert!(decode(claims("portal.submit-dossier"), &encode(&said)).is_ok());
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
        refusal(|said| said.reason = "CHAY".into()),
        ("unknown-code", Some("LyDoCapLai"))
    );
    assert_eq!(
        refusal(|said| said.card = "DN1019912345678".into()),
        ("bad-card", Some("MaThe"))
    );
    assert_eq!(
        refusal(|said| said.card = "099090000001".into()),
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
    let fault = decode(claims("civil.birth"), &encode(&submission())).unwrap_err();
    assert_eq!(fault.reason(), "operation-and-path-differ");
}

#[test]
fn nothing_of_a_person_prints() {
    assert_eq!(
        format!("{:?}", submit()),
        r#"Submit { reference: "DVC-2026-0001", .. }"#
    );
}
