//! The parts of an employer's answer that are more than one value.

use jiff::civil::Date;

use super::answer::{Amount, amount, number};
use super::header::word;
use super::request;
use super::words::ParticipationState;
use super::{WireError, name, wrong};
use crate::id::{Period, TaxId, UnitCode};
use crate::xml::{Reader, Writer};

/// The units under one tax code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// All of them.
    pub count: u32,
    /// The first, at most [`Units::TOLD_MAX`], by code.
    pub units: Vec<Unit>,
}

/// One unit under a tax code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its own tax code.
    pub mst: TaxId,
    /// Its VSS unit code.
    pub unit_code: UnitCode,
    /// Whether it takes part.
    pub state: ParticipationState,
}

impl Units {
    /// How many units one answer tells at most.
    pub const TOLD_MAX: usize = 100;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Units")?;
        let count = word(reader, "Count", number)?;
        let mut units = Vec::new();
        while reader.comes("Unit")? {
            if units.len() == Self::TOLD_MAX {
                return wrong("Unit", "too-many");
            }
            units.push(Unit::read(reader)?);
        }
        reader.leave("Units")?;
        Ok(Self { count, units })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("Units"), &[]);
        writer.leaf(name("Count"), &self.count.to_string());
        for unit in &self.units {
            unit.write(writer);
        }
        writer.close();
    }
}

impl Unit {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Unit")?;
        let unit = Self {
            mst: request::mst(reader)?,
            unit_code: word(reader, "UnitCode", |text| UnitCode::parse(text).ok())?,
            state: word(reader, "ParticipationState", ParticipationState::parse)?,
        };
        reader.leave("Unit")?;
        Ok(unit)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Unit"), &[]);
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("UnitCode"), &self.unit_code.to_string());
        writer.leaf(name("ParticipationState"), self.state.as_str());
        writer.close();
    }
}

/// Arrears at the end of a month by the age of what is owed; payments settle the oldest month first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ageing {
    /// Of the month itself; then 1 or 2, 3 to 5, 6 to 11, and 12 months old and older.
    pub bands: [Amount; 5],
}

impl Ageing {
    /// The elements, youngest first.
    pub const BANDS: [&'static str; 5] = ["Current", "Months1", "Months3", "Months6", "Months12"];

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Ageing")?;
        let [first, second, third, fourth, fifth] = Self::BANDS;
        let bands = [
            word(reader, first, amount)?,
            word(reader, second, amount)?,
            word(reader, third, amount)?,
            word(reader, fourth, amount)?,
            word(reader, fifth, amount)?,
        ];
        reader.leave("Ageing")?;
        Ok(Self { bands })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("Ageing"), &[]);
        for (element, amount) in Self::BANDS.into_iter().zip(self.bands) {
            writer.leaf(name(element), &amount.vnd().to_string());
        }
        writer.close();
    }
}

/// The newest declaration of changes among an employer's people (form D02-TS).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastD02 {
    /// The month that it is for.
    pub period: Period,
    /// When it was handed in.
    pub submitted_on: Date,
    /// The plan code of its first line, two capital letters such as `TM` or `GH`.
    pub plan: String,
    /// People who came.
    pub joined: u32,
    /// People who went.
    pub gone: u32,
}

impl LastD02 {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("LastD02")?;
        let last = Self {
            period: request::period(reader)?,
            submitted_on: word(reader, "SubmittedOn", day)?,
            plan: word(reader, "Plan", plan)?,
            joined: word(reader, "Joined", number)?,
            gone: word(reader, "Gone", number)?,
        };
        reader.leave("LastD02")?;
        Ok(last)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("LastD02"), &[]);
        writer.leaf(name("Period"), &self.period.to_string());
        writer.leaf(name("SubmittedOn"), &self.submitted_on.to_string());
        writer.leaf(name("Plan"), &self.plan);
        writer.leaf(name("Joined"), &self.joined.to_string());
        writer.leaf(name("Gone"), &self.gone.to_string());
        writer.close();
    }
}

/// Exactly `yyyy-MM-dd`, and a day that exists.
pub(super) fn day(text: &str) -> Option<Date> {
    let day: Date = text.parse().ok()?;
    (day.to_string() == text).then_some(day)
}

/// A plan code (phương án) of form D02-TS.
#[must_use]
pub fn plan(text: &str) -> Option<String> {
    let capital = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    capital.then(|| text.to_owned())
}
