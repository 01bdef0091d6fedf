//! One discrepancy: what it is about, the field, both values, and what was expected.

use schemas::{
    name::Score,
    wire::tax_records::{Field, Party, PersonKey, Status, TaxKey},
};

use super::Category;

/// A value of one side.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// The side has none.
    None,
    /// A count, or VND.
    Number(u64),
    /// A text as it was sent.
    Text(&'a str),
    /// A state.
    Status(Status),
    /// Birth as `yyyymmdd`.
    Born(u32),
    /// A tax code.
    Tax(TaxKey),
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            _ => "***",
        })
    }
}

/// A discrepancy between two sides, seen by one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding<'a> {
    /// What is wrong.
    pub category: Category,
    /// The field.
    pub field: Field,
    /// The employer.
    pub mst: TaxKey,
    /// The person, where it is about one.
    pub person: Option<PersonKey>,
    /// Two digits of the province that it is counted in: the insurance side's, where that side has one.
    pub province: u8,
    /// What we have.
    pub ours: Value<'a>,
    /// What they have.
    pub theirs: Value<'a>,
    /// What the rules of the month ask for, VND.
    pub expected: Option<u64>,
    /// Of names and addresses: how alike and why.
    pub score: Option<Score>,
}

impl Finding<'_> {
    /// The same finding seen from the other side.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self {
            ours: self.theirs,
            theirs: self.ours,
            ..self
        }
    }

    /// The finding with only the values that its reader may see; the field is always named.
    #[must_use]
    pub fn seen_with(self, disclosed: Disclosed) -> Self {
        match disclosed.has(self.field) {
            true => self,
            false => Self {
                ours: Value::None,
                theirs: Value::None,
                expected: None,
                ..self
            },
        }
    }
}

/// The fields whose values may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Disclosed(u16);

impl Disclosed {
    /// Both values of every field.
    pub const ALL: Self = Self(u16::MAX);
    /// No value.
    pub const NONE: Self = Self(0);

    /// And this field too.
    #[must_use]
    pub const fn and(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u16)
    }

    /// Whether the values of a field may be shown.
    #[must_use]
    pub const fn has(self, field: Field) -> bool {
        self.0 & (1 << field as u16) != 0
    }
}

/// A finding of the insurance side's and the tax side's values, as the reader at `us` sees it.
pub(super) fn seen_by(us: Party, of_si_and_tax: Finding<'_>) -> Finding<'_> {
    match us {
        Party::Si => of_si_and_tax,
        Party::Tax => of_si_and_tax.mirrored(),
    }
}
