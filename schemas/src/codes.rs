//! Dated code lists: every row says from when to when it holds, which text says so and how sure we are.
//!
//! Callers name the day that they ask for; nothing here knows today. A new decree is a new row and an
//! end to the old one. Rows gathered in `domain` notes that no public text confirms are [`Certainty::OwnProfile`].

pub mod after_child_card;
pub mod benefit_levels;
pub mod card_objects;
pub mod child_card;
pub mod civil;
pub mod communes;
pub mod contributions;
pub mod dossier_statuses;
pub mod ethnicities;
pub mod household;
pub mod number_schemes;
pub mod procedures;
pub mod province_set;
pub mod provinces;
pub mod reference_levels;
pub mod representation;
pub mod taxpayer_standings;
pub mod taxpayer_statuses;

use jiff::civil::Date;

/// When a row holds, by which text, and how sure we are of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Term {
    /// The first day on which the row holds.
    pub valid_from: Date,
    /// The last day on which the row holds; `None` while it is in force.
    pub valid_to: Option<Date>,
    /// The decree, circular or decision that the row follows.
    pub source: &'static str,
    /// How the row was confirmed.
    pub certainty: Certainty,
}

impl Term {
    /// A row in force since a day.
    pub const fn since(valid_from: Date, source: &'static str, certainty: Certainty) -> Self {
        Self {
            valid_from,
            valid_to: None,
            source,
            certainty,
        }
    }

    /// The same row with a last day.
    pub const fn until(self, valid_to: Date) -> Self {
        Self {
            valid_to: Some(valid_to),
            ..self
        }
    }

    /// Whether the row holds on a day.
    pub fn holds_on(&self, on: Date) -> bool {
        self.valid_from <= on && self.valid_to.is_none_or(|last| on <= last)
    }
}

/// How a row was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Certainty {
    /// Read in a legal text, a real sample or a production implementation.
    Read,
    /// Secondary sources agree.
    Secondary,
    /// One weak source, or general knowledge.
    Weak,
    /// Our own definition or our own reading, until the real document arrives.
    OwnProfile,
}

/// One row of a plain code list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    /// The code as it is written on the wire.
    pub code: &'static str,
    /// Its meaning in Vietnamese.
    pub vi: &'static str,
    /// Its meaning in English.
    pub en: &'static str,
    /// When it holds.
    pub term: Term,
}

/// A plain code list.
#[derive(Debug, Clone, Copy)]
pub struct List(&'static [Code]);

impl List {
    /// The row of a code on a day.
    pub fn find(&self, code: &str, on: Date) -> Option<&'static Code> {
        self.0
            .iter()
            .find(|row| row.code == code && row.term.holds_on(on))
    }

    /// Whether a code may be used on a day.
    pub fn holds(&self, code: &str, on: Date) -> bool {
        self.find(code, on).is_some()
    }

    /// The rows that hold on a day, in the order of the list.
    pub fn on(&self, on: Date) -> impl Iterator<Item = &'static Code> {
        self.0.iter().filter(move |row| row.term.holds_on(on))
    }

    /// Every row, past ones too.
    pub fn rows(&self) -> &'static [Code] {
        self.0
    }
}

/// Writes the rows of a list that share one term.
const fn code(code: &'static str, vi: &'static str, en: &'static str, term: Term) -> Code {
    Code { code, vi, en, term }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const LISTS: [(&str, List); 11] = [
        ("ethnicities", ethnicities::LIST),
        ("relations", household::RELATIONS),
        ("registration kinds", civil::REGISTRATION_KINDS),
        ("residence kinds", civil::RESIDENCE_KINDS),
        ("identity papers", civil::IDENTITY_PAPERS),
        ("birth kinds", civil::BIRTH_KINDS),
        ("death papers", civil::DEATH_PAPERS),
        ("civil statuses", civil::STATUSES),
        ("taxpayer statuses", taxpayer_statuses::LIST),
        ("procedures", procedures::LIST),
        ("vss forms", procedures::VSS_OWN_CODES),
    ];

    #[test]
    fn no_code_has_two_rows_on_one_day() {
        for (name, list) in LISTS {
            for row in list.rows() {
                let days = [Some(row.term.valid_from), row.term.valid_to];
                for day in days.into_iter().flatten() {
                    assert_eq!(
                        list.on(day).filter(|other| other.code == row.code).count(),
                        1,
                        "{name} {} on {day}",
                        row.code
                    );
                }
            }
        }
    }

    #[test]
    fn every_row_names_its_source_and_ends_after_it_begins() {
        for (name, list) in LISTS {
            assert!(!list.rows().is_empty());
            for Code { code, vi, en, term } in list.rows() {
                assert!(
                    !term.source.is_empty() && !vi.is_empty() && !en.is_empty(),
                    "{name} {code}"
                );
                assert!(
                    term.valid_to.is_none_or(|last| last >= term.valid_from),
                    "{name} {code}"
                );
            }
        }
    }

    #[test]
    fn a_term_holds_on_its_first_and_last_day_and_no_other() {
        let term =
            Term::since(date(2025, 7, 1), "test", Certainty::OwnProfile).until(date(2025, 7, 31));
        assert!(term.holds_on(date(2025, 7, 1)) && term.holds_on(date(2025, 7, 31)));
        assert!(!term.holds_on(date(2025, 6, 30)) && !term.holds_on(date(2025, 8, 1)));
    }
}
