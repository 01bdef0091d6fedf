//! Contribution rates in basis points (1 bp = 0.01 %), with the windows in which some were zero.
//!
//! A rate that is zero for a time is a row of its own: who reconciles without it sees shortfalls that are none.

use jiff::civil::{Date, date};

use super::{Certainty, Term, reference_levels};
use crate::id::Period;

/// The fund that a contribution goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fund {
    /// Retirement and survivors.
    Retirement,
    /// Sickness and maternity.
    SicknessMaternity,
    /// Occupational accidents and diseases.
    Occupational,
    /// Health insurance.
    Health,
    /// Unemployment insurance.
    Unemployment,
}

/// Who pays a contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Payer {
    /// The employee.
    Employee,
    /// The employer.
    Employer,
}

/// One contribution rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    /// The fund.
    pub fund: Fund,
    /// Who pays.
    pub payer: Payer,
    /// Basis points of the salary that contributions are counted on.
    pub bp: u32,
    /// When it holds.
    pub term: Term,
}

/// The rate of a fund and payer on a day.
pub fn rate(fund: Fund, payer: Payer, on: Date) -> Option<&'static Rate> {
    RATES
        .iter()
        .find(|row| row.fund == fund && row.payer == payer && row.term.holds_on(on))
}

/// The rates of a day.
pub fn on(day: Date) -> impl Iterator<Item = &'static Rate> {
    RATES.iter().filter(move |row| row.term.holds_on(day))
}

/// The sum of all compulsory rates of a day, in basis points; 0 where the table has no row.
pub fn total_bp(day: Date) -> u32 {
    on(day).map(|row| row.bp).sum()
}

/// The part of an amount that a rate takes, in whole VND, rounded down.
pub fn part_of(vnd: u64, bp: u32) -> u64 {
    (u128::from(vnd) * u128::from(bp) / 10_000)
        .try_into()
        .unwrap_or(u64::MAX)
}

/// A rate with one figure in basis points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Share {
    /// What or whom it is for: the member of a household, or the group of people.
    pub group: &'static str,
    /// Basis points.
    pub bp: u32,
    /// When it holds.
    pub term: Term,
}

/// What the nth member of a household (from 1) pays for health insurance on a day, in VND a month.
pub fn household_member_vnd(nth: usize, on: Date) -> Option<u64> {
    let (first, share) = (household_first(on)?, household_share(nth, on)?);
    Some(part_of(
        part_of(reference_levels::find(on)?.vnd, first.bp),
        share.bp,
    ))
}

/// What the first member of a household pays on a day, of the reference level.
pub fn household_first(on: Date) -> Option<&'static Share> {
    HOUSEHOLD_FIRST.iter().find(|row| row.term.holds_on(on))
}

/// What the nth member of a household (from 1) pays on a day, of what the first pays.
pub fn household_share(nth: usize, on: Date) -> Option<&'static Share> {
    let mut members = HOUSEHOLD_MEMBERS.iter().filter(|row| row.term.holds_on(on));
    members
        .clone()
        .nth(nth.checked_sub(1)?)
        .or_else(|| members.next_back())
}

/// What the state adds to a household's health insurance on a day, by group, of what the member owes; 10,000 basis points:
/// the state pays all of it. A province may add more (own rows of its council), which is in no source of ours.
pub fn household_support(on: Date) -> impl Iterator<Item = &'static Share> {
    HOUSEHOLD_SUPPORT
        .iter()
        .filter(move |row| row.term.holds_on(on))
}

/// By when the contributions of a month are paid without extra cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The last day.
    pub last_day: Date,
    /// By which text.
    pub term: &'static Term,
}

/// The last day for the compulsory contributions of a month, paid monthly. Earlier months had other rules,
/// which are not in our sources.
pub fn deadline(period: Period) -> Option<Deadline> {
    let next = period.next()?;
    let last_day = Date::new(next.year(), next.month(), 1)
        .ok()?
        .last_of_month();
    let row = DEADLINES.iter().find(|row| row.holds_on(last_day))?;
    Some(Deadline {
        last_day,
        term: row,
    })
}

/// The rate of voluntary social insurance on a day, of the income that the insured chose.
pub fn voluntary(on: Date) -> Option<&'static Share> {
    VOLUNTARY.iter().find(|row| row.term.holds_on(on))
}

/// The state's support for voluntary social insurance on a day, by group.
pub fn voluntary_support(on: Date) -> impl Iterator<Item = &'static Share> {
    VOLUNTARY_SUPPORT
        .iter()
        .filter(move |row| row.term.holds_on(on))
}

/// What late payment costs on a day, in basis points a day of what is owed.
pub fn late_payment_a_day(on: Date) -> Option<&'static Share> {
    LATE_PAYMENT.iter().find(|row| row.term.holds_on(on))
}

use Fund::{Health, Occupational, Retirement, SicknessMaternity, Unemployment};
use Payer::{Employee, Employer};

const fn row(fund: Fund, payer: Payer, bp: u32, term: Term) -> Rate {
    Rate {
        fund,
        payer,
        bp,
        term,
    }
}

const SI_2014: Term = Term::since(
    date(2016, 1, 1),
    "Law 58/2014/QH13 art. 85–86",
    Certainty::Secondary,
)
.until(date(2025, 6, 30));
const SI_2024: Term = Term::since(
    date(2025, 7, 1),
    "Law 41/2024/QH15 art. 33–34",
    Certainty::Secondary,
);
const HEALTH: Term = Term::since(
    date(2015, 1, 1),
    "Law 25/2008/QH12 art. 13; Decree 146/2018/NĐ-CP art. 7",
    Certainty::Secondary,
);
const UNEMPLOYMENT: Term = Term::since(
    date(2015, 1, 1),
    "Law 38/2013/QH13 art. 57",
    Certainty::Secondary,
);
const UI_ZERO: Term = Term::since(
    date(2021, 10, 1),
    "NQ 116/NQ-CP; QĐ 28/2021/QĐ-TTg",
    Certainty::Secondary,
)
.until(date(2022, 9, 30));
const UI_AGAIN: Term = Term::since(
    date(2022, 10, 1),
    "Law 38/2013/QH13 art. 57",
    Certainty::Secondary,
);
const OCCUPATIONAL: Term = Term::since(
    date(2017, 6, 1),
    "Decree 44/2017/NĐ-CP",
    Certainty::Secondary,
)
.until(date(2021, 6, 30));
const OCC_ZERO: Term = Term::since(
    date(2021, 7, 1),
    "NQ 68/NQ-CP; QĐ 23/2021/QĐ-TTg",
    Certainty::Secondary,
)
.until(date(2022, 6, 30));
const OCC_AGAIN: Term = Term::since(
    date(2022, 7, 1),
    "Decree 58/2020/NĐ-CP",
    Certainty::Secondary,
);

const RATES: &[Rate] = &[
    row(Retirement, Employee, 800, SI_2014),
    row(Retirement, Employer, 1_400, SI_2014),
    row(SicknessMaternity, Employer, 300, SI_2014),
    row(Retirement, Employee, 800, SI_2024),
    row(Retirement, Employer, 1_400, SI_2024),
    row(SicknessMaternity, Employer, 300, SI_2024),
    row(Occupational, Employer, 50, OCCUPATIONAL),
    row(Occupational, Employer, 0, OCC_ZERO),
    row(Occupational, Employer, 50, OCC_AGAIN),
    row(Health, Employee, 150, HEALTH),
    row(Health, Employer, 300, HEALTH),
    row(Unemployment, Employee, 100, UNEMPLOYMENT),
    row(
        Unemployment,
        Employer,
        100,
        UNEMPLOYMENT.until(date(2021, 9, 30)),
    ),
    row(Unemployment, Employer, 0, UI_ZERO),
    row(Unemployment, Employer, 100, UI_AGAIN),
];

const fn share(group: &'static str, bp: u32, term: Term) -> Share {
    Share { group, bp, term }
}

const HH_146: Term = Term::since(
    date(2018, 12, 1),
    "Decree 146/2018/NĐ-CP art. 7",
    Certainty::Secondary,
)
.until(date(2025, 8, 14));
const HH_188: Term = Term::since(
    date(2025, 8, 15),
    "Decree 188/2025/NĐ-CP; 4.5 % confirmed, steps assumed unchanged",
    Certainty::Weak,
);

const HOUSEHOLD_FIRST: &[Share] = &[
    share("member 1, of the reference level", 450, HH_146),
    share("member 1, of the reference level", 450, HH_188),
];

/// Of what the first member pays; the last row of a time holds for every further member.
const HOUSEHOLD_MEMBERS: &[Share] = &[
    share("member 1", 10_000, HH_146),
    share("member 2", 7_000, HH_146),
    share("member 3", 6_000, HH_146),
    share("member 4", 5_000, HH_146),
    share("member 5 and further", 4_000, HH_146),
    share("member 1", 10_000, HH_188),
    share("member 2", 7_000, HH_188),
    share("member 3", 6_000, HH_188),
    share("member 4", 5_000, HH_188),
    share("member 5 and further", 4_000, HH_188),
];

const HH_STATE: Term = Term::since(
    date(2015, 1, 1),
    "Law 25/2008/QH12 art. 12.3, as Law 46/2014/QH13 has it",
    Certainty::Weak,
);
const HH_HELP_146: Term = Term::since(
    date(2018, 12, 1),
    "Decree 146/2018/NĐ-CP art. 8",
    Certainty::Weak,
)
.until(date(2025, 8, 14));
const HH_HELP_188: Term = Term::since(
    date(2025, 8, 15),
    "Decree 188/2025/NĐ-CP; shares assumed unchanged",
    Certainty::Weak,
);

const HOUSEHOLD_SUPPORT: &[Share] = &[
    share("poor household, island commune", 10_000, HH_STATE),
    share("near-poor household", 7_000, HH_HELP_146),
    share(
        "average household of farming, forestry, fishery, salt",
        3_000,
        HH_HELP_146,
    ),
    share("near-poor household", 7_000, HH_HELP_188),
    share(
        "average household of farming, forestry, fishery, salt",
        3_000,
        HH_HELP_188,
    ),
];

const VOLUNTARY: &[Share] = &[
    share(
        "income chosen",
        2_200,
        Term::since(
            date(2016, 1, 1),
            "Law 58/2014/QH13 art. 87",
            Certainty::Secondary,
        )
        .until(date(2025, 6, 30)),
    ),
    share(
        "income chosen",
        2_200,
        Term::since(
            date(2025, 7, 1),
            "Law 41/2024/QH15 art. 36",
            Certainty::Secondary,
        ),
    ),
];

const SUPPORT: Term = Term::since(date(2025, 7, 1), "Decree 159/2025/NĐ-CP", Certainty::Weak);

const VOLUNTARY_SUPPORT: &[Share] = &[
    share("poor household, island commune", 5_000, SUPPORT),
    share("near-poor household", 4_000, SUPPORT),
    share("ethnic minority", 3_000, SUPPORT),
    share("others", 2_000, SUPPORT),
];

/// The last day of the following month.
const DEADLINES: &[Term] = &[Term::since(
    date(2025, 7, 31),
    "Law 41/2024/QH15 art. 34",
    Certainty::Secondary,
)];

const LATE_PAYMENT: &[Share] = &[share(
    "a day",
    3,
    Term::since(
        date(2025, 7, 1),
        "Law 41/2024/QH15 art. 40; Decree 274/2025/NĐ-CP",
        Certainty::Secondary,
    ),
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compulsory_rates_are_32_percent() {
        let today = date(2026, 11, 22);
        assert_eq!(total_bp(today), 3_200);
        let of = |payer| {
            on(today)
                .filter(|row| row.payer == payer)
                .map(|row| row.bp)
                .sum::<u32>()
        };
        assert_eq!((of(Employee), of(Employer)), (1_050, 2_150));
    }

    #[test]
    fn the_zero_rate_windows_lower_the_total_month_by_month() {
        for (day, total) in [
            (date(2021, 6, 30), 3_200),
            (date(2021, 7, 1), 3_150),
            (date(2021, 10, 1), 3_050),
            (date(2022, 6, 30), 3_050),
            (date(2022, 7, 1), 3_100),
            (date(2022, 9, 30), 3_100),
            (date(2022, 10, 1), 3_200),
        ] {
            assert_eq!(total_bp(day), total, "{day}");
        }
    }

    #[test]
    fn a_zero_rate_is_a_row_and_not_a_gap() {
        let row = rate(Unemployment, Employer, date(2022, 1, 1)).unwrap();
        assert_eq!(
            (row.bp, row.term.source),
            (0, "NQ 116/NQ-CP; QĐ 28/2021/QĐ-TTg")
        );
    }

    #[test]
    fn the_first_member_of_a_household_pays_113_850_since_july_2026() {
        let day = date(2026, 7, 1);
        let paid: Vec<Option<u64>> = [1, 2, 3, 4, 5, 9]
            .map(|nth| household_member_vnd(nth, day))
            .to_vec();
        assert_eq!(
            paid,
            [113_850, 79_695, 68_310, 56_925, 45_540, 45_540].map(Some)
        );
        assert_eq!(household_member_vnd(0, day), None);
        assert_eq!(household_member_vnd(1, date(2026, 6, 30)), Some(105_300));
    }

    #[test]
    fn support_and_late_payment_begin_in_july_2025() {
        let bp: Vec<u32> = voluntary_support(date(2025, 7, 1))
            .map(|row| row.bp)
            .collect();
        assert_eq!(bp, [5_000, 4_000, 3_000, 2_000]);
        assert_eq!(voluntary_support(date(2025, 6, 30)).count(), 0);
        assert_eq!(late_payment_a_day(date(2026, 1, 1)).unwrap().bp, 3);
        assert_eq!(voluntary(date(2026, 1, 1)).unwrap().bp, 2_200);
    }

    #[test]
    fn no_rate_has_two_rows_on_one_day() {
        for row in RATES {
            let days = [Some(row.term.valid_from), row.term.valid_to];
            for day in days.into_iter().flatten() {
                assert_eq!(
                    on(day)
                        .filter(|other| (other.fund, other.payer) == (row.fund, row.payer))
                        .count(),
                    1,
                    "{day} {row:?}"
                );
            }
        }
    }
}
