//! What the tax department is told.

use std::collections::BTreeSet;

use super::header::word;
use super::request::{self, Ping};
use super::words::{FieldName, ParticipationState, ResultKind};
use super::{PING, VERIFY_EMPLOYER, WireError, name, wrong};
use crate::fault::{Fault, FaultCode};
use crate::id::{Mst, Period, UnitCode};
use crate::xml::{Reader, Writer};

/// The answer to a ping: its nonce.
pub type Pong = Ping;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// About one employer.
    VerifyEmployerResult(Box<VerifyEmployerResult>),
    /// Somebody is there.
    Pong(Pong),
    /// A refusal, of whatever operation.
    Fault(FaultBody),
}

impl Answer {
    /// The operation that this body belongs to; a fault belongs to any.
    #[must_use]
    pub const fn operation(&self) -> Option<&'static str> {
        match self {
            Self::VerifyEmployerResult(_) => Some(VERIFY_EMPLOYER),
            Self::Pong(_) => Some(PING),
            Self::Fault(_) => None,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.comes("Pong")? {
            return Ping::read(reader, "Pong").map(Self::Pong);
        }
        if reader.comes("Fault")? {
            return FaultBody::read(reader).map(Self::Fault);
        }
        let result = VerifyEmployerResult::read(reader)?;
        Ok(Self::VerifyEmployerResult(Box::new(result)))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::VerifyEmployerResult(result) => result.write(writer),
            Self::Pong(pong) => pong.write(writer, "Pong"),
            Self::Fault(fault) => fault.write(writer),
        }
    }
}

/// Whole VND, not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(i64);

impl Amount {
    /// An amount of `vnd`, if it is not negative.
    #[must_use]
    pub const fn new(vnd: i64) -> Option<Self> {
        match vnd {
            0.. => Some(Self(vnd)),
            _ => None,
        }
    }

    /// Whole VND.
    #[must_use]
    pub const fn vnd(self) -> i64 {
        self.0
    }
}

/// What is known of one employer in one month, as far as it was asked for and agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyEmployerResult {
    /// Which of the four results.
    pub result: ResultKind,
    /// The tax code asked about.
    pub mst: Mst,
    /// The month asked about.
    pub period: Period,
    /// Whether the employer takes part.
    pub participation_state: Option<ParticipationState>,
    /// People insured through it in the month.
    pub participants: Option<u32>,
    /// Contribution salary fund of the month.
    pub fund: Option<Amount>,
    /// Amount due for the month.
    pub due: Option<Amount>,
    /// Amount paid in the month.
    pub paid: Option<Amount>,
    /// Balance owed at the end of the month, whole VND; negative where more was paid than was due.
    pub arrears: Option<i64>,
    /// Registered name, 1–255 characters.
    pub name: Option<String>,
    /// VSS unit code.
    pub unit_code: Option<UnitCode>,
    /// Fields asked for and not agreed.
    pub not_disclosed: BTreeSet<FieldName>,
}

impl VerifyEmployerResult {
    /// A result without any field.
    #[must_use]
    pub const fn bare(result: ResultKind, mst: Mst, period: Period) -> Self {
        Self {
            result,
            mst,
            period,
            participation_state: None,
            participants: None,
            fund: None,
            due: None,
            paid: None,
            arrears: None,
            name: None,
            unit_code: None,
            not_disclosed: BTreeSet::new(),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("VerifyEmployerResult")?;
        let result = word(reader, "Result", ResultKind::parse)?;
        let read = Self {
            result,
            mst: request::mst(reader)?,
            period: request::period(reader)?,
            participation_state: optional(reader, "ParticipationState", ParticipationState::parse)?,
            participants: optional(reader, "Participants", number)?,
            fund: optional(reader, "Fund", amount)?,
            due: optional(reader, "Due", amount)?,
            paid: optional(reader, "Paid", amount)?,
            arrears: optional(reader, "Arrears", number)?,
            name: optional(reader, "Name", employer_name)?,
            unit_code: optional(reader, "UnitCode", |text| UnitCode::parse(text).ok())?,
            not_disclosed: match reader.comes("NotDisclosed")? {
                true => request::fields(reader, "NotDisclosed")?,
                false => BTreeSet::new(),
            },
        };
        reader.leave("VerifyEmployerResult")?;
        Ok(read)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyEmployerResult"), &[]);
        writer.leaf(name("Result"), self.result.as_str());
        writer.leaf(name("Mst"), self.mst.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        for (element, value) in self.values() {
            if let Some(text) = value {
                writer.leaf(name(element), &text);
            }
        }
        if !self.not_disclosed.is_empty() {
            request::write_fields(writer, "NotDisclosed", &self.not_disclosed);
        }
        writer.close();
    }

    /// The optional values as text, in the order of the schema.
    fn values(&self) -> [(&'static str, Option<String>); 8] {
        let vnd = |amount: Option<Amount>| amount.map(|amount| amount.vnd().to_string());
        let state = self.participation_state.map(ParticipationState::as_str);
        [
            ("ParticipationState", state.map(str::to_owned)),
            (
                "Participants",
                self.participants.map(|count| count.to_string()),
            ),
            ("Fund", vnd(self.fund)),
            ("Due", vnd(self.due)),
            ("Paid", vnd(self.paid)),
            ("Arrears", self.arrears.map(|balance| balance.to_string())),
            ("Name", self.name.clone()),
            ("UnitCode", self.unit_code.as_ref().map(ToString::to_string)),
        ]
    }
}

/// A refusal in the tax department's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultBody {
    /// The code; blame and retry follow from it.
    pub code: FaultCode,
    /// The stable word for what was wrong, `[a-z0-9-]{1,64}`.
    pub reason: String,
    /// The element that was wrong.
    pub field: Option<String>,
    /// Seconds to wait before a retry.
    pub retry_after: Option<u32>,
    /// One sentence in Vietnamese.
    pub text_vi: String,
    /// The same sentence in English.
    pub text_en: String,
}

impl From<&Fault> for FaultBody {
    fn from(fault: &Fault) -> Self {
        let row = fault.code().row();
        let seconds = |wait: std::time::Duration| {
            let whole = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            u32::try_from(whole).unwrap_or(u32::MAX)
        };
        Self {
            code: fault.code(),
            reason: fault.reason().to_owned(),
            field: fault.wrong_field().map(str::to_owned),
            retry_after: fault.wait().map(seconds),
            text_vi: row.vi.to_owned(),
            text_en: row.en.to_owned(),
        }
    }
}

impl FaultBody {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Fault")?;
        let code = word(reader, "Code", FaultCode::from_wire)?;
        let reason = word(reader, "Reason", reason_word)?;
        let field = optional(reader, "Field", field_name)?;
        let row = code.row();
        if reader.text("Blame")? != row.blame.as_str() {
            return wrong("Blame", "blame-unlike-code");
        }
        if reader.text("Retry")? != row.retry.as_str() {
            return wrong("Retry", "retry-unlike-code");
        }
        let fault = Self {
            code,
            reason,
            field,
            retry_after: optional(reader, "RetryAfter", number)?,
            text_vi: word(reader, "TextVi", sentence)?,
            text_en: word(reader, "TextEn", sentence)?,
        };
        reader.leave("Fault")?;
        Ok(fault)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        let row = self.code.row();
        writer.open(name("Fault"), &[]);
        writer.leaf(name("Code"), row.code);
        writer.leaf(name("Reason"), &self.reason);
        if let Some(field) = &self.field {
            writer.leaf(name("Field"), field);
        }
        writer.leaf(name("Blame"), row.blame.as_str());
        writer.leaf(name("Retry"), row.retry.as_str());
        if let Some(seconds) = self.retry_after {
            writer.leaf(name("RetryAfter"), &seconds.to_string());
        }
        writer.leaf(name("TextVi"), &self.text_vi);
        writer.leaf(name("TextEn"), &self.text_en);
        writer.close();
    }
}

fn optional<T>(
    reader: &mut Reader<'_>,
    field: &'static str,
    parse: fn(&str) -> Option<T>,
) -> Result<Option<T>, WireError> {
    match reader.comes(field)? {
        true => word(reader, field, parse).map(Some),
        false => Ok(None),
    }
}

/// A whole number in its one canonical spelling.
fn number<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    let number: T = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

fn amount(text: &str) -> Option<Amount> {
    Amount::new(number(text)?)
}

fn employer_name(text: &str) -> Option<String> {
    (1..=255)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}

fn reason_word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn field_name(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn sentence(text: &str) -> Option<String> {
    (1..=500)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}
