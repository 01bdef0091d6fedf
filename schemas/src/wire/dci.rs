//! DCI's words (SPDCI API standards 1.0.0): the envelope of all registries, and what a civil registry (CRVS) says in it.
//!
//! A body is `{signature?, header, message}`. Names, lengths and codes are the standard's; where it leaves a choice
//! open (which members a birth in Viet Nam must have, what a refusal of some records is called) the choice is ours and
//! is labelled **own profile**: DCI has country profiles, and Viet Nam's is not written yet.
//!
//! What the values mean is not judged here but in the `dci` adapter.

mod code;
mod envelope;
mod notify;
mod person;
mod search;
mod status;
mod subscribe;

pub use code::{Action, Code};
pub use envelope::{Ack, AckBody, AckError, AckStatus, BODY_LIMITS, MsgHeader, Raw, VERSION};
pub use notify::{EVENTS_MAX, Event, EventData, Notify, RECORDS_MAX, VitalEvent};
pub use person::{
    Address, Guardian, Identifier, IdentifierType, Name, ParentFacts, Person, VietNam,
};

pub use search::{
    Authorize, CallbackHeader, Criteria, Found, FoundData, Pagination, Purpose, SEARCHES_MAX,
    Search, SearchRequest, SearchResponse, Sort,
};
pub use status::{TxnStatus, TxnStatusRequest, TxnStatusResponse, TxnStatusTold};
pub use subscribe::{
    Frequency, SUBSCRIPTIONS_MAX, Subscribe, SubscribeCriteria, SubscribeRequest,
    SubscribeResponse, Subscribed, Subscription, Unsubscribe, Unsubscribed,
};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::json::{self, JsonError};
use crate::wire::object::Field;

/// The longest `transaction_id`, `reference_id` or `correlation_id`, characters.
pub const ID_CHARS_MAX: usize = 99;

/// The longest `status_reason_message` or error message, characters.
pub const MESSAGE_CHARS_MAX: usize = 999;

/// Reads one object of these words strictly.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    json::read(bytes, &BODY_LIMITS)
}

/// Writes one object of these words, without absent members.
pub fn encode<T: Serialize>(object: &T) -> Vec<u8> {
    serde_json::to_vec(object).expect("wire objects hold only texts, numbers and lists of them")
}

/// Every member of these words, in the order of the mapping document.
pub fn fields() -> Vec<Field> {
    [
        MsgHeader::FIELDS,
        AckBody::FIELDS,
        Ack::FIELDS,
        AckError::FIELDS,
        Notify::FIELDS,
        Event::FIELDS,
        EventData::FIELDS,
        Person::FIELDS,
        Identifier::FIELDS,
        Name::FIELDS,
        Address::FIELDS,
        VietNam::FIELDS,
        ParentFacts::FIELDS,
        Guardian::FIELDS,
        Search::FIELDS,
        SearchRequest::FIELDS,
        Criteria::FIELDS,
        Sort::FIELDS,
        Pagination::FIELDS,
        Authorize::FIELDS,
        Purpose::FIELDS,
        CallbackHeader::FIELDS,
        Found::FIELDS,
        SearchResponse::FIELDS,
        FoundData::FIELDS,
        TxnStatus::FIELDS,
        TxnStatusRequest::FIELDS,
        TxnStatusTold::FIELDS,
        TxnStatusResponse::FIELDS,
        Subscribe::FIELDS,
        SubscribeRequest::FIELDS,
        SubscribeCriteria::FIELDS,
        Frequency::FIELDS,
        Subscribed::FIELDS,
        SubscribeResponse::FIELDS,
        Subscription::FIELDS,
        Unsubscribe::FIELDS,
        Unsubscribed::FIELDS,
    ]
    .concat()
}

#[cfg(test)]
mod tests;
