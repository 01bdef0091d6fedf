//! What the insurance side says to the tax department, version 1: is this employer a taxpayer, who paid this person, this
//! has changed about an employer, send us this month, and this is our own.
//!
//! **Own profile**, the other direction of the tax profile: regulation 5423/QCPH-BHXH-TCT and its successor of 2021
//! say what is exchanged, but the fields are not public; the schema `xsd/taxpayer/v1/taxpayer.xsd` is ours. Header, fault
//! and binding are those of the tax profile, in a namespace of their own, so that no message of one is one of the other.

mod employer;
mod fields;
mod individual;
pub mod json;
mod many;
mod month;
mod notice;
mod person;
mod sent;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use employer::{AskEmployer, EmployerTold, TaxpayerStatus};
pub use fields::FIELDS;
pub use individual::{AskIndividual, IndividualTold, Payer};
pub use many::{AskMany, Many, ManyLine, ManyTold};
pub use month::RequestMonth;
pub use notice::{EmployerNotice, Participants};
pub use person::PersonNotice;
pub use sent::{SentPage, chained};

use super::envelope::{Profile, of_operation};
use super::reconcile::{Reconcile, ReconcileChunkReceipt, ReconcileReceipt, ReconcileResult};
use super::{
    Direction, FaultBody, Header, LookUpNotices, NoticesHeld, Received, ResendNotices, WireError,
    root_id, wrong,
};
use crate::xml::{Limits, Name, Reader, Writer};

/// The namespace of every element of this profile.
pub const NAMESPACE: &str = "urn:vn:lienthong:taxpayer:v1";

/// The root element of a message.
pub const ROOT: &str = "TaxpayerMessage";

/// The operation that verifies an employer as a taxpayer.
pub const VERIFY_EMPLOYER: &str = "taxpayer.verify-employer";

/// The operation that asks what a person was paid, and by whom.
pub const VERIFY_INDIVIDUAL: &str = "taxpayer.verify-individual";

/// The operation that asks about many employers or many persons.
pub const VERIFY_MANY: &str = "taxpayer.verify-many";

/// The operation that tells a change of an employer unasked.
pub const CHANGE_NOTICE: &str = "taxpayer.change-notice";

/// The operation that tells what was corrected of a person unasked.
pub const PERSON_NOTICE: &str = "taxpayer.person-notice";

/// The operation that asks which of our notices are held, and which the department sent us.
pub const LOOK_UP_NOTICES: &str = "taxpayer.look-up-notices";

/// The operation that asks for notices of the department again.
pub const RESEND_NOTICES: &str = "taxpayer.resend-notices";

/// The operation that asks for a month in bulk.
pub const REQUEST_MONTH: &str = "taxpayer.request-month";

/// The operation that announces our own month in bulk.
pub const RECONCILE: &str = "taxpayer.reconcile";

/// The operation of one chunk of our month.
pub const RECONCILE_CHUNK: &str = "taxpayer.reconcile-chunk";

/// The operation that asks what the department found in our month.
pub const RECONCILE_RESULT: &str = "taxpayer.reconcile-result";

/// The longest document or body of this profile, bytes. The longest answer is one about 1,000 employers: each line may
/// have a name and an address of 255 characters, which JSON may spell as 12 bytes each (`\ud842\udc2c`), and some 800
/// bytes about them: 7 MB.
pub const BYTES_MAX: usize = 8 << 20;

/// The bounds of this profile.
fn limits() -> Limits {
    Limits {
        bytes_max: BYTES_MAX,
        ..Limits::default()
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The signed header.
    pub header: Header,
    /// The one body element.
    pub body: Body,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// We ask.
    Question(Question),
    /// We are answered.
    Answer(Answer),
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// About one employer in one month.
    Employer(AskEmployer),
    /// About one person over some months.
    Individual(AskIndividual),
    /// About many employers or many persons.
    Many(Box<AskMany>),
    /// Nothing: a change of an employer is told.
    Notice(Box<EmployerNotice>),
    /// Nothing: what was corrected of a person is told.
    Person(Box<PersonNotice>),
    /// Which of our notices are held, and which the department sent.
    LookUp(LookUpNotices),
    /// For notices of the department again.
    Resend(ResendNotices),
    /// For a month in bulk.
    Month(RequestMonth),
    /// Nothing: our own month is announced.
    Reconcile(Box<Reconcile>),
    /// What was found in our month.
    Result(ReconcileResult),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// About one employer.
    Employer(Box<EmployerTold>),
    /// About one person.
    Individual(Box<IndividualTold>),
    /// About each of many.
    Many(ManyTold),
    /// That a notice is kept.
    Notice(Received),
    /// That what was corrected of a person is kept.
    Person(Received),
    /// Which notices are held, and which were sent.
    Held(NoticesHeld),
    /// That notices will be sent again.
    Resend(Received),
    /// That a month will be sent.
    Month(Received),
    /// That our month is taken.
    Taken(ReconcileReceipt),
    /// That a chunk of it is taken.
    Chunk(ReconcileChunkReceipt),
    /// How far it is, or what was found in it.
    Page(Box<SentPage>),
    /// A refusal, of whatever operation.
    Fault(FaultBody),
}

impl Question {
    /// The operation that this body belongs to.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Employer(_) => VERIFY_EMPLOYER,
            Self::Individual(_) => VERIFY_INDIVIDUAL,
            Self::Many(_) => VERIFY_MANY,
            Self::Notice(_) => CHANGE_NOTICE,
            Self::Person(_) => PERSON_NOTICE,
            Self::LookUp(_) => LOOK_UP_NOTICES,
            Self::Resend(_) => RESEND_NOTICES,
            Self::Month(_) => REQUEST_MONTH,
            Self::Reconcile(_) => RECONCILE,
            Self::Result(_) => RECONCILE_RESULT,
        }
    }

    /// How many subjects it is about; 1 where it has no lines.
    #[must_use]
    pub fn lines(&self) -> u64 {
        match self {
            Self::Many(ask) => ask.asked.keys().len() as u64,
            _ => 1,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.comes("VerifyIndividual")? {
            return AskIndividual::read(reader).map(Self::Individual);
        }
        if reader.comes("VerifyMany")? {
            let ask = AskMany::read(reader)?;
            return Ok(Self::Many(Box::new(ask)));
        }
        if reader.comes("ChangeNotice")? {
            let notice = EmployerNotice::read(reader)?;
            return Ok(Self::Notice(Box::new(notice)));
        }
        if reader.comes("PersonNotice")? {
            let notice = PersonNotice::read(reader)?;
            return Ok(Self::Person(Box::new(notice)));
        }
        if reader.comes("LookUpNotices")? {
            return LookUpNotices::read(reader).map(Self::LookUp);
        }
        if reader.comes("ResendNotices")? {
            return ResendNotices::read(reader).map(Self::Resend);
        }
        if reader.comes("RequestMonth")? {
            return RequestMonth::read(reader).map(Self::Month);
        }
        if reader.comes("Reconcile")? {
            let month = Reconcile::read(reader)?;
            return Ok(Self::Reconcile(Box::new(month)));
        }
        if reader.comes("ReconcileResult")? {
            return ReconcileResult::read(reader).map(Self::Result);
        }
        AskEmployer::read(reader).map(Self::Employer)
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Employer(ask) => ask.write(writer),
            Self::Individual(ask) => ask.write(writer),
            Self::Many(ask) => ask.write(writer),
            Self::Notice(notice) => notice.write(writer),
            Self::Person(notice) => notice.write(writer),
            Self::LookUp(ask) => ask.write(writer, NAMESPACE),
            Self::Resend(ask) => ask.write(writer, NAMESPACE),
            Self::Month(ask) => ask.write(writer),
            Self::Reconcile(month) => month.write_in(writer, NAMESPACE),
            Self::Result(ask) => ask.write_in(writer, NAMESPACE),
        }
    }
}

impl Answer {
    /// The operation that this body belongs to; a fault belongs to any.
    #[must_use]
    pub const fn operation(&self) -> Option<&'static str> {
        match self {
            Self::Employer(_) => Some(VERIFY_EMPLOYER),
            Self::Individual(_) => Some(VERIFY_INDIVIDUAL),
            Self::Many(_) => Some(VERIFY_MANY),
            Self::Notice(_) => Some(CHANGE_NOTICE),
            Self::Person(_) => Some(PERSON_NOTICE),
            Self::Held(_) => Some(LOOK_UP_NOTICES),
            Self::Resend(_) => Some(RESEND_NOTICES),
            Self::Month(_) => Some(REQUEST_MONTH),
            Self::Taken(_) => Some(RECONCILE),
            Self::Chunk(_) => Some(RECONCILE_CHUNK),
            Self::Page(_) => Some(RECONCILE_RESULT),
            Self::Fault(_) => None,
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        if reader.comes("Fault")? {
            return FaultBody::read(reader).map(Self::Fault);
        }
        if reader.comes("VerifyIndividualResult")? {
            let told = IndividualTold::read(reader)?;
            return Ok(Self::Individual(Box::new(told)));
        }
        if reader.comes("VerifyManyResult")? {
            return ManyTold::read(reader).map(Self::Many);
        }
        if reader.comes("ChangeNoticeReceipt")? {
            return Received::read(reader, "ChangeNoticeReceipt").map(Self::Notice);
        }
        if reader.comes("PersonNoticeReceipt")? {
            return Received::read(reader, "PersonNoticeReceipt").map(Self::Person);
        }
        if reader.comes("LookUpNoticesResult")? {
            return NoticesHeld::read(reader).map(Self::Held);
        }
        if reader.comes("ResendNoticesReceipt")? {
            return Received::read(reader, "ResendNoticesReceipt").map(Self::Resend);
        }
        if reader.comes("RequestMonthReceipt")? {
            return Received::read(reader, "RequestMonthReceipt").map(Self::Month);
        }
        if reader.comes("ReconcileReceipt")? {
            return ReconcileReceipt::read(reader).map(Self::Taken);
        }
        if reader.comes("ReconcileChunkReceipt")? {
            return ReconcileChunkReceipt::read(reader).map(Self::Chunk);
        }
        if reader.comes("ReconcileResultPage")? {
            let page = SentPage::read(reader)?;
            return Ok(Self::Page(Box::new(page)));
        }
        let told = EmployerTold::read(reader)?;
        Ok(Self::Employer(Box::new(told)))
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Employer(told) => told.write(writer),
            Self::Individual(told) => told.write(writer),
            Self::Many(told) => told.write(writer),
            Self::Notice(receipt) => receipt.write(writer, NAMESPACE, "ChangeNoticeReceipt"),
            Self::Person(receipt) => receipt.write(writer, NAMESPACE, "PersonNoticeReceipt"),
            Self::Held(held) => held.write(writer, NAMESPACE),
            Self::Resend(receipt) => {
                receipt.write(writer, NAMESPACE, "ResendNoticesReceipt");
            }
            Self::Month(receipt) => receipt.write(writer, NAMESPACE, "RequestMonthReceipt"),
            Self::Taken(receipt) => receipt.write_in(writer, NAMESPACE),
            Self::Chunk(receipt) => receipt.write_in(writer, NAMESPACE),
            Self::Page(page) => page.write(writer),
            Self::Fault(fault) => fault.write_in(writer, NAMESPACE),
        }
    }
}

/// Reads a message from its canonical root without signature, and tells where its body element lies: the bytes that
/// the content digest covers.
///
/// # Errors
/// The first element, in document order, that is not as it must be.
pub fn read(canonical: &[u8]) -> Result<(Message, Range<usize>), WireError> {
    let (header, body, range) = PROFILE.read(canonical, body)?;
    Ok((Message { header, body }, range))
}

/// Reads a signed document that was proven before, or is our own: header and body, and not what signs them. Nothing is
/// proven here.
///
/// # Errors
/// As [`read`].
pub fn peek(document: &[u8]) -> Result<(Message, Range<usize>), WireError> {
    let (header, body, range) = PROFILE.peek(document, body)?;
    Ok((Message { header, body }, range))
}

/// Reads a lone, unsigned fault: what is answered before there is anything to bind an answer to.
///
/// # Errors
/// As [`read`].
pub fn decode_fault(bytes: &[u8]) -> Result<FaultBody, WireError> {
    PROFILE.fault(bytes)
}

/// Writes a message as its exclusive-canonical root without signature, and tells where its body element lies.
#[must_use]
pub fn encode(message: &Message) -> (Vec<u8>, Range<usize>) {
    let mut writer = Writer::new();
    let id = root_id(&message.header.message_id);
    writer.open(name(ROOT), &[("Id", &id)]);
    message.header.write_in(&mut writer, NAMESPACE);
    let from = writer.offset();
    match &message.body {
        Body::Question(question) => question.write(&mut writer),
        Body::Answer(answer) => answer.write(&mut writer),
    }
    let range = from..writer.offset();
    (writer.finish(), range)
}

fn body(reader: &mut Reader<'_>, header: &Header) -> Result<Body, WireError> {
    match header.direction {
        Direction::Request => {
            let question = Question::read(reader)?;
            let operation = Some(question.operation());
            of_operation(header, operation, Body::Question(question))
        }
        Direction::Answer => {
            let answer = Answer::read(reader)?;
            let operation = answer.operation();
            of_operation(header, operation, Body::Answer(answer))
        }
    }
}

const fn name(local: &'static str) -> Name {
    Name::plain(NAMESPACE, local)
}

fn leaves<const N: usize>(writer: &mut Writer, values: [(&'static str, Option<String>); N]) {
    for (element, value) in values {
        if let Some(text) = value {
            writer.leaf(name(element), &text);
        }
    }
}

fn write_words(
    writer: &mut Writer,
    list: &'static str,
    words: impl ExactSizeIterator<Item = &'static str>,
) {
    if words.len() == 0 {
        return;
    }
    writer.open(name(list), &[]);
    for word in words {
        writer.leaf(name("Field"), word);
    }
    writer.close();
}

const PROFILE: Profile = Profile {
    namespace: NAMESPACE,
    root: ROOT,
    limits,
};
