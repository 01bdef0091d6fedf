//! One field of a form: its own name, what may stand in it, and whom it is about.

use serde::Deserialize;
use serde_json::Value;

use super::Wrong;
use crate::date::parse_slash;
use crate::id::{CardNumber, FacilityCode, Period, Pin, SiNumber, TaxId, UnitCode};
use crate::name::PersonName;
use crate::quote::VND_MAX;

/// One field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name on the form, as the form spells it.
    pub name: &'static str,
    /// What it is, in Vietnamese.
    pub vi: &'static str,
    /// What may stand in it.
    pub kind: Kind,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// Whom it is about, where the registry has to prove that.
    pub role: Option<Role>,
    /// The codes of a field of the kind [`Kind::Code`].
    #[serde(default)]
    pub codes: Vec<&'static str>,
    /// The most characters of a text; 200 where it is left out.
    pub max: Option<usize>,
}

/// What may stand in a field. A sum and a count are JSON numbers, everything else is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Free text without control characters.
    Text,
    /// A person's name.
    Name,
    /// `dd/MM/yyyy`.
    Date,
    /// `MM/yyyy`.
    Month,
    /// Whole đồng, 1 to [`VND_MAX`].
    Vnd,
    /// 1 to 1,000.
    Count,
    /// A social insurance number.
    SiNumber,
    /// The number of a card, or the social insurance number of its holder.
    Card,
    /// A PIN.
    Pin,
    /// A tax code.
    TaxCode,
    /// An employer's unit code.
    UnitCode,
    /// A health facility's code.
    Facility,
    /// One of the field's codes.
    Code,
}

/// Whom a field is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The applicant: a social insurance number.
    Holder,
    /// Somebody of the applicant's household: a social insurance number.
    HouseholdMember,
    /// Somebody who works for the applying employer now: a social insurance number.
    Employee,
    /// Somebody insured: a social insurance number.
    Insured,
    /// The applying employer: its tax code.
    Employer,
    /// The applying employer: its unit code.
    Unit,
}

/// What stands in a field, proven to be of its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A text, as it was said without the white space around it.
    Text(String),
    /// A sum or a count.
    Number(i64),
}

impl Said {
    /// The text; empty of a number.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Number(_) => "",
        }
    }

    /// The sum or count; none of a text.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Text(_) => None,
            Self::Number(number) => u64::try_from(*number).ok(),
        }
    }

    /// The month, where it is one.
    #[must_use]
    pub fn month(&self) -> Option<Period> {
        month(self.text())
    }
}

impl Field {
    /// What is wrong with the row itself.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        if self.name.is_empty() || self.vi.is_empty() {
            return Err("a field without a name");
        }
        if (self.kind == Kind::Code) == self.codes.is_empty() {
            return Err("codes without a field of codes, or the other way round");
        }
        let right = match self.role {
            None => true,
            Some(Role::Employer) => self.kind == Kind::TaxCode,
            Some(Role::Unit) => self.kind == Kind::UnitCode,
            Some(_) => self.kind == Kind::SiNumber,
        };
        match right {
            true => Ok(()),
            false => Err("a role that its kind cannot have"),
        }
    }

    /// Proves a value.
    pub(super) fn prove(&self, value: &Value) -> Result<Said, Wrong> {
        let wrong = |reason| Wrong {
            reason,
            field: self.name,
        };
        match (self.kind, value) {
            (Kind::Vnd, Value::Number(number)) => number
                .as_u64()
                .filter(|vnd| (1..=VND_MAX).contains(vnd))
                .and_then(|vnd| i64::try_from(vnd).ok())
                .map(Said::Number)
                .ok_or_else(|| wrong("bad-amount")),
            (Kind::Count, Value::Number(number)) => number
                .as_i64()
                .filter(|count| (1..=COUNT_MAX).contains(count))
                .map(Said::Number)
                .ok_or_else(|| wrong("bad-number")),
            (Kind::Vnd | Kind::Count, _) => Err(wrong("wrong-kind")),
            (_, Value::String(text)) => {
                let text = text.trim();
                self.reads(text).map_err(wrong)?;
                Ok(Said::Text(text.to_owned()))
            }
            _ => Err(wrong("wrong-kind")),
        }
    }

    fn reads(&self, text: &str) -> Result<(), &'static str> {
        let parsed = |reads: bool, reason| if reads { Ok(()) } else { Err(reason) };
        if text.is_empty() {
            return Err("missing-field");
        }
        match self.kind {
            Kind::Text => bounded(text, self.max.unwrap_or(TEXT_CHARS_MAX)),
            Kind::Name => parsed(PersonName::parse(text).is_ok(), "bad-name"),
            Kind::Date => parsed(parse_slash(text).is_ok(), "bad-date"),
            Kind::Month => parsed(month(text).is_some(), "bad-date"),
            Kind::SiNumber => parsed(SiNumber::parse(text).is_ok(), "bad-number"),
            Kind::Card if text.len() == 15 => parsed(CardNumber::parse(text).is_ok(), "bad-card"),
            Kind::Card => parsed(SiNumber::parse(text).is_ok(), "bad-card"),
            Kind::Pin => parsed(Pin::parse(text).is_ok(), "bad-number"),
            Kind::TaxCode => parsed(TaxId::parse(text).is_ok(), "bad-number"),
            Kind::UnitCode => parsed(UnitCode::parse(text).is_ok(), "bad-number"),
            Kind::Facility => parsed(FacilityCode::parse(text).is_ok(), "bad-number"),
            Kind::Code => parsed(self.codes.contains(&text), "unknown-code"),
            Kind::Vnd | Kind::Count => Err("wrong-kind"),
        }
    }
}

/// `MM/yyyy`.
fn month(text: &str) -> Option<Period> {
    let (month, year) = text.split_once('/')?;
    Period::parse(&format!("{year}-{month}")).ok()
}

fn bounded(text: &str, chars_max: usize) -> Result<(), &'static str> {
    if text.chars().count() > chars_max {
        return Err("text-too-long");
    }
    match text.chars().any(char::is_control) {
        true => Err("control-character"),
        false => Ok(()),
    }
}

const TEXT_CHARS_MAX: usize = 200;
const COUNT_MAX: i64 = 1_000;
