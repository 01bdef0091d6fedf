//! Bulk records of the tax profile: what both departments know of one month, employer by employer and person by person.
//!
//! A stream is one chunk of a reconciliation: a head that says whose records these are, of which kind and month, then
//! records, as XML (`schemas/xsd/tax-records/v1/records.xsd`) or NDJSON (`schemas/json/tax-records/v1`). Both carry
//! the same fields, [`fields::FIELDS`]; `schemas/xsd/tax-records/v1/README.md` documents each with its source. Own
//! profile: the real field lists are not public.
//!
//! [`Records`] goes from bytes to typed records without building anything in between and without an
//! allocation for a record whose texts have no escapes. It refuses to know who may send what, and whether a
//! number was ever issued. Errors carry the record's place, a field and a reason, never content.

pub mod fields;
pub mod key;
mod ndjson;
mod text;
mod typed;
mod writer;
mod xml;

use std::borrow::Cow;

use crate::id::Period;

pub use fields::Field;
pub use key::{NumberKey, PersonKey, TaxKey};
pub use writer::{close, open, write};

/// The namespace of the XML form.
pub const NAMESPACE: &str = "urn:vn:lienthong:tax:records:v1";

/// Longest chunk on the wire, packed or not, bytes.
pub const CHUNK_BYTES_MAX: usize = 16 << 20;

/// Longest record, bytes.
pub const RECORD_BYTES_MAX: usize = 4 << 10;

/// Longest name or address, bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 1_020;

/// Whose knowledge a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// The insurance side.
    Si,
    /// The tax side.
    Tax,
}

impl Party {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Si => "si",
            Self::Tax => "tax",
        }
    }

    /// The side that it is compared with.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Si => Self::Tax,
            Self::Tax => Self::Si,
        }
    }
}

/// What the records of one stream are about; a stream has one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An employer's month.
    Employer,
    /// A person's month with one employer.
    Person,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Employer => "employer",
            Self::Person => "person",
        }
    }
}

impl Kind {
    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Employer, Self::Person]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

/// How a chunk is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Packing {
    /// Each with its word on the wire.
    pub const WORDS: [(Self, &'static str); 3] = [
        (Self::Plain, "plain"),
        (Self::Gzip, "gzip"),
        (Self::Zstd, "zstd"),
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        Self::WORDS[self as usize].1
    }

    /// The packing of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let mut words = Self::WORDS.into_iter();
        words.find(|(_, one)| *one == word).map(|(one, _)| one)
    }
}

/// How a stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// One root element, one empty element with attributes for each record.
    Xml,
    /// One flat JSON object on each line, the head first.
    Ndjson,
}

impl Form {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xml => "xml",
            Self::Ndjson => "ndjson",
        }
    }

    /// The form of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Xml, Self::Ndjson]
            .into_iter()
            .find(|one| one.as_str() == word)
    }
}

/// The head of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// Whose records these are.
    pub party: Party,
    /// What they are about.
    pub kind: Kind,
    /// The month.
    pub period: Period,
}

/// An employer's state: ours in words, the tax department's as its dated code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Takes part.
    Active,
    /// Takes no part for a time.
    Suspended,
    /// Has ended.
    Closed,
    /// `tthai`, a code of [`crate::codes::taxpayer_statuses`] that holds in the month.
    Taxpayer(u8),
}

/// One employer, one month, one side.
#[derive(Clone, PartialEq, Eq)]
pub struct Employer<'a> {
    /// Tax code of the employer.
    pub mst: TaxKey,
    /// VSS unit code, 7 characters; our side only, empty on the other.
    pub unit: &'a str,
    /// Two digits of the province in force in the month.
    pub province: u8,
    /// Region 1–4 of the minimum wage.
    pub region: u8,
    /// State in the month.
    pub status: Status,
    /// Name as registered.
    pub name: Cow<'a, str>,
    /// Address as registered.
    pub address: Cow<'a, str>,
    /// Participants (ours), people who were paid income (theirs).
    pub count: u32,
    /// Contribution fund (ours); income paid, each person's up to the cap (theirs). VND.
    pub amount: u64,
    /// Contributions due, VND; our side only, 0 on the other.
    pub due: u64,
    /// Contributions paid, VND; our side only, 0 on the other.
    pub paid: u64,
}

/// One person with one employer, one month, one side.
#[derive(Clone, PartialEq, Eq)]
pub struct Person<'a> {
    /// The person's PIN.
    pub person: PersonKey,
    /// SI number (ours), earlier ten-digit tax code (theirs), where there is one.
    pub number: NumberKey,
    /// The employer or payer.
    pub mst: TaxKey,
    /// Two digits of the employer's province.
    pub province: u8,
    /// Region 1–4 of the minimum wage.
    pub region: u8,
    /// Name as registered.
    pub name: Cow<'a, str>,
    /// Birth as `yyyymmdd`, or `yyyy0000` where only the year is known.
    pub born: u32,
    /// Salary that contributions are counted on (ours), income of the month (theirs). VND.
    pub amount: u64,
    /// Whether the work is full-time.
    pub full: bool,
}

impl std::fmt::Debug for Employer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Employer({})", self.mst)
    }
}

impl std::fmt::Debug for Person<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(***)")
    }
}

/// One record of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record<'a> {
    /// Of a stream of employers.
    Employer(Employer<'a>),
    /// Of a stream of persons.
    Person(Person<'a>),
}

impl Record<'_> {
    /// Two digits of the province that it is of.
    #[must_use]
    pub const fn province(&self) -> u8 {
        match self {
            Self::Employer(employer) => employer.province,
            Self::Person(person) => person.province,
        }
    }
}

/// Why a stream is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Not UTF-8, or declared to be something else.
    Encoding,
    /// Begins with a byte-order mark.
    ByteOrderMark,
    /// A record longer than [`RECORD_BYTES_MAX`].
    TooLong,
    /// Breaks the grammar of XML or JSON, or uses what this profile leaves out (comments, entities, DTD, nesting).
    Malformed,
    /// Ends inside something.
    Truncated,
    /// Another element or line than the profile has here.
    Structure,
    /// The head does not say version, party, kind and month, or says something unknown.
    Head,
    /// A field that this kind of record or this party does not have.
    Unknown,
    /// A field twice in one record.
    Twice,
    /// A field that is not there.
    Missing,
    /// A value that breaks its field's rule.
    Value,
}

impl Reason {
    /// The reason as a stable word for faults and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encoding => "records-encoding",
            Self::ByteOrderMark => "records-bom",
            Self::TooLong => "records-too-long",
            Self::Malformed => "records-malformed",
            Self::Truncated => "records-truncated",
            Self::Structure => "records-structure",
            Self::Head => "records-head",
            Self::Unknown => "records-unknown-field",
            Self::Twice => "records-field-twice",
            Self::Missing => "records-missing-field",
            Self::Value => "records-value",
        }
    }
}

/// A refused stream: why, at which record (from 1; 0 is the head) and field; never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{} at record {record}{}{}", reason.as_str(), if field.is_some() { ", field " } else { "" }, field.map_or("", Field::as_str))]
pub struct RecordError {
    /// Why.
    pub reason: Reason,
    /// The record's place in its stream, from 1; 0 is the head.
    pub record: u64,
    /// The field, where one is at fault.
    pub field: Option<Field>,
}

/// What is wrong, before it is known where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Wrong(Reason, Option<Field>);

impl From<Reason> for Wrong {
    fn from(reason: Reason) -> Self {
        Self(reason, None)
    }
}

/// A stream of records being read.
pub struct Records<'a> {
    source: Source<'a>,
    rules: typed::Rules,
    done: u64,
}

enum Source<'a> {
    Xml(xml::Events<'a>),
    Ndjson(ndjson::Lines<'a>),
}

impl<'a> Records<'a> {
    /// Opens a whole chunk and reads its head.
    ///
    /// # Errors
    /// Not UTF-8, or no head of this profile.
    pub fn open(form: Form, chunk: &'a [u8]) -> Result<Self, RecordError> {
        Self::begin(form, chunk).map_err(|Wrong(reason, field)| RecordError {
            reason,
            record: 0,
            field,
        })
    }

    fn begin(form: Form, chunk: &'a [u8]) -> Result<Self, Wrong> {
        if chunk.starts_with(b"\xEF\xBB\xBF") {
            return Err(Reason::ByteOrderMark.into());
        }
        let text = std::str::from_utf8(chunk).map_err(|_| Reason::Encoding)?;
        let (source, head) = match form {
            Form::Xml => {
                let (events, head) = xml::Events::open(text)?;
                (Source::Xml(events), head)
            }
            Form::Ndjson => {
                let (lines, head) = ndjson::Lines::open(text)?;
                (Source::Ndjson(lines), head)
            }
        };
        Ok(Self {
            source,
            rules: typed::Rules::of(head),
            done: 0,
        })
    }

    /// What the head says.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.rules.head
    }

    /// The next record, or nothing at the end of a whole stream.
    ///
    /// # Errors
    /// The first rule that the next record breaks; nothing can be read afterwards.
    pub fn next_record(&mut self) -> Result<Option<Record<'a>>, RecordError> {
        self.advance().map_err(|Wrong(reason, field)| RecordError {
            reason,
            record: self.done + 1,
            field,
        })
    }

    fn advance(&mut self) -> Result<Option<Record<'a>>, Wrong> {
        let mut slots = fields::Slots::default();
        let more = match &mut self.source {
            Source::Xml(events) => events.next(self.rules.head.kind, &mut slots)?,
            Source::Ndjson(lines) => lines.next(&mut slots)?,
        };
        if !more {
            return Ok(None);
        }
        let record = self.rules.record(&slots)?;
        self.done += 1;
        Ok(Some(record))
    }
}

#[cfg(test)]
mod tests;
