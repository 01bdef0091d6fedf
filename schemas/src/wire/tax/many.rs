//! Many questions in one message, answered line by line and in the order asked.

use std::collections::{BTreeSet, HashSet};

use super::answer::reason_word;
use super::employer::VerifyEmployerResult;
use super::header::word;
use super::individual::{Span, Subject, VerifyIndividualResult, write_person_fields};
use super::request::{fields, mst_reason, period, purpose, words, write_fields};
use super::words::{FieldName, PersonField};
use super::{WireError, name, wrong};
use crate::fault::FaultCode;
use crate::id::{Period, TaxId};
use crate::xml::{Reader, Writer};

/// The most lines that one message may have; an agreement may allow fewer.
pub const LINES_MAX: usize = 1_000;

/// Many employers in one month, or many persons over some months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyMany {
    /// About whom, and what.
    pub asked: Asked,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

/// One kind of subject in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Employers in one month.
    Employers {
        /// The month.
        period: Period,
        /// What is asked of each; nothing that is more than one value.
        fields: BTreeSet<FieldName>,
        /// Who, in order, no two alike.
        keys: Vec<Key<TaxId>>,
    },
    /// Persons over some months.
    Individuals {
        /// The months.
        span: Span,
        /// What is asked of each; nothing by employer.
        fields: BTreeSet<PersonField>,
        /// Who, in order, no two alike.
        keys: Vec<Key<Subject>>,
    },
}

/// One line's key: a number that can be one, or why it can't.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key<T> {
    /// A number.
    Good(T),
    /// No number of its kind; the line is answered with this.
    Bad {
        /// The element it stood in.
        element: &'static str,
        /// What was written, 9 to 14 digits and hyphens.
        text: String,
        /// Why it can't be one.
        reason: &'static str,
    },
}

impl Asked {
    /// How many lines.
    #[must_use]
    pub fn lines(&self) -> usize {
        match self {
            Self::Employers { keys, .. } => keys.len(),
            Self::Individuals { keys, .. } => keys.len(),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        match reader.comes("Individuals")? {
            true => individuals(reader),
            false => employers(reader),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Employers {
                period,
                fields,
                keys,
            } => {
                writer.open(name("Employers"), &[]);
                writer.leaf(name("Period"), &period.to_string());
                write_fields(writer, "Fields", fields);
                for key in keys {
                    let (element, text) = key.written(|mst| ("Mst", mst.as_str()));
                    writer.leaf(name(element), text);
                }
                writer.close();
            }
            Self::Individuals { span, fields, keys } => {
                writer.open(name("Individuals"), &[]);
                span.write(writer);
                write_person_fields(writer, "Fields", fields);
                for key in keys {
                    let (element, text) = key.written(|who| (who.element(), who.as_str()));
                    writer.leaf(name(element), text);
                }
                writer.close();
            }
        }
    }
}

fn employers(reader: &mut Reader<'_>) -> Result<Asked, WireError> {
    reader.enter("Employers")?;
    let period = period(reader)?;
    let fields = fields(reader, "Fields")?;
    if fields.iter().any(|field| field.is_a_part()) {
        return wrong("Field", "field-not-in-many");
    }
    let next = |reader: &mut Reader<'_>| Ok(reader.comes("Mst")?.then_some("Mst"));
    let parse = |_: &str, text: &str| TaxId::parse(text).map_err(mst_reason);
    let keys = keys(reader, next, parse)?;
    reader.leave("Employers")?;
    Ok(Asked::Employers {
        period,
        fields,
        keys,
    })
}

fn individuals(reader: &mut Reader<'_>) -> Result<Asked, WireError> {
    reader.enter("Individuals")?;
    let span = Span::read(reader)?;
    let fields = words(reader, "Fields", PersonField::parse)?;
    if fields.contains(&PersonField::Employers) {
        return wrong("Field", "field-not-in-many");
    }
    let keys = keys(reader, Subject::coming, Subject::parse)?;
    reader.leave("Individuals")?;
    Ok(Asked::Individuals { span, fields, keys })
}

fn keys<T: Clone + Eq + std::hash::Hash>(
    reader: &mut Reader<'_>,
    next: impl Fn(&mut Reader<'_>) -> Result<Option<&'static str>, WireError>,
    parse: impl Fn(&str, &str) -> Result<T, &'static str>,
) -> Result<Vec<Key<T>>, WireError> {
    let (mut keys, mut seen) = (Vec::new(), HashSet::new());
    while let Some(element) = next(reader)? {
        let text = reader.text(element)?;
        if keys.len() == LINES_MAX {
            return wrong(element, "too-many-lines");
        }
        let key = Key::of(element, &text, &parse)?;
        if !seen.insert(key.clone()) {
            return wrong(element, "key-twice");
        }
        keys.push(key);
    }
    match keys.is_empty() {
        true => wrong("VerifyMany", "no-lines"),
        false => Ok(keys),
    }
}

impl<T> Key<T> {
    /// Reads one key.
    ///
    /// # Errors
    /// Where the text cannot be said again: `key-shape`.
    pub fn of(
        element: &'static str,
        text: &str,
        parse: impl Fn(&str, &str) -> Result<T, &'static str>,
    ) -> Result<Self, WireError> {
        if key_text(text).is_none() {
            return wrong(element, "key-shape");
        }
        Ok(match parse(element, text) {
            Ok(key) => Self::Good(key),
            Err(reason) => Self::Bad {
                element,
                text: text.to_owned(),
                reason,
            },
        })
    }

    fn written<'a>(
        &'a self,
        good: impl Fn(&'a T) -> (&'static str, &'a str),
    ) -> (&'static str, &'a str) {
        match self {
            Self::Good(key) => good(key),
            Self::Bad { element, text, .. } => (element, text),
        }
    }
}

impl VerifyMany {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyMany")?;
        let ask = Self {
            asked: Asked::read(reader)?,
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

/// The lines of an answer, one for each key, in the order asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyManyResult {
    /// One to [`LINES_MAX`].
    pub lines: Vec<Line>,
}

/// What is said to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Of an employer.
    Employer(Box<VerifyEmployerResult>),
    /// Of a person.
    Individual(Box<VerifyIndividualResult>),
    /// This line alone is refused.
    Refused(Refused),
}

/// Why one line has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The key as it was asked, 9 to 14 digits and hyphens.
    pub key: String,
    /// The code.
    pub code: FaultCode,
    /// The stable word, `[a-z0-9-]{1,64}`.
    pub reason: String,
}

/// The lines of an answer about many, whoever asked: one to [`LINES_MAX`], what stands in each read by `line`.
pub(super) fn lines<L>(
    reader: &mut Reader<'_>,
    line: fn(&mut Reader<'_>) -> Result<L, WireError>,
) -> Result<Vec<L>, WireError> {
    reader.enter("VerifyManyResult")?;
    let mut lines = Vec::new();
    while reader.comes("Line")? {
        if lines.len() == LINES_MAX {
            return wrong("Line", "too-many-lines");
        }
        reader.enter("Line")?;
        lines.push(line(reader)?);
        reader.leave("Line")?;
    }
    reader.leave("VerifyManyResult")?;
    match lines.is_empty() {
        true => wrong("VerifyManyResult", "no-lines"),
        false => Ok(lines),
    }
}

impl VerifyManyResult {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let lines = lines(reader, Line::read)?;
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

impl Line {
    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(if reader.comes("Refused")? {
            Self::Refused(Refused::read(reader)?)
        } else if reader.comes("VerifyIndividualResult")? {
            Self::Individual(Box::new(VerifyIndividualResult::read(reader)?))
        } else {
            Self::Employer(Box::new(VerifyEmployerResult::read(reader)?))
        })
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Employer(result) => result.write(writer),
            Self::Individual(result) => result.write(writer),
            Self::Refused(refused) => refused.write(writer),
        }
    }
}

impl Refused {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Refused")?;
        let refused = Self {
            key: word(reader, "Key", key_text)?,
            code: word(reader, "Code", FaultCode::from_wire)?,
            reason: word(reader, "Reason", reason_word)?,
        };
        reader.leave("Refused")?;
        Ok(refused)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("Refused"), &[]);
        writer.leaf(name("Key"), &self.key);
        writer.leaf(name("Code"), self.code.row().code);
        writer.leaf(name("Reason"), &self.reason);
        writer.close();
    }
}

fn key_text(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_digit() || byte == b'-';
    ((9..=14).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}
