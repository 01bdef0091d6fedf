//! A record of a live birth and the typed one that it becomes.

use jiff::{Timestamp, civil::Date};
use schemas::{
    codes::{communes::Commune, ethnicities},
    fault::Fault,
    id::{FacilityCode, Pin, Sex},
    name::PersonName,
    wire::dci::{Identifier, IdentifierType, ParentFacts, Person, VietNam},
};

use super::check::{self, Record, given, invalid, required};

/// A registered birth, every value checked; `Debug` shows its registration number only.
#[derive(Clone, PartialEq, Eq)]
pub struct Birth {
    /// New PIN; agrees with sex and year of birth.
    pub pin: Pin,
    /// Name in NFC.
    pub name: PersonName,
    /// Sex.
    pub sex: Sex,
    /// Day of birth.
    pub born: Date,
    /// Ethnicity, 2 digits; may be empty.
    pub ethnicity: String,
    /// ISO 3166 alpha-2; may be empty.
    pub nationality: String,
    /// Commune of residence on the day of registration.
    pub commune: &'static Commune,
    /// House, street, hamlet; may be empty.
    pub residence_detail: String,
    /// The mother, where she is known.
    pub mother: Option<Parent>,
    /// The father, where he is known.
    pub father: Option<Parent>,
    /// Who is shown on the card.
    pub guardian: Guardian,
    /// Initial facility.
    pub facility: FacilityCode,
    /// Hospital's birth notice code; may be empty.
    pub notice: String,
    /// Where the birth stands in the register.
    pub record: Record,
}

impl std::fmt::Debug for Birth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Birth")
            .field("record", &self.record.number)
            .finish_non_exhaustive()
    }
}

/// A parent.
#[derive(Clone, PartialEq, Eq)]
pub struct Parent {
    /// Name in NFC.
    pub name: PersonName,
    /// ISO date or year; may be empty.
    pub born: String,
    /// PIN, where it is given.
    pub pin: Option<Pin>,
}

/// Who is shown on the card.
#[derive(Clone, PartialEq, Eq)]
pub struct Guardian {
    /// Name in NFC.
    pub name: PersonName,
    /// `mother`, `father` or `requester`.
    pub relation: &'static str,
    /// Telephone; may be empty.
    pub phone: String,
}

pub(super) fn read(person: &Person, sent_at: Timestamp) -> Result<Birth, Fault> {
    let born = check::day(&person.birth_date, "birth_date")?;
    let sex = check::sex(&person.sex)?.ok_or_else(|| invalid("missing-field", "sex"))?;
    let record = check::record(person, IdentifierType::Brn, (born, "birth_date"), sent_at)?;
    let on = record.registered_on;
    let told = person.viet_nam.as_ref();
    let told = told.ok_or_else(|| invalid("missing-field", "viet_nam"))?;
    let home = person.addresses.first();
    let home = home.ok_or_else(|| invalid("missing-field", "address"))?;
    let commune = check::commune(&home.commune, on, "sub_region_code")?;
    if given(&home.province).is_some_and(|province| province != commune.province) {
        return Err(invalid("province-and-commune-differ", "region_code"));
    }
    let lines = [
        check::text(&home.line1, LINE, "address_line1")?,
        check::text(&home.line2, LINE, "address_line2")?,
    ];
    let lines: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !line.is_empty())
        .collect();
    let mother = parent(told.mother.as_ref(), person.parent1.as_ref(), "mother")?;
    let father = parent(told.father.as_ref(), person.parent2.as_ref(), "father")?;
    let facility = required(&told.facility, "initial_facility")?;
    Ok(Birth {
        pin: check::pin(person, Some(sex), Some(born))?,
        name: check::name(person.name.as_ref(), "name")?,
        sex,
        born,
        ethnicity: ethnicity(told, on)?,
        nationality: nationality(told)?,
        commune,
        residence_detail: lines.join(", "),
        guardian: guardian(told, mother.as_ref(), father.as_ref())?,
        mother,
        father,
        facility: FacilityCode::parse(facility)
            .map_err(|error| invalid("bad-facility", "initial_facility").log(error.to_string()))?,
        notice: check::text(&told.notice, check::SHORT, "notice_code")?,
        record,
    })
}

/// A number without a name names a parent of whom nothing could be told on a card.
fn parent(
    told: Option<&ParentFacts>,
    identifier: Option<&Identifier>,
    field: &'static str,
) -> Result<Option<Parent>, Fault> {
    let Some(told) = told else {
        return match identifier {
            None => Ok(None),
            Some(_) => Err(invalid("missing-field", field)),
        };
    };
    let pin = match identifier {
        None => None,
        Some(one) if one.kind == IdentifierType::Uin.as_str() => {
            Some(check::a_pin(one.value.trim(), field)?)
        }
        Some(_) => return Err(invalid("unknown-code", field)),
    };
    Ok(Some(Parent {
        name: check::name(Some(&told.name), field)?,
        born: day_or_year(given(&told.birth_date).unwrap_or_default(), field)?,
        pin,
    }))
}

fn day_or_year(text: &str, field: &'static str) -> Result<String, Fault> {
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.is_empty() || is_year || check::iso(text).is_some() {
        true => Ok(text.to_owned()),
        false => Err(invalid("bad-date", field)),
    }
}

fn guardian(
    told: &VietNam,
    mother: Option<&Parent>,
    father: Option<&Parent>,
) -> Result<Guardian, Fault> {
    if let Some(one) = &told.guardian {
        let relation = ["mother", "father", "requester"]
            .into_iter()
            .find(|relation| *relation == one.relation);
        return Ok(Guardian {
            name: check::name(Some(&one.name), "guardian")?,
            relation: relation.ok_or_else(|| invalid("unknown-code", "relation"))?,
            phone: check::text(&one.phone, check::SHORT, "phone")?,
        });
    }
    let of = |parent: &Parent, relation| Guardian {
        name: parent.name.clone(),
        relation,
        phone: String::new(),
    };
    let mother = mother.map(|mother| of(mother, "mother"));
    mother
        .or_else(|| father.map(|father| of(father, "father")))
        .ok_or_else(|| invalid("missing-field", "guardian"))
}

fn ethnicity(told: &VietNam, on: Date) -> Result<String, Fault> {
    match given(&told.ethnicity) {
        None => Ok(String::new()),
        Some(code) if ethnicities::LIST.holds(code, on) => Ok(code.to_owned()),
        Some(_) => Err(invalid("unknown-code", "ethnicity")),
    }
}

fn nationality(told: &VietNam) -> Result<String, Fault> {
    match given(&told.nationality) {
        None => Ok(String::new()),
        Some(code) if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Ok(code.to_owned())
        }
        Some(_) => Err(invalid("unknown-code", "nationality")),
    }
}

/// Most characters of a line of an address.
const LINE: usize = 200;
