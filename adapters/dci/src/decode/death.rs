//! A record of a death and the typed one that it becomes.

use jiff::{Timestamp, civil::Date};
use schemas::{
    fault::Fault,
    id::{Pin, Sex},
    name::PersonName,
    wire::dci::{IdentifierType, Person},
};

use super::check::{self, Record, given, invalid};

/// A registered death, every value checked; `Debug` shows its registration number only.
#[derive(Clone, PartialEq, Eq)]
pub struct Death {
    /// The person's number.
    pub pin: Pin,
    /// Name in NFC.
    pub name: PersonName,
    /// Sex, where it is told.
    pub sex: Option<Sex>,
    /// Day of birth, where it is told.
    pub born: Option<Date>,
    /// Day of death.
    pub died_on: Date,
    /// Hospital's death notice code; may be empty.
    pub notice: String,
    /// Where the death stands in the register.
    pub record: Record,
}

impl std::fmt::Debug for Death {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Death")
            .field("record", &self.record.number)
            .finish_non_exhaustive()
    }
}

pub(super) fn read(person: &Person, sent_at: Timestamp) -> Result<Death, Fault> {
    let died_on = check::day(&person.death_date, "death_date")?;
    let born = match given(&person.birth_date) {
        None => None,
        Some(_) => Some(check::day(&person.birth_date, "birth_date")?),
    };
    if born.is_some_and(|born| born > died_on) {
        return Err(invalid("death-before-birth", "death_date"));
    }
    let sex = check::sex(&person.sex)?;
    let told = person.viet_nam.as_ref();
    let told = told.ok_or_else(|| invalid("missing-field", "viet_nam"))?;
    Ok(Death {
        pin: check::pin(person, sex, born)?,
        name: check::name(person.name.as_ref(), "name")?,
        sex,
        born,
        died_on,
        notice: check::text(&told.notice, check::SHORT, "notice_code")?,
        record: check::record(
            person,
            IdentifierType::Drn,
            (died_on, "death_date"),
            sent_at,
        )?,
    })
}
