//! The other direction: what we ask the tax department, by its lane of the outbox.
//!
//! A question is a parcel. It is packed, permitted, signed, recorded and sent like any other; its receipt is the
//! department's signed answer, and only one that is bound to the question counts. Own profile
//! (`schemas/xsd/taxpayer/v1/taxpayer.xsd`, `MAPPING_TAXPAYER.md`).

mod answer;
mod desk;
mod question;
#[cfg(test)]
mod tests;

use gateway_core::{
    Operation,
    adapter::{Effect, ProofKind},
};
use schemas::wire::tax::taxpayer as wire;

pub use desk::{Desk, DeskConfig, Exchange, Failed, House};
pub use question::{Words, parcel, parcel_id, subject};

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

/// What agreements name as the purpose of our questions.
pub const PURPOSE: &str = "tax-compliance";

/// The operation of a question.
#[must_use]
pub fn operation(question: &wire::Question) -> &'static Operation {
    match question {
        wire::Question::Employer(_) => &VERIFY_EMPLOYER,
        wire::Question::Individual(_) => &VERIFY_INDIVIDUAL,
    }
}
