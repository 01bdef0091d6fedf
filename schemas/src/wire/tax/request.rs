//! What the tax department asks.

use std::collections::BTreeSet;

use super::header::word;
use super::words::FieldName;
use super::{PING, VERIFY_EMPLOYER, WireError, name, wrong};
use crate::id::{IdError, Mst, Period, Rule};
use crate::xml::{Reader, Writer};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// One employer in one month.
    VerifyEmployer(VerifyEmployer),
    /// Is anybody there?
    Ping(Ping),
}

impl Request {
    /// The operation that this body belongs to.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::VerifyEmployer(_) => VERIFY_EMPLOYER,
            Self::Ping(_) => PING,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match reader.comes("Ping")? {
            true => Ping::read(reader, "Ping").map(Self::Ping),
            false => VerifyEmployer::read(reader).map(Self::VerifyEmployer),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::VerifyEmployer(ask) => ask.write(writer),
            Self::Ping(ping) => ping.write(writer, "Ping"),
        }
    }
}

/// What is asked about one employer in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyEmployer {
    /// The employer's tax code.
    pub mst: Mst,
    /// The month of contributions.
    pub period: Period,
    /// The fields asked for, at least one.
    pub fields: BTreeSet<FieldName>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl VerifyEmployer {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyEmployer")?;
        let ask = Self {
            mst: mst(reader)?,
            period: period(reader)?,
            fields: fields(reader, "Fields")?,
            purpose: purpose(reader)?,
        };
        reader.leave("VerifyEmployer")?;
        Ok(ask)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyEmployer"), &[]);
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        write_fields(writer, "Fields", &self.fields);
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// A ping, or the pong that gives its nonce back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ping {
    /// `[A-Za-z0-9._-]{1,64}`, given back in the answer.
    pub nonce: Option<String>,
}

impl Ping {
    pub(super) fn read(reader: &mut Reader<'_>, element: &'static str) -> Result<Self, WireError> {
        reader.enter(element)?;
        let nonce = reader.optional("Nonce")?.map(|text| text.into_owned());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let good = |text: &String| (1..=64).contains(&text.len()) && text.bytes().all(plain);
        if !nonce.as_ref().is_none_or(good) {
            return wrong("Nonce", "nonce");
        }
        reader.leave(element)?;
        Ok(Self { nonce })
    }

    pub(super) fn write(&self, writer: &mut Writer, element: &'static str) {
        writer.open(name(element), &[]);
        if let Some(nonce) = &self.nonce {
            writer.leaf(name("Nonce"), nonce);
        }
        writer.close();
    }
}

/// The tax code, its check digit proven.
pub(super) fn mst(reader: &mut Reader<'_>) -> Result<Mst, WireError> {
    let text = reader.text("Mst")?;
    Mst::parse(&text).or_else(|error| wrong("Mst", mst_reason(error)))
}

fn mst_reason(error: IdError) -> &'static str {
    match error.rule() {
        Rule::CheckDigit => "mst-check-digit",
        Rule::AllZero => "mst-all-zero",
        Rule::Branch => "mst-branch",
        Rule::Length => "mst-length",
        Rule::Characters => "mst-characters",
        _ => "mst-shape",
    }
}

/// The month, not before the first that a contribution can belong to.
pub(super) fn period(reader: &mut Reader<'_>) -> Result<Period, WireError> {
    let text = reader.text("Period")?;
    Period::parse(&text).or_else(|error| {
        let reason = match error.rule() {
            Rule::Range => "period-before-1995",
            Rule::Month => "period-month",
            _ => "period-shape",
        };
        wrong("Period", reason)
    })
}

fn purpose(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let text = reader.text("Purpose")?;
    let mark = |byte: u8| b".-".contains(&byte);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let good = (2..=64).contains(&text.len())
        && text.bytes().all(|byte| plain(byte) || mark(byte))
        && !text.bytes().next().is_some_and(mark);
    match good {
        true => Ok(text.into_owned()),
        false => wrong("Purpose", "purpose"),
    }
}

/// One or more `Field`, no two alike.
pub(super) fn fields(
    reader: &mut Reader<'_>,
    list: &'static str,
) -> Result<BTreeSet<FieldName>, WireError> {
    reader.enter(list)?;
    let mut found = BTreeSet::from([word(reader, "Field", FieldName::parse)?]);
    while reader.comes("Field")? {
        if !found.insert(word(reader, "Field", FieldName::parse)?) {
            return wrong("Field", "field-twice");
        }
    }
    reader.leave(list)?;
    Ok(found)
}

pub(super) fn write_fields(writer: &mut Writer, list: &'static str, fields: &BTreeSet<FieldName>) {
    writer.open(name(list), &[]);
    for field in fields {
        writer.leaf(name("Field"), field.as_str());
    }
    writer.close();
}
