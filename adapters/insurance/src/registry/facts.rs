//! What is said on the wire of the contract, parsed once: below this line nothing is checked again.
//!
//! A refusal names the contract's field and a stable word, never a value.

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::fault::FaultCode;
use schemas::id::{PartnerId, Pin};
use schemas::name::PersonName;
use schemas::proto::insurance::Context;

use super::{Error, Population};

/// `INVALID` with its reason and field.
pub(super) fn invalid(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::Invalid, reason, field)
}

/// The context of a call: present, and its sender a partner.
pub(super) fn context(context: Option<Context>) -> Result<Context, Error> {
    let context = context.ok_or_else(|| invalid("no-context", "context"))?;
    PartnerId::parse(&context.sender).map_err(|_| invalid("malformed-sender", "context.sender"))?;
    Ok(context)
}

/// The name of a gateway replica: 1 to 64 visible ASCII characters.
pub(super) fn owner(text: &str) -> Result<String, Error> {
    word(text, 64, "owner")
}

/// A foreign id or code: 1 to `max` visible ASCII characters.
pub(super) fn word(text: &str, max: usize, field: &'static str) -> Result<String, Error> {
    match (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(invalid("malformed-id", field)),
    }
}

/// A name as it is kept and as it is compared.
pub(super) struct Name {
    pub(super) text: String,
    pub(super) match_key: String,
}

/// A person's name in any Unicode form.
pub(super) fn name(text: &str, field: &'static str) -> Result<Name, Error> {
    let name = PersonName::parse(text).map_err(|_| invalid("malformed-name", field))?;
    Ok(Name {
        text: name.as_str().to_owned(),
        match_key: name.match_key(),
    })
}

/// An ISO date `yyyy-MM-dd` and nothing else.
pub(super) fn date(text: &str, field: &'static str) -> Result<Date, Error> {
    let malformed = || invalid("malformed-date", field);
    let date: Date = text.parse().map_err(|_| malformed())?;
    match date.to_string() == text {
        true => Ok(date),
        false => Err(malformed()),
    }
}

/// An RFC 3339 instant.
pub(super) fn moment(text: &str, field: &'static str) -> Result<Timestamp, Error> {
    text.parse()
        .map_err(|_| invalid("malformed-instant", field))
}

/// A date of which the day, or day and month, may be unknown: `yyyy-MM-dd`, `yyyy-MM` or `yyyy`; gives the year.
pub(super) fn partial(text: &str, field: &'static str) -> Result<i16, Error> {
    let whole = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        _ => text.to_owned(),
    };
    Ok(date(&whole, field)?.year())
}

/// A PIN of this registry's population.
pub(super) fn pin(text: &str, population: Population, field: &'static str) -> Result<Pin, Error> {
    let pin = Pin::parse(text).map_err(|_| invalid("malformed-pin", field))?;
    match pin.is_synthetic() == (population == Population::Synthetic) {
        true => Ok(pin),
        false => Err(invalid("other-population", field)),
    }
}

/// An instant as the contract writes it: RFC 3339 UTC with whole seconds.
pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
