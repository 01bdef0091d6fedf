//! Object codes of health insurance cards: who is insured, who pays, and the one benefit level each carries.
//!
//! QĐ 1351/QĐ-BHXH of 16/11/2015. The list of level 4 is open in our sources, so a code in no row is taken to
//! stand in it; the other levels are closed.

use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// Who pays the contribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payer {
    /// Employer and employee.
    Employer,
    /// The social insurance fund.
    SiFund,
    /// The state budget.
    State,
    /// The insured, with help from the state budget.
    StateSupported,
    /// The household.
    Household,
    /// Not in our sources.
    Unknown,
}

/// One object code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CardObject {
    /// Two letters.
    pub code: &'static str,
    /// The benefit level 1–5 that its cards carry.
    pub level: u8,
    /// Who pays.
    pub payer: Payer,
    /// When it holds.
    pub term: Term,
}

/// The object code on a day.
pub fn find(code: &str, on: Date) -> Option<&'static CardObject> {
    ROWS.iter()
        .find(|row| row.code == code && row.term.holds_on(on))
}

/// The object codes of a day.
pub fn on(day: Date) -> impl Iterator<Item = &'static CardObject> {
    ROWS.iter().filter(move |row| row.term.holds_on(day))
}

/// Whether a card may carry this object code with this level in any row; a code in no row goes with the open level 4.
pub fn pair_is_possible(code: &str, level: u8) -> bool {
    let mut rows = ROWS.iter().filter(|row| row.code == code).peekable();
    match rows.peek() {
        Some(_) => rows.any(|row| row.level == level),
        None => level == OPEN_LEVEL,
    }
}

const OPEN_LEVEL: u8 = 4;

const READ: Term = Term::since(date(2015, 11, 16), "QĐ 1351/QĐ-BHXH", Certainty::Read);
const SECONDARY: Term = Term::since(date(2015, 11, 16), "QĐ 1351/QĐ-BHXH", Certainty::Secondary);
const WEAK: Term = Term::since(
    date(2015, 11, 16),
    "QĐ 1351/QĐ-BHXH; code in practice",
    Certainty::Weak,
);

const fn row(code: &'static str, level: u8, payer: Payer, term: Term) -> CardObject {
    CardObject {
        code,
        level,
        payer,
        term,
    }
}

const ROWS: &[CardObject] = &[
    row("CC", 1, Payer::State, SECONDARY),
    row("TE", 1, Payer::State, READ),
    row("CK", 2, Payer::State, SECONDARY),
    row("CB", 2, Payer::State, SECONDARY),
    row("KC", 2, Payer::State, SECONDARY),
    row("HN", 2, Payer::State, READ),
    row("DT", 2, Payer::State, READ),
    row("DK", 2, Payer::State, SECONDARY),
    row("XD", 2, Payer::State, SECONDARY),
    row("BT", 2, Payer::State, SECONDARY),
    row("TS", 2, Payer::State, SECONDARY),
    row("AK", 2, Payer::Unknown, WEAK),
    row("CT", 2, Payer::SiFund, SECONDARY),
    row("HT", 3, Payer::SiFund, SECONDARY),
    row("TC", 3, Payer::State, SECONDARY),
    row("CN", 3, Payer::StateSupported, READ),
    row("PV", 3, Payer::State, SECONDARY),
    row("TG", 3, Payer::Unknown, WEAK),
    row("DS", 3, Payer::Unknown, WEAK),
    row("HK", 3, Payer::Unknown, WEAK),
    row("DN", 4, Payer::Employer, SECONDARY),
    row("HX", 4, Payer::Employer, SECONDARY),
    row("CH", 4, Payer::Employer, SECONDARY),
    row("NN", 4, Payer::Employer, SECONDARY),
    row("TK", 4, Payer::Employer, SECONDARY),
    row("HC", 4, Payer::Employer, SECONDARY),
    row("XK", 4, Payer::Employer, SECONDARY),
    row("TB", 4, Payer::SiFund, SECONDARY),
    row("NO", 4, Payer::SiFund, WEAK),
    row("XB", 4, Payer::SiFund, SECONDARY),
    row("TN", 4, Payer::SiFund, WEAK),
    row("CS", 4, Payer::SiFund, SECONDARY),
    row("XN", 4, Payer::State, SECONDARY),
    row("MS", 4, Payer::State, SECONDARY),
    row("HD", 4, Payer::State, WEAK),
    row("TQ", 4, Payer::State, SECONDARY),
    row("TA", 4, Payer::State, SECONDARY),
    row("TY", 4, Payer::State, SECONDARY),
    row("HG", 4, Payer::State, SECONDARY),
    row("LS", 4, Payer::State, SECONDARY),
    row("GD", 4, Payer::Household, READ),
    row("HS", 4, Payer::StateSupported, SECONDARY),
    row("SV", 4, Payer::StateSupported, SECONDARY),
    row("GB", 4, Payer::StateSupported, SECONDARY),
    row("QN", 5, Payer::State, READ),
    row("CA", 5, Payer::State, SECONDARY),
    row("CY", 5, Payer::State, SECONDARY),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_code_carries_one_level() {
        let today = date(2026, 11, 22);
        for (code, level) in [
            ("TE", 1),
            ("CC", 1),
            ("HN", 2),
            ("DT", 2),
            ("CN", 3),
            ("HT", 3),
            ("GD", 4),
            ("DN", 4),
            ("QN", 5),
        ] {
            assert_eq!(find(code, today).unwrap().level, level, "{code}");
        }
        assert_eq!(on(today).count(), ROWS.len());
    }

    #[test]
    fn no_object_code_has_two_rows_on_one_day() {
        for row in ROWS {
            assert_eq!(
                on(row.term.valid_from)
                    .filter(|other| other.code == row.code)
                    .count(),
                1,
                "{}",
                row.code
            );
        }
    }

    #[test]
    fn a_child_is_insured_by_the_state_and_a_household_by_itself() {
        let today = date(2026, 11, 22);
        assert_eq!(find("TE", today).unwrap().payer, Payer::State);
        assert_eq!(find("GD", today).unwrap().payer, Payer::Household);
        assert_eq!(find("TE", date(2015, 11, 15)), None);
    }
}
