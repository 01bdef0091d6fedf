//! Dates as the wires write them: `yyyyMMdd`, `dd/MM/yyyy`, `dd.MM.yyyy`, partial dates, portal time.
//!
//! Viet Nam has been at +07:00 without daylight saving since 1975, so a fixed offset is used and no
//! time-zone database is read.

mod partial;
pub mod portal_time;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Zoned};

pub use partial::PartialDate;

/// The offset of Viet Nam, +07:00.
pub const VIET_NAM: Offset = Offset::constant(7);

/// A text that is not the date that was expected; it never carries the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the form {form}")]
pub struct DateError {
    form: &'static str,
}

impl DateError {
    /// The form that was expected, for example `dd/MM/yyyy`.
    pub const fn form(&self) -> &'static str {
        self.form
    }
}

/// Parses `yyyyMMdd`, as the XML of hospitals and facilities has it.
pub fn parse_compact(text: &str) -> Result<Date, DateError> {
    let error = DateError { form: "yyyyMMdd" };
    match (text.len(), text.is_ascii()) {
        (8, true) => civil(&text[..4], &text[4..6], &text[6..]).ok_or(error),
        _ => Err(error),
    }
}

/// Parses `dd/MM/yyyy`, as the portal's and the ministry's JSON has it.
pub fn parse_slash(text: &str) -> Result<Date, DateError> {
    parse_parted(text, '/').ok_or(DateError { form: "dd/MM/yyyy" })
}

/// Parses `dd.MM.yyyy`, as civil-status papers have it.
pub fn parse_dotted(text: &str) -> Result<Date, DateError> {
    parse_parted(text, '.').ok_or(DateError { form: "dd.MM.yyyy" })
}

/// Writes `yyyyMMdd`.
pub fn format_compact(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// Writes `dd/MM/yyyy`.
pub fn format_slash(date: Date) -> String {
    format!("{:02}/{:02}/{:04}", date.day(), date.month(), date.year())
}

/// Writes `dd.MM.yyyy`.
pub fn format_dotted(date: Date) -> String {
    format!("{:02}.{:02}.{:04}", date.day(), date.month(), date.year())
}

/// An instant as a clock in Viet Nam shows it.
pub fn in_viet_nam(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::fixed(VIET_NAM))
}

/// The day that an instant falls on in Viet Nam.
pub fn day_in_viet_nam(at: Timestamp) -> Date {
    VIET_NAM.to_datetime(at).date()
}

fn parse_parted(text: &str, separator: char) -> Option<Date> {
    let (day, rest) = text.split_once(separator)?;
    let (month, year) = rest.split_once(separator)?;
    civil(year, month, day)
}

fn civil(year: &str, month: &str, day: &str) -> Option<Date> {
    let (year, month, day) = (number(year, 4)?, number(month, 2)?, number(day, 2)?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Exactly `len` ASCII digits as a number; no sign, no space.
fn number(text: &str, len: usize) -> Option<i16> {
    let right = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_day_that_does_not_exist_is_refused_in_every_form() {
        assert_eq!(parse_compact("20260229").unwrap_err().form(), "yyyyMMdd");
        assert_eq!(parse_slash("31/04/2026").unwrap_err().form(), "dd/MM/yyyy");
        assert_eq!(parse_dotted("00.01.2026").unwrap_err().form(), "dd.MM.yyyy");
        assert_eq!(parse_compact("20240229"), Ok(date(2024, 2, 29)));
    }

    #[test]
    fn short_long_and_signed_parts_are_refused() {
        for text in [
            "1/1/2026",
            "01/01/26",
            "01/01/02026",
            "+1/01/2026",
            " 1/01/2026",
            "01-01-2026",
            "",
        ] {
            assert!(parse_slash(text).is_err(), "{text:?}");
        }
        for text in ["2026010", "202601011", "2026-1-1", "٢٠٢٦", "2026010१"] {
            assert!(parse_compact(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_day_changes_at_midnight_in_viet_nam() {
        assert_eq!(
            day_in_viet_nam("2026-11-22T16:59:59Z".parse().unwrap()),
            date(2026, 11, 22)
        );
        assert_eq!(
            day_in_viet_nam("2026-11-22T17:00:00Z".parse().unwrap()),
            date(2026, 11, 23)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(year in 1_i16..=9999, month in 1_i8..=12, day in 1_i8..=28) {
            let day = date(year, month, day);
            prop_assert_eq!(parse_compact(&format_compact(day)), Ok(day));
            prop_assert_eq!(parse_slash(&format_slash(day)), Ok(day));
            prop_assert_eq!(parse_dotted(&format_dotted(day)), Ok(day));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "\\PC{0,12}") {
            let _ = (parse_compact(&text), parse_slash(&text), parse_dotted(&text), PartialDate::parse(&text));
            let _ = portal_time::parse(&text);
        }
    }
}
