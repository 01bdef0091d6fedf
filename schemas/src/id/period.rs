//! A month of contributions.

use std::fmt;

use jiff::civil::Date;

use super::{IdError, Rule};

/// A month of contributions, written `yyyy-MM`; the first is 1995-01, when the present social insurance began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: i16,
    month: i8,
}

const KIND: &str = "Period";

impl Period {
    /// The first month that a contribution can belong to.
    pub const FIRST: Self = Self {
        year: 1995,
        month: 1,
    };

    /// Parses `yyyy-MM`, not before 1995-01.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        if text.len() != 7 {
            return Err(IdError::new(KIND, Rule::Length));
        }
        let (year, month) = text
            .split_once('-')
            .ok_or(IdError::new(KIND, Rule::Shape))?;
        if year.len() != 4 {
            return Err(IdError::new(KIND, Rule::Shape));
        }
        if !year
            .bytes()
            .chain(month.bytes())
            .all(|byte| byte.is_ascii_digit())
        {
            return Err(IdError::new(KIND, Rule::Characters));
        }
        let number = |text: &str| {
            text.parse::<i16>()
                .map_err(|_| IdError::new(KIND, Rule::Characters))
        };
        let month = i8::try_from(number(month)?).map_err(|_| IdError::new(KIND, Rule::Month))?;
        Self::new(number(year)?, month)
    }

    /// The period of a year 1995–9999 and month 1–12.
    pub fn new(year: i16, month: i8) -> Result<Self, IdError> {
        if !(1..=12).contains(&month) {
            return Err(IdError::new(KIND, Rule::Month));
        }
        if !(Self::FIRST.year..=9999).contains(&year) {
            return Err(IdError::new(KIND, Rule::Range));
        }
        Ok(Self { year, month })
    }

    /// The period in which a day lies, if it is not before the first.
    pub fn of(day: Date) -> Result<Self, IdError> {
        Self::new(day.year(), day.month())
    }

    /// The year, four digits.
    pub const fn year(self) -> i16 {
        self.year
    }

    /// The month, 1–12.
    pub const fn month(self) -> i8 {
        self.month
    }

    /// The month before, or `None` at the first.
    pub fn previous(self) -> Option<Self> {
        match self.month {
            1 => Self::new(self.year - 1, 12).ok(),
            month => Self::new(self.year, month - 1).ok(),
        }
    }

    /// The month after, or `None` at the end of the year 9999.
    pub fn next(self) -> Option<Self> {
        match self.month {
            12 => Self::new(self.year + 1, 1).ok(),
            month => Self::new(self.year, month + 1).ok(),
        }
    }

    /// The first day of the month.
    pub const fn first_day(self) -> Date {
        jiff::civil::date(self.year, self.month, 1)
    }

    /// The last day of the month.
    pub fn last_day(self) -> Date {
        self.first_day().last_of_month()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl fmt::Debug for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Period({self})")
    }
}

impl std::str::FromStr for Period {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rule(text: &str) -> Rule {
        Period::parse(text).unwrap_err().rule()
    }

    #[test]
    fn months_are_ordered_and_step_over_the_year() {
        let january = Period::parse("2026-01").unwrap();
        assert_eq!(january.previous().unwrap().to_string(), "2025-12");
        assert_eq!(january.previous().unwrap().next(), Some(january));
        assert!(january.previous().unwrap() < january);
        assert_eq!(january.last_day(), jiff::civil::date(2026, 1, 31));
    }

    #[test]
    fn nothing_lies_before_1995() {
        assert_eq!(Period::FIRST.previous(), None);
        assert_eq!(rule("1994-12"), Rule::Range);
    }

    #[test]
    fn other_shapes_are_refused_with_their_reason() {
        assert_eq!(rule("2026-13"), Rule::Month);
        assert_eq!(rule("2026-00"), Rule::Month);
        assert_eq!(rule("2026-1"), Rule::Length);
        assert_eq!(rule("202-611"), Rule::Shape);
        assert_eq!(rule("2026/11"), Rule::Shape);
        assert_eq!(rule("+026-11"), Rule::Characters);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(year in 1995_i16..=9999, month in 1_i8..=12) {
            let period = Period::new(year, month).unwrap();
            prop_assert_eq!(Period::parse(&period.to_string()), Ok(period));
        }
    }
}
