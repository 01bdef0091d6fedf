//! Where children live, by the list of 63 provinces or of 34, and what a month's report has to say of each.

use std::collections::BTreeMap;

use gateway::admin::client;
use gateway_tests::{house::House, message::Birth};
use jiff::civil::{Date, date};
use schemas::{
    calendar::Limit,
    codes::{communes, provinces},
    date::{format_dotted, in_viet_nam},
    proto::admin::LawfulTimesRequest,
};

/// A commune in which a birth is registered on a day.
pub(super) struct Home {
    pub(super) province: &'static str,
    pub(super) commune: &'static str,
    pub(super) day: Date,
    /// When the office received the case, where that was before the merger.
    received: Option<&'static str>,
}

impl Home {
    /// In the `nth` province of today's list, and so on round it.
    pub(super) fn since(nth: u32, today: Date) -> Self {
        Self::of(nth, today, None)
    }

    /// In the `nth` province of the list of 63, received then and told only now.
    pub(super) fn before_the_merger(nth: u32) -> Self {
        Self::of(nth, BEFORE, Some(RECEIVED))
    }

    fn of(nth: u32, day: Date, received: Option<&'static str>) -> Self {
        let all: Vec<_> = provinces::on(day).collect();
        let province = all[nth as usize % all.len()].code;
        let commune = communes::of_province(province, day).next().unwrap().code;
        Self {
            province,
            commune,
            day,
            received,
        }
    }

    /// The same birth, registered here.
    pub(super) fn told_in(&self, birth: Birth) -> Birth {
        let mut birth = birth
            .with("noiDangKy", self.commune)
            .with("ketQuaXuLy.ngayDangKy", format_dotted(self.day))
            .with("ketQuaXuLy.ndkksMaTinh", self.province)
            .with("ketQuaXuLy.ndkksMaXa", self.commune);
        for place in ["meNoiCuTru", "baoHiem.noiCuTru"] {
            birth = birth
                .with(&format!("{place}.maTinh"), self.province)
                .with(&format!("{place}.maXa"), self.commune);
        }
        birth.envelope["maDonVi"] = self.commune.into();
        if let Some(received) = self.received {
            birth.envelope["ngayTiepNhan"] = received.into();
        }
        birth
    }
}

/// Cases by whether they came before the merger, and by province.
#[derive(Default)]
pub(super) struct Counted(BTreeMap<(bool, &'static str), u64>);

impl Counted {
    /// One case more.
    pub(super) fn add(&mut self, home: &Home) {
        let key = (home.received.is_some(), home.province);
        *self.0.entry(key).or_default() += 1;
    }

    /// The report of either month names every province of its list, each with its cases: those of today in time, those of
    /// long ago late.
    pub(super) async fn reported(&self, house: &House) {
        let morning = in_viet_nam(house.now()).start_of_day().unwrap();
        let counted = Limit::of(&morning, 0).counted_on();
        for (before, month, provinces) in [
            (true, BEFORE.strftime("%Y-%m").to_string(), 63),
            (false, counted.strftime("%Y-%m").to_string(), 34),
        ] {
            let request = LawfulTimesRequest { month };
            let told = client::lawful_times(house.gateway().admin(), request).await;
            let told = told.unwrap().provinces;
            assert_eq!(told.len(), provinces);
            let mut all = 0;
            for one in &told {
                let code = self
                    .0
                    .iter()
                    .find(|((of, code), _)| *of == before && *code == one.code);
                let many = code.map_or(0, |(_, many)| *many);
                let (in_time, late) = if before { (0, many) } else { (many, 0) };
                assert_eq!(
                    [one.received, one.in_time, one.late, one.open, one.overdue],
                    [many, in_time, late, 0, 0],
                    "{} {}",
                    one.code,
                    one.name
                );
                all += many;
            }
            let expected = self.0.iter().filter(|((of, _), _)| *of == before);
            assert_eq!(all, expected.map(|(_, many)| *many).sum::<u64>());
            // few births are too few for every province
            let everywhere = told.iter().all(|one| one.received > 0);
            assert!(
                all > 0 && (everywhere || all < 200),
                "a province without a birth"
            );
        }
    }
}

/// A day of the list of 63, and when an office received a case of it.
const BEFORE: Date = date(2025, 6, 9);
const RECEIVED: &str = "10/06/2025 09:00:00";
