//! What the tax department asks.

use std::collections::BTreeSet;

use super::dispute::Dispute;
use super::header::word;
use super::individual::VerifyIndividual;
use super::lookup::{LookUpNotices, ResendNotices};
use super::many::VerifyMany;
use super::notice::ChangeNotice;
use super::reconcile::{Reconcile, ReconcileResult};
use super::words::FieldName;
use super::{
    CHANGE_NOTICE, DISPUTE, LOOK_UP_NOTICES, NAMESPACE, PING, RECONCILE, RECONCILE_RESULT,
    RESEND_NOTICES, VERIFY_EMPLOYER, VERIFY_INDIVIDUAL, VERIFY_MANY, WireError, name, wrong,
};
use crate::id::{IdError, Mst, Period, Rule, TaxId};
use crate::xml::{Reader, Writer};

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// One employer in one month.
    VerifyEmployer(VerifyEmployer),
    /// One person over some months.
    VerifyIndividual(VerifyIndividual),
    /// Many employers or many persons.
    VerifyMany(VerifyMany),
    /// A change of one employer is told.
    ChangeNotice(Box<ChangeNotice>),
    /// Which of the department's notices we hold, and which we sent.
    LookUpNotices(LookUpNotices),
    /// Notices of ours are wanted again.
    ResendNotices(ResendNotices),
    /// A discrepancy is disputed.
    Dispute(Dispute),
    /// A month is announced in bulk.
    Reconcile(Box<Reconcile>),
    /// How far a reconciliation is, or what it found.
    ReconcileResult(ReconcileResult),
    /// Is anybody there?
    Ping(Ping),
}

impl Request {
    /// The operation that this body belongs to.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::VerifyEmployer(_) => VERIFY_EMPLOYER,
            Self::VerifyIndividual(_) => VERIFY_INDIVIDUAL,
            Self::VerifyMany(_) => VERIFY_MANY,
            Self::ChangeNotice(_) => CHANGE_NOTICE,
            Self::LookUpNotices(_) => LOOK_UP_NOTICES,
            Self::ResendNotices(_) => RESEND_NOTICES,
            Self::Dispute(_) => DISPUTE,
            Self::Reconcile(_) => RECONCILE,
            Self::ReconcileResult(_) => RECONCILE_RESULT,
            Self::Ping(_) => PING,
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.comes("Ping")? {
            return Ping::read(reader, "Ping").map(Self::Ping);
        }
        if reader.comes("VerifyIndividual")? {
            return VerifyIndividual::read(reader).map(Self::VerifyIndividual);
        }
        if reader.comes("VerifyMany")? {
            return VerifyMany::read(reader).map(Self::VerifyMany);
        }
        if reader.comes("ChangeNotice")? {
            let notice = ChangeNotice::read(reader)?;
            return Ok(Self::ChangeNotice(Box::new(notice)));
        }
        if reader.comes("LookUpNotices")? {
            return LookUpNotices::read(reader).map(Self::LookUpNotices);
        }
        if reader.comes("ResendNotices")? {
            return ResendNotices::read(reader).map(Self::ResendNotices);
        }
        if reader.comes("Dispute")? {
            return Dispute::read(reader).map(Self::Dispute);
        }
        if reader.comes("Reconcile")? {
            let ask = Reconcile::read(reader)?;
            return Ok(Self::Reconcile(Box::new(ask)));
        }
        if reader.comes("ReconcileResult")? {
            return ReconcileResult::read(reader).map(Self::ReconcileResult);
        }
        VerifyEmployer::read(reader).map(Self::VerifyEmployer)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::VerifyEmployer(ask) => ask.write(writer),
            Self::VerifyIndividual(ask) => ask.write(writer),
            Self::VerifyMany(ask) => ask.write(writer),
            Self::ChangeNotice(notice) => notice.write(writer),
            Self::LookUpNotices(ask) => ask.write(writer, NAMESPACE),
            Self::ResendNotices(ask) => ask.write(writer, NAMESPACE),
            Self::Dispute(dispute) => dispute.write(writer),
            Self::Reconcile(ask) => ask.write_in(writer, NAMESPACE),
            Self::ReconcileResult(ask) => ask.write_in(writer, NAMESPACE),
            Self::Ping(ping) => ping.write(writer, "Ping"),
        }
    }
}

/// What is asked about one employer in one month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyEmployer {
    /// The employer's tax code: an enterprise's, a branch's, or a household business's PIN.
    pub mst: TaxId,
    /// The enterprise under which the asker keeps the branch; its ten digits are the branch's.
    pub parent: Option<Mst>,
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
            parent: parent(reader)?,
            period: period(reader)?,
            fields: fields(reader, "Fields")?,
            purpose: purpose(reader)?,
        };
        reader.leave("VerifyEmployer")?;
        branch_of_its_parent(&ask.mst, ask.parent.as_ref())?;
        Ok(ask)
    }

    fn write(&self, writer: &mut Writer) {
        writer.open(name("VerifyEmployer"), &[]);
        writer.leaf(name("Mst"), self.mst.as_str());
        if let Some(parent) = &self.parent {
            writer.leaf(name("Parent"), parent.as_str());
        }
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
pub(super) fn mst(reader: &mut Reader<'_>) -> Result<TaxId, WireError> {
    let text = reader.text("Mst")?;
    TaxId::parse(&text).or_else(|error| wrong("Mst", mst_reason(error)))
}

/// The enterprise's own ten digits.
fn parent(reader: &mut Reader<'_>) -> Result<Option<Mst>, WireError> {
    let Some(text) = reader.optional("Parent")? else {
        return Ok(None);
    };
    match Mst::parse(&text) {
        Ok(parent) if parent.branch().is_none() => Ok(Some(parent)),
        Ok(_) => wrong("Parent", "mst-branch"),
        Err(error) => wrong("Parent", mst_reason(error)),
    }
}

/// A branch carries its enterprise's ten digits: one that is kept under another's is not that branch.
fn branch_of_its_parent(mst: &TaxId, parent: Option<&Mst>) -> Result<(), WireError> {
    match (mst, parent) {
        (_, None) => Ok(()),
        (TaxId::Mst(mst), Some(parent)) if mst.branch().is_some() => {
            match mst.root() == parent.root() {
                true => Ok(()),
                false => wrong("Parent", "branch-of-another-parent"),
            }
        }
        _ => wrong("Parent", "parent-without-branch"),
    }
}

pub(super) fn mst_reason(error: IdError) -> &'static str {
    match (error.kind(), error.rule()) {
        ("Pin", _) => "mst-pin",
        (_, rule) => enterprise_reason(rule),
    }
}

fn enterprise_reason(rule: Rule) -> &'static str {
    match rule {
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
    month(reader, "Period")
}

/// The same in another element.
pub(super) fn month(reader: &mut Reader<'_>, element: &'static str) -> Result<Period, WireError> {
    let text = reader.text(element)?;
    Period::parse(&text).or_else(|error| {
        let reason = match error.rule() {
            Rule::Range => "period-before-1995",
            Rule::Month => "period-month",
            _ => "period-shape",
        };
        wrong(element, reason)
    })
}

pub(super) fn purpose(reader: &mut Reader<'_>) -> Result<String, WireError> {
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
    words(reader, list, FieldName::parse)
}

/// The same with another list of words.
pub(super) fn words<W: Ord>(
    reader: &mut Reader<'_>,
    list: &'static str,
    parse: fn(&str) -> Option<W>,
) -> Result<BTreeSet<W>, WireError> {
    reader.enter(list)?;
    let mut found = BTreeSet::from([word(reader, "Field", parse)?]);
    while reader.comes("Field")? {
        if !found.insert(word(reader, "Field", parse)?) {
            return wrong("Field", "field-twice");
        }
    }
    reader.leave(list)?;
    Ok(found)
}

pub(super) fn write_fields(writer: &mut Writer, list: &'static str, fields: &BTreeSet<FieldName>) {
    write_words(writer, list, fields.iter().map(|field| field.as_str()));
}

pub(super) fn write_words(
    writer: &mut Writer,
    list: &'static str,
    words: impl Iterator<Item = &'static str>,
) {
    writer.open(name(list), &[]);
    for word in words {
        writer.leaf(name("Field"), word);
    }
    writer.close();
}
