//! Births of made-up children, each of a mother of its own, signed by the simulated civil registry's key.

use std::{
    error::Error,
    sync::atomic::{AtomicU32, Ordering},
};

use conformance::identity::Identity;
use gateway_core::ports::{Clock as _, SystemClock};
use insurance::seed::Landmarks;
use jiff::{ToSpan as _, civil::Date};
use schemas::date::{day_in_viet_nam, format_dotted};
use serde_json::{Value, json};

use super::super::{
    clients::{Letter, connect, exchange, signed},
    load::Stock,
    scene::Scene,
};

type Trouble = Box<dyn Error + Send + Sync>;

/// Births, each made once.
pub(super) struct Births {
    identity: Identity,
    landmarks: Landmarks,
    today: Date,
    next: AtomicU32,
}

impl Births {
    /// None yet; the limits on births are lifted in the partner's file.
    pub(super) fn make(scene: &Scene) -> Result<Self, Trouble> {
        let file = scene.layout.gateway("partners/dvclt.toml");
        let text = std::fs::read_to_string(&file)?;
        let name = "[agreements.operations.\"civil.birth\"]";
        let lifted = format!("{name}\nper_minute = 6000000\nburst = 100000");
        std::fs::write(&file, text.replacen(name, &lifted, 1))?;
        Ok(Self {
            identity: Identity::load(&scene.layout.agency("dvclt"))?,
            landmarks: scene.landmarks.clone(),
            today: day_in_viet_nam(SystemClock.now()),
            next: AtomicU32::new(0),
        })
    }

    /// Polls cases from the first to the last birth; how many, where each has its card.
    pub(super) async fn check(&self, scene: &Scene) -> Result<usize, Trouble> {
        let sent = self.next.load(Ordering::Relaxed);
        let mut line = connect(scene.config.listen.socket(), &self.identity).await?;
        let polled = sent.min(POLLED);
        for nth in 0..polled {
            let case = self.case_id(u64::from(nth) as u32 * (sent / polled));
            let poll = json!({ "maDinhDanhHoSo": [case], "maTinh": "01", "module": "LTKS" });
            let letter = signed(
                &self.identity,
                ("civil.result", "/civil/v1/LayKetQua"),
                &poll,
            )?;
            let answer = exchange(&mut line, letter).await?;
            let answer: Value = serde_json::from_slice(&answer)?;
            let has_card = answer["value"][0]["ketQuaXuLy"]
                .as_str()
                .is_some_and(|result| result.contains("maThe"));
            if answer["value"][0]["trangThai"] != 4 || !has_card {
                return Err(format!("case {case} has no card: {answer}").into());
            }
        }
        Ok(polled as usize)
    }

    fn case_id(&self, number: u32) -> String {
        format!("G22.99.08-{}-{number:06}", self.today.strftime("%y%m%d"))
    }

    /// A girl of ten days.
    fn body(&self, number: u32) -> Value {
        let (today, place) = (self.today, &self.landmarks.places[0]);
        let born = today.saturating_sub(10.days());
        let serial = self.landmarks.child_pin_serial_from + number;
        let century = (born.year() - 1900) / 100 * 2 + 1;
        let pin = format!("099{century}{:02}{serial:06}", born.year() % 100);
        let mother = format!("099193{serial:06}");
        let (born, today_told) = (format_dotted(born), format_dotted(today));
        let home = json!({ "maTinh": place.province, "maXa": place.commune, "dcChiTiet": "Số 1, đường Mẫu" });
        let form = json!({
            "loaiDangKy": "1", "noiDangKy": place.commune, "nksHoTen": CHILD, "nksGioiTinh": "2",
            "nksNgaySinh": born, "nksLoaiKhaiSinh": "3", "nksDanToc": "01", "nksQuocTich": "VN",
            "meHoTen": MOTHER, "meNgaySinh": "01.01.1993", "meNoiCuTru": home, "meSoDDCN": mother,
            "nycHoTen": MOTHER, "nycQuanHe": "Mẹ",
            "ketQuaXuLy": {
                "soDinhDanh": pin, "ngayDangKy": today_told, "ndkksMaTinh": place.province, "ndkksMaXa": place.commune,
                "nksHoTen": CHILD, "nksGioiTinh": 2, "nksNgaySinh": born, "nksDanToc": "01", "nksQuocTich": "VN",
                "meHoTen": MOTHER, "meNgaySinh": "01.01.1993", "soDangKy": "7",
                "quyenSo": format!("01/{}", today.year()),
            },
            "baoHiem": { "noiKCBBanDau": place.facility, "nguoiGiamHo": "me", "noiCuTru": home },
        });
        json!({
            "maDonVi": place.commune, "module": "LTKS", "maHoSoLT": self.case_id(number),
            "ngayTiepNhan": format!("{} 00:00:01", today.strftime("%d/%m/%Y")), "fileDinhKem": [],
            "data": form.to_string(),
        })
    }
}

impl Stock for Births {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn next(&self) -> Result<Vec<Letter>, Trouble> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let body = self.body(number);
        let birth = ("civil.birth", "/civil/v1/NhanDKHT");
        Ok(vec![signed(&self.identity, birth, &body)?])
    }
}

const CHILD: &str = "Nguyễn Thị Hoà Bình";
const MOTHER: &str = "Trần Thị Mẫu";
/// Cases that are polled at most.
const POLLED: u32 = 100;
