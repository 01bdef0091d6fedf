//! OpenCRVS's words: the webhook of 1.x with the bundle of FHIR resources in it, and the trigger of 2.0.
//!
//! Names and shapes are those that OpenCRVS 1.x writes (core v1.6.4, `packages/webhooks`; FHIR STU3 with members of its own
//! database such as `_transforms`). What Viet Nam's profile adds stands in items of the questionnaire and is labelled **own
//! profile**. What the values mean is not judged here but in the `opencrvs` adapter.

mod event;
mod fhir;
mod payload;
mod subscribe;

pub use event::{
    Action, Call, Confirmation, DECLARATION, EVENT_LIMITS, EventDocument, FullName, Granted,
    decode_event,
};
pub use fhir::{
    Address, Answer, Bundle, Coding, Composition, Concept, Entry, HumanName, Identifier, Item,
    Location, NOT_CARRIED, Patient, Questionnaire, Reference, RelatedPerson, Section, Task,
};
pub use payload::{Event, Hub, Payload, Raw, Receipt, Topic};
pub use subscribe::{Challenged, LoggedIn, Login, Subscribe, Subscription, Subscriptions, Wish};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{self, JsonError, Limits};
use crate::wire::object::{Fate, Field};

/// The bounds of a body.
pub const BODY_LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 24,
    members_max: 64,
    items_max: 500,
};

/// Reads one object of these words strictly.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    json::read(bytes, &BODY_LIMITS)
}

/// Writes one object of these words, without absent members.
pub fn encode<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object).expect("wire objects hold only texts, numbers and lists of them")
}

/// Every member of these words, and every resource that is not looked into, in the order of the mapping document.
pub fn fields() -> Vec<Field> {
    let whole = NOT_CARRIED.iter().map(|(wire, why)| Field {
        object: "other resources",
        wire,
        fate: Fate::NotCarried(why),
    });
    let members = [
        Payload::FIELDS,
        Event::FIELDS,
        Hub::FIELDS,
        Receipt::FIELDS,
        Bundle::FIELDS,
        Entry::FIELDS,
        Composition::FIELDS,
        Section::FIELDS,
        Task::FIELDS,
        Patient::FIELDS,
        HumanName::FIELDS,
        Address::FIELDS,
        RelatedPerson::FIELDS,
        Location::FIELDS,
        Questionnaire::FIELDS,
        Item::FIELDS,
        Answer::FIELDS,
        Identifier::FIELDS,
        Concept::FIELDS,
        Coding::FIELDS,
        Reference::FIELDS,
        Login::FIELDS,
        LoggedIn::FIELDS,
        Subscribe::FIELDS,
        Wish::FIELDS,
        Subscriptions::FIELDS,
        Subscription::FIELDS,
        Challenged::FIELDS,
        EventDocument::FIELDS,
        Action::FIELDS,
        FullName::FIELDS,
        DECLARATION,
        Call::FIELDS,
        Confirmation::FIELDS,
        Granted::FIELDS,
    ]
    .concat();
    members.into_iter().chain(whole).collect()
}

#[cfg(test)]
mod tests;
