//! `NhanDKHT`: a birth, registered and told by the civil registry's software.

use insurance::seed::Landmarks;
use jiff::{Timestamp, ToSpan as _, civil::Date};
use schemas::date::{day_in_viet_nam, format_dotted};
use serde_json::{Value, json};

use super::Json;

/// A birth; the form can be bent member by member.
#[derive(Debug, Clone)]
pub struct Birth {
    /// Inter-linked dossier code.
    pub case_id: String,
    /// The child's PIN.
    pub pin: String,
    /// The child's name, as it is written.
    pub name: String,
    /// The form `hoTich` with `ketQuaXuLy` and `baoHiem`.
    pub form: Value,
    /// The envelope around it, `data` aside.
    pub envelope: Value,
}

impl Birth {
    /// The `number`th birth: a girl of ten days, at home where the first landmark is.
    #[must_use]
    pub fn new(now: Timestamp, landmarks: &Landmarks, number: u32) -> Self {
        Self::named(now, landmarks, number, "Nguyễn Thị Hoà Bình")
    }

    /// The same with another name.
    #[must_use]
    pub fn named(now: Timestamp, landmarks: &Landmarks, number: u32, name: &str) -> Self {
        let today = day_in_viet_nam(now);
        let born = today.saturating_sub(10.days());
        let pin = pin(2, born, landmarks.child_pin_serial_from + number);
        let mother = mother_of(landmarks, number);
        let case_id = format!("G22.99.08-{}-{:06}", today.strftime("%y%m%d"), number + 1);
        Self {
            form: form(landmarks, today, born, (&pin, &mother), name),
            envelope: json!({
                "maDonVi": landmarks.places[0].commune,
                "module": "LTKS",
                "maHoSoLT": case_id,
                "ngayTiepNhan": format!("{} 00:00:01", today.strftime("%d/%m/%Y")),
                "fileDinhKem": [],
            }),
            case_id,
            pin,
            name: name.to_owned(),
        }
    }

    /// A member of the form or of its result, by `a` or `a.b`.
    #[must_use]
    pub fn with(mut self, path: &str, value: impl Into<Value>) -> Self {
        let mut at = &mut self.form;
        for name in path.split('.') {
            at = &mut at[name];
        }
        *at = value.into();
        self
    }

    /// The exact body.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        self.body_with(&self.form.to_string())
    }

    /// The exact body around a form that is text already.
    #[must_use]
    pub fn body_with(&self, form: &str) -> Vec<u8> {
        let mut envelope = self.envelope.clone();
        envelope["data"] = form.into();
        envelope.to_string().into_bytes()
    }

    /// The message before it is signed.
    #[must_use]
    pub fn message(&self, now: Timestamp) -> Json {
        self.message_of(now, self.body())
    }

    /// The message around another body.
    #[must_use]
    pub fn message_of(&self, now: Timestamp, body: Vec<u8>) -> Json {
        Json::new(now, "dvclt", "civil.birth", "/civil/v1/NhanDKHT", body)
    }
}

/// `099 G YY NNNNNN`: the synthetic province, century and sex, year, serial.
#[must_use]
pub fn pin(sex: u8, born: Date, serial: u32) -> String {
    let century = (born.year() - 1900) / 100 * 2 + i16::from(sex == 2);
    format!("099{century}{:02}{serial:06}", born.year() % 100)
}

/// The PIN of the `number`th mother, a landmark's where it is the first: children of one name and day are two
/// where their mothers are.
#[must_use]
pub fn mother_of(landmarks: &Landmarks, number: u32) -> String {
    let first = &landmarks.mothers[0].pin;
    match number {
        0 => first.clone(),
        _ => format!(
            "{}{:06}",
            &first[..6],
            landmarks.child_pin_serial_from + number
        ),
    }
}

fn form(
    landmarks: &Landmarks,
    today: Date,
    born: Date,
    (pin, mother_pin): (&str, &str),
    name: &str,
) -> Value {
    let (place, mother) = (&landmarks.places[0], &landmarks.mothers[0]);
    let mother_born = format_dotted(mother.birth_date.parse().unwrap());
    let home =
        json!({ "maTinh": place.province, "maXa": place.commune, "dcChiTiet": "Số 1, đường Mẫu" });
    json!({
        "loaiDangKy": "1",
        "noiDangKy": place.commune,
        "nksHoTen": name,
        "nksGioiTinh": "2",
        "nksNgaySinh": format_dotted(born),
        "nksLoaiKhaiSinh": "3",
        "nksDanToc": "01",
        "nksQuocTich": "VN",
        "meHoTen": mother.name,
        "meNgaySinh": mother_born,
        "meNoiCuTru": home,
        "meSoDDCN": mother_pin,
        "nycHoTen": mother.name,
        "nycQuanHe": "Mẹ",
        "ketQuaXuLy": {
            "soDinhDanh": pin,
            "ngayDangKy": format_dotted(today),
            "ndkksMaTinh": place.province,
            "ndkksMaXa": place.commune,
            "nksHoTen": name,
            "nksGioiTinh": 2,
            "nksNgaySinh": format_dotted(born),
            "nksDanToc": "01",
            "nksQuocTich": "VN",
            "meHoTen": mother.name,
            "meNgaySinh": mother_born,
            "soDangKy": "7",
            "quyenSo": format!("01/{}", today.year()),
        },
        "baoHiem": { "noiKCBBanDau": place.facility, "nguoiGiamHo": "me", "noiCuTru": home },
    })
}
