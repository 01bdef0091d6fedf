//! Dates of which a part is not known, as old civil-status books have them.

use std::fmt;

use jiff::civil::Date;

use super::{DateError, number};

/// A date whose month, or day and month, may be unknown: `dd.MM.yyyy`, `.MM.yyyy`, `..yyyy` or `yyyy`.
///
/// It is mostly a date of birth, so `Debug` is redacted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
}

impl PartialDate {
    /// Parses one of the four forms; a day without a month is refused.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        Self::parts(text).ok_or(DateError {
            form: "dd.MM.yyyy, .MM.yyyy, ..yyyy or yyyy",
        })
    }

    /// The year, four digits.
    pub const fn year(&self) -> i16 {
        self.year
    }

    /// The month 1–12, where it is known.
    pub const fn month(&self) -> Option<i8> {
        self.month
    }

    /// The day 1–31, where it is known.
    pub const fn day(&self) -> Option<i8> {
        self.day
    }

    /// The whole date, where every part is known.
    pub fn complete(&self) -> Option<Date> {
        Date::new(self.year, self.month?, self.day?).ok()
    }

    /// Whether a whole date could be the one meant.
    pub fn admits(&self, date: Date) -> bool {
        self.year == date.year()
            && self.month.is_none_or(|month| month == date.month())
            && self.day.is_none_or(|day| day == date.day())
    }

    /// The date as civil status writes it: `dd.MM.yyyy`, `.MM.yyyy` or `..yyyy`.
    pub fn to_dotted(&self) -> String {
        let part = |part: Option<i8>| part.map(|part| format!("{part:02}")).unwrap_or_default();
        format!("{}.{}.{:04}", part(self.day), part(self.month), self.year)
    }

    fn parts(text: &str) -> Option<Self> {
        let Some((day, rest)) = text.split_once('.') else {
            return Some(Self {
                year: number(text, 4)?,
                month: None,
                day: None,
            });
        };
        let (month, year) = rest.split_once('.')?;
        let read = Self {
            year: number(year, 4)?,
            month: optional(month)?,
            day: optional(day)?,
        };
        read.is_possible().then_some(read)
    }

    fn is_possible(&self) -> bool {
        match (self.month, self.day) {
            (None, None) => true,
            (Some(month), None) => (1..=12).contains(&month),
            (Some(_), Some(_)) => self.complete().is_some(),
            (None, Some(_)) => false,
        }
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> Self {
        Self {
            year: date.year(),
            month: Some(date.month()),
            day: Some(date.day()),
        }
    }
}

impl fmt::Debug for PartialDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartialDate(***)")
    }
}

/// An empty part is unknown; any other has two digits.
fn optional(text: &str) -> Option<Option<i8>> {
    match text.is_empty() {
        true => Some(None),
        false => Some(Some(i8::try_from(number(text, 2)?).ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_year_alone_may_be_written_with_or_without_dots() {
        let year = PartialDate::parse("..1975").unwrap();
        assert_eq!(PartialDate::parse("1975").unwrap(), year);
        assert_eq!(
            (year.year(), year.month(), year.day(), year.complete()),
            (1975, None, None, None)
        );
        assert!(year.admits(date(1975, 4, 30)) && !year.admits(date(1976, 4, 30)));
    }

    #[test]
    fn every_form_is_written_back() {
        for text in ["30.04.1975", ".04.1975", "..1975"] {
            assert_eq!(PartialDate::parse(text).unwrap().to_dotted(), text);
        }
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in [
            "30.02.1975",
            "30..1975",
            ".13.1975",
            "...1975",
            "..75",
            "",
            ".",
            "1.4.1975",
            "30.04.1975 ",
        ] {
            assert!(PartialDate::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_date_of_birth_never_prints() {
        assert_eq!(
            format!("{:?}", PartialDate::from(date(1975, 4, 30))),
            "PartialDate(***)"
        );
    }
}
