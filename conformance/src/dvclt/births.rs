//! Synthetic births: deterministic from a seed and a number, never the same child twice.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use schemas::date::{day_in_viet_nam, format_compact, format_dotted, in_viet_nam};
use serde_json::{Value, json};

use crate::landmarks::{Error, Landmarks, Person, pick};

/// Births in the inter-linked procedure.
pub(crate) const MODULE: &str = "LTKS";

/// One birth, registered and about to be sent; the rules bend its parts.
#[derive(Clone)]
pub(crate) struct Birth {
    /// Inter-linked dossier code.
    pub(crate) case_id: String,
    /// The child's new PIN.
    pub(crate) pin: String,
    /// The child's name.
    pub(crate) name: String,
    /// 1 male, 2 female.
    pub(crate) sex: u8,
    /// Day of birth.
    pub(crate) born: Date,
    /// Commune of registration and of the child's residence.
    pub(crate) commune: String,
    /// Its province.
    pub(crate) province: String,
    /// Initial facility.
    pub(crate) facility: String,
    pub(crate) mother: Person,
    received: Timestamp,
    number: u64,
}

impl std::fmt::Debug for Birth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Birth({}, ***)", self.case_id)
    }
}

impl Birth {
    /// The birth that `seed` and `number` give on the day of `now`.
    pub(crate) fn make(
        seed: u64,
        number: u64,
        now: Timestamp,
        from: &Landmarks,
    ) -> Result<Self, Error> {
        let dice = Dice(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let today = day_in_viet_nam(now);
        let born = today.saturating_sub((1 + i64::try_from(dice.roll(1, 45)).unwrap_or(1)).days());
        let sex = if dice.roll(2, 2) == 0 { 1 } else { 2 };
        let mother = pick(&from.mothers, dice.roll(3, u64::MAX), "mothers")?.clone();
        let home = mother
            .commune
            .as_ref()
            .and_then(|code| from.communes.iter().find(|commune| commune.code == *code));
        let commune = match home {
            Some(commune) => commune,
            None => pick(&from.communes, dice.roll(4, u64::MAX), "communes")?,
        };
        let facility = match &commune.facility {
            Some(facility) => facility.clone(),
            None => pick(&from.facilities, dice.roll(5, u64::MAX), "facilities")?
                .code()
                .to_owned(),
        };
        let serial = (seed / 7 + number) % 1_000_000;
        Ok(Self {
            case_id: format!("G22.99.08-{}-{serial:06}", today.strftime("%y%m%d")),
            pin: pin(
                sex,
                born,
                SERIAL_FROM + (seed / 11 + number) % (1_000_000 - SERIAL_FROM),
            ),
            name: name(&dice, sex),
            sex,
            born,
            commune: commune.code.clone(),
            province: commune.province.clone(),
            facility,
            mother,
            received: now,
            number,
        })
    }

    /// The envelope `NhanDKHT`; the same birth always gives the same bytes.
    pub(crate) fn envelope(&self) -> Value {
        json!({
            "maDonVi": self.commune,
            "module": MODULE,
            "maHoSoLT": self.case_id,
            "maHoSoMCDT": self.case_id.replacen("G22.99.08", "H99.01", 1),
            "ngayTiepNhan": in_viet_nam(self.received).strftime("%d/%m/%Y %H:%M:%S").to_string(),
            "data": self.form().to_string(),
            "fileDinhKem": [],
        })
    }

    /// The form `hoTich` with its result and the insurance block.
    pub(crate) fn form(&self) -> Value {
        let residence = json!({
            "maTinh": self.province, "maHuyen": null, "maXa": self.commune,
            "dcChiTiet": format!("Số {}, đường Mẫu", self.number % 200 + 1),
        });
        json!({
            "maGCS": format!("GCS.99.{}", self.case_id.replace(['.', '-'], "")),
            "ngayCapGCS": format_compact(self.born),
            "loaiDangKy": "1",
            "noiDangKy": self.commune,
            "soLuongBanSao": "1",
            "nksHoTen": self.name,
            "nksGioiTinh": self.sex.to_string(),
            "nksNgaySinh": format_dotted(self.born),
            "nksNoiSinh": "Bệnh viện Mẫu",
            "nksDanToc": "01",
            "nksQuocTich": "VN",
            "nksLoaiKhaiSinh": "3",
            "meHoTen": self.mother.name,
            "meNgaySinh": dotted(&self.mother.birth_date),
            "meDanToc": "01",
            "meQuocTich": "VN",
            "meLoaiCuTru": "1",
            "meNoiCuTru": residence,
            "meLoaiGiayToTuyThan": "4",
            "meSoGiayToTuyThan": self.mother.pin,
            "meSoDDCN": self.mother.pin,
            "nycHoTen": self.mother.name,
            "nycQuanHe": "Mẹ",
            "ketQuaXuLy": self.result(),
            "baoHiem": {
                "noiKCBBanDau": self.facility,
                "nguoiGiamHo": "me",
                "noiCuTru": residence,
            },
        })
    }

    fn result(&self) -> Value {
        json!({
            "soDinhDanh": self.pin,
            "ngayDangKy": format_dotted(day_in_viet_nam(self.received)),
            "ndkksMaTinh": self.province,
            "ndkksMaXa": self.commune,
            "nksHoTen": self.name,
            "nksGioiTinh": self.sex,
            "nksNgaySinh": format_dotted(self.born),
            "nksDanToc": "01",
            "nksQuocTich": "VN",
            "meHoTen": self.mother.name,
            "meNgaySinh": dotted(&self.mother.birth_date),
            "meDanToc": "01",
            "meQuocTich": "VN",
            "soDangKy": (self.number % 9_999 + 1).to_string(),
            "quyenSo": format!("01/{}", day_in_viet_nam(self.received).year()),
            "trangSo": (self.number % 200 + 1).to_string(),
            "maGiayToKetQua": "KQ.G15.000031",
        })
    }
}

/// `099 G YY NNNNNN` (Circular 07/2016/TT-BCA), in the synthetic province.
pub(super) fn pin(sex: u8, born: Date, serial: u64) -> String {
    let century = (born.year() - 1900) / 100 * 2 + i16::from(sex == 2);
    format!("099{century}{:02}{serial:06}", born.year() % 100)
}

/// `yyyy-MM-dd` as `dd.MM.yyyy`.
fn dotted(iso: &str) -> String {
    iso.parse::<Date>()
        .map_or_else(|_| iso.to_owned(), format_dotted)
}

fn name(dice: &Dice, sex: u8) -> String {
    let of = |face: u64, list: &[&'static str]| {
        let at = dice.roll(face, list.len() as u64);
        usize::try_from(at)
            .ok()
            .and_then(|at| list.get(at))
            .copied()
            .unwrap_or_default()
    };
    let (middle, given) = if sex == 1 {
        (MIDDLE_MALE, GIVEN_MALE)
    } else {
        (MIDDLE_FEMALE, GIVEN_FEMALE)
    };
    format!("{} {} {}", of(6, FAMILY), of(7, middle), of(8, given))
}

/// Numbers that look random and are the same every time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&self, face: u64, below: u64) -> u64 {
        let mut z = self
            .0
            .wrapping_add(face.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }
}

/// Serials below are the seeded people's.
const SERIAL_FROM: u64 = 500_000;

const FAMILY: &[&str] = &[
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô",
    "Dương", "Lý",
];
const MIDDLE_MALE: &[&str] = &["Văn", "Minh", "Đức", "Gia", "Quốc", "Anh", "Hữu"];
const MIDDLE_FEMALE: &[&str] = &["Thị", "Ngọc", "Khánh", "Bảo", "Phương", "Thu", "Diệu"];
const GIVEN_MALE: &[&str] = &[
    "Bảo", "Khôi", "Phúc", "Long", "Quân", "Sơn", "Đạt", "Tùng", "Huy",
];
const GIVEN_FEMALE: &[&str] = &[
    "An", "Chi", "Hà", "Linh", "Mai", "Ngân", "Thảo", "Vy", "Yến",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use schemas::id::{Pin, Sex};

    use super::*;

    pub(crate) fn landmarks() -> Landmarks {
        serde_json::from_str(
            r#"{"mothers":[{"name":"Trần Thị Mẫu","pin":"099193000001","birth_date":"1993-01-02","commune":"00004"}],
                "communes":[{"code":"26734","province":"79"},{"code":"00004","province":"01"}],"facilities":["01001"]}"#,
        )
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-22T05:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_same_seed_and_number_give_the_same_bytes() {
        let make = |number| {
            Birth::make(7, number, now(), &landmarks())
                .unwrap()
                .envelope()
                .to_string()
        };
        assert_eq!(make(3), make(3));
        assert_ne!(make(3), make(4));
    }

    #[test]
    fn a_thousand_births_have_a_thousand_cases_and_pins_that_agree_with_the_child() {
        let mut seen = HashSet::new();
        for number in 0..1_000 {
            let birth = Birth::make(u64::MAX - 3, number, now(), &landmarks()).unwrap();
            let pin = Pin::parse(&birth.pin).unwrap();
            let sex = if birth.sex == 1 {
                Sex::Male
            } else {
                Sex::Female
            };
            assert!(pin.agrees_with(sex, birth.born.year()) && pin.is_synthetic());
            assert!(seen.insert(birth.case_id.clone()) && seen.insert(birth.pin.clone()));
        }
    }

    #[test]
    fn the_envelope_is_what_the_published_words_read() {
        let birth = Birth::make(1, 1, now(), &landmarks()).unwrap();
        let bytes = birth.envelope().to_string().into_bytes();
        let read: schemas::wire::civil::BirthMessage =
            schemas::wire::civil::decode(&bytes).unwrap();
        let form = read.form().unwrap();
        assert_eq!(
            form.result.unwrap().registered_commune.as_deref(),
            Some("00004")
        );
        assert_eq!(form.insurance.unwrap().facility.as_deref(), Some("01001"));
    }

    #[test]
    fn the_child_lives_where_its_mother_does() {
        let birth = Birth::make(1, 1, now(), &landmarks()).unwrap();
        assert_eq!(
            (birth.commune.as_str(), birth.province.as_str()),
            ("00004", "01")
        );
    }

    #[test]
    fn an_empty_list_is_told_by_name() {
        let refused = Birth::make(1, 1, now(), &Landmarks::default()).unwrap_err();
        assert_eq!(refused.to_string(), "landmarks.json names no mothers");
    }
}
