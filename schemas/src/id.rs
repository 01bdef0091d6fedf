//! Identifiers of people, employers, papers and messages, parsed once at the edge.
//!
//! A value of one of these types has passed its own rule, so nothing below the edge checks it
//! again. What identifies a person prints as `***` and has no `Display`. Shapes and sources are
//! those of QĐ 1351/QĐ-BHXH, Circular 07/2016/TT-BCA, QĐ 20/2020/QĐ-TTg and Circular 01/2018/TT-VPCP.
//!
//! This module refuses to know whether a number was ever issued: that is the registry's answer.

mod card;
mod message;
mod office;
mod period;
mod person;
mod tax;
mod xroad;

use std::fmt;

pub use card::CardNumber;
pub use message::{MessageId, PartnerId};
pub use office::{DossierCode, FacilityCode, OrganId, ProcedureCode, UnitCode};
pub use period::Period;
pub use person::{Cmnd, Pin, PinConflict, Sex, SiNumber};
pub use tax::{Mst, TaxId};
pub use xroad::{XRoadClient, XRoadService};

/// Why a text is not an identifier: which kind was expected and which rule it broke, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: {rule}")]
pub struct IdError {
    kind: &'static str,
    rule: Rule,
}

impl IdError {
    pub(crate) const fn new(kind: &'static str, rule: Rule) -> Self {
        Self { kind, rule }
    }

    /// The kind of identifier that was expected, for example `Mst`.
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// The rule that the text broke.
    pub const fn rule(&self) -> Rule {
        self.rule
    }
}

/// The rules that identifiers are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The number of characters is wrong.
    Length,
    /// A character stands where its kind may not stand.
    Characters,
    /// The groups and separators are not in the expected order.
    Shape,
    /// The check digit does not follow from the other digits.
    CheckDigit,
    /// The digits that must not all be zero are all zero.
    AllZero,
    /// The branch number is not 001 to 999.
    Branch,
    /// The province code is in no list.
    Province,
    /// The benefit level does not go with the object code.
    Level,
    /// The month is not 01 to 12.
    Month,
    /// The value lies before the first or after the last that is possible.
    Range,
    /// The code is not one of its closed list.
    Unknown,
}

impl Rule {
    /// The rule as a stable word for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Characters => "characters",
            Self::Shape => "shape",
            Self::CheckDigit => "check-digit",
            Self::AllZero => "all-zero",
            Self::Branch => "branch",
            Self::Province => "province",
            Self::Level => "level",
            Self::Month => "month",
            Self::Range => "range",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Refuses a text that is not exactly `len` ASCII digits.
fn digits(kind: &'static str, text: &str, len: usize) -> Result<(), IdError> {
    if text.len() != len {
        return Err(IdError::new(kind, Rule::Length));
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(IdError::new(kind, Rule::Characters));
    }
    Ok(())
}

/// What every identifier has: `as_str` and `FromStr`.
macro_rules! id_common {
    ($name:ident) => {
        impl $name {
            /// The identifier as it is written on the wire, in its canonical form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::id::IdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}

/// An identifier that names a person: `Debug` is redacted, and there is no `Display` and no serde.
macro_rules! personal_id {
    ($name:ident) => {
        $crate::id::id_common!($name);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    };
}

/// An identifier that may be shown: `Debug`, `Display` and serde as its text.
macro_rules! open_id {
    ($name:ident) => {
        $crate::id::id_common!($name);

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.as_str())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

use {id_common, open_id, personal_id};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_kind_and_the_rule_but_never_the_value() {
        let error = SiNumber::parse("99x4567890").unwrap_err();
        assert_eq!((error.kind(), error.rule()), ("SiNumber", Rule::Characters));
        assert_eq!(error.to_string(), "not a valid SiNumber: characters");
        assert!(!format!("{error:?}").contains("99x4567890"));
    }

    #[test]
    fn what_names_a_person_never_prints() {
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            Pin::parse("099300123456").unwrap(),
            Cmnd::parse("990123456").unwrap(),
            SiNumber::parse("9912345678").unwrap(),
            CardNumber::parse("TE1799912345678").unwrap(),
            TaxId::parse("099300123456").unwrap(),
        );
        assert_eq!(
            shown,
            "Pin(***) Cmnd(***) SiNumber(***) CardNumber(***) Pin(***)"
        );
    }

    #[test]
    fn digits_of_other_scripts_are_not_digits() {
        for text in ["٩٩١٢٣٤٥٦٧٨", "９９１２３４５６７８", "99123456७8"] {
            assert!(SiNumber::parse(text).is_err());
        }
        assert_eq!(
            SiNumber::parse("99123456７").unwrap_err().rule(),
            Rule::Length
        );
    }
}
