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

fn answer(code: &str, message: &str) -> PushAnswer {
    decode(format!(r#"{{"error_code":{code},"message":"{message}","result":null}}"#).as_bytes())
        .unwrap()
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(seed in prop::collection::vec(any::<u32>(), 0..200)) {
        survives::<Submission>(&seed);
        survives::<Acceptance>(&seed);
        survives::<DossierSupplement>(&seed);
        survives::<DossierWithdrawal>(&seed);
        survives::<Upload>(&seed);
        survives::<UploadTaken>(&seed);
        survives::<PartTaken>(&seed);
        survives::<DossierRecord>(&seed);
        survives::<Progress>(&seed);
        survives::<Login>(&seed);
        survives::<LookUp>(&seed);
        survives::<LookedUp>(&seed);
    }

    #[test]
    fn a_call_survives(seed in prop::collection::vec(any::<u32>(), 0..200)) {
        let mut words = Words(seed.iter());
        let call = Push {
            session: String::sample(&mut words),
            unit: String::sample(&mut words),
            service: Service::SyncDossier.as_str().to_owned(),
            is_updating: Option::sample(&mut words),
            data: Vec::<DossierRecord>::sample(&mut words),
        };
        prop_assert!(decode::<Push<DossierRecord>>(&encode(&call)).unwrap() == call);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (decode::<Submission>(&bytes), decode::<PushAnswer>(&bytes));
    }
}

#[test]
fn every_member_that_the_portal_knows_has_a_row() {
    let known = fields();
    for (object, members) in [
        ("DongBoHoSoMC", RECORD),
        ("CapNhatTienDoHoSoMC", PROGRESS),
        ("DanhSachGiayToKetQua", PAPER),
    ] {
        for wire in members.split_whitespace() {
            assert!(
                known
                    .iter()
                    .any(|field| field.object == object && field.wire == wire),
                "{object}.{wire}"
            );
        }
        let rows = known.iter().filter(|field| field.object == object).count();
        assert_eq!(rows, members.split_whitespace().count(), "{object}");
    }
}

#[test]
fn a_key_twice_or_unknown_is_refused() {
    let twice = br#"{"MaTTHC":"1","MaTTH\u0043":"2"}"#;
    assert_eq!(
        decode::<Submission>(twice).unwrap_err().reason(),
        Reason::DuplicateKey
    );
    assert_eq!(
        decode::<Submission>(br#"{"MaTTH":"1"}"#)
            .unwrap_err()
            .reason(),
        Reason::Mismatch
    );
}

#[test]
fn an_error_code_is_a_number_or_its_text() {
    for (code, number) in [("0", 0), ("\"0\"", 0), ("-3", -3), ("\"-3\"", -3)] {
        assert_eq!(answer(code, "").error_code, number);
    }
    assert!(decode::<PushAnswer>(br#"{"error_code":"x"}"#).is_err());
}

#[test]
fn the_portals_words_decide_with_the_code() {
    assert!(answer("3", "Hồ sơ Đã tồn tại").says_exists());
    assert!(answer("-3", "ho\u{302}\u{300} sơ đã to\u{302}\u{300}n tại").says_exists());
    assert!(!answer("3", "sai định dạng").says_exists());
    assert!(!answer("0", "đã tồn tại").says_exists());
    assert!(answer("1", "Phiên làm việc hết hạn").says_session_ended());
    assert!(answer("-1", "Session expired").says_session_ended());
    assert!(!answer("0", "session").says_session_ended());
    assert!(!answer("0", "phiên làm việc").says_session_ended());
    assert!(!answer("1", "Phiên bản không hợp lệ").says_session_ended());
}

#[test]
fn sessions_and_secrets_never_print() {
    let login = Login {
        username: "u".into(),
        password: "kín".into(),
    };
    let answer = LoginAnswer {
        error_code: 0,
        session: Some("kín".into()),
        message: None,
    };
    let call = Push::<String> {
        session: "kín".into(),
        unit: "u".into(),
        service: "s".into(),
        is_updating: None,
        data: vec!["kín".into()],
    };
    assert!(!format!("{login:?} {answer:?} {call:?}").contains("kín"));
}

/// The members of `DongBoHoSoMC` as integrators send them.
const RECORD: &str = "MaHoSo MaTTHC TenTTHC MaLinhVuc TenLinhVuc KenhThucHien ChuHoSo LoaiDoiTuong MaDoiTuong \
    ThongTinKhac Email Fax SoDienThoai TrichYeuHoSo NgayTiepNhan NgayHenTra TrangThaiHoSo NgayTra ThongTinTra HinhThuc \
    NgayKetThucXuLy DonViXuLy GhiChu TaiLieuNop DanhSachLePhi DanhSachTepDinhKemKhac DanhSachHoSoBoSung \
    DanhSachGiayToKetQua NoiNopHoSo HoSoCoThanhPhanSoHoa TaiKhoanDuocXacThucVoiVNeID DuocThanhToanTrucTuyen NgayTuChoi \
    DinhDanhCHS NgayNopHoSo DSKetNoiCSDL";

const PROGRESS: &str = "MaHoSo NguoiXuLy ChucDanh ThoiDiemXuLy PhongBanXuLy NoiDungXuLy TrangThai NgayBatDau \
    NgayKetThucTheoQuyDinh";

const PAPER: &str = "TenGiayTo MaThanhPhanHoSo GiayToId DuongDanTepTinKetQua MaGiayToKetQua";
