//! What a taxpayer's status says of its work, for the comparison with the insurance side.
//!
//! Own profile: no public text says which statuses contradict an active insurance unit. 02 (moved), 07 (awaiting
//! bankruptcy), 09 (address being verified) and 10 (wording not read) contradict neither state.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// What a status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The taxpayer works.
    Working,
    /// The taxpayer has stopped, for a time or for good.
    Stopped,
}

/// One row: a code of [`super::taxpayer_statuses`] and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// The code.
    pub code: &'static str,
    /// What it says.
    pub standing: Standing,
    /// When the row holds.
    pub term: Term,
}

/// The rows of a day.
pub fn on(day: Date) -> impl Iterator<Item = &'static Row> {
    ROWS.iter().filter(move |row| row.term.holds_on(day))
}

const OWN: Term = Term::since(
    date(2021, 1, 17),
    "own profile, over Circulars 105/2020, 86/2024 and 90/2026/TT-BTC",
    Certainty::OwnProfile,
);

const fn row(code: &'static str, standing: Standing, term: Term) -> Row {
    Row {
        code,
        standing,
        term,
    }
}

const ROWS: &[Row] = &[
    row("00", Standing::Working, OWN),
    row("01", Standing::Stopped, OWN),
    row("03", Standing::Stopped, OWN),
    row("04", Standing::Working, OWN.until(date(2026, 6, 30))),
    row("05", Standing::Stopped, OWN),
    row("06", Standing::Stopped, OWN),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codes::taxpayer_statuses;

    #[test]
    fn a_standing_is_that_of_a_status_of_the_same_day_and_of_one_row() {
        for day in [date(2021, 1, 17), date(2025, 7, 1), date(2026, 11, 22)] {
            for row in on(day) {
                assert!(
                    taxpayer_statuses::LIST.holds(row.code, day),
                    "{} {day}",
                    row.code
                );
                assert_eq!(on(day).filter(|other| other.code == row.code).count(), 1);
            }
        }
        assert_eq!(on(date(2026, 7, 1)).count(), 5);
    }
}
