//! Many questions in one message, answered line by line and in the order asked.

use std::collections::{BTreeSet, HashSet};

use super::super::many::lines;
use super::super::request::{mst, period, purpose, words};
use super::super::words::{IncomeField, TaxpayerField};
use super::super::{LINES_MAX, Refused};
use super::individual::{person, span};
use super::{EmployerTold, IndividualTold, WireError, leaves, name, write_words, wrong};
use crate::id::{Period, TaxId};
use crate::xml::{Reader, Writer};

/// Many employers in one month, or many persons over some months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskMany {
    /// About whom, and what.
    pub asked: Many,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

/// One kind of subject in one message: 1 to 1,000 numbers, no two alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Many {
    /// Employers in one month.
    Employers {
        /// The month of payment.
        period: Period,
        /// The fields asked for of each, at least one.
        fields: BTreeSet<TaxpayerField>,
        /// Who, in order.
        keys: Vec<TaxId>,
    },
    /// Persons over some months.
    Individuals {
        /// The first month.
        from: Period,
        /// The last month; at most 60 in all.
        to: Period,
        /// The fields asked for of each, at least one; never `payers`, who are asked about one by one.
        fields: BTreeSet<IncomeField>,
        /// Who, in order.
        keys: Vec<TaxId>,
    },
}

impl Many {
    /// Who is asked about, in order.
    #[must_use]
    pub fn keys(&self) -> &[TaxId] {
        match self {
            Self::Employers { keys, .. } | Self::Individuals { keys, .. } => keys,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.comes("Individuals")? {
            reader.enter("Individuals")?;
            let (from, to) = span(reader)?;
            let fields = words(reader, "Fields", IncomeField::parse)?;
            if fields.contains(&IncomeField::Payers) {
                return wrong("Field", "field-not-in-many");
            }
            let keys = keys(reader, person)?;
            reader.leave("Individuals")?;
            return Ok(Self::Individuals {
                from,
                to,
                fields,
                keys,
            });
        }
        reader.enter("Employers")?;
        let asked = Self::Employers {
            period: period(reader)?,
            fields: words(reader, "Fields", TaxpayerField::parse)?,
            keys: keys(reader, mst)?,
        };
        reader.leave("Employers")?;
        Ok(asked)
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Employers { period, fields, .. } => {
                writer.open(name("Employers"), &[]);
                writer.leaf(name("Period"), &period.to_string());
                let fields = fields.iter().map(|field| field.as_str());
                write_words(writer, "Fields", fields);
            }
            Self::Individuals {
                from, to, fields, ..
            } => {
                writer.open(name("Individuals"), &[]);
                writer.leaf(name("From"), &from.to_string());
                writer.leaf(name("To"), &to.to_string());
                let fields = fields.iter().map(|field| field.as_str());
                write_words(writer, "Fields", fields);
            }
        }
        for key in self.keys() {
            writer.leaf(name("Mst"), key.as_str());
        }
        writer.close();
    }
}

fn keys(
    reader: &mut Reader<'_>,
    read: fn(&mut Reader<'_>) -> Result<TaxId, WireError>,
) -> Result<Vec<TaxId>, WireError> {
    let (mut keys, mut seen) = (Vec::new(), HashSet::new());
    while reader.comes("Mst")? {
        if keys.len() == LINES_MAX {
            return wrong("Mst", "too-many-lines");
        }
        let key = read(reader)?;
        if !seen.insert(key.clone()) {
            return wrong("Mst", "key-twice");
        }
        keys.push(key);
    }
    match keys.is_empty() {
        true => wrong("VerifyMany", "no-lines"),
        false => Ok(keys),
    }
}

impl AskMany {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyMany")?;
        let ask = Self {
            asked: Many::read(reader)?,
            purpose: purpose(reader)?,
        };
        reader.leave("VerifyMany")?;
        Ok(ask)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyMany"), &[]);
        self.asked.write(writer);
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// The lines of an answer, one for each number, in the order asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManyTold {
    /// One to 1,000.
    pub lines: Vec<ManyLine>,
}

/// What is told of one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManyLine {
    /// Of an employer.
    Employer(Box<EmployerTold>),
    /// Of a person.
    Individual(Box<IndividualTold>),
    /// This line alone is refused.
    Refused(Refused),
}

impl ManyTold {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let lines = lines(reader, ManyLine::read)?;
        Ok(Self { lines })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyManyResult"), &[]);
        for line in &self.lines {
            writer.open(name("Line"), &[]);
            line.write(writer);
            writer.close();
        }
        writer.close();
    }
}

impl ManyLine {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(if reader.comes("Refused")? {
            Self::Refused(Refused::read(reader)?)
        } else if reader.comes("VerifyIndividualResult")? {
            Self::Individual(Box::new(IndividualTold::read(reader)?))
        } else {
            Self::Employer(Box::new(EmployerTold::read(reader)?))
        })
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Employer(told) => told.write(writer),
            Self::Individual(told) => told.write(writer),
            Self::Refused(refused) => {
                writer.open(name("Refused"), &[]);
                leaves(
                    writer,
                    [
                        ("Key", Some(refused.key.clone())),
                        ("Code", Some(refused.code.row().code.to_owned())),
                        ("Reason", Some(refused.reason.clone())),
                    ],
                );
                writer.close();
            }
        }
    }
}
