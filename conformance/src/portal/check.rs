//! Every field of every record, checked by name, length, list and date (domain facts §3.2, §3.3).

use std::collections::BTreeMap;

use schemas::date::portal_time;
use schemas::id::{DossierCode, Pin, ProcedureCode};
use serde_json::{Map, Value};

/// Why a record is refused: the member's name and what is wrong with it, never its value.
pub(super) type Wrong = String;

/// One member of a record.
struct Member {
    name: &'static str,
    required: bool,
    kind: Kind,
}

enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// `yyyyMMddHHmmss` at +07:00.
    Time,
    /// `dd/MM/yyyy`.
    Day,
    /// A dossier code.
    Dossier,
    /// A procedure code.
    Procedure,
    /// A list of objects, each member text.
    List,
}

const fn must(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        required: true,
        kind,
    }
}

const fn may(name: &'static str, kind: Kind) -> Member {
    Member {
        name,
        required: false,
        kind,
    }
}

/// `DongBoHoSoMC`.
const RECORD: &[Member] = &[
    must("MaHoSo", Kind::Dossier),
    must("MaTTHC", Kind::Procedure),
    may("TenTTHC", Kind::Text(1_000)),
    may("MaLinhVuc", Kind::Text(50)),
    may("TenLinhVuc", Kind::Text(500)),
    must("KenhThucHien", Kind::OneOf(&["1", "2", "3"])),
    must("ChuHoSo", Kind::Text(500)),
    must("LoaiDoiTuong", Kind::OneOf(&["1", "2", "3", "4"])),
    may("MaDoiTuong", Kind::Text(100)),
    may("ThongTinKhac", Kind::Text(1_000)),
    may("Email", Kind::Text(200)),
    may("Fax", Kind::Text(50)),
    may("SoDienThoai", Kind::Text(50)),
    may("TrichYeuHoSo", Kind::Text(1_000)),
    must("NgayTiepNhan", Kind::Time),
    must("NgayHenTra", Kind::Time),
    must("TrangThaiHoSo", Kind::OneOf(STATES)),
    may("NgayTra", Kind::Time),
    may("ThongTinTra", Kind::Text(1_000)),
    may("HinhThuc", Kind::OneOf(&["0", "1", "2"])),
    may("NgayKetThucXuLy", Kind::Time),
    may("DonViXuLy", Kind::Text(500)),
    may("GhiChu", Kind::Text(1_000)),
    may("TaiLieuNop", Kind::List),
    may("DanhSachLePhi", Kind::List),
    may("DanhSachTepDinhKemKhac", Kind::List),
    may("DanhSachHoSoBoSung", Kind::List),
    may("DanhSachGiayToKetQua", Kind::List),
    must("NoiNopHoSo", Kind::OneOf(&["1", "2"])),
    may("HoSoCoThanhPhanSoHoa", Kind::OneOf(&["0", "1"])),
    may("TaiKhoanDuocXacThucVoiVNeID", Kind::OneOf(&["0", "1"])),
    may("DuocThanhToanTrucTuyen", Kind::OneOf(&["0", "1", "3"])),
    may("NgayTuChoi", Kind::Time),
    may("DinhDanhCHS", Kind::List),
    may("NgayNopHoSo", Kind::Time),
    may("DSKetNoiCSDL", Kind::List),
];

/// `CapNhatTienDoHoSoMC`.
const PROGRESS: &[Member] = &[
    must("MaHoSo", Kind::Dossier),
    must("NguoiXuLy", Kind::Text(50)),
    may("ChucDanh", Kind::Text(100)),
    must("ThoiDiemXuLy", Kind::Time),
    may("PhongBanXuLy", Kind::Text(500)),
    may("NoiDungXuLy", Kind::Text(1_000)),
    must("TrangThai", Kind::OneOf(STATES)),
    may("NgayBatDau", Kind::Time),
    may("NgayKetThucTheoQuyDinh", Kind::Time),
];

/// `ThongBaoCongDan`.
const CITIZEN: &[Member] = &[
    must("MaThongBao", Kind::Text(128)),
    must("SoDinhDanh", Kind::Text(12)),
    may("SoDinhDanhMoi", Kind::Text(12)),
    may("HoVaTen", Kind::Text(500)),
    may("NgayThangNamSinh", Kind::Day),
    may("GioiTinh", Kind::OneOf(&["1", "2", "3"])),
    may("ThayDoiChaMe", Kind::OneOf(&["1"])),
    may("NgayDinhChinh", Kind::Day),
    may("NgayTheHetHan", Kind::Day),
];

const STATES: &[&str] = &["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

/// A checked record: its dossier, its state and, of a step, its time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) code: String,
    pub(super) state: u8,
    pub(super) at: String,
}

/// Checks one record of `DongBoHoSoMC`.
pub(super) fn record(value: &Value) -> Result<Checked, Wrong> {
    let record = members(value, RECORD)?;
    let state = text(record, "TrangThaiHoSo");
    let (received, due) = (text(record, "NgayTiepNhan"), text(record, "NgayHenTra"));
    let has = |name: &str| record.contains_key(name);
    for (holds, what) in [
        (received <= due, "NgayHenTra lies before NgayTiepNhan"),
        (
            state != "10" || has("NgayTra"),
            "NgayTra is missing in state 10",
        ),
        (
            !matches!(state, "9" | "10") || has("NgayKetThucXuLy"),
            "NgayKetThucXuLy is missing from state 9 on",
        ),
        (
            state != "3" || has("NgayTuChoi"),
            "NgayTuChoi is missing in state 3",
        ),
        (state == "10" || !has("NgayTra"), "NgayTra before state 10"),
    ] {
        if !holds {
            return Err(what.to_owned());
        }
    }
    identities(record)?;
    checked(record, "TrangThaiHoSo", "")
}

/// Checks one step of `CapNhatTienDoHoSoMC`.
pub(super) fn progress(value: &Value) -> Result<Checked, Wrong> {
    let record = members(value, PROGRESS)?;
    let (began, due) = (
        text(record, "NgayBatDau"),
        text(record, "NgayKetThucTheoQuyDinh"),
    );
    if !began.is_empty() && !due.is_empty() && due < began {
        return Err("NgayKetThucTheoQuyDinh lies before NgayBatDau".to_owned());
    }
    checked(record, "TrangThai", text(record, "ThoiDiemXuLy"))
}

/// Checks one notice of `ThongBaoCongDan`, whose members are all texts.
pub(super) fn citizen(value: &Value) -> Result<BTreeMap<String, String>, Wrong> {
    let record = members(value, CITIZEN)?;
    let has = |name: &str| record.contains_key(name);
    let corrected = [
        "SoDinhDanhMoi",
        "HoVaTen",
        "NgayThangNamSinh",
        "GioiTinh",
        "ThayDoiChaMe",
    ];
    let corrects = corrected.into_iter().any(has);
    for (holds, what) in [
        (
            has("NgayTheHetHan") != corrects,
            "not one of a correction and a card's end",
        ),
        (
            has("NgayDinhChinh") == corrects,
            "NgayDinhChinh goes with a correction",
        ),
        (
            Pin::parse(text(record, "SoDinhDanh")).is_ok(),
            "SoDinhDanh breaks its rule",
        ),
        (
            !has("SoDinhDanhMoi") || Pin::parse(text(record, "SoDinhDanhMoi")).is_ok(),
            "SoDinhDanhMoi breaks its rule",
        ),
        // it is kept and said in the open
        (
            !text(record, "MaThongBao").contains(text(record, "SoDinhDanh")),
            "a number in MaThongBao",
        ),
    ] {
        if !holds {
            return Err(what.to_owned());
        }
    }
    let texts = record
        .keys()
        .map(|name| (name.clone(), text(record, name).to_owned()));
    Ok(texts.collect())
}

fn checked(record: &Map<String, Value>, state: &str, at: &str) -> Result<Checked, Wrong> {
    Ok(Checked {
        code: text(record, "MaHoSo").to_owned(),
        state: text(record, state)
            .parse()
            .map_err(|_| format!("{state} is no state"))?,
        at: at.to_owned(),
    })
}

fn members<'a>(value: &'a Value, known: &[Member]) -> Result<&'a Map<String, Value>, Wrong> {
    let record = value.as_object().ok_or("a record is no object")?;
    if record
        .keys()
        .any(|name| known.iter().all(|member| member.name != name))
    {
        return Err("a member that the service does not know".to_owned());
    }
    for member in known {
        match record.get(member.name) {
            None if member.required => return Err(format!("{} is missing", member.name)),
            None => {}
            Some(value) => member.check(value)?,
        }
    }
    Ok(record)
}

impl Member {
    fn check(&self, value: &Value) -> Result<(), Wrong> {
        let wrong = |what: &str| Err(format!("{} {what}", self.name));
        if let Kind::List = self.kind {
            let listed =
                |items: &Vec<Value>| items.iter().all(Value::is_object) && items.len() <= 100;
            return match value.as_array().is_some_and(listed) {
                true => Ok(()),
                false => wrong("is no list of objects"),
            };
        }
        let Some(text) = value.as_str() else {
            return wrong("is no text");
        };
        if self.required && text.is_empty() {
            return wrong("is empty");
        }
        let holds = match &self.kind {
            Kind::Text(max) => text.chars().count() <= *max && !text.contains(char::is_control),
            Kind::OneOf(list) => list.contains(&text),
            Kind::Day => schemas::date::parse_slash(text).is_ok(),
            Kind::Time => portal_time::parse(text).is_ok(),
            Kind::Dossier => DossierCode::parse(text).is_ok(),
            Kind::Procedure => ProcedureCode::parse(text).is_ok(),
            Kind::List => true,
        };
        if holds {
            Ok(())
        } else {
            wrong("breaks its rule")
        }
    }
}

/// LoaiDinhDanh 1 has 12 digits, 2 has 9.
fn identities(record: &Map<String, Value>) -> Result<(), Wrong> {
    let list = record
        .get("DinhDanhCHS")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    for identity in list {
        let member = |name: &str| {
            identity
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let number = member("SoDinhDanh");
        let digits = number.bytes().all(|byte| byte.is_ascii_digit());
        match (member("LoaiDinhDanh"), number.len()) {
            ("1", 12) | ("2", 9) if digits => {}
            _ => return Err("DinhDanhCHS breaks its rule".to_owned()),
        }
    }
    Ok(())
}

fn text<'a>(record: &'a Map<String, Value>, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn good_record(code: &str, state: &str) -> Value {
        let mut record = json!({
            "MaHoSo": code, "MaTTHC": "2.000986", "KenhThucHien": "2", "ChuHoSo": "Nguyễn Thị Mẫu",
            "LoaiDoiTuong": "1", "NgayTiepNhan": "20261122120000", "NgayHenTra": "20261127170000",
            "TrangThaiHoSo": state, "DonViXuLy": "BHXH", "NoiNopHoSo": "1",
            "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "099193000001"}],
        });
        if matches!(state, "9" | "10") {
            record["NgayKetThucXuLy"] = "20261122130000".into();
        }
        if state == "10" {
            record["NgayTra"] = "20261122130000".into();
        }
        record
    }

    pub(crate) fn good_step(code: &str, state: &str, at: &str) -> Value {
        json!({"MaHoSo": code, "NguoiXuLy": "Cán bộ Mẫu", "ThoiDiemXuLy": at, "PhongBanXuLy": "Cấp thẻ",
            "NoiDungXuLy": "đang xử lý", "TrangThai": state, "NgayBatDau": "20261122120000",
            "NgayKetThucTheoQuyDinh": "20261127170000"})
    }

    pub(crate) const CODE: &str = "000.00.00.G99-261122-000001";

    #[test]
    fn a_good_record_of_every_state_passes() {
        for state in ["1", "2", "4", "9", "10"] {
            assert_eq!(
                record(&good_record(CODE, state)).unwrap().state.to_string(),
                state
            );
        }
    }

    #[test]
    fn each_wrong_member_is_refused_by_its_name() {
        for (name, value, why) in [
            ("MaHoSo", json!("x"), "MaHoSo"),
            ("MaTTHC", json!("986"), "MaTTHC"),
            ("KenhThucHien", json!("4"), "KenhThucHien"),
            ("KenhThucHien", json!(2), "is no text"),
            ("ChuHoSo", json!(""), "is empty"),
            ("TrichYeuHoSo", json!("x".repeat(1_001)), "TrichYeuHoSo"),
            ("NgayTiepNhan", json!("22/11/2026"), "NgayTiepNhan"),
            ("NgayHenTra", json!("20261122115959"), "NgayHenTra"),
            ("TrangThaiHoSo", json!("11"), "TrangThaiHoSo"),
            ("NgayTra", json!("20261122130000"), "before state 10"),
            (
                "DinhDanhCHS",
                json!([{"LoaiDinhDanh": "1", "SoDinhDanh": "099"}]),
                "DinhDanhCHS",
            ),
            ("MaMoi", json!("x"), "does not know"),
        ] {
            let mut bent = good_record(CODE, "2");
            bent[name] = value;
            let wrong = record(&bent).unwrap_err();
            assert!(wrong.contains(why), "{name}: {wrong}");
        }
    }

    #[test]
    fn a_step_is_bound_in_officer_and_time() {
        assert!(progress(&good_step(CODE, "4", "20261122120001")).is_ok());
        let mut bent = good_step(CODE, "4", "20261122120001");
        bent["NguoiXuLy"] = json!("đ".repeat(51));
        assert!(progress(&bent).unwrap_err().contains("NguoiXuLy"));
        let bent = good_step(CODE, "4", "20261122246000");
        assert!(progress(&bent).unwrap_err().contains("ThoiDiemXuLy"));
    }

    #[test]
    fn a_notice_tells_one_thing_and_every_member_by_its_rule() {
        let good = json!({"MaThongBao": "person.7.portal.1", "SoDinhDanh": "099226000001", "HoVaTen": "Lê Mẫu",
            "NgayDinhChinh": "23/11/2026"});
        assert_eq!(citizen(&good).unwrap().len(), 4);
        let end = json!({"MaThongBao": "person.7.portal.2", "SoDinhDanh": "099226000001",
            "NgayTheHetHan": "30/09/2032"});
        assert!(citizen(&end).is_ok());
        for (name, value, why) in [
            ("NgayTheHetHan", json!("30/09/2032"), "not one"),
            ("NgayDinhChinh", json!("2026-11-23"), "NgayDinhChinh"),
            ("SoDinhDanh", json!("099"), "SoDinhDanh"),
            ("SoDinhDanhMoi", json!("1"), "SoDinhDanhMoi"),
            ("GioiTinh", json!("4"), "GioiTinh"),
            ("MaThongBao", json!("n-099226000001"), "MaThongBao"),
            ("MeHoTen", json!("x"), "does not know"),
        ] {
            let mut bent = good.clone();
            bent[name] = value;
            let wrong = citizen(&bent).unwrap_err();
            assert!(wrong.contains(why), "{name}: {wrong}");
        }
        let mut nothing = good;
        nothing.as_object_mut().unwrap().remove("HoVaTen");
        assert!(citizen(&nothing).unwrap_err().contains("not one"));
    }

    #[test]
    fn what_state_ten_needs_is_demanded() {
        let mut bent = good_record(CODE, "10");
        bent.as_object_mut().unwrap().remove("NgayTra");
        assert!(record(&bent).unwrap_err().contains("NgayTra"));
    }
}
