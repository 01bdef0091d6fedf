//! The fields of the records: one table for both forms, and the slots that a reader fills.

use super::{Kind, Party, Reason, Wrong};

/// A field of a record; its word is the attribute in XML and the key in NDJSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Tax code of the employer.
    Mst,
    /// VSS unit code.
    Unit,
    /// PIN of the person.
    Person,
    /// SI number or earlier tax code of the person.
    Number,
    /// Province.
    Province,
    /// Region of the minimum wage.
    Region,
    /// State of the employer.
    Status,
    /// Name.
    Name,
    /// Address.
    Address,
    /// Birth.
    Born,
    /// Participants, or people who were paid.
    Count,
    /// Fund, salary or income.
    Amount,
    /// Contributions due.
    Due,
    /// Contributions paid.
    Paid,
    /// Full-time work.
    Full,
}

impl Field {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        FIELDS[self as usize].word
    }

    /// The field of a word.
    pub(super) fn find(word: &[u8]) -> Option<Self> {
        Some(match word {
            b"mst" => Self::Mst,
            b"unit" => Self::Unit,
            b"person" => Self::Person,
            b"number" => Self::Number,
            b"province" => Self::Province,
            b"region" => Self::Region,
            b"status" => Self::Status,
            b"name" => Self::Name,
            b"address" => Self::Address,
            b"born" => Self::Born,
            b"count" => Self::Count,
            b"amount" => Self::Amount,
            b"due" => Self::Due,
            b"paid" => Self::Paid,
            b"full" => Self::Full,
            _ => return None,
        })
    }
}

/// How a value is written in JSON; in XML everything is the text of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A whole number from 0.
    Number,
    /// `true` or `false`.
    Flag,
}

/// What a field is and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The field.
    pub field: Field,
    /// Its word.
    pub word: &'static str,
    /// How it is written.
    pub shape: Shape,
    /// In records of employers: of both sides, of ours only, of neither.
    pub employer: Carried,
    /// In records of persons.
    pub person: Carried,
}

/// Whether a kind of record carries a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// Always.
    Always,
    /// Where it is known.
    Known,
    /// By the insurance side, always; by the tax side never.
    SiOnly,
    /// Never.
    Never,
}

/// Every field, in the order in which it is written.
pub const FIELDS: [Row; 15] = {
    use Carried::{Always, Known, Never, SiOnly};
    use Shape::{Flag, Number, Text};
    [
        row(Field::Mst, "mst", Text, Always, Always),
        row(Field::Unit, "unit", Text, SiOnly, Never),
        row(Field::Person, "person", Text, Never, Always),
        row(Field::Number, "number", Text, Never, Known),
        row(Field::Province, "province", Text, Always, Always),
        row(Field::Region, "region", Number, Always, Always),
        row(Field::Status, "status", Text, Always, Never),
        row(Field::Name, "name", Text, Always, Always),
        row(Field::Address, "address", Text, Always, Never),
        row(Field::Born, "born", Text, Never, Always),
        row(Field::Count, "count", Number, Always, Never),
        row(Field::Amount, "amount", Number, Always, Always),
        row(Field::Due, "due", Number, SiOnly, Never),
        row(Field::Paid, "paid", Number, SiOnly, Never),
        row(Field::Full, "full", Flag, Never, Always),
    ]
};

const fn row(
    field: Field,
    word: &'static str,
    shape: Shape,
    employer: Carried,
    person: Carried,
) -> Row {
    Row {
        field,
        word,
        shape,
        employer,
        person,
    }
}

/// Which fields a record must have and may have, as bits by the order of [`FIELDS`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    must: u16,
    may: u16,
}

impl Wanted {
    pub(super) fn of(party: Party, kind: Kind) -> Self {
        let (mut must, mut may) = (0, 0);
        for row in &FIELDS {
            let carried = match kind {
                Kind::Employer => row.employer,
                Kind::Person => row.person,
            };
            let bit = 1 << row.field as u16;
            let (is_must, is_may) = match carried {
                Carried::Always => (true, true),
                Carried::Known => (false, true),
                Carried::SiOnly => (party == Party::Si, party == Party::Si),
                Carried::Never => (false, false),
            };
            must |= if is_must { bit } else { 0 };
            may |= if is_may { bit } else { 0 };
        }
        Self { must, may }
    }

    /// Refuses a record that lacks a field or has one too many.
    pub(super) fn check(self, slots: &Slots<'_>) -> Result<(), Wrong> {
        if slots.seen & self.must == self.must && slots.seen & !self.may == 0 {
            return Ok(());
        }
        let first = |bits: u16| {
            FIELDS
                .iter()
                .find(|row| bits & (1 << row.field as u16) != 0)
        };
        match first(slots.seen & !self.may) {
            Some(row) => Err(Wrong(Reason::Unknown, Some(row.field))),
            None => Err(Wrong(
                Reason::Missing,
                first(self.must & !slots.seen).map(|row| row.field),
            )),
        }
    }
}

/// How a value must be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Escapes {
    /// As it stands.
    #[default]
    None,
    /// With references of XML.
    Xml,
    /// With escapes of JSON.
    Json,
}

/// A value as it stands in the chunk.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Raw<'a> {
    pub(super) text: &'a str,
    pub(super) escapes: Escapes,
}

/// The values of one record by field.
#[derive(Default)]
pub(super) struct Slots<'a> {
    values: [Raw<'a>; FIELDS.len()],
    seen: u16,
}

impl<'a> Slots<'a> {
    /// Puts a value in its place; a second one for the same field is refused.
    pub(super) fn put(&mut self, field: Field, raw: Raw<'a>) -> Result<(), Wrong> {
        let bit = 1 << field as u16;
        if self.seen & bit != 0 {
            return Err(Wrong(Reason::Twice, Some(field)));
        }
        self.seen |= bit;
        self.values[field as usize] = raw;
        Ok(())
    }

    /// The value of a field; empty where there is none.
    pub(super) const fn value(&self, field: Field) -> Raw<'a> {
        self.values[field as usize]
    }

    pub(super) const fn has(&self, field: Field) -> bool {
        self.seen & (1 << field as u16) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_fields_and_words_find_them() {
        for (place, row) in FIELDS.iter().enumerate() {
            assert_eq!(row.field as usize, place);
            assert_eq!(Field::find(row.word.as_bytes()), Some(row.field));
        }
        assert_eq!(Field::find(b"nAme"), None);
    }
}
