//! Until when parents act for their child.
//!
//! Civil Code 2015: who has not reached eighteen years is under age (art. 21); the parents are the lawful
//! representatives of a child under age (art. 136).

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// Of full age from so many years on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullAge {
    /// Years.
    pub years: i16,
    /// When the rule holds.
    pub term: Term,
}

/// The rule of a day.
pub fn full_age(on: Date) -> Option<&'static FullAge> {
    FULL_AGE.iter().find(|row| row.term.holds_on(on))
}

/// Whether somebody is under age on a day; nobody is where no rule is known for it, or before they are born.
pub fn is_under_age(birth: Date, on: Date) -> bool {
    full_age(on).is_some_and(|row| {
        let full = birth.saturating_add(i32::from(row.years).years());
        birth <= on && on < full
    })
}

const FULL_AGE: &[FullAge] = &[FullAge {
    years: 18,
    term: Term::since(
        date(2017, 1, 1),
        "Civil Code 91/2015/QH13 art. 21, 136",
        Certainty::Weak,
    ),
}];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_under_age_until_the_day_before_the_eighteenth_birthday() {
        let born = date(2008, 11, 24);
        assert!(is_under_age(born, date(2026, 11, 23)));
        assert!(!is_under_age(born, date(2026, 11, 24)));
        let infant = date(2026, 11, 23);
        assert!(is_under_age(infant, infant));
        assert!(!is_under_age(infant, date(2026, 11, 22)), "not born");
        // born on a leap day: of full age on the last day of that February
        let leap = date(2008, 2, 29);
        assert!(is_under_age(leap, date(2026, 2, 27)));
        assert!(!is_under_age(leap, date(2026, 2, 28)));
    }

    #[test]
    fn before_the_first_row_nobody_is_represented() {
        assert!(!is_under_age(date(2010, 1, 1), date(2016, 12, 31)));
    }
}
