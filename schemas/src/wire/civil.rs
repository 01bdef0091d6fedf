//! The civil registry's words: a birth handed on for a health insurance card, and its status.
//!
//! **Own profile.** The Ministry of Justice's intake (`NhanDKHT`, `LayKetQua`) is known from one-stop
//! systems; the message that DVCLT sends to VSS is not public. This profile borrows that envelope as
//! it stands, misspellings included. `data` is a JSON *string* (an object, and the XML element `hoTich` in a string, are read
//! too): the `hoTich` form, the registration result `ketQuaXuLy` and our block `baoHiem`. It stays in this module so that it can be replaced
//! when the real document arrives.
//!
//! Everything is read through [`crate::json`], the inner string too. A member that is not in the
//! tables is refused: nothing that was signed is dropped unseen. What the values mean is not judged
//! here but in the `civil` adapter.

mod correction;
mod data;
mod death;
mod envelope;
mod facts;
mod form;
mod insurance;
mod poll;
mod result;
mod status;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use correction::{CORRECTS, CorrectedFacts, CorrectionForm, SUPPLEMENTS, WITHDRAWS};
pub use data::DataError;
pub use death::{DeathForm, DeathResult, DeathSeen};
pub use envelope::{
    Attachment, BirthMessage, KeptFile, Module, Receipt, STATUS_ACCEPTED, STATUS_REFUSED,
};
pub use facts::{FactsAnswer, FactsQuery, FactsRow};
pub use form::{Address, BirthForm};
pub use insurance::InsuranceBlock;
pub use poll::{CASE_IDS_MAX, CardResult, CaseRow, StatusAnswer, StatusQuery};
pub use result::RegistrationResult;
pub use status::{AUTHORITY, StatusAnswered, StatusUpdate};

use crate::json::{self, JsonError, Limits};
use crate::wire::object::Field;

/// Reads one object of this profile strictly: [`BirthMessage`], [`StatusQuery`], an answer, or an inner string.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    json::read(bytes, &LIMITS)
}

/// Writes one object of this profile, without absent members.
pub fn encode<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object)
        .expect("wire objects hold only texts, small numbers and lists of them")
}

/// Every member of every object of this profile, in the order of the mapping document.
pub fn fields() -> Vec<Field> {
    [
        BirthMessage::FIELDS,
        Attachment::FIELDS,
        BirthForm::FIELDS,
        Address::FIELDS,
        RegistrationResult::FIELDS,
        InsuranceBlock::FIELDS,
        DeathForm::FIELDS,
        DeathResult::FIELDS,
        CorrectionForm::FIELDS,
        CorrectedFacts::FIELDS,
        Receipt::FIELDS,
        KeptFile::FIELDS,
        StatusQuery::FIELDS,
        StatusAnswer::FIELDS,
        CaseRow::FIELDS,
        CardResult::FIELDS,
        DeathSeen::FIELDS,
        StatusUpdate::FIELDS,
        FactsQuery::FIELDS,
        FactsAnswer::FIELDS,
        FactsRow::FIELDS,
    ]
    .concat()
}

/// The bounds of these messages; the route's body limit comes before them.
const LIMITS: Limits = Limits {
    bytes_max: 16 << 20,
    depth_max: 8,
    members_max: 128,
    items_max: 64,
};

#[cfg(test)]
mod tests;
