//! What the tax department is told.

use super::dispute::DisputeReceipt;
use super::employer::VerifyEmployerResult;
use super::header::word;
use super::individual::VerifyIndividualResult;
use super::lookup::NoticesHeld;
use super::many::VerifyManyResult;
use super::received::Received;
use super::reconcile::{ReconcileChunkReceipt, ReconcileReceipt, ReconcileResultPage};
use super::request::Ping;
use super::{
    CHANGE_NOTICE, DISPUTE, LOOK_UP_NOTICES, NAMESPACE, PING, RECONCILE, RECONCILE_CHUNK,
    RECONCILE_RESULT, RESEND_NOTICES, VERIFY_EMPLOYER, VERIFY_INDIVIDUAL, VERIFY_MANY, WireError,
    wrong,
};
use crate::fault::{Fault, FaultCode};
use crate::xml::{Name, Reader, Writer};

/// The answer to a ping: its nonce.
pub type Pong = Ping;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// About one employer.
    VerifyEmployerResult(Box<VerifyEmployerResult>),
    /// About one person.
    VerifyIndividualResult(Box<VerifyIndividualResult>),
    /// About many, line by line.
    VerifyManyResult(VerifyManyResult),
    /// A change notice is kept.
    ChangeNoticeReceipt(Received),
    /// Which notices are held, and which were sent.
    LookUpNoticesResult(NoticesHeld),
    /// Notices go again.
    ResendNoticesReceipt(Received),
    /// A dispute is written down.
    DisputeReceipt(DisputeReceipt),
    /// A manifest is taken.
    ReconcileReceipt(ReconcileReceipt),
    /// A chunk is taken.
    ReconcileChunkReceipt(ReconcileChunkReceipt),
    /// State and summary, or a page of findings.
    ReconcileResultPage(Box<ReconcileResultPage>),
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
            Self::VerifyIndividualResult(_) => Some(VERIFY_INDIVIDUAL),
            Self::VerifyManyResult(_) => Some(VERIFY_MANY),
            Self::ChangeNoticeReceipt(_) => Some(CHANGE_NOTICE),
            Self::LookUpNoticesResult(_) => Some(LOOK_UP_NOTICES),
            Self::ResendNoticesReceipt(_) => Some(RESEND_NOTICES),
            Self::DisputeReceipt(_) => Some(DISPUTE),
            Self::ReconcileReceipt(_) => Some(RECONCILE),
            Self::ReconcileChunkReceipt(_) => Some(RECONCILE_CHUNK),
            Self::ReconcileResultPage(_) => Some(RECONCILE_RESULT),
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
        if reader.comes("VerifyIndividualResult")? {
            let result = VerifyIndividualResult::read(reader)?;
            return Ok(Self::VerifyIndividualResult(Box::new(result)));
        }
        if reader.comes("VerifyManyResult")? {
            return VerifyManyResult::read(reader).map(Self::VerifyManyResult);
        }
        if reader.comes("ChangeNoticeReceipt")? {
            return Received::read(reader, "ChangeNoticeReceipt").map(Self::ChangeNoticeReceipt);
        }
        if reader.comes("LookUpNoticesResult")? {
            return NoticesHeld::read(reader).map(Self::LookUpNoticesResult);
        }
        if reader.comes("ResendNoticesReceipt")? {
            let receipt = Received::read(reader, "ResendNoticesReceipt");
            return receipt.map(Self::ResendNoticesReceipt);
        }
        if reader.comes("DisputeReceipt")? {
            return DisputeReceipt::read(reader).map(Self::DisputeReceipt);
        }
        if reader.comes("ReconcileReceipt")? {
            return ReconcileReceipt::read(reader).map(Self::ReconcileReceipt);
        }
        if reader.comes("ReconcileChunkReceipt")? {
            return ReconcileChunkReceipt::read(reader).map(Self::ReconcileChunkReceipt);
        }
        if reader.comes("ReconcileResultPage")? {
            let page = ReconcileResultPage::read(reader)?;
            return Ok(Self::ReconcileResultPage(Box::new(page)));
        }
        let result = VerifyEmployerResult::read(reader)?;
        Ok(Self::VerifyEmployerResult(Box::new(result)))
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::VerifyEmployerResult(result) => result.write(writer),
            Self::VerifyIndividualResult(result) => result.write(writer),
            Self::VerifyManyResult(result) => result.write(writer),
            Self::ChangeNoticeReceipt(receipt) => {
                receipt.write(writer, NAMESPACE, "ChangeNoticeReceipt");
            }
            Self::LookUpNoticesResult(held) => held.write(writer, NAMESPACE),
            Self::ResendNoticesReceipt(receipt) => {
                receipt.write(writer, NAMESPACE, "ResendNoticesReceipt");
            }
            Self::DisputeReceipt(receipt) => receipt.write(writer),
            Self::ReconcileReceipt(receipt) => receipt.write_in(writer, NAMESPACE),
            Self::ReconcileChunkReceipt(receipt) => receipt.write_in(writer, NAMESPACE),
            Self::ReconcileResultPage(page) => page.write_in(writer, NAMESPACE),
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
        self.write_in(writer, NAMESPACE);
    }

    /// The same fault in a profile of its own namespace.
    pub(super) fn write_in(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
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

/// The element of more than one value, where it comes next.
pub(super) fn given<'a, T>(
    reader: &mut Reader<'a>,
    element: &'static str,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, WireError>,
) -> Result<Option<T>, WireError> {
    match reader.comes(element)? {
        true => read(reader).map(Some),
        false => Ok(None),
    }
}

pub(super) fn optional<T>(
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
pub(super) fn number<T: std::str::FromStr + ToString>(text: &str) -> Option<T> {
    let number: T = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

pub(super) fn amount(text: &str) -> Option<Amount> {
    Amount::new(number(text)?)
}

pub(super) fn label(text: &str) -> Option<String> {
    (1..=255)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}

pub(super) fn reason_word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let word = |part: &str| !part.is_empty() && part.bytes().all(plain);
    (text.len() <= 64 && text.split('-').all(word)).then(|| text.to_owned())
}

fn field_name(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let begins = text.starts_with(|first: char| first.is_ascii_alphabetic());
    (begins && text.len() <= 64 && text.bytes().all(plain)).then(|| text.to_owned())
}

fn sentence(text: &str) -> Option<String> {
    (1..=500)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
}
