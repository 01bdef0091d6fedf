//! How long the health insurance card of a child under six is valid, by the rule on its day of issue.
//!
//! Decree 146/2018/NĐ-CP: born on or before 30 September, to 30 September of the year of the 72nd month;
//! born later, to the last day of the month of the 72nd month. It lapsed on 2025-08-15.
//!
//! The wording of Decree 188/2025/NĐ-CP could not be read, so its row follows the Law on Health Insurance
//! art. 16.3(d) and is marked our own profile: "to the day of 72 months; a child who reaches 72 months before
//! school has begun, to 30 September of that year". We read it so: school begins in September of the calendar
//! year in which a child turns six. Who reaches 72 months on or before 30 September has not begun, so the card
//! runs to 30 September; who reaches them later is at school already, so it ends on that day, which it includes.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::{Certainty, Term};

/// From when to when a child card is valid, and by which rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The day of birth.
    pub from: Date,
    /// The last valid day.
    pub to: Date,
    /// The rule that was in force on the day of issue.
    pub rule: &'static Row,
}

/// Why no child card can be issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChildCardError {
    /// No rule row holds on the day of issue.
    #[error("no rule for child cards holds on the day of issue")]
    NoRule,
    /// The day of issue lies before the birth.
    #[error("the child is not born on the day of issue")]
    NotBorn,
    /// The card would have ended before the day of issue.
    #[error("the child is too old on the day of issue")]
    TooOld,
}

/// One rule for the last valid day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// How the end is found for a child that reaches 72 months after 30 September.
    pub later_births: LaterBirths,
    /// When the rule holds, judged by the day of issue.
    pub term: Term,
}

/// The end of the card of a child born after 30 September.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterBirths {
    /// The last day of the month in which the child reaches 72 months.
    EndOfMonth,
    /// The day on which the child reaches 72 months.
    SameDay,
}

/// The validity of a card for a child born on one day and issued on another.
pub fn validity(birth: Date, issued: Date) -> Result<Validity, ChildCardError> {
    if issued < birth {
        return Err(ChildCardError::NotBorn);
    }
    let rule = rule_on(issued).ok_or(ChildCardError::NoRule)?;
    let to = last_day(birth, rule.later_births).ok_or(ChildCardError::NoRule)?;
    match issued > to {
        true => Err(ChildCardError::TooOld),
        false => Ok(Validity {
            from: birth,
            to,
            rule,
        }),
    }
}

/// The rule for cards issued on a day.
pub fn rule_on(issued: Date) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.term.holds_on(issued))
}

fn last_day(birth: Date, later_births: LaterBirths) -> Option<Date> {
    let reached = birth.checked_add(72.months()).ok()?;
    let school_begun = Date::new(reached.year(), 9, 30).ok()?;
    Some(match (reached <= school_begun, later_births) {
        (true, _) => school_begun,
        (false, LaterBirths::EndOfMonth) => reached.last_of_month(),
        (false, LaterBirths::SameDay) => reached,
    })
}

const ROWS: &[Row] = &[
    Row {
        later_births: LaterBirths::EndOfMonth,
        term: Term::since(date(2018, 12, 1), "Decree 146/2018/NĐ-CP", Certainty::Read)
            .until(date(2025, 8, 14)),
    },
    Row {
        later_births: LaterBirths::SameDay,
        term: Term::since(
            date(2025, 8, 15),
            "Law on Health Insurance art. 16.3(d); Decree 188/2025/NĐ-CP not read",
            Certainty::OwnProfile,
        ),
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn to(birth: Date, issued: Date) -> Result<Date, ChildCardError> {
        validity(birth, issued).map(|validity| validity.to)
    }

    #[test]
    fn decree_146_ends_a_card_on_30_september_or_with_the_month() {
        for (birth, end) in [
            (date(2019, 3, 15), date(2025, 9, 30)),
            (date(2019, 9, 30), date(2025, 9, 30)),
            (date(2019, 10, 1), date(2025, 10, 31)),
            (date(2019, 12, 31), date(2025, 12, 31)),
            (date(2020, 2, 29), date(2026, 9, 30)),
        ] {
            assert_eq!(to(birth, date(2020, 6, 1)), Ok(end), "{birth}");
        }
    }

    #[test]
    fn since_15_august_2025_a_later_birth_ends_the_card_on_the_day_of_72_months() {
        for (birth, end) in [
            (date(2020, 2, 29), date(2026, 9, 30)),
            (date(2020, 9, 30), date(2026, 9, 30)),
            (date(2020, 10, 1), date(2026, 10, 1)),
            (date(2026, 11, 20), date(2032, 11, 20)),
        ] {
            assert_eq!(to(birth, date(2026, 1, 1).max(birth)), Ok(end), "{birth}");
        }
    }

    #[test]
    fn the_rule_is_chosen_by_the_day_of_issue() {
        let birth = date(2019, 10, 1);
        assert_eq!(to(birth, date(2025, 8, 14)), Ok(date(2025, 10, 31)));
        assert_eq!(to(birth, date(2025, 8, 15)), Ok(date(2025, 10, 1)));
    }

    #[test]
    fn a_rule_that_we_could_not_read_says_so() {
        assert_eq!(
            rule_on(date(2025, 8, 14)).unwrap().term.certainty,
            Certainty::Read
        );
        assert_eq!(
            rule_on(date(2025, 8, 15)).unwrap().term.certainty,
            Certainty::OwnProfile
        );
    }

    #[test]
    fn a_card_is_valid_from_birth() {
        assert_eq!(
            validity(date(2026, 11, 20), date(2026, 11, 22))
                .unwrap()
                .from,
            date(2026, 11, 20)
        );
    }

    #[test]
    fn a_child_too_old_or_not_born_gets_no_card() {
        assert_eq!(
            to(date(2020, 3, 15), date(2026, 9, 30)),
            Ok(date(2026, 9, 30))
        );
        assert_eq!(
            to(date(2020, 3, 15), date(2026, 10, 1)),
            Err(ChildCardError::TooOld)
        );
        assert_eq!(
            to(date(2026, 11, 23), date(2026, 11, 22)),
            Err(ChildCardError::NotBorn)
        );
        assert_eq!(
            to(date(2018, 1, 1), date(2018, 11, 30)),
            Err(ChildCardError::NoRule)
        );
    }

    proptest! {
        #[test]
        fn a_card_reaches_72_months_and_ends_in_that_year(days in 0_i32..3_000, rest in 0_i32..800) {
            let birth = date(2019, 1, 1).checked_add(days.days()).unwrap();
            let issued = birth.checked_add(rest.days()).unwrap();
            let end = to(birth, issued).unwrap();
            prop_assert!(end >= birth.checked_add(72.months()).unwrap());
            prop_assert_eq!(end.year(), birth.year() + 6);
        }
    }
}
