//! Which object code a child's card may have when its TE card has ended.
//!
//! Under six is always TE (Law on Health Insurance art. 12.3 and 16.3(d)): whatever else a child is, another code takes
//! effect on the day after. A poor household's child is HN then, any other a pupil, since the TE card runs until
//! school has begun. What is issued needs its proof of that day; the table says what to ask for.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// What is known of a child besides its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A poor-household certificate was told with the birth.
    PoorHousehold,
    /// Nothing.
    Other,
}

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Of whom.
    pub standing: Standing,
    /// The object code.
    pub object_code: &'static str,
    /// When the rule holds, judged by the first day of the other code.
    pub term: Term,
}

/// The rule for a child of a standing whose other code takes effect on a day; none where there is no rule for the day.
pub fn next(standing: Standing, from: Date) -> Option<&'static Row> {
    ROWS.iter()
        .find(|row| row.standing == standing && row.term.holds_on(from))
}

const ROWS: &[Row] = &[
    Row {
        standing: Standing::PoorHousehold,
        object_code: "HN",
        term: Term::since(
            date(2015, 1, 1),
            "Law on Health Insurance art. 12.3; Decree 188/2025 not read",
            Certainty::OwnProfile,
        ),
    },
    Row {
        standing: Standing::Other,
        object_code: "HS",
        term: Term::since(
            date(2015, 1, 1),
            "Law on Health Insurance art. 12.4; Decree 188/2025 not read",
            Certainty::OwnProfile,
        ),
    },
];

#[cfg(test)]
mod tests {
    use super::super::card_objects;
    use super::*;

    #[test]
    fn every_code_is_one_of_the_list_on_the_day_and_none_is_a_childs() {
        let from = date(2032, 10, 1);
        for (standing, code, level) in [
            (Standing::PoorHousehold, "HN", 2),
            (Standing::Other, "HS", 4),
        ] {
            let row = next(standing, from).unwrap();
            let object = card_objects::find(row.object_code, from).unwrap();
            assert_eq!((row.object_code, object.level), (code, level));
            assert!(!row.term.source.is_empty());
        }
        assert_eq!(next(Standing::Other, date(2014, 12, 31)), None);
    }
}
