//! The facts of a birth, checked in the order in which a clerk would.

use jiff::Timestamp;
use jiff::civil::Date;
use schemas::id::{FacilityCode, Pin, PinConflict, Sex};
use schemas::proto::insurance::{Child, CivilRecord, Guardian, Parent, RegisterBirthRequest};

use super::super::facts::{self, Name, invalid};
use super::super::{Error, Sight, law};
use crate::sql::values;

/// A birth whose every fact has passed its rule.
pub(in crate::registry) struct Birth {
    pub(in crate::registry) received_at: Timestamp,
    pub(in crate::registry) registered_on: Date,
    pub(in crate::registry) pin: Pin,
    pub(in crate::registry) name: Name,
    pub(in crate::registry) sex: Sex,
    pub(in crate::registry) birth_date: Date,
    pub(in crate::registry) ethnicity: String,
    pub(in crate::registry) nationality: String,
    pub(in crate::registry) commune: String,
    pub(in crate::registry) province: String,
    pub(in crate::registry) facility: String,
    pub(in crate::registry) origin: Origin,
}

/// Where a child was born: what it is recognised by before it has a number. Empty where it was not told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::registry) struct Origin {
    /// The hospital's birth notice code.
    pub(in crate::registry) notice: String,
    pub(in crate::registry) mother_pin: String,
    pub(in crate::registry) mother_name: String,
    /// The mother's name as it is compared.
    pub(in crate::registry) mother_key: String,
}

impl Birth {
    pub(in crate::registry) fn parse(
        at: &Sight<'_>,
        said: &RegisterBirthRequest,
    ) -> Result<Self, Error> {
        let received_at = facts::moment(&said.received_at, "received_at")?;
        let child = said
            .child
            .as_ref()
            .ok_or_else(|| invalid("missing", "child"))?;
        let record = said
            .record
            .as_ref()
            .ok_or_else(|| invalid("missing", "record"))?;
        let birth_date = facts::date(&child.birth_date, "child.birth_date")?;
        let registered_on = registration_day(at, record, birth_date)?;
        let sex = sex(child)?;
        let pin = pin_of_child(at, child, sex, birth_date)?;
        let province = residence(at, child, record, registered_on)?;
        parents(at, said, birth_date)?;
        guardian(said.guardian.as_ref())?;
        if child.declaration_kind > DECLARATION_KIND_MAX {
            return Err(invalid("unknown-code", "child.declaration_kind"));
        }
        Ok(Self {
            received_at,
            registered_on,
            pin,
            name: facts::name(&child.name, "child.name")?,
            sex,
            birth_date,
            ethnicity: optional_code(&child.ethnicity, u8::is_ascii_digit, "child.ethnicity")?,
            nationality: optional_code(
                &child.nationality,
                u8::is_ascii_uppercase,
                "child.nationality",
            )?,
            commune: child.residence_commune.clone(),
            province,
            facility: known_facility(at, &said.facility)?,
            origin: origin(said)?,
        })
    }

    pub(in crate::registry) fn sex_code(&self) -> i32 {
        i32::from(self.sex.code())
    }
}

/// The notice's code, and the mother where she is known; her facts are judged by [`parents`].
fn origin(said: &RegisterBirthRequest) -> Result<Origin, Error> {
    let notice = match said.birth_notice.is_empty() {
        true => String::new(),
        false => facts::word(&said.birth_notice, NOTICE_CHARS_MAX, "birth_notice")?,
    };
    let Some(mother) = said
        .mother
        .as_ref()
        .filter(|mother| **mother != Parent::default())
    else {
        return Ok(Origin {
            notice,
            ..Origin::default()
        });
    };
    let name = facts::name(&mother.name, "mother.name")?;
    Ok(Origin {
        notice,
        mother_pin: mother.pin.clone(),
        mother_name: name.text,
        mother_key: name.match_key,
    })
}

fn registration_day(at: &Sight<'_>, record: &CivilRecord, birth_date: Date) -> Result<Date, Error> {
    let day = facts::date(&record.registered_on, "record.registered_on")?;
    if birth_date > day {
        return Err(invalid("before-birth", "record.registered_on"));
    }
    if day > at.today {
        return Err(invalid("in-the-future", "record.registered_on"));
    }
    Ok(day)
}

fn sex(child: &Child) -> Result<Sex, Error> {
    u8::try_from(child.sex)
        .ok()
        .and_then(|code| Sex::from_code(code).ok())
        .ok_or_else(|| invalid("unknown-code", "child.sex"))
}

fn pin_of_child(at: &Sight<'_>, child: &Child, sex: Sex, birth_date: Date) -> Result<Pin, Error> {
    let pin = facts::pin(&child.pin, at.population, "child.pin")?;
    match pin.conflict(sex, birth_date.year()) {
        None => Ok(pin),
        Some(PinConflict::Sex) => Err(invalid("pin-sex-mismatch", "child.pin")),
        Some(PinConflict::BirthYear) => Err(invalid("pin-birth-year-mismatch", "child.pin")),
    }
}

/// The province of residence today; both communes must be in force on the day of registration.
fn residence(
    at: &Sight<'_>,
    child: &Child,
    record: &CivilRecord,
    on: Date,
) -> Result<String, Error> {
    if !record.commune.is_empty() && !law::is_commune(&record.commune, on) {
        return Err(invalid("unknown-commune", "record.commune"));
    }
    law::province_of(&child.residence_commune, on, at.today)
        .map(str::to_owned)
        .ok_or_else(|| invalid("unknown-commune", "child.residence_commune"))
}

fn parents(at: &Sight<'_>, said: &RegisterBirthRequest, birth_date: Date) -> Result<(), Error> {
    parent(
        at,
        said.mother.as_ref(),
        birth_date,
        ["mother.name", "mother.pin", "mother.birth_date"],
    )?;
    parent(
        at,
        said.father.as_ref(),
        birth_date,
        ["father.name", "father.pin", "father.birth_date"],
    )
}

/// A parent may be unknown; what is said of a known one must be possible.
pub(in crate::registry) fn parent(
    at: &Sight<'_>,
    said: Option<&Parent>,
    birth_date: Date,
    fields: [&'static str; 3],
) -> Result<(), Error> {
    let [name, pin, born] = fields;
    let Some(parent) = said.filter(|parent| **parent != Parent::default()) else {
        return Ok(());
    };
    facts::name(&parent.name, name)?;
    if !parent.pin.is_empty() {
        facts::pin(&parent.pin, at.population, pin)?;
    }
    if parent.birth_date.is_empty() {
        return Ok(());
    }
    match facts::partial(&parent.birth_date, born)? < birth_date.year() {
        true => Ok(()),
        false => Err(invalid("younger-than-child", born)),
    }
}

fn guardian(said: Option<&Guardian>) -> Result<(), Error> {
    match said.map(|guardian| guardian.relation.as_str()) {
        None | Some("" | "father" | "mother" | "requester") => Ok(()),
        Some(_) => Err(invalid("unknown-code", "guardian.relation")),
    }
}

pub(in crate::registry) fn known_facility(at: &Sight<'_>, code: &str) -> Result<String, Error> {
    let unknown = || invalid("unknown-facility", "facility");
    let code = FacilityCode::parse(code).map_err(|_| unknown())?;
    let known: bool = at.sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM facilities WHERE code = ?1)",
        values![code.as_str()],
        |row| row.get(0),
    )?;
    known.then(|| code.as_str().to_owned()).ok_or_else(unknown)
}

/// A code of two characters, or none.
pub(in crate::registry) fn optional_code(
    text: &str,
    stands: fn(&u8) -> bool,
    field: &'static str,
) -> Result<String, Error> {
    match text.is_empty() || text.len() == 2 && text.bytes().all(|byte| stands(&byte)) {
        true => Ok(text.to_owned()),
        false => Err(invalid("unknown-code", field)),
    }
}

/// The longest code of a birth notice.
const NOTICE_CHARS_MAX: usize = 64;
/// loaiKhaiSinh 1–5; 0 where the sender does not say.
const DECLARATION_KIND_MAX: u32 = 5;
