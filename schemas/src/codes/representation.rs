//! Who acts for whom by law: parents until their child is of full age, guardians, and whoever was authorised.
//!
//! Civil Code 2015: who has not reached eighteen years is under age (art. 21); the parents are the lawful
//! representatives of a child under age (art. 136); a guardian is registered by the commune or appointed by a court, for
//! a child without parents who can act (art. 47, 54) or for an adult whom a court says to lack capacity or to be in
//! difficulty with it (art. 22, 23); everybody else acts by authorisation (art. 138). An enterprise acts by its legal
//! representative, as it is registered, or by whoever that one authorises (art. 137, 138). Texts not read in the original: weak.

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

/// As what somebody represents somebody else, where no register of births says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Guardian of a child under age.
    Guardian,
    /// Guardian of an adult whom a court says to lack capacity, or to be in difficulty with it.
    AdultGuardian,
    /// By authorisation, of an adult or an enterprise.
    Authorised,
    /// Legal representative of an enterprise.
    LegalRepresentative,
}

/// What a representation rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A court's decision.
    Court,
    /// The commune's decision that registers a guardianship.
    Commune,
    /// A letter of authorisation.
    Authorisation,
    /// The enterprise's registration.
    Registration,
}

impl Kind {
    /// Every kind, in the order in which they are told.
    pub const ALL: [Self; 4] = [
        Self::Guardian,
        Self::AdultGuardian,
        Self::Authorised,
        Self::LegalRepresentative,
    ];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Guardian => "guardian",
            Self::AdultGuardian => "adult-guardian",
            Self::Authorised => "authorised",
            Self::LegalRepresentative => "legal-representative",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether it may rest on this.
    pub fn rests_on(self, basis: Basis) -> bool {
        match self {
            Self::Guardian | Self::AdultGuardian => matches!(basis, Basis::Court | Basis::Commune),
            Self::Authorised => basis == Basis::Authorisation,
            Self::LegalRepresentative => basis == Basis::Registration,
        }
    }

    /// Whether a person can be represented so.
    pub fn is_of_persons(self) -> bool {
        self != Self::LegalRepresentative
    }

    /// Whether an enterprise can be represented so.
    pub fn is_of_enterprises(self) -> bool {
        matches!(self, Self::Authorised | Self::LegalRepresentative)
    }

    /// Whether it counts for somebody of this birth on a day: a child's guardian until the child is of full age, every other
    /// one from then on.
    pub fn fits_age(self, birth: Date, on: Date) -> bool {
        is_under_age(birth, on) == (self == Self::Guardian)
    }

    /// The last day, where the paper says none: an authorisation holds for one year (Civil Code art. 563), every other
    /// one until it is ended.
    pub fn last_day(self, from: Date, said: Option<Date>) -> Option<Date> {
        let year = || from.saturating_add(1.years()).yesterday().ok();
        match (said, self) {
            (Some(day), _) => Some(day),
            (None, Self::Authorised) => year(),
            (None, _) => None,
        }
    }
}

impl Basis {
    /// Every basis, in the order in which they are told.
    pub const ALL: [Self; 4] = [
        Self::Court,
        Self::Commune,
        Self::Authorisation,
        Self::Registration,
    ];

    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Court => "court",
            Self::Commune => "commune",
            Self::Authorisation => "authorisation",
            Self::Registration => "registration",
        }
    }

    /// The basis of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|basis| basis.word() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_rests_on_its_own_papers_and_is_of_somebody() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_word(kind.word()), Some(kind));
            assert!(Basis::ALL.into_iter().any(|basis| kind.rests_on(basis)));
            assert!(kind.is_of_persons() || kind.is_of_enterprises());
        }
        for basis in Basis::ALL {
            assert_eq!(Basis::of_word(basis.word()), Some(basis));
        }
        assert_eq!((Kind::of_word(""), Basis::of_word("")), (None, None));
        assert!(Kind::Guardian.rests_on(Basis::Commune));
        assert!(!Kind::Guardian.rests_on(Basis::Authorisation));
        assert!(!Kind::Authorised.rests_on(Basis::Court));
        assert!(!Kind::Guardian.is_of_enterprises());
        assert!(!Kind::LegalRepresentative.is_of_persons());
    }

    #[test]
    fn a_childs_guardian_ends_where_every_other_representative_begins() {
        let born = date(2008, 11, 24);
        for kind in Kind::ALL {
            let of_child = kind == Kind::Guardian;
            assert_eq!(kind.fits_age(born, date(2026, 11, 23)), of_child);
            assert_eq!(kind.fits_age(born, date(2026, 11, 24)), !of_child);
        }
    }

    #[test]
    fn an_authorisation_that_says_no_last_day_holds_for_a_year() {
        let from = date(2026, 11, 23);
        assert_eq!(
            Kind::Authorised.last_day(from, None),
            Some(date(2027, 11, 22))
        );
        let said = Some(date(2030, 1, 1));
        assert_eq!(Kind::Authorised.last_day(from, said), said);
        assert_eq!(Kind::Guardian.last_day(from, None), None);
    }

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
