//! What we tell the tax department unasked of a person: what was corrected, and is agreed to be told.

use jiff::civil::Date;

use super::super::answer::{label, optional};
use super::super::header::word;
use super::super::parts::day;
use super::super::request::{mst_reason, purpose};
use super::{WireError, leaves, name, wrong};
use crate::id::{Pin, Sex, TaxId};
use crate::xml::{Reader, Writer};

/// What was corrected of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonNotice {
    /// The PIN, and so the tax code, under which the person was known before.
    pub pin: Pin,
    /// Another that took its place.
    pub new_pin: Option<Pin>,
    /// The name as it is now, 1–255 characters.
    pub name: Option<String>,
    /// The day of birth as it is now.
    pub birth_date: Option<Date>,
    /// The sex as it is now.
    pub sex: Option<Sex>,
    /// The day on which it was corrected.
    pub corrected_on: Date,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl PersonNotice {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("PersonNotice")?;
        let notice = Self {
            pin: pin("Mst", &reader.text("Mst")?)?,
            new_pin: match reader.optional("NewMst")? {
                Some(text) => Some(pin("NewMst", &text)?),
                None => None,
            },
            name: optional(reader, "Name", label)?,
            birth_date: optional(reader, "BirthDate", day)?,
            sex: optional(reader, "Sex", |text| Sex::parse(text).ok())?,
            corrected_on: word(reader, "CorrectedOn", day)?,
            purpose: purpose(reader)?,
        };
        reader.leave("PersonNotice")?;
        notice.fits()?;
        Ok(notice)
    }

    /// Something is otherwise, and another PIN is another.
    ///
    /// # Errors
    /// The part that is not so.
    pub fn fits(&self) -> Result<(), WireError> {
        if self.new_pin.as_ref() == Some(&self.pin) {
            return wrong("NewMst", "nothing-changed");
        }
        match self.told().is_empty() {
            true => wrong("PersonNotice", "nothing-changed"),
            false => Ok(()),
        }
    }

    /// The fields that it tells, in the words of agreements.
    #[must_use]
    pub fn told(&self) -> std::collections::BTreeSet<&'static str> {
        let parts = [
            ("pin", self.new_pin.is_some()),
            ("name", self.name.is_some()),
            ("birthDate", self.birth_date.is_some()),
            ("sex", self.sex.is_some()),
        ];
        let told = parts.into_iter().filter(|(_, is_told)| *is_told);
        told.map(|(field, _)| field).collect()
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("PersonNotice"), &[]);
        leaves(
            writer,
            [
                ("Mst", Some(self.pin.as_str().to_owned())),
                (
                    "NewMst",
                    self.new_pin.as_ref().map(|pin| pin.as_str().to_owned()),
                ),
                ("Name", self.name.clone()),
                ("BirthDate", self.birth_date.map(|day| day.to_string())),
                ("Sex", self.sex.map(|sex| sex.as_str().to_owned())),
                ("CorrectedOn", Some(self.corrected_on.to_string())),
                ("Purpose", Some(self.purpose.clone())),
            ],
        );
        writer.close();
    }
}

fn pin(field: &'static str, text: &str) -> Result<Pin, WireError> {
    match TaxId::parse(text) {
        Ok(TaxId::Pin(pin)) => Ok(pin),
        Ok(TaxId::Mst(_)) => wrong(field, "not-a-pin"),
        Err(error) => wrong(field, mst_reason(error)),
    }
}
