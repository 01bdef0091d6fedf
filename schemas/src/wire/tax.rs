//! The tax department's words, version 1: an employer, a person or many of them verified, and a ping.
//!
//! **Own profile.** What tax administration and social insurance exchange is agreed (5423/QCPH-BHXH-TCT
//! and its successor of 2021), but the fields are not public; the schema `xsd/tax/v1/tax.xsd` is ours and
//! says which law stands behind which field. The four results are those of Circular 13/2017/TT-BTTTT.
//!
//! [`decode`] reads the exclusive-canonical root without its signature and refuses what the schema
//! cannot say; [`encode`] writes that same form, so that what is signed is what was meant. Nothing
//! here judges what a value means; that is done by the `tax` adapter.

mod answer;
mod dispute;
mod employer;
mod envelope;
mod fields;
mod header;
mod individual;
pub mod json;
mod lookup;
mod many;
mod notice;
mod parts;
mod received;
mod reconcile;
mod request;
pub mod taxpayer;
#[cfg(test)]
mod tests;
mod words;

use std::ops::Range;

pub use answer::{Amount, Answer, FaultBody, Pong};
pub use dispute::{Dispute, DisputeReceipt};
pub use employer::VerifyEmployerResult;
pub use fields::{Carried, FIELDS, Field};
pub use header::{Header, Reply};
pub use individual::{
    Claim, Question, Span, Stretch, Subject, VerifyIndividual, VerifyIndividualResult,
};
pub use lookup::{
    LookUpNotices, NOTICES_MAX, NoticeSent, NoticeTime, NoticesHeld, NoticesSent, ResendNotices,
};
pub use many::{Asked, Key, LINES_MAX, Line, Refused, VerifyMany, VerifyManyResult};
pub use notice::ChangeNotice;
pub use parts::{Ageing, LastD02, Unit, Units, plan};
pub use received::Received;
pub use reconcile::{
    CHUNKS_MAX, Chunk, FindingLine, MANIFEST_ID_MAX, Reconcile, ReconcileChunkReceipt,
    ReconcileReceipt, ReconcileResult, ReconcileResultPage, ReconcileState, SummaryRow,
};
pub use request::{Ping, Request, VerifyEmployer};
pub use words::{
    Direction, Environment, FieldName, IncomeField, NoticeKind, ParticipationState, PersonField,
    ResultKind, TaxpayerField,
};

use crate::xml::{Limits, Name, ReadError, Reader, Writer};

use envelope::Profile;

/// The namespace of every element of this profile.
pub const NAMESPACE: &str = "urn:vn:lienthong:tax:v1";

/// The root element of a message.
pub const ROOT: &str = "TaxMessage";

/// The operation that verifies an employer.
pub const VERIFY_EMPLOYER: &str = "tax.verify-employer";

/// The operation that verifies a person.
pub const VERIFY_INDIVIDUAL: &str = "tax.verify-individual";

/// The operation that verifies many employers or many persons.
pub const VERIFY_MANY: &str = "tax.verify-many";

/// The operation that tells of a change of an employer.
pub const CHANGE_NOTICE: &str = "tax.change-notice";

/// The operation that asks which of the department's notices we hold, and which we sent.
pub const LOOK_UP_NOTICES: &str = "tax.look-up-notices";

/// The operation that asks for notices of ours again.
pub const RESEND_NOTICES: &str = "tax.resend-notices";

/// The operation that disputes a discrepancy.
pub const DISPUTE: &str = "tax.dispute";
/// The operation that announces a month in bulk.
pub const RECONCILE: &str = "tax.reconcile";

/// The operation of each chunk of a month.
pub const RECONCILE_CHUNK: &str = "tax.reconcile-chunk";

/// The operation that asks what a reconciliation found.
pub const RECONCILE_RESULT: &str = "tax.reconcile-result";

/// The operation that answers without asking anybody.
pub const PING: &str = "tax.ping";

/// A message that is not one of this profile: the element's name and a stable word, never content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct WireError {
    /// The element that is wrong.
    pub field: &'static str,
    /// What is wrong with it, for example `mst-check-digit`.
    pub reason: &'static str,
}

impl From<ReadError> for WireError {
    fn from(error: ReadError) -> Self {
        Self {
            field: error.field,
            reason: error.reason,
        }
    }
}

const fn wrong<T>(field: &'static str, reason: &'static str) -> Result<T, WireError> {
    Err(WireError { field, reason })
}

/// One message: who says what to whom, and what is said.
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
    /// A partner asks.
    Request(Request),
    /// A partner is answered.
    Answer(Answer),
}

/// The value of the root's `Id` in the message with this id: what the signature refers to.
#[must_use]
pub fn root_id(message_id: &crate::id::MessageId) -> String {
    format!("m-{message_id}")
}

/// Reads a message from its canonical root without signature.
///
/// # Errors
/// The first element, in document order, that is not as it must be.
pub fn decode(canonical: &[u8]) -> Result<Message, WireError> {
    read(canonical).map(|(message, _)| message)
}

/// Reads a message, and tells where its body element lies: the bytes that the content digest covers.
///
/// # Errors
/// As [`decode`].
pub fn read(canonical: &[u8]) -> Result<(Message, Range<usize>), WireError> {
    let (header, body, range) = PROFILE.read(canonical, read_body)?;
    Ok((Message { header, body }, range))
}

/// Where the body element of a canonical message lies.
///
/// # Errors
/// As [`decode`].
pub fn body_range(canonical: &[u8]) -> Result<Range<usize>, WireError> {
    read(canonical).map(|(_, range)| range)
}

/// Reads a lone, unsigned fault: what is answered before there is anything to bind an answer to.
///
/// # Errors
/// As [`decode`].
pub fn decode_fault(bytes: &[u8]) -> Result<FaultBody, WireError> {
    PROFILE.fault(bytes)
}

/// Writes a message as its exclusive-canonical root without signature.
#[must_use]
pub fn encode(message: &Message) -> Vec<u8> {
    let mut writer = Writer::new();
    let id = root_id(&message.header.message_id);
    writer.open(name(ROOT), &[("Id", &id)]);
    message.header.write(&mut writer);
    match &message.body {
        Body::Request(request) => request.write(&mut writer),
        Body::Answer(answer) => answer.write(&mut writer),
    }
    writer.finish()
}

/// Writes a lone fault, not to be signed.
#[must_use]
pub fn encode_fault(fault: &FaultBody) -> Vec<u8> {
    let mut writer = Writer::new();
    fault.write(&mut writer);
    writer.finish()
}

fn read_body(reader: &mut Reader<'_>, header: &Header) -> Result<Body, WireError> {
    match header.direction {
        Direction::Request => {
            let request = Request::read(reader)?;
            let operation = Some(request.operation());
            envelope::of_operation(header, operation, Body::Request(request))
        }
        Direction::Answer => {
            let answer = Answer::read(reader)?;
            let operation = answer.operation();
            envelope::of_operation(header, operation, Body::Answer(answer))
        }
    }
}

const fn name(local: &'static str) -> Name {
    Name::plain(NAMESPACE, local)
}

const PROFILE: Profile = Profile {
    namespace: NAMESPACE,
    root: ROOT,
    limits: Limits::default,
};
