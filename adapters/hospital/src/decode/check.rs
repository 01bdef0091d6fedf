//! What every notice checks in the same way.

use jiff::civil::{Date, Time};
use schemas::{
    fault::{Fault, FaultCode},
    id::Sex,
    name::PersonName,
    wire::hospital::PaperError,
};

/// An element as it stands; none where it was absent or empty.
pub(super) type Wire<'a> = &'a Option<String>;

pub(super) fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// A document that cannot be read.
pub(super) fn paper(error: PaperError) -> Fault {
    let code = match error.is_limit {
        true => FaultCode::TooLarge,
        false => FaultCode::Malformed,
    };
    Fault::new(code, error.reason).field(error.field)
}

pub(super) fn required<'a>(text: Wire<'a>, field: &'static str) -> Result<&'a str, Fault> {
    text.as_deref()
        .ok_or_else(|| invalid("missing-field", field))
}

/// `THU_HOI` and `LY_DO_THU_HOI`: why a notice is taken back, which may be empty; none of one that tells of something.
pub(super) fn withdrawn(said: Wire<'_>, why: Wire<'_>) -> Result<Option<String>, Fault> {
    match (said.as_deref(), why.clone()) {
        (Some("1"), why) => Ok(Some(why.unwrap_or_default())),
        (None | Some("0"), None) => Ok(None),
        (None | Some("0"), Some(_)) => Err(invalid("unknown-code", "LY_DO_THU_HOI")),
        (Some(_), _) => Err(invalid("unknown-code", "THU_HOI")),
    }
}

/// A notice's code, paper or document id: they become a message id.
pub(super) fn code(text: Wire<'_>, field: &'static str) -> Result<String, Fault> {
    let code = required(text, field)?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match code.len() <= CODE_CHARS_MAX && code.bytes().all(plain) {
        true => Ok(code.to_owned()),
        false => Err(invalid("bad-code", field)),
    }
}

pub(super) fn name(text: &str, field: &'static str) -> Result<PersonName, Fault> {
    PersonName::parse(text).map_err(|error| invalid("bad-name", field).log(error.to_string()))
}

pub(super) fn sex(text: Wire<'_>, field: &'static str) -> Result<Sex, Fault> {
    let code = required(text, field)?.parse().ok();
    code.and_then(|code| Sex::from_code(code).ok())
        .ok_or_else(|| invalid("unknown-code", field))
}

/// `yyyyMMdd`, with hours and minutes or also seconds behind it, which must be of a clock.
pub(super) fn day(text: &str, field: &'static str) -> Result<Date, Fault> {
    let bad = || invalid("bad-date", field);
    if !text.bytes().all(|byte| byte.is_ascii_digit()) || ![8, 12, 14].contains(&text.len()) {
        return Err(bad());
    }
    let number = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse().ok());
    let two = |from: usize| match text.len() > from {
        true => number(from, from + 2).map(|part: i16| part as i8),
        false => Some(0),
    };
    let time = two(8).zip(two(10)).zip(two(12));
    let is_time = time.is_some_and(|((h, m), s)| Time::new(h, m, s, 0).is_ok());
    let date = number(0, 4)
        .zip(two(4))
        .zip(two(6))
        .and_then(|((year, month), day)| Date::new(year, month, day).ok());
    date.filter(|_| is_time).ok_or_else(bad)
}

/// The same, or a year alone: as the contract takes it.
pub(super) fn day_or_year(text: &str, field: &'static str) -> Result<String, Fault> {
    match text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Ok(day(text, field)?.to_string()),
    }
}

/// Code, paper and document's id together stay below the 128 of a message id.
const CODE_CHARS_MAX: usize = 40;
