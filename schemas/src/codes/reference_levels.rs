//! Amounts that contributions and caps are counted from, in VND a month: the base salary, since 2025-07-01 the
//! reference level (mức tham chiếu), and the minimum wages of the four regions. Wages before 2020 are not in our sources.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// The base salary or reference level of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReferenceLevel {
    /// VND a month.
    pub vnd: u64,
    /// When it holds.
    pub term: Term,
}

/// The minimum wage of one region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegionalWage {
    /// Region 1 to 4.
    pub region: u8,
    /// VND a month.
    pub vnd: u64,
    /// When it holds.
    pub term: Term,
}

/// What a cap is a multiple of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CapBase {
    /// The base salary or reference level: social and health insurance.
    ReferenceLevel,
    /// The minimum wage of the region: unemployment insurance.
    RegionalWage,
}

/// The highest salary that contributions are counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cap {
    /// What it is a multiple of.
    pub base: CapBase,
    /// The multiple.
    pub times: u64,
    /// When it holds.
    pub term: Term,
}

/// The base salary or reference level on a day.
pub fn find(on: Date) -> Option<&'static ReferenceLevel> {
    LEVELS.iter().find(|row| row.term.holds_on(on))
}

/// The income, VND a month, below which a rural household is poor: the lowest that voluntary insurance is
/// counted on.
pub fn rural_poverty_line(on: Date) -> Option<&'static ReferenceLevel> {
    POVERTY.iter().find(|row| row.term.holds_on(on))
}

/// The minimum wage of a region 1–4 on a day.
pub fn regional_wage(region: u8, on: Date) -> Option<&'static RegionalWage> {
    WAGES
        .iter()
        .find(|row| row.region == region && row.term.holds_on(on))
}

/// The rule of the cap on a day.
pub fn cap(base: CapBase, on: Date) -> Option<&'static Cap> {
    CAPS.iter()
        .find(|row| row.base == base && row.term.holds_on(on))
}

/// The highest salary for social and health insurance on a day, in VND a month.
pub fn salary_cap_vnd(on: Date) -> Option<u64> {
    Some(cap(CapBase::ReferenceLevel, on)?.times * find(on)?.vnd)
}

/// The highest salary for unemployment insurance in a region on a day, in VND a month.
pub fn unemployment_cap_vnd(region: u8, on: Date) -> Option<u64> {
    Some(cap(CapBase::RegionalWage, on)?.times * regional_wage(region, on)?.vnd)
}

/// The lowest salary that contributions of full-time work are counted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Floor {
    /// What it is a multiple of.
    pub base: CapBase,
    /// The multiple.
    pub times: u64,
    /// When it holds.
    pub term: Term,
}

/// The rule of the floor on a day.
pub fn floor(on: Date) -> Option<&'static Floor> {
    FLOORS.iter().find(|row| row.term.holds_on(on))
}

/// The lowest salary of full-time work in a region on a day, in VND a month.
pub fn salary_floor_vnd(region: u8, on: Date) -> Option<u64> {
    let floor = floor(on)?;
    let base = match floor.base {
        CapBase::ReferenceLevel => find(on)?.vnd,
        CapBase::RegionalWage => regional_wage(region, on)?.vnd,
    };
    Some(floor.times * base)
}

const LEVELS: &[ReferenceLevel] = &[
    level(
        1_390_000,
        Term::since(date(2018, 7, 1), "Decree 72/2018/NĐ-CP", Certainty::Weak)
            .until(date(2019, 6, 30)),
    ),
    level(
        1_490_000,
        Term::since(
            date(2019, 7, 1),
            "Decree 38/2019/NĐ-CP",
            Certainty::Secondary,
        )
        .until(date(2023, 6, 30)),
    ),
    level(
        1_800_000,
        Term::since(
            date(2023, 7, 1),
            "Decree 24/2023/NĐ-CP",
            Certainty::Secondary,
        )
        .until(date(2024, 6, 30)),
    ),
    level(
        2_340_000,
        Term::since(
            date(2024, 7, 1),
            "Decree 73/2024/NĐ-CP",
            Certainty::Secondary,
        )
        .until(date(2025, 6, 30)),
    ),
    level(
        2_340_000,
        Term::since(date(2025, 7, 1), "Law 41/2024/QH15", Certainty::Secondary)
            .until(date(2026, 6, 30)),
    ),
    level(
        2_530_000,
        Term::since(
            date(2026, 7, 1),
            "Decree 161/2026/NĐ-CP",
            Certainty::Secondary,
        ),
    ),
];

const POVERTY: &[ReferenceLevel] = &[level(
    1_500_000,
    Term::since(
        date(2022, 1, 1),
        "Decree 07/2021/NĐ-CP; no later line was read",
        Certainty::Weak,
    ),
)];

const fn level(vnd: u64, term: Term) -> ReferenceLevel {
    ReferenceLevel { vnd, term }
}

const W2020: Term =
    Term::since(date(2020, 1, 1), "Decree 90/2019/NĐ-CP", Certainty::Weak).until(date(2022, 6, 30));
const W2022: Term =
    Term::since(date(2022, 7, 1), "Decree 38/2022/NĐ-CP", Certainty::Weak).until(date(2024, 6, 30));
const W2024: Term = Term::since(date(2024, 7, 1), "Decree 74/2024/NĐ-CP", Certainty::Weak)
    .until(date(2025, 12, 31));
const W2026: Term = Term::since(
    date(2026, 1, 1),
    "Decree 293/2025/NĐ-CP",
    Certainty::Secondary,
);

const WAGES: &[RegionalWage] = &[
    wage(1, 4_420_000, W2020),
    wage(2, 3_920_000, W2020),
    wage(3, 3_430_000, W2020),
    wage(4, 3_070_000, W2020),
    wage(1, 4_680_000, W2022),
    wage(2, 4_160_000, W2022),
    wage(3, 3_640_000, W2022),
    wage(4, 3_250_000, W2022),
    wage(1, 4_960_000, W2024),
    wage(2, 4_410_000, W2024),
    wage(3, 3_860_000, W2024),
    wage(4, 3_450_000, W2024),
    wage(1, 5_310_000, W2026),
    wage(2, 4_730_000, W2026),
    wage(3, 4_140_000, W2026),
    wage(4, 3_700_000, W2026),
];

const fn wage(region: u8, vnd: u64, term: Term) -> RegionalWage {
    RegionalWage { region, vnd, term }
}

const CAPS: &[Cap] = &[
    Cap {
        base: CapBase::ReferenceLevel,
        times: 20,
        term: Term::since(
            date(2016, 1, 1),
            "Law 58/2014/QH13 art. 89",
            Certainty::Secondary,
        )
        .until(date(2025, 6, 30)),
    },
    Cap {
        base: CapBase::ReferenceLevel,
        times: 20,
        term: Term::since(
            date(2025, 7, 1),
            "Law 41/2024/QH15 art. 31",
            Certainty::Secondary,
        ),
    },
    Cap {
        base: CapBase::RegionalWage,
        times: 20,
        term: Term::since(
            date(2015, 1, 1),
            "Law 38/2013/QH13 art. 58",
            Certainty::Secondary,
        ),
    },
];

const FLOORS: &[Floor] = &[Floor {
    base: CapBase::RegionalWage,
    times: 1,
    term: Term::since(
        date(2020, 1, 1),
        "own profile: the regional minimum wage, until the texts on the lowest base are read",
        Certainty::OwnProfile,
    ),
}];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_rises_on_the_day_of_its_decree() {
        for (on, vnd) in [
            (date(2023, 6, 30), 1_490_000),
            (date(2023, 7, 1), 1_800_000),
            (date(2024, 7, 1), 2_340_000),
            (date(2026, 6, 30), 2_340_000),
            (date(2026, 7, 1), 2_530_000),
        ] {
            assert_eq!(find(on).unwrap().vnd, vnd, "{on}");
        }
        assert_eq!(find(date(2018, 6, 30)), None);
    }

    #[test]
    fn the_caps_are_twenty_times_their_base() {
        assert_eq!(salary_cap_vnd(date(2026, 7, 1)), Some(50_600_000));
        assert_eq!(salary_cap_vnd(date(2026, 6, 30)), Some(46_800_000));
        assert_eq!(unemployment_cap_vnd(1, date(2026, 1, 1)), Some(106_200_000));
        assert_eq!(unemployment_cap_vnd(5, date(2026, 1, 1)), None);
    }

    #[test]
    fn the_floor_is_the_wage_of_the_region_and_unknown_where_that_is() {
        assert_eq!(salary_floor_vnd(4, date(2026, 1, 1)), Some(3_700_000));
        assert_eq!(salary_floor_vnd(1, date(2022, 6, 30)), Some(4_420_000));
        assert_eq!(salary_floor_vnd(5, date(2026, 1, 1)), None);
        assert_eq!(salary_floor_vnd(1, date(2019, 12, 31)), None);
    }

    #[test]
    fn no_two_rows_hold_on_one_day() {
        for row in LEVELS {
            assert_eq!(
                LEVELS
                    .iter()
                    .filter(|other| other.term.holds_on(row.term.valid_from))
                    .count(),
                1
            );
        }
        for row in WAGES {
            let same = |other: &&RegionalWage| {
                other.region == row.region && other.term.holds_on(row.term.valid_from)
            };
            assert_eq!(WAGES.iter().filter(same).count(), 1);
        }
        for row in CAPS {
            let same =
                |other: &&Cap| other.base == row.base && other.term.holds_on(row.term.valid_from);
            assert_eq!(CAPS.iter().filter(same).count(), 1);
        }
    }
}
