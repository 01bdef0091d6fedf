//! Small checks, each with its reason; a fault names the wire field and never its value.

use jiff::{Timestamp, civil::Date};
use schemas::{
    codes::communes::{self, Commune},
    date::day_in_viet_nam,
    fault::{Fault, FaultCode},
    id::{Pin, PinConflict, Sex},
    name::PersonName,
    wire::dci::{Identifier, IdentifierType, Name, Person},
};

pub(super) fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// A member that is there and not blank.
pub(super) fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

pub(super) fn required<'a>(
    text: &'a Option<String>,
    field: &'static str,
) -> Result<&'a str, Fault> {
    given(text).ok_or_else(|| invalid("missing-field", field))
}

/// Free text: bounded, without control characters; empty where absent.
pub(super) fn text(
    text: &Option<String>,
    chars_max: usize,
    field: &'static str,
) -> Result<String, Fault> {
    let text = given(text).unwrap_or_default();
    if text.chars().count() > chars_max {
        return Err(invalid("text-too-long", field));
    }
    match text.chars().any(char::is_control) {
        true => Err(invalid("control-character", field)),
        false => Ok(text.to_owned()),
    }
}

pub(super) fn day(text: &Option<String>, field: &'static str) -> Result<Date, Fault> {
    iso(required(text, field)?).ok_or_else(|| invalid("bad-date", field))
}

/// `yyyy-MM-dd` and nothing else.
pub(super) fn iso(text: &str) -> Option<Date> {
    text.parse()
        .ok()
        .filter(|day: &Date| day.to_string() == text)
}

/// The number of one kind; a kind that stands twice names nobody.
pub(super) fn number(
    identifiers: &[Identifier],
    kind: IdentifierType,
) -> Result<Option<&str>, Fault> {
    let is_known = |one: &Identifier| IdentifierType::parse(&one.kind).is_some();
    if !identifiers.iter().all(is_known) {
        return Err(invalid("unknown-code", "identifier_type"));
    }
    let mut of_kind = identifiers.iter().filter(|one| one.kind == kind.as_str());
    match (of_kind.next(), of_kind.next()) {
        (one, None) => Ok(one.map(|one| one.value.trim())),
        (_, Some(_)) => Err(invalid("identifier-twice", "identifier")),
    }
}

/// The person's own number, which must fit what is told of it.
pub(super) fn pin(person: &Person, sex: Option<Sex>, born: Option<Date>) -> Result<Pin, Fault> {
    let uin = number(&person.identifiers, IdentifierType::Uin)?
        .ok_or_else(|| invalid("missing-field", "UIN"))?;
    let pin = a_pin(uin, "UIN")?;
    let conflict = sex
        .zip(born)
        .and_then(|(sex, born)| pin.conflict(sex, born.year()));
    match conflict {
        None => Ok(pin),
        Some(PinConflict::Sex) => Err(invalid("pin-sex-mismatch", "UIN")),
        Some(PinConflict::BirthYear) => Err(invalid("pin-year-mismatch", "UIN")),
    }
}

pub(super) fn a_pin(text: &str, field: &'static str) -> Result<Pin, Fault> {
    Pin::parse(text).map_err(|error| invalid("bad-pin", field).log(error.to_string()))
}

/// `male` or `female`; `other` and `unknown` tell nothing.
pub(super) fn sex(text: &Option<String>) -> Result<Option<Sex>, Fault> {
    match given(text) {
        None | Some("other" | "unknown") => Ok(None),
        Some("male") => Ok(Some(Sex::Male)),
        Some("female") => Ok(Some(Sex::Female)),
        Some(_) => Err(invalid("unknown-code", "sex")),
    }
}

/// Surname, second name, given name: as it is said in Viet Nam.
pub(super) fn name(told: Option<&Name>, field: &'static str) -> Result<PersonName, Fault> {
    let told = told.ok_or_else(|| invalid("missing-field", field))?;
    let parts = [&told.surname, &told.second_name, &told.given_name];
    let parts: Vec<&str> = parts.into_iter().filter_map(given).collect();
    if parts.is_empty() {
        return Err(invalid("missing-field", field));
    }
    PersonName::parse(&parts.join(" "))
        .map_err(|error| invalid("bad-name", field).log(error.to_string()))
}

/// The commune of a code on a day; without the day a code means nothing.
pub(super) fn commune(
    text: &Option<String>,
    on: Date,
    field: &'static str,
) -> Result<&'static Commune, Fault> {
    communes::find(required(text, field)?, on).ok_or_else(|| invalid("unknown-commune", field))
}

/// Where an event stands in the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its registration number.
    pub number: String,
    /// Book; may be empty.
    pub book: String,
    /// Day of registration.
    pub registered_on: Date,
    /// Commune of registration on that day; empty where it is not told.
    pub commune: &'static str,
}

/// The entry of an event that was not later than its registration, which was not later than the message.
pub(super) fn record(
    person: &Person,
    kind: IdentifierType,
    (event_on, field): (Date, &'static str),
    sent_at: Timestamp,
) -> Result<Record, Fault> {
    let number = number(&person.identifiers, kind)?
        .ok_or_else(|| invalid("missing-field", kind.as_str()))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    if !(1..=NUMBER_CHARS_MAX).contains(&number.len()) || !number.bytes().all(plain) {
        return Err(invalid("bad-code", kind.as_str()));
    }
    let told = person.viet_nam.as_ref();
    let told = told.ok_or_else(|| invalid("missing-field", "viet_nam"))?;
    let registered_on = day(&told.registered_on, "registration_date")?;
    if event_on > registered_on {
        return Err(invalid("event-after-registration", field));
    }
    if registered_on > day_in_viet_nam(sent_at) {
        return Err(invalid("registered-after-sent", "registration_date"));
    }
    let commune = match given(&told.registered_at) {
        None => "",
        Some(_) => commune(&told.registered_at, registered_on, "registration_place")?.code,
    };
    Ok(Record {
        number: number.to_owned(),
        book: text(&told.book, SHORT, "registration_book")?,
        registered_on,
        commune,
    })
}

/// The id of a case: our name for what stands under a registration number.
pub(crate) fn case_id(record: &Record) -> String {
    format!("dci-{}", record.number)
}

/// Most characters of a registration number: with `dci-` in front it is a case id.
const NUMBER_CHARS_MAX: usize = 50;
/// Most characters of a number, code or telephone.
pub(super) const SHORT: usize = 50;
