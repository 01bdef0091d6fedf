//! What is said of one employer.

use std::collections::BTreeSet;

use super::answer::{Amount, amount, given, label, number, optional};
use super::header::word;
use super::parts::{Ageing, LastD02, Units};
use super::request;
use super::words::{FieldName, ParticipationState, ResultKind};
use super::{WireError, name};
use crate::id::{Period, TaxId, UnitCode};
use crate::xml::{Reader, Writer};

/// What is known of one employer in one month, as far as it was asked for and agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyEmployerResult {
    /// Which of the four results.
    pub result: ResultKind,
    /// The tax code asked about.
    pub mst: TaxId,
    /// The month asked about.
    pub period: Period,
    /// Whether the employer takes part.
    pub participation_state: Option<ParticipationState>,
    /// People insured through it in the month.
    pub participants: Option<u32>,
    /// Contribution salary fund of the month.
    pub fund: Option<Amount>,
    /// Amount due for the month.
    pub due: Option<Amount>,
    /// Amount paid in the month.
    pub paid: Option<Amount>,
    /// Balance owed at the end of the month, whole VND; negative where more was paid than was due.
    pub arrears: Option<i64>,
    /// Registered name, 1–255 characters.
    pub name: Option<String>,
    /// VSS unit code.
    pub unit_code: Option<UnitCode>,
    /// First month of participation.
    pub registered_from: Option<Period>,
    /// The units under the tax code.
    pub units: Option<Units>,
    /// The arrears by age.
    pub ageing: Option<Ageing>,
    /// The newest D02 declaration up to the month; absent too where there is none.
    pub last_d02: Option<LastD02>,
    /// Fields asked for and not agreed.
    pub not_disclosed: BTreeSet<FieldName>,
}

impl VerifyEmployerResult {
    /// A result without any field.
    #[must_use]
    pub const fn bare(result: ResultKind, mst: TaxId, period: Period) -> Self {
        Self {
            result,
            mst,
            period,
            participation_state: None,
            participants: None,
            fund: None,
            due: None,
            paid: None,
            arrears: None,
            name: None,
            unit_code: None,
            registered_from: None,
            units: None,
            ageing: None,
            last_d02: None,
            not_disclosed: BTreeSet::new(),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyEmployerResult")?;
        let result = word(reader, "Result", ResultKind::parse)?;
        let read = Self {
            result,
            mst: request::mst(reader)?,
            period: request::period(reader)?,
            participation_state: optional(reader, "ParticipationState", ParticipationState::parse)?,
            participants: optional(reader, "Participants", number)?,
            fund: optional(reader, "Fund", amount)?,
            due: optional(reader, "Due", amount)?,
            paid: optional(reader, "Paid", amount)?,
            arrears: optional(reader, "Arrears", number)?,
            name: optional(reader, "Name", label)?,
            unit_code: optional(reader, "UnitCode", |text| UnitCode::parse(text).ok())?,
            registered_from: optional(reader, "RegisteredFrom", |text| Period::parse(text).ok())?,
            units: given(reader, "Units", Units::read)?,
            ageing: given(reader, "Ageing", Ageing::read)?,
            last_d02: given(reader, "LastD02", LastD02::read)?,
            not_disclosed: match reader.comes("NotDisclosed")? {
                true => request::fields(reader, "NotDisclosed")?,
                false => BTreeSet::new(),
            },
        };
        reader.leave("VerifyEmployerResult")?;
        Ok(read)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyEmployerResult"), &[]);
        writer.leaf(name("Result"), self.result.as_str());
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        for (element, value) in self.values() {
            if let Some(text) = value {
                writer.leaf(name(element), &text);
            }
        }
        self.write_parts(writer);
        if !self.not_disclosed.is_empty() {
            request::write_fields(writer, "NotDisclosed", &self.not_disclosed);
        }
        writer.close();
    }

    fn write_parts(&self, writer: &mut Writer) {
        if let Some(units) = &self.units {
            units.write(writer);
        }
        if let Some(ageing) = &self.ageing {
            ageing.write(writer);
        }
        if let Some(last_d02) = &self.last_d02 {
            last_d02.write(writer);
        }
    }

    /// The optional values as text, in the order of the schema.
    fn values(&self) -> [(&'static str, Option<String>); 9] {
        let vnd = |amount: Option<Amount>| amount.map(|amount| amount.vnd().to_string());
        let state = self.participation_state.map(ParticipationState::as_str);
        [
            ("ParticipationState", state.map(str::to_owned)),
            (
                "Participants",
                self.participants.map(|count| count.to_string()),
            ),
            ("Fund", vnd(self.fund)),
            ("Due", vnd(self.due)),
            ("Paid", vnd(self.paid)),
            ("Arrears", self.arrears.map(|balance| balance.to_string())),
            ("Name", self.name.clone()),
            ("UnitCode", self.unit_code.as_ref().map(ToString::to_string)),
            (
                "RegisteredFrom",
                self.registered_from.map(|month| month.to_string()),
            ),
        ]
    }
}
