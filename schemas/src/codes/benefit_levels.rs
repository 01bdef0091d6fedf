//! Benefit levels of health insurance cards: what share of the cost each pays.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// One benefit level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BenefitLevel {
    /// 1 to 5, the third character of a card number.
    pub level: u8,
    /// The share of the cost that is paid, in basis points.
    pub pays_bp: u32,
    /// Whether ceilings on techniques and drugs apply.
    pub ceilings: bool,
    /// Whether items outside the insured scope are paid too.
    pub beyond_scope: bool,
    /// Whether all is paid at commune level, or when one visit costs less than `free_below_bp` of the base salary.
    pub free_when_small: bool,
    /// The bound of a small visit, in basis points of the base salary or reference level.
    pub free_below_bp: u32,
    /// When it holds.
    pub term: Term,
}

/// The benefit level on a day.
pub fn find(level: u8, on: Date) -> Option<&'static BenefitLevel> {
    ROWS.iter()
        .find(|row| row.level == level && row.term.holds_on(on))
}

const TERM: Term = Term::since(
    date(2015, 11, 16),
    "QĐ 1351/QĐ-BHXH; Law 25/2008/QH12 art. 22",
    Certainty::Secondary,
);

const ROWS: &[BenefitLevel] = &[
    row(1, 10_000, false, false, false),
    row(2, 10_000, true, false, false),
    row(3, 9_500, true, false, true),
    row(4, 8_000, true, false, true),
    row(5, 10_000, false, true, false),
];

const fn row(
    level: u8,
    pays_bp: u32,
    ceilings: bool,
    beyond_scope: bool,
    free_when_small: bool,
) -> BenefitLevel {
    BenefitLevel {
        level,
        pays_bp,
        ceilings,
        beyond_scope,
        free_when_small,
        free_below_bp: 1_500,
        term: TERM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_levels_pay_their_share() {
        let today = date(2026, 11, 22);
        let pays: Vec<u32> = (1..=5)
            .map(|level| find(level, today).unwrap().pays_bp)
            .collect();
        assert_eq!(pays, [10_000, 10_000, 9_500, 8_000, 10_000]);
        assert!(!find(1, today).unwrap().ceilings && find(2, today).unwrap().ceilings);
        assert_eq!((find(0, today), find(6, today)), (None, None));
    }
}
