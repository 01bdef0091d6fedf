//! The other direction: what we ask the tax department and tell it unasked, by its lane of the outbox.
//!
//! A question is a parcel, and so is a notice of what was recorded of an employer. It is packed, permitted, signed, recorded and sent like any other; its receipt is the
//! department's signed answer, and only one that is bound to the question counts. Own profile
//! (`schemas/xsd/taxpayer/v1/taxpayer.xsd`, `MAPPING_TAXPAYER.md`).

mod answer;
mod desk;
mod exchange;
mod month;
mod notice;
mod person;
mod proven;
mod pulls;
mod question;
pub mod sent;
mod spoken;
#[cfg(test)]
mod tests;

use gateway_core::{
    Operation,
    adapter::{Effect, ProofKind},
};
use schemas::wire::tax::taxpayer as wire;

pub use desk::{Desk, DeskConfig, Form, House};
pub use exchange::{Exchange, Failed};
pub use month::{MonthWords, month_parcel, month_parcel_id};
pub use notice::notices;
pub use person::persons;
pub use pulls::Reconciler;
pub use question::{Words, parcel, parcel_id, subject};
pub use spoken::told;

/// One employer in one month; each field is granted by itself.
pub static VERIFY_EMPLOYER: Operation = Operation {
    name: wire::VERIFY_EMPLOYER,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &["status", "name", "address", "headcount", "incomePaid"],
};

/// One person over some months; each field is granted by itself.
pub static VERIFY_INDIVIDUAL: Operation = Operation {
    name: wire::VERIFY_INDIVIDUAL,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &["name", "months", "income", "payers"],
};

/// Many employers in one month, or many persons over some months: up to 1,000 in one question, as many as agreed. The
/// fields are those of one alone, but for who paid.
pub static VERIFY_MANY: Operation = Operation {
    name: wire::VERIFY_MANY,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[
        "status",
        "name",
        "address",
        "headcount",
        "incomePaid",
        "months",
        "income",
    ],
};

/// A change of an employer, told unasked; its parts are agreed to with it.
pub static CHANGE_NOTICE: Operation = Operation {
    name: wire::CHANGE_NOTICE,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// What was corrected of a person, told unasked; each field is granted by itself.
pub static PERSON_NOTICE: Operation = Operation {
    name: wire::PERSON_NOTICE,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &["pin", "name", "birthDate", "sex"],
};

/// The kinds of parcels that tell something unasked.
pub const NOTICES: &[&str] = &[notice::KIND, person::KIND];

/// Which of our notices are held, and which the department sent.
pub static LOOK_UP_NOTICES: Operation = Operation {
    name: wire::LOOK_UP_NOTICES,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// Notices of the department that never came are wanted again.
pub static RESEND_NOTICES: Operation = Operation {
    name: wire::RESEND_NOTICES,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// The department is to send a month in bulk.
pub static REQUEST_MONTH: Operation = Operation {
    name: wire::REQUEST_MONTH,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// The longest answer that is read, bytes: one about many. About one subject it is [`ANSWER_OF_ONE_BYTES_MAX`].
pub const ANSWER_BYTES_MAX: usize = wire::BYTES_MAX;

/// The longest answer about one subject, and the longest receipt, bytes: what signed XML may be everywhere.
pub const ANSWER_OF_ONE_BYTES_MAX: usize = 1 << 20;

/// Our own month in bulk, its manifest and each of its chunks; a field that is not granted is not sent.
pub static RECONCILE: Operation = Operation {
    name: wire::RECONCILE,
    effect: Effect::Change,
    proof: ProofKind::XmlDsig,
    fields: &crate::RECORD_FIELDS,
};

/// What the department found in our month.
pub static RECONCILE_RESULT: Operation = Operation {
    name: wire::RECONCILE_RESULT,
    effect: Effect::Read,
    proof: ProofKind::XmlDsig,
    fields: &[],
};

/// What agreements name as the purpose of what we ask and tell.
pub const PURPOSE: &str = "tax-compliance";

/// The operation of a question.
#[must_use]
pub fn operation(question: &wire::Question) -> &'static Operation {
    match question {
        wire::Question::Employer(_) => &VERIFY_EMPLOYER,
        wire::Question::Individual(_) => &VERIFY_INDIVIDUAL,
        wire::Question::Many(_) => &VERIFY_MANY,
        wire::Question::Notice(_) => &CHANGE_NOTICE,
        wire::Question::Person(_) => &PERSON_NOTICE,
        wire::Question::LookUp(_) => &LOOK_UP_NOTICES,
        wire::Question::Resend(_) => &RESEND_NOTICES,
        wire::Question::Month(_) => &REQUEST_MONTH,
        wire::Question::Reconcile(_) => &RECONCILE,
        wire::Question::Result(_) => &RECONCILE_RESULT,
    }
}
