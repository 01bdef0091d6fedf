//! An employer as the tax department knows it.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::super::answer::{Amount, amount, given, label, number, optional};
use super::super::header::word;
use super::super::notice::{status, status_reason};
use super::super::parts::day;
use super::super::request::{mst, period, purpose, words};
use super::super::words::{ResultKind, TaxpayerField};
use super::{WireError, leaves, name, write_words, wrong};
use crate::id::{Period, TaxId};
use crate::xml::{Reader, Writer};

/// What is asked about one employer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskEmployer {
    /// The employer's tax code.
    pub mst: TaxId,
    /// The month of payment.
    pub period: Period,
    /// The fields asked for, at least one.
    pub fields: BTreeSet<TaxpayerField>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl AskEmployer {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyEmployer")?;
        let ask = Self {
            mst: mst(reader)?,
            period: period(reader)?,
            fields: words(reader, "Fields", TaxpayerField::parse)?,
            purpose: purpose(reader)?,
        };
        reader.leave("VerifyEmployer")?;
        Ok(ask)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyEmployer"), &[]);
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        let fields = self.fields.iter().map(|field| field.as_str());
        write_words(writer, "Fields", fields);
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// A taxpayer status with its reason and since when it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxpayerStatus {
    /// Two digits, of the list in force on `since`.
    pub code: String,
    /// 1–16 of `[A-Za-z0-9.]`; its list is not public.
    pub reason: Option<String>,
    /// The first day.
    pub since: Date,
}

impl TaxpayerStatus {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Status")?;
        let read = Self {
            code: word(reader, "Code", status)?,
            reason: optional(reader, "Reason", status_reason)?,
            since: word(reader, "Since", day)?,
        };
        reader.leave("Status")?;
        Ok(read)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Status"), &[]);
        leaves(
            writer,
            [
                ("Code", Some(self.code.clone())),
                ("Reason", self.reason.clone()),
                ("Since", Some(self.since.to_string())),
            ],
        );
        writer.close();
    }
}

/// What the department tells of one employer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmployerTold {
    /// Which of the four results.
    pub result: ResultKind,
    /// The tax code asked about.
    pub mst: TaxId,
    /// The month asked about.
    pub period: Period,
    /// The status.
    pub status: Option<TaxpayerStatus>,
    /// The registered name, 1–255 characters.
    pub name: Option<String>,
    /// The registered address, 1–255 characters.
    pub address: Option<String>,
    /// People who were paid an income in the month.
    pub headcount: Option<u32>,
    /// The income paid to them in the month.
    pub income_paid: Option<Amount>,
    /// Fields asked for and not agreed.
    pub not_disclosed: BTreeSet<TaxpayerField>,
}

impl EmployerTold {
    /// The fields that are told.
    #[must_use]
    pub fn told(&self) -> BTreeSet<TaxpayerField> {
        [
            (self.status.is_some(), TaxpayerField::Status),
            (self.name.is_some(), TaxpayerField::Name),
            (self.address.is_some(), TaxpayerField::Address),
            (self.headcount.is_some(), TaxpayerField::Headcount),
            (self.income_paid.is_some(), TaxpayerField::IncomePaid),
        ]
        .into_iter()
        .filter_map(|(told, field)| told.then_some(field))
        .collect()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyEmployerResult")?;
        let read = Self {
            result: word(reader, "Result", four)?,
            mst: mst(reader)?,
            period: period(reader)?,
            status: given(reader, "Status", TaxpayerStatus::read)?,
            name: optional(reader, "Name", label)?,
            address: optional(reader, "Address", label)?,
            headcount: optional(reader, "Headcount", number)?,
            income_paid: optional(reader, "IncomePaid", amount)?,
            not_disclosed: given(reader, "NotDisclosed", |reader| {
                words(reader, "NotDisclosed", TaxpayerField::parse)
            })?
            .unwrap_or_default(),
        };
        reader.leave("VerifyEmployerResult")?;
        follows(read.result, read.told().is_empty())?;
        Ok(read)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyEmployerResult"), &[]);
        writer.leaf(name("Result"), self.result.as_str());
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        if let Some(status) = &self.status {
            status.write(writer);
        }
        leaves(
            writer,
            [
                ("Name", self.name.clone()),
                ("Address", self.address.clone()),
                ("Headcount", self.headcount.map(|count| count.to_string())),
                (
                    "IncomePaid",
                    self.income_paid.map(|paid| paid.vnd().to_string()),
                ),
            ],
        );
        let withheld = self.not_disclosed.iter().map(|field| field.as_str());
        write_words(writer, "NotDisclosed", withheld);
        writer.close();
    }
}

/// One of the four results of Circular 13/2017/TT-BTTTT.
pub(super) fn four(word: &str) -> Option<ResultKind> {
    let comparison =
        |kind: &ResultKind| matches!(kind, ResultKind::Matches | ResultKind::DoesNotMatch);
    ResultKind::parse(word).filter(|kind| !comparison(kind))
}

/// Of nobody, and of what is not permitted, nothing is told.
pub(super) fn follows(result: ResultKind, nothing_told: bool) -> Result<(), WireError> {
    match result {
        ResultKind::NoData | ResultKind::NotPermitted if !nothing_told => {
            wrong("Result", "value-without-data")
        }
        _ => Ok(()),
    }
}
