//! Small checks, each with its reason; a fault names the wire field and never its value.

use jiff::civil::Date;
use schemas::{
    codes::{
        List,
        communes::{self, Commune},
    },
    date::{self, PartialDate},
    fault::{Fault, FaultCode},
    id::{Pin, Sex},
    json::{JsonError, Reason},
    name::PersonName,
    wire::civil::DataError,
};

pub(super) type Wire<'a> = Option<&'a String>;

pub(super) fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// A text that is not JSON is malformed, one over a bound too large, one of other members invalid.
pub(super) fn json(error: JsonError) -> Fault {
    let code = match error.reason() {
        Reason::Mismatch => FaultCode::Invalid,
        Reason::TooLong | Reason::TooDeep | Reason::TooMany => FaultCode::TooLarge,
        _ => FaultCode::Malformed,
    };
    Fault::new(code, error.code()).log(format!("at byte {}", error.offset()))
}

/// A form in `data` that cannot be read.
pub(super) fn data(error: DataError) -> Fault {
    let fault = match error {
        DataError::Json(error) => json(error),
        DataError::Xml(error) => {
            let code = match error.reason().is_limit() {
                true => FaultCode::TooLarge,
                false => FaultCode::Malformed,
            };
            Fault::new(code, error.code()).log(format!("at byte {}", error.offset()))
        }
        DataError::Unexpected => Fault::new(FaultCode::Invalid, "element-unexpected"),
        DataError::Twice => Fault::new(FaultCode::Malformed, "element-twice"),
    };
    fault.field("data")
}

/// A member that is there and not blank.
pub(super) fn given(text: Wire<'_>) -> Option<&str> {
    text.map(|text| text.trim()).filter(|text| !text.is_empty())
}

pub(super) fn required<'a>(text: Wire<'a>, field: &'static str) -> Result<&'a str, Fault> {
    given(text).ok_or_else(|| invalid("missing-field", field))
}

/// Free text: bounded, without control characters; empty where absent.
pub(super) fn text(text: Wire<'_>, chars_max: usize, field: &'static str) -> Result<String, Fault> {
    let text = given(text).unwrap_or_default();
    if text.chars().count() > chars_max {
        return Err(invalid("text-too-long", field));
    }
    match text.chars().any(char::is_control) {
        true => Err(invalid("control-character", field)),
        false => Ok(text.to_owned()),
    }
}

pub(super) fn name(text: &str, field: &'static str) -> Result<PersonName, Fault> {
    PersonName::parse(text).map_err(|error| invalid("bad-name", field).log(error.to_string()))
}

pub(super) fn pin(text: &str, field: &'static str) -> Result<Pin, Fault> {
    Pin::parse(text).map_err(|error| invalid("bad-pin", field).log(error.to_string()))
}

pub(super) fn day(text: Wire<'_>, field: &'static str) -> Result<Date, Fault> {
    date::parse_dotted(required(text, field)?).map_err(|_| invalid("bad-date", field))
}

pub(super) fn partial(text: &str, field: &'static str) -> Result<PartialDate, Fault> {
    PartialDate::parse(text).map_err(|_| invalid("bad-date", field))
}

pub(super) fn code(
    list: List,
    text: Wire<'_>,
    on: Date,
    field: &'static str,
) -> Result<String, Fault> {
    let code = required(text, field)?;
    match list.holds(code, on) {
        true => Ok(code.to_owned()),
        false => Err(invalid("unknown-code", field)),
    }
}

/// The commune of a code on a day; without the day a code means nothing.
pub(super) fn commune(
    text: Wire<'_>,
    on: Date,
    field: &'static str,
) -> Result<&'static Commune, Fault> {
    communes::find(required(text, field)?, on).ok_or_else(|| invalid("unknown-commune", field))
}

/// A person as the form asked, as far as it did: name, sex and day.
pub(super) struct Asked<'a> {
    pub(super) name: Wire<'a>,
    pub(super) sex: Wire<'a>,
    pub(super) day: Wire<'a>,
}

/// What the form asked and what was registered must be one person; the fields are those of name, sex and day.
pub(super) fn same_person(
    asked: &Asked<'_>,
    registered: (&PersonName, Option<Sex>, Date),
    fields: [&'static str; 3],
) -> Result<(), Fault> {
    let (name, sex, on) = registered;
    let [of_name, of_sex, of_day] = fields;
    if let Some(asked) = given(asked.name) {
        same(self::name(asked, of_name)?.matches(name), of_name)?;
    }
    if let (Some(asked), Some(sex)) = (given(asked.sex), sex) {
        same(asked == sex.as_str(), of_sex)?;
    }
    match given(asked.day) {
        Some(_) => same(day(asked.day, of_day)? == on, of_day),
        None => Ok(()),
    }
}

/// Two members that say the same thing must say the same.
pub(super) fn same(equal: bool, field: &'static str) -> Result<(), Fault> {
    match equal {
        true => Ok(()),
        false => Err(invalid("form-and-result-differ", field)),
    }
}
