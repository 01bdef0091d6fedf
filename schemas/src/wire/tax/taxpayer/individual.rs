//! A person as the tax department knows them: who paid how much.

use std::collections::BTreeSet;

use super::super::Span;
use super::super::answer::{Amount, amount, given, label, number, optional};
use super::super::header::word;
use super::super::request::{month, mst, purpose, words};
use super::super::words::{IncomeField, ResultKind};
use super::employer::{follows, four};
use super::{WireError, leaves, name, write_words, wrong};
use crate::id::{Period, TaxId};
use crate::xml::{Reader, Writer};

/// What is asked about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskIndividual {
    /// The PIN, or a personal tax code of 10 digits from before 2025-07-01.
    pub mst: TaxId,
    /// The first month.
    pub from: Period,
    /// The last month; at most 60 in all.
    pub to: Period,
    /// The fields asked for, at least one.
    pub fields: BTreeSet<IncomeField>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl AskIndividual {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyIndividual")?;
        let mst = person(reader)?;
        let (from, to) = span(reader)?;
        let ask = Self {
            mst,
            from,
            to,
            fields: words(reader, "Fields", IncomeField::parse)?,
            purpose: purpose(reader)?,
        };
        reader.leave("VerifyIndividual")?;
        Ok(ask)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyIndividual"), &[]);
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("From"), &self.from.to_string());
        writer.leaf(name("To"), &self.to.to_string());
        let fields = self.fields.iter().map(|field| field.as_str());
        write_words(writer, "Fields", fields);
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// Who paid a person in the months asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payer {
    /// The payer's tax code.
    pub mst: TaxId,
    /// In how many of the months, where months are told.
    pub months: Option<u32>,
    /// How much in all of them, where income is told.
    pub income: Option<Amount>,
}

impl Payer {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Payer")?;
        let payer = Self {
            mst: mst(reader)?,
            months: optional(reader, "Months", number)?,
            income: optional(reader, "Income", amount)?,
        };
        reader.leave("Payer")?;
        Ok(payer)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Payer"), &[]);
        leaves(
            writer,
            [
                ("Mst", Some(self.mst.as_str().to_owned())),
                ("Months", self.months.map(|months| months.to_string())),
                ("Income", self.income.map(|vnd| vnd.vnd().to_string())),
            ],
        );
        writer.close();
    }
}

/// What the department tells of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndividualTold {
    /// Which of the four results.
    pub result: ResultKind,
    /// The number asked about.
    pub mst: TaxId,
    /// The first month asked about.
    pub from: Period,
    /// The last month asked about.
    pub to: Period,
    /// The name, 1–255 characters.
    pub name: Option<String>,
    /// Months with an income, each counted once.
    pub months: Option<u32>,
    /// The income of all of them.
    pub income: Option<Amount>,
    /// Who paid, at most [`IndividualTold::PAYERS_MAX`].
    pub payers: Option<Vec<Payer>>,
    /// Fields asked for and not agreed.
    pub not_disclosed: BTreeSet<IncomeField>,
}

impl IndividualTold {
    /// How many payers one answer tells at most.
    pub const PAYERS_MAX: usize = 100;

    /// The fields that are told.
    #[must_use]
    pub fn told(&self) -> BTreeSet<IncomeField> {
        let of_payers = |told: fn(&Payer) -> bool| self.payers.iter().flatten().any(told);
        [
            (self.name.is_some(), IncomeField::Name),
            (
                self.months.is_some() || of_payers(|payer| payer.months.is_some()),
                IncomeField::Months,
            ),
            (
                self.income.is_some() || of_payers(|payer| payer.income.is_some()),
                IncomeField::Income,
            ),
            (self.payers.is_some(), IncomeField::Payers),
        ]
        .into_iter()
        .filter_map(|(told, field)| told.then_some(field))
        .collect()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyIndividualResult")?;
        let result = word(reader, "Result", four)?;
        let mst = person(reader)?;
        let (from, to) = span(reader)?;
        let read = Self {
            result,
            mst,
            from,
            to,
            name: optional(reader, "Name", label)?,
            months: optional(reader, "MonthsPaid", number)?,
            income: optional(reader, "IncomeTotal", amount)?,
            payers: given(reader, "Payers", payers)?,
            not_disclosed: given(reader, "NotDisclosed", |reader| {
                words(reader, "NotDisclosed", IncomeField::parse)
            })?
            .unwrap_or_default(),
        };
        reader.leave("VerifyIndividualResult")?;
        follows(read.result, read.told().is_empty())?;
        Ok(read)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyIndividualResult"), &[]);
        leaves(
            writer,
            [
                ("Result", Some(self.result.as_str().to_owned())),
                ("Mst", Some(self.mst.as_str().to_owned())),
                ("From", Some(self.from.to_string())),
                ("To", Some(self.to.to_string())),
                ("Name", self.name.clone()),
                ("MonthsPaid", self.months.map(|months| months.to_string())),
                ("IncomeTotal", self.income.map(|vnd| vnd.vnd().to_string())),
            ],
        );
        if let Some(payers) = &self.payers {
            writer.open(name("Payers"), &[]);
            payers.iter().for_each(|payer| payer.write(writer));
            writer.close();
        }
        let withheld = self.not_disclosed.iter().map(|field| field.as_str());
        write_words(writer, "NotDisclosed", withheld);
        writer.close();
    }
}

/// A person's number: no branch has one.
pub(super) fn person(reader: &mut Reader<'_>) -> Result<TaxId, WireError> {
    match mst(reader)? {
        TaxId::Mst(code) if code.branch().is_some() => wrong("Mst", "mst-branch"),
        number => Ok(number),
    }
}

pub(super) fn span(reader: &mut Reader<'_>) -> Result<(Period, Period), WireError> {
    let (from, to) = (month(reader, "From")?, month(reader, "To")?);
    match Span::months(from, to) {
        Ok(_) => Ok((from, to)),
        Err(reason) => wrong("To", reason),
    }
}

fn payers(reader: &mut Reader<'_>) -> Result<Vec<Payer>, WireError> {
    reader.enter("Payers")?;
    let mut payers = Vec::new();
    while reader.comes("Payer")? {
        if payers.len() == IndividualTold::PAYERS_MAX {
            return wrong("Payer", "too-many");
        }
        payers.push(Payer::read(reader)?);
    }
    reader.leave("Payers")?;
    Ok(payers)
}
