//! What is asked and said about one person: months of contributions and their base, or only whether a claim is so.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::answer::{Amount, amount, given, label, number, optional};
use super::header::word;
use super::parts::day;
use super::request::{month, mst_reason, purpose, words, write_words};
use super::words::{PersonField, ResultKind};
use super::{WireError, name, wrong};
use crate::id::{Mst, Period, Pin, SiNumber, TaxId};
use crate::xml::{Reader, Writer};

/// Who is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// By PIN, which is a person's tax code too since 2025-07-01.
    Pin(Pin),
    /// By a personal tax code of 10 digits, from before.
    Mst(Mst),
    /// By SI number.
    SiNumber(SiNumber),
}

impl Subject {
    /// The element that carries it.
    #[must_use]
    pub const fn element(&self) -> &'static str {
        match self {
            Self::Pin(_) => "Pin",
            Self::Mst(_) => "Mst",
            Self::SiNumber(_) => "SiNumber",
        }
    }

    /// The number as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pin(pin) => pin.as_str(),
            Self::Mst(mst) => mst.as_str(),
            Self::SiNumber(number) => number.as_str(),
        }
    }

    /// Whether it lies in a range reserved for synthetic people.
    #[must_use]
    pub fn is_synthetic(&self) -> bool {
        match self {
            Self::Pin(pin) => pin.is_synthetic(),
            Self::Mst(mst) => mst.is_synthetic(),
            Self::SiNumber(number) => number.is_synthetic(),
        }
    }

    /// The number in the element of this name; a personal tax code has no branch.
    ///
    /// # Errors
    /// A stable word.
    pub fn parse(element: &str, text: &str) -> Result<Self, &'static str> {
        match element {
            "Pin" => Pin::parse(text).map(Self::Pin).map_err(|_| "pin"),
            "SiNumber" => SiNumber::parse(text)
                .map(Self::SiNumber)
                .map_err(|_| "si-number"),
            _ => match Mst::parse(text).map_err(mst_reason)? {
                mst if mst.branch().is_none() => Ok(Self::Mst(mst)),
                _ => Err("mst-branch"),
            },
        }
    }

    /// The element that comes next, if it is one that names a person.
    pub(super) fn coming(reader: &mut Reader<'_>) -> Result<Option<&'static str>, WireError> {
        for element in ["Pin", "Mst", "SiNumber"] {
            if reader.comes(element)? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Subject")?;
        let element = Self::coming(reader)?.unwrap_or("Pin");
        let text = reader.text(element)?;
        let subject = Self::parse(element, &text).or_else(|reason| wrong(element, reason))?;
        reader.leave("Subject")?;
        Ok(subject)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Subject"), &[]);
        writer.leaf(name(self.element()), self.as_str());
        writer.close();
    }
}

/// The months asked about, both ends included; at most [`Span::MONTHS_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// A calendar year; of the present one the months that have begun.
    Year(i16),
    /// From one month to another.
    Months {
        /// The first.
        from: Period,
        /// The last, not before the first.
        to: Period,
    },
}

impl Span {
    /// The longest span, in months.
    pub const MONTHS_MAX: i32 = 60;

    /// A span of months, if it is one and not too long.
    ///
    /// # Errors
    /// A stable word.
    pub fn months(from: Period, to: Period) -> Result<Self, &'static str> {
        let at = |period: Period| i32::from(period.year()) * 12 + i32::from(period.month());
        match at(to) - at(from) {
            ..0 => Err("span-backwards"),
            Self::MONTHS_MAX.. => Err("span-too-long"),
            _ => Ok(Self::Months { from, to }),
        }
    }

    /// A year, if contributions can belong to it.
    ///
    /// # Errors
    /// A stable word.
    pub fn year(year: i16) -> Result<Self, &'static str> {
        Period::new(year, 1).map_err(|_| "period-before-1995")?;
        Ok(Self::Year(year))
    }

    /// The first month, and the last that is not after `now`; none where the span has not begun, or
    /// names a month that has not.
    #[must_use]
    pub fn until(self, now: Period) -> Option<(Period, Period)> {
        match self {
            Self::Months { from, to } => (to <= now).then_some((from, to)),
            Self::Year(year) => {
                let from = Period::new(year, 1).ok()?;
                let to = Period::new(year, 12).ok()?.min(now);
                (from <= to).then_some((from, to))
            }
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.comes("Year")? {
            let year = word(reader, "Year", number)?;
            return Self::year(year).or_else(|reason| wrong("Year", reason));
        }
        let (from, to) = (month(reader, "From")?, month(reader, "To")?);
        Self::months(from, to).or_else(|reason| wrong("To", reason))
    }

    pub(super) fn write(self, writer: &mut Writer) {
        match self {
            Self::Year(year) => writer.leaf(name("Year"), &year.to_string()),
            Self::Months { from, to } => {
                writer.leaf(name("From"), &from.to_string());
                writer.leaf(name("To"), &to.to_string());
            }
        }
    }
}

/// What is asked about one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyIndividual {
    /// Who.
    pub subject: Subject,
    /// Over which months.
    pub span: Span,
    /// What.
    pub question: Question,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

/// Either facts are asked for, or a claim is put up for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// These facts, at least one.
    Fields(BTreeSet<PersonField>),
    /// Is this so? Nothing else is told.
    Claim(Claim),
}

/// What is claimed of a person; at least one thing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claim {
    /// The name, 1–255 characters; compared by its matching key.
    pub name: Option<String>,
    /// The day of birth.
    pub birth_date: Option<Date>,
    /// Months contributed in the span.
    pub months: Option<u32>,
    /// The sum of the monthly bases over those months.
    pub base: Option<Amount>,
}

impl Claim {
    /// What it claims, in the words of agreements.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<PersonField> {
        [
            (self.name.is_some(), PersonField::Name),
            (self.birth_date.is_some(), PersonField::BirthDate),
            (self.months.is_some(), PersonField::Months),
            (self.base.is_some(), PersonField::Base),
        ]
        .into_iter()
        .filter_map(|(claimed, field)| claimed.then_some(field))
        .collect()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Claim")?;
        let claim = Self {
            name: optional(reader, "Name", label)?,
            birth_date: optional(reader, "BirthDate", day)?,
            months: optional(reader, "MonthsContributed", number)?,
            base: optional(reader, "BaseTotal", amount)?,
        };
        reader.leave("Claim")?;
        match claim.fields().is_empty() {
            true => wrong("Claim", "nothing-claimed"),
            false => Ok(claim),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Claim"), &[]);
        let values = [
            ("Name", self.name.clone()),
            ("BirthDate", self.birth_date.map(|day| day.to_string())),
            (
                "MonthsContributed",
                self.months.map(|months| months.to_string()),
            ),
            ("BaseTotal", self.base.map(|base| base.vnd().to_string())),
        ];
        leaves(writer, values);
        writer.close();
    }
}

impl VerifyIndividual {
    /// The fields that are asked for or claimed.
    #[must_use]
    pub fn fields(&self) -> BTreeSet<PersonField> {
        match &self.question {
            Question::Fields(fields) => fields.clone(),
            Question::Claim(claim) => claim.fields(),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyIndividual")?;
        let ask = Self {
            subject: Subject::read(reader)?,
            span: Span::read(reader)?,
            question: match reader.comes("Claim")? {
                true => Question::Claim(Claim::read(reader)?),
                false => Question::Fields(words(reader, "Fields", PersonField::parse)?),
            },
            purpose: purpose(reader)?,
        };
        reader.leave("VerifyIndividual")?;
        Ok(ask)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyIndividual"), &[]);
        self.subject.write(writer);
        self.span.write(writer);
        match &self.question {
            Question::Fields(fields) => write_person_fields(writer, "Fields", fields),
            Question::Claim(claim) => claim.write(writer),
        }
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// What is known of one person over some months, as far as it was asked for and agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyIndividualResult {
    /// Which result; of a comparison `matches` or `doesNotMatch`.
    pub result: ResultKind,
    /// Who was asked about.
    pub subject: Subject,
    /// The first month.
    pub from: Period,
    /// The last month.
    pub to: Period,
    /// The name, 1–255 characters.
    pub name: Option<String>,
    /// The day of birth.
    pub birth_date: Option<Date>,
    /// The PIN in force.
    pub pin: Option<Pin>,
    /// The SI number.
    pub si_number: Option<SiNumber>,
    /// Months contributed, each counted once.
    pub months: Option<u32>,
    /// The sum of the monthly bases over those months.
    pub base_total: Option<Amount>,
    /// By employer, oldest first; none where the list was not asked for.
    pub employments: Option<Vec<Stretch>>,
    /// Fields asked for and not agreed.
    pub not_disclosed: BTreeSet<PersonField>,
}

/// Consecutive months by one employer with one base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// The employer's tax code.
    pub mst: TaxId,
    /// First and last month, where months are told.
    pub months: Option<(Period, Period)>,
    /// The monthly base, where bases are told.
    pub base: Option<Amount>,
}

impl VerifyIndividualResult {
    /// A result without any field.
    #[must_use]
    pub const fn bare(result: ResultKind, subject: Subject, from: Period, to: Period) -> Self {
        Self {
            result,
            subject,
            from,
            to,
            name: None,
            birth_date: None,
            pin: None,
            si_number: None,
            months: None,
            base_total: None,
            employments: None,
            not_disclosed: BTreeSet::new(),
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyIndividualResult")?;
        let read = Self {
            result: word(reader, "Result", ResultKind::parse)?,
            subject: Subject::read(reader)?,
            from: month(reader, "From")?,
            to: month(reader, "To")?,
            name: optional(reader, "Name", label)?,
            birth_date: optional(reader, "BirthDate", day)?,
            pin: optional(reader, "Pin", |text| Pin::parse(text).ok())?,
            si_number: optional(reader, "SiNumber", |text| SiNumber::parse(text).ok())?,
            months: optional(reader, "MonthsContributed", number)?,
            base_total: optional(reader, "BaseTotal", amount)?,
            employments: given(reader, "Employments", stretches)?,
            not_disclosed: given(reader, "NotDisclosed", |reader| {
                words(reader, "NotDisclosed", PersonField::parse)
            })?
            .unwrap_or_default(),
        };
        reader.leave("VerifyIndividualResult")?;
        Ok(read)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyIndividualResult"), &[]);
        writer.leaf(name("Result"), self.result.as_str());
        self.subject.write(writer);
        writer.leaf(name("From"), &self.from.to_string());
        writer.leaf(name("To"), &self.to.to_string());
        leaves(writer, self.values());
        if let Some(employments) = &self.employments {
            writer.open(name("Employments"), &[]);
            for stretch in employments {
                stretch.write(writer);
            }
            writer.close();
        }
        if !self.not_disclosed.is_empty() {
            write_person_fields(writer, "NotDisclosed", &self.not_disclosed);
        }
        writer.close();
    }

    fn values(&self) -> [(&'static str, Option<String>); 6] {
        [
            ("Name", self.name.clone()),
            ("BirthDate", self.birth_date.map(|day| day.to_string())),
            ("Pin", self.pin.as_ref().map(|pin| pin.as_str().to_owned())),
            (
                "SiNumber",
                self.si_number.as_ref().map(|si| si.as_str().to_owned()),
            ),
            (
                "MonthsContributed",
                self.months.map(|months| months.to_string()),
            ),
            (
                "BaseTotal",
                self.base_total.map(|base| base.vnd().to_string()),
            ),
        ]
    }
}

fn stretches(reader: &mut Reader<'_>) -> Result<Vec<Stretch>, WireError> {
    reader.enter("Employments")?;
    let mut stretches = Vec::new();
    while reader.comes("Employment")? {
        stretches.push(Stretch::read(reader)?);
    }
    reader.leave("Employments")?;
    Ok(stretches)
}

impl Stretch {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Employment")?;
        let mst = super::request::mst(reader)?;
        let months = match reader.comes("From")? {
            true => Some((month(reader, "From")?, month(reader, "To")?)),
            false => None,
        };
        let base = optional(reader, "Base", amount)?;
        reader.leave("Employment")?;
        Ok(Self { mst, months, base })
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Employment"), &[]);
        writer.leaf(name("Mst"), self.mst.as_str());
        if let Some((from, to)) = self.months {
            writer.leaf(name("From"), &from.to_string());
            writer.leaf(name("To"), &to.to_string());
        }
        if let Some(base) = self.base {
            writer.leaf(name("Base"), &base.vnd().to_string());
        }
        writer.close();
    }
}

pub(super) fn write_person_fields(
    writer: &mut Writer,
    list: &'static str,
    fields: &BTreeSet<PersonField>,
) {
    write_words(writer, list, fields.iter().map(|field| field.as_str()));
}

fn leaves<const N: usize>(writer: &mut Writer, values: [(&'static str, Option<String>); N]) {
    for (element, value) in values {
        if let Some(text) = value {
            writer.leaf(name(element), &text);
        }
    }
}
