use proptest::prelude::*;

use super::*;
use crate::json::Reason;
use crate::wire::object::samples::{Sample, Words};

fn survives<T: Sample + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(seed: &[u32]) {
    let value = T::sample(&mut Words(seed.iter()));
    let text = encode(&value);
    assert!(
        decode::<T>(&text).unwrap() == value,
        "{}",
        String::from_utf8_lossy(&text)
    );
}

/// Why the form of a message is no JSON of ours.
fn why(message: &BirthMessage) -> Option<Reason> {
    match message.form() {
        Err(DataError::Json(error)) => Some(error.reason()),
        _ => None,
    }
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(seed in prop::collection::vec(any::<u32>(), 0..300)) {
        survives::<BirthMessage>(&seed);
        survives::<BirthForm>(&seed);
        survives::<Receipt>(&seed);
        survives::<KeptFile>(&seed);
        survives::<StatusQuery>(&seed);
        survives::<StatusAnswer>(&seed);
        survives::<CardResult>(&seed);
        survives::<DeathForm>(&seed);
        survives::<CorrectionForm>(&seed);
        survives::<DeathSeen>(&seed);
        survives::<StatusUpdate>(&seed);
    }

    #[test]
    fn a_form_survives_being_a_string_inside_the_envelope(seed in prop::collection::vec(any::<u32>(), 0..300)) {
        let form = BirthForm::sample(&mut Words(seed.iter()));
        let message = BirthMessage::default().with_form(&form);
        let read: BirthMessage = decode(&encode(&message)).unwrap();
        prop_assert!(read.form().unwrap() == form);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<BirthMessage>(&bytes);
        let _ = decode::<BirthForm>(&bytes);
    }
}

#[test]
fn every_member_of_the_birth_form_and_its_result_has_a_row() {
    let known = fields();
    let has = |object: &str, wire: &str| {
        known
            .iter()
            .any(|field| field.object == object && field.wire == wire)
    };
    for wire in FORM.split_whitespace() {
        assert!(has("hoTich", wire), "{wire}");
    }
    for wire in RESULT.split_whitespace() {
        assert!(has("ketQuaXuLy", wire), "{wire}");
    }
    assert_eq!(BirthForm::FIELDS.len(), FORM.split_whitespace().count() + 2);
    assert_eq!(
        RegistrationResult::FIELDS.len(),
        RESULT.split_whitespace().count()
    );
}

#[test]
fn no_member_has_two_rows() {
    let mut rows: Vec<_> = fields()
        .iter()
        .map(|field| (field.object, field.wire))
        .collect();
    rows.sort_unstable();
    let count = rows.len();
    rows.dedup();
    assert_eq!(rows.len(), count);
}

#[test]
fn a_key_twice_is_refused_outside_and_inside() {
    let outer = br#"{"maDonVi":"00004","module":"LTKS","module":"LTKT","maHoSoLT":"x","ngayTiepNhan":"","data":""}"#;
    assert_eq!(
        decode::<BirthMessage>(outer).unwrap_err().reason(),
        Reason::DuplicateKey
    );
    let message = BirthMessage {
        data: r#"{"nksHoTen":"A","nksHoTe\u006e":"B"}"#.into(),
        ..BirthMessage::default()
    };
    let read: BirthMessage = decode(&encode(&message)).unwrap();
    assert_eq!(why(&read), Some(Reason::DuplicateKey));
}

#[test]
fn a_member_that_no_table_knows_is_refused() {
    assert_eq!(
        decode::<BirthForm>(br#"{"nksTen":"A"}"#)
            .unwrap_err()
            .reason(),
        Reason::Mismatch
    );
}

#[test]
fn the_inner_string_is_bounded_in_depth() {
    let deep = format!("{}1{}", r#"{"meNoiCuTru":"#.repeat(9), "}".repeat(9));
    let message = BirthMessage {
        data: deep,
        ..BirthMessage::default()
    };
    assert_eq!(why(&message), Some(Reason::TooDeep));
}

#[test]
fn a_null_member_is_an_absent_member() {
    let form: BirthForm =
        decode(br#"{"meNoiCuTru":{"maTinh":"01","maHuyen":null,"maXa":"00004"}}"#).unwrap();
    assert_eq!(form.mother_residence.unwrap().district, None);
}

#[test]
fn names_are_kept_as_they_were_written() {
    for name in ["Ánh", "A\u{301}nh"] {
        let form = BirthForm {
            child_name: Some(name.into()),
            ..BirthForm::default()
        };
        assert_eq!(
            decode::<BirthForm>(&encode(&form))
                .unwrap()
                .child_name
                .as_deref(),
            Some(name)
        );
    }
}

#[test]
fn nothing_of_a_person_prints() {
    let form = BirthForm {
        child_name: Some("Nguyễn Văn Kín".into()),
        ..BirthForm::default()
    };
    assert_eq!(format!("{form:?}"), "BirthForm(***)");
}

/// The members of the form as integrators' one-stop systems send them (procedure 2.000986).
const FORM: &str = "maGCS ngayCapGCS loaiDangKy noiDangKy soLuongBanSao \
    nksHoTen nksGioiTinh nksNgaySinh nksNgaySinhBangChu nksNoiSinh nksNoiSinhDVHC nksNoiSinhNuocNgoai nksQueQuan \
    nksDanToc nksDanTocKhac nksQuocTich nksQuocTichKhac nksLoaiKhaiSinh \
    meHoTen meNgaySinh meDanToc meDanTocKhac meQuocTich meQuocTichKhac meLoaiCuTru meNoiCuTru meLoaiGiayToTuyThan \
    meGiayToKhac meSoGiayToTuyThan meSoDDCN meXacThucThongTin \
    chaHoTen chaNgaySinh chaDanToc chaDanTocKhac chaQuocTich chaQuocTichKhac chaLoaiCuTru chaNoiCuTru \
    chaLoaiGiayToTuyThan chaGiayToKhac chaSoGiayToTuyThan chaSoDDCN chaXacThucThongTin \
    nycHoTen nycQuanHe nycLoaiGiayToTuyThan nycGiayToKhac nycSoGiayToTuyThan nycNgayCapGiayToTuyThan \
    nycNoiCapGiayToTuyThan nycSoDienThoai nycEmail nycLoaiCuTru nycNoiCuTru nycXacThucThongTin \
    soDangKyNuocNgoai ngayDangKyNuocNgoai cqNuocNgoaiDaDangKy qgNuocNgoaiDaDangKy";

/// The members of the registration result.
const RESULT: &str = "soDinhDanh ngayDangKy ndkksMaTinh ndkksMaHuyen ndkksMaXa nksHoTen nksGioiTinh nksNgaySinh \
    nksNgaySinhBangChu nksDanToc nksQuocTich nksQueQuan nksNoiSinh nksNoiSinhMaTinh \
    meHoTen meNgaySinh meDanToc meQuocTich meLoaiCuTru meNoiCuTru meSoGiayTo \
    chaHoTen chaNgaySinh chaDanToc chaQuocTich chaLoaiCuTru chaNoiCuTru chaSoGiayTo \
    nycHoTen nycQuanHe nycSoGiayTo giayKhaiSinh soDangKy quyenSo trangSo maGiayToKetQua";

#[test]
fn an_answer_to_a_status_is_found_by_its_words_and_a_denied_success_is_none() {
    use StatusAnswered::{BadTransition, ReturnedAlready, Taken, Unknown};
    let nfd: String = {
        use unicode_normalization::UnicodeNormalization as _;
        "Thành công".nfd().collect()
    };
    let long = "thành công ".repeat(300);
    for (said, read) in [
        ("thành công", Some(Taken)),
        ("\"Cập nhật trạng thái THÀNH CÔNG\"", Some(Taken)),
        (nfd.as_str(), Some(Taken)),
        ("Hồ sơ đã được tiếp nhận", Some(Taken)),
        (
            "đã trả kết quả, không được cập nhật trạng thái",
            Some(ReturnedAlready),
        ),
        ("logic xử lý không hợp lệ", Some(BadTransition)),
        ("Hồ sơ không tồn tại", Some(Unknown)),
        ("Cập nhật không thành công", None),
        ("chưa thành công", None),
        ("ok", None),
        ("", None),
        (long.as_str(), None),
    ] {
        assert_eq!(StatusAnswered::read(said.as_bytes()), read, "{said}");
    }
    assert_eq!(StatusAnswered::read(b"\xff"), None);
}

#[test]
fn a_status_says_what_a_poll_says_and_nothing_of_a_case_that_is_not_known() {
    let row = CaseRow {
        case_id: "G22.99.08-261120-000001".to_owned(),
        state: Some(3),
        updated_at: Some("23/11/2026 09:00:00".to_owned()),
        note: Some("Hạn xử lý: 26/11/2026".to_owned()),
        ..CaseRow::default()
    };
    let due_on = Some("26/11/2026".to_owned());
    let told = StatusUpdate::of(row.clone(), "2.000986", due_on).unwrap();
    assert_eq!(
        String::from_utf8(encode(&told)).unwrap(),
        r#"{"maTTHC":"2.000986","soHoSoLT":"G22.99.08-261120-000001","coQuanXuLy":5,"maHoSo":"G22.99.08-261120-000001","trangThai":3,"thoiGianThucHien":"23/11/2026 09:00:00","ghiChu":"Hạn xử lý: 26/11/2026","ngayKetThucTheoQuyDinh":"26/11/2026"}"#
    );
    let unknown = CaseRow { state: None, ..row };
    assert_eq!(StatusUpdate::of(unknown, "2.000986", None), None);
}
