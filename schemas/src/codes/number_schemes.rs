//! Which number identifies a person on new papers, by date. Both numbers find one person at any time.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// The number printed on new papers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Number {
    /// The 10-digit SI number.
    SiNumber,
    /// The 12-digit PIN.
    Pin,
}

/// One number scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scheme {
    /// The number on new papers.
    pub number: Number,
    /// When the scheme holds.
    pub term: Term,
}

/// The scheme for papers issued on a day.
pub fn on(day: Date) -> Option<&'static Scheme> {
    ROWS.iter().find(|row| row.term.holds_on(day))
}

const ROWS: &[Scheme] = &[
    Scheme {
        number: Number::SiNumber,
        term: Term::since(date(2016, 1, 1), "QĐ 1351/QĐ-BHXH", Certainty::Read)
            .until(date(2026, 8, 31)),
    },
    Scheme {
        number: Number::Pin,
        term: Term::since(date(2026, 9, 1), "6877/TB-BHXH", Certainty::Weak),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_carry_the_pin_from_september_2026() {
        assert_eq!(on(date(2026, 8, 31)).unwrap().number, Number::SiNumber);
        assert_eq!(on(date(2026, 9, 1)).unwrap().number, Number::Pin);
        assert_eq!(on(date(2015, 12, 31)), None);
    }
}
