//! Hospitals' words at VSS's gateway for electronic papers (eGW, annex PL02): notices of births and of deaths.
//!
//! A form names the facility and the kind of the papers and carries them as one XML document in base64; the
//! document has the unit's signature beside what is signed. Names, order and lengths are those that integrators
//! use; the surrogate mother's blocks are spelt by the pattern of the others, and the codes of refusals other than
//! PL02's are our own (**own profile**, as is the place of the signature: PL02's schema is not public).
//!
//! What the values mean is not judged here but in the `hospital` adapter.

mod answer;
mod birth;
mod death;
mod form;
mod packet;
mod paper;

pub use answer::{Answer, GivenCard, ResultCode, token};
pub use birth::BirthPaper;
pub use death::DeathPaper;
pub use form::{Form, Kind};
pub use packet::{Packet, PacketFile};
pub use paper::{LIMITS, PaperError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{self, JsonError};
use crate::wire::object::Field;

/// Reads one JSON object of these words strictly.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    json::read(bytes, &FORM_LIMITS)
}

/// Writes one JSON object of these words, without absent members.
pub fn encode<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object).expect("wire objects hold only texts and lists of them")
}

/// Every element and member of these words, in the order of the mapping document.
pub fn fields() -> Vec<Field> {
    [
        Form::FIELDS,
        packet::ROOTS,
        BirthPaper::FIELDS,
        DeathPaper::FIELDS,
        packet::FIELDS,
        Answer::FIELDS,
        GivenCard::FIELDS,
        token::Ask::FIELDS,
        token::Given::FIELDS,
        token::Key::FIELDS,
    ]
    .concat()
}

/// The bounds of a form; its file is bounded by the route's body.
const FORM_LIMITS: json::Limits = json::Limits {
    bytes_max: 4 << 20,
    depth_max: 4,
    members_max: 16,
    items_max: 32,
};

#[cfg(test)]
mod tests;
