//! What the month is judged by: dated figures from the tables, tolerances from config.

use jiff::civil::Date;
use schemas::{
    codes::{
        contributions, reference_levels,
        taxpayer_standings::{self, Standing},
    },
    id::Period,
    wire::tax_records::Status,
};
use serde::{Deserialize, Serialize};

use super::Category;

/// How far two sides may differ before it is a finding; in force from a day.
///
/// An amount differs when it does by more than the fixed part and by more than the share of the larger one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tolerance {
    /// The first day of the row.
    #[serde(with = "day")]
    pub valid_from: Date,
    /// People.
    pub count: u32,
    /// Basis points of the larger count.
    pub count_bp: u32,
    /// VND of an employer's fund, due or paid.
    pub fund_vnd: u64,
    /// Basis points of the larger fund, due or paid.
    pub fund_bp: u32,
    /// VND of a person's base.
    pub base_vnd: u64,
    /// Basis points of the larger base.
    pub base_bp: u32,
    /// The lowest score of a person's or employer's name that is no finding.
    pub name_score: u8,
    /// The lowest score of an address that is no finding.
    pub address_score: u8,
}

impl Tolerance {
    /// Nothing is overlooked but rounding to a thousand VND; from the first month that can be asked for.
    pub const STRICT: Self = Self {
        valid_from: Period::FIRST.first_day(),
        count: 0,
        count_bp: 0,
        fund_vnd: 1_000,
        fund_bp: 0,
        base_vnd: 1_000,
        base_bp: 0,
        name_score: 100,
        address_score: 100,
    };

    /// The newest of these rows that is in force on the month's last day.
    #[must_use]
    pub fn in_force(period: Period, rows: &[Self]) -> Option<Self> {
        let day = period.last_day();
        let begun = rows.iter().filter(|row| row.valid_from <= day);
        begun.max_by_key(|row| row.valid_from).copied()
    }

    /// What is tolerated of the figures of a category: a fixed part and basis points of the larger figure, of which
    /// the greater counts. Nothing of a category that is about no figure.
    #[must_use]
    pub const fn of(&self, category: Category) -> (u64, u32) {
        match category {
            Category::UnderCounted | Category::OverCounted => (self.count as u64, self.count_bp),
            Category::UnderFunded | Category::OverFunded | Category::UnderPaid => {
                (self.fund_vnd, self.fund_bp)
            }
            Category::BaseBelowIncome | Category::IncomeBelowBase => (self.base_vnd, self.base_bp),
            _ => (0, 0),
        }
    }
}

/// A day as its ISO text.
mod day {
    use jiff::civil::Date;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(day: &Date, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(day)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
        let text = String::deserialize(from)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Why a month can't be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A dated table has no row for the month.
    #[error("no dated row for this month: {0}")]
    NoRow(&'static str),
    /// No tolerance is in force in the month.
    #[error("no tolerance is in force in this month")]
    NoTolerance,
}

/// The figures of one month.
#[derive(Debug, Clone)]
pub struct Rules {
    pub(super) cap: u64,
    /// By region 1–4; place 0 is unused.
    pub(super) floors: [u64; 5],
    pub(super) total_bp: u32,
    pub(super) tolerance: Tolerance,
    /// By taxpayer status.
    standings: [Option<Standing>; 100],
}

impl Rules {
    /// The rules of a month, as of its last day.
    ///
    /// # Errors
    /// A table or the tolerances have no row for the month.
    pub fn of(period: Period, tolerances: &[Tolerance]) -> Result<Self, RuleError> {
        let day = period.last_day();
        let tolerance = Tolerance::in_force(period, tolerances).ok_or(RuleError::NoTolerance)?;
        let mut floors = [0; 5];
        for (region, floor) in (1_u8..=4).zip(&mut floors[1..]) {
            *floor = reference_levels::salary_floor_vnd(region, day)
                .ok_or(RuleError::NoRow("wage floor"))?;
        }
        let mut standings = [None; 100];
        for row in taxpayer_standings::on(day) {
            if let Some(place) = row
                .code
                .parse()
                .ok()
                .and_then(|code: usize| standings.get_mut(code))
            {
                *place = Some(row.standing);
            }
        }
        Ok(Self {
            cap: reference_levels::salary_cap_vnd(day).ok_or(RuleError::NoRow("cap"))?,
            floors,
            total_bp: match contributions::total_bp(day) {
                0 => return Err(RuleError::NoRow("rates")),
                total => total,
            },
            tolerance,
            standings,
        })
    }

    /// The base that an income asks for: up to the cap, and full-time work not below the floor of its region.
    #[must_use]
    pub fn base_of(&self, income: u64, region: u8, full: bool) -> u64 {
        let floor = match full {
            true => self.floors.get(usize::from(region)).copied().unwrap_or(0),
            false => 0,
        };
        income.max(floor).min(self.cap)
    }

    /// What is due for a fund by the rates of the month.
    #[must_use]
    pub fn due_of(&self, fund: u64) -> u64 {
        contributions::part_of(fund, self.total_bp)
    }

    /// What a state says: working, stopped, or nothing that contradicts either.
    #[must_use]
    pub(super) fn standing(&self, status: Status) -> Option<Standing> {
        match status {
            Status::Active => Some(Standing::Working),
            Status::Suspended | Status::Closed => Some(Standing::Stopped),
            Status::Taxpayer(code) => self.standings.get(usize::from(code)).copied().flatten(),
        }
    }

    /// Whether `less` is below `more` by more than is tolerated of a fund.
    pub(super) fn fund_below(&self, less: u64, more: u64) -> bool {
        below(less, more, self.tolerance.fund_vnd, self.tolerance.fund_bp)
    }

    pub(super) fn base_below(&self, less: u64, more: u64) -> bool {
        below(less, more, self.tolerance.base_vnd, self.tolerance.base_bp)
    }

    pub(super) fn count_below(&self, less: u64, more: u64) -> bool {
        below(
            less,
            more,
            u64::from(self.tolerance.count),
            self.tolerance.count_bp,
        )
    }
}

fn below(less: u64, more: u64, fixed: u64, bp: u32) -> bool {
    more.checked_sub(less)
        .is_some_and(|gap| gap > fixed && gap > contributions::part_of(more, bp))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn rules(period: &str) -> Rules {
        Rules::of(Period::parse(period).unwrap(), &[Tolerance::STRICT]).unwrap()
    }

    #[test]
    fn the_cap_and_the_floor_are_those_of_the_month() {
        assert_eq!(rules("2026-06").base_of(60_000_000, 1, true), 46_800_000);
        assert_eq!(rules("2026-07").base_of(60_000_000, 1, true), 50_600_000);
        assert_eq!(rules("2026-07").base_of(1_000_000, 4, true), 3_700_000);
        assert_eq!(rules("2026-07").base_of(1_000_000, 4, false), 1_000_000);
    }

    #[test]
    fn the_zero_rate_windows_make_less_due() {
        assert_eq!(rules("2021-06").due_of(1_000_000_000), 320_000_000);
        assert_eq!(rules("2021-10").due_of(1_000_000_000), 305_000_000);
        assert_eq!(rules("2022-10").due_of(1_000_000_000), 320_000_000);
    }

    #[test]
    fn a_month_without_a_row_is_not_judged() {
        let old = Period::parse("2019-12").unwrap();
        assert_eq!(
            Rules::of(old, &[Tolerance::STRICT]).unwrap_err(),
            RuleError::NoRow("wage floor")
        );
        let later = Tolerance {
            valid_from: date(2026, 12, 1),
            ..Tolerance::STRICT
        };
        let month = Period::parse("2026-11").unwrap();
        assert_eq!(
            Rules::of(month, &[later]).unwrap_err(),
            RuleError::NoTolerance
        );
    }

    #[test]
    fn the_newest_tolerance_in_force_is_taken() {
        let wide = Tolerance {
            valid_from: date(2026, 7, 1),
            base_bp: 1_000,
            ..Tolerance::STRICT
        };
        let rows = [wide, Tolerance::STRICT];
        let of = |period: &str| Rules::of(Period::parse(period).unwrap(), &rows).unwrap();
        assert!(of("2026-06").base_below(9_500_000, 10_000_000));
        assert!(!of("2026-07").base_below(9_500_000, 10_000_000));
        assert!(of("2026-07").base_below(8_999_999, 10_000_000));
    }

    #[test]
    fn a_row_comes_back_from_its_text() {
        let row = Tolerance {
            valid_from: date(2026, 7, 1),
            fund_bp: 25,
            name_score: 93,
            ..Tolerance::STRICT
        };
        let text = serde_json::to_string(&row).unwrap();
        assert!(text.contains("\"2026-07-01\""), "{text}");
        assert_eq!(serde_json::from_str::<Tolerance>(&text).unwrap(), row);
        assert!(serde_json::from_str::<Tolerance>(&text.replace("-07-", "-13-")).is_err());
    }
}
