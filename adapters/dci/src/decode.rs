//! Proven bytes become typed births and deaths; every value is checked here and nowhere below.

mod answered;
mod birth;
mod check;
mod death;
mod search;
mod status;
mod subscribe;

use std::collections::{BTreeSet, HashSet};

use bytes::Bytes;
use gateway_core::{
    Decoded, Head, Identity,
    ports::{Person, PersonNumber},
    seal::sha256,
    sign::hex,
};
use jiff::Timestamp;
use roads::dci::{moment, proven, unreadable};
use schemas::{
    fault::{Fault, FaultCode},
    id::Pin,
    json::canonical::{self, Spelling},
    wire::dci::{self as wire, EVENTS_MAX, ID_CHARS_MAX, Notify, RECORDS_MAX, VitalEvent},
};

pub(crate) use answered::known_code;
pub use birth::{Birth, Guardian, Parent};
pub use check::Record;
pub(crate) use check::case_id;
pub use death::Death;
pub use search::{Question, Search};
pub use status::{Asked, Begun, Parts, Status};
pub use subscribe::{Subscribe, Unsubscribe, Wanted, Wish};

use crate::{
    DEATH_PURPOSE, FOLLOW, NOTIFY, PURPOSE, SEARCH, SEARCH_ASYNC, SUBSCRIBE, TXN_STATUS,
    TXN_STATUS_ASYNC, UNSUBSCRIBE, envelope::operation, follow::Answered,
};
use check::invalid;

/// What a registry tells or asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `notify`.
    Notify(Told),
    /// `search`.
    Search(Search),
    /// `txn-status`.
    Status(Status),
    /// `subscribe`.
    Subscribe(Subscribe),
    /// `unsubscribe`.
    Unsubscribe(Unsubscribe),
    /// `on-subscribe` or `on-unsubscribe`.
    Answered(Answered),
}

/// What begins an exchange that is answered by a callback, and how both sides are called in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The sender's name of the exchange.
    pub transaction_id: String,
    /// How the sender calls us, and itself.
    pub names: (String, String),
    /// SHA-256 of the message in one spelling, hexadecimal: under one name the same is asked, or nothing.
    pub digest: String,
}

impl Opening {
    fn new(header: &wire::MsgHeader, transaction_id: &str, message: &str) -> Self {
        Self {
            transaction_id: transaction_id.to_owned(),
            names: (
                header.receiver_id.clone().unwrap_or_default(),
                header.sender_id.clone(),
            ),
            digest: hex(&sha256(&payload(message))),
        }
    }
}

/// What a registry tells at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// When it was sent.
    pub sent_at: Timestamp,
    /// In the order in which they were told.
    pub records: Vec<What>,
}

/// One record, under the `reference_id` of its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Of a birth.
    Birth(String, Box<Birth>),
    /// Of a death.
    Death(String, Box<Death>),
}

impl What {
    /// The event's `reference_id`.
    #[must_use]
    pub fn reference(&self) -> &str {
        match self {
            Self::Birth(reference, _) | Self::Death(reference, _) => reference,
        }
    }

    /// A record of a birth or a death that was told by a message of `sent_at`, every value checked.
    ///
    /// # Errors
    /// `Invalid`, with the member's name; `event-not-for-us` for any other event.
    pub fn read(
        event: VitalEvent,
        reference: String,
        person: &wire::Person,
        sent_at: Timestamp,
    ) -> Result<Self, Fault> {
        match event {
            VitalEvent::LiveBirth => {
                let birth = birth::read(person, sent_at)?;
                Ok(Self::Birth(reference, Box::new(birth)))
            }
            VitalEvent::Death => {
                let death = death::read(person, sent_at)?;
                Ok(Self::Death(reference, Box::new(death)))
            }
            _ => Err(invalid("event-not-for-us", "reg_event_type")),
        }
    }

    /// Our name of the case that it becomes.
    #[must_use]
    pub fn case_id(&self) -> String {
        case_id(self.record())
    }

    /// Where it stands in the register.
    #[must_use]
    pub fn record(&self) -> &Record {
        match self {
            Self::Birth(_, birth) => &birth.record,
            Self::Death(_, death) => &death.record,
        }
    }

    /// A birth names the child and its parents, as far as they have a number; a death the deceased.
    #[must_use]
    pub fn pins(&self) -> Vec<&Pin> {
        match self {
            Self::Birth(_, birth) => {
                let parents = [&birth.mother, &birth.father].into_iter().flatten();
                let parents = parents.filter_map(|parent| parent.pin.as_ref());
                std::iter::once(&birth.pin).chain(parents).collect()
            }
            Self::Death(_, death) => vec![&death.pin],
        }
    }
}

pub(crate) fn decode(head: &Head, bytes: &[u8]) -> Result<Decoded<Request>, Fault> {
    let (claims, header, message) = proven(head, bytes, operation)?;
    match claims.operation.as_str() {
        name if name == SEARCH.name => return search::decode(claims, &header, message),
        name if name == SEARCH_ASYNC.name => {
            let decoded = search::decode_async(claims, &header, message)?;
            return Ok(called_back(head, &header, decoded));
        }
        name if name == TXN_STATUS.name => {
            return status::decode(claims, &header, message, &TXN_STATUS);
        }
        name if name == TXN_STATUS_ASYNC.name => {
            let decoded = status::decode(claims, &header, message, &TXN_STATUS_ASYNC)?;
            return Ok(called_back(head, &header, decoded));
        }
        name if name == SUBSCRIBE.name => {
            let decoded = subscribe::decode(claims, &header, message)?;
            return Ok(called_back(head, &header, decoded));
        }
        name if name == UNSUBSCRIBE.name => {
            let decoded = subscribe::decode_end(claims, &header, message)?;
            return Ok(called_back(head, &header, decoded));
        }
        name if name == FOLLOW.name => return answered::decode(claims, &header, message),
        _ => {}
    }
    let notify: Notify =
        wire::decode(message.as_bytes()).map_err(|error| unreadable(error).field("message"))?;
    counted(header.total_count, &notify)?;
    let records = records(&notify, claims.sent_at)?;
    let numbers = || records.iter().flat_map(What::pins);
    Ok(Decoded {
        operation: &NOTIFY,
        identity: Identity::Envelope,
        purpose: purpose(&records).to_owned(),
        lines: records.len() as u64,
        provinces: None,
        asked: BTreeSet::new(),
        payload: payload(message),
        objection: None,
        synthetic: is_synthetic(numbers()),
        persons: numbers()
            .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
            .collect(),
        request: Request::Notify(Told {
            sent_at: claims.sent_at,
            records,
        }),
        claims,
    })
}

/// Whoever has no registered address for callbacks is told so before anything is done; what was promised before is told
/// as it was.
fn called_back(
    head: &Head,
    header: &wire::MsgHeader,
    decoded: Decoded<Request>,
) -> Decoded<Request> {
    let terms = head.dci_sender(&header.sender_id);
    let objection = match terms.is_some_and(|(_, terms)| terms.is_called_back) {
        true => None,
        false => Some(invalid("no-callback-address", "sender_uri")),
    };
    Decoded {
        objection,
        ..decoded
    }
}

/// Whether it names somebody, and nobody but those who are made up.
fn is_synthetic<'a>(pins: impl IntoIterator<Item = &'a Pin>) -> bool {
    let mut pins = pins.into_iter().peekable();
    pins.peek().is_some() && pins.all(Pin::is_synthetic)
}

/// Every question or wish is for what the first one is for: the agreement is asked once.
fn one_purpose<'a>(
    authorized: impl IntoIterator<Item = &'a Option<wire::Authorize>>,
) -> Result<String, Fault> {
    let code =
        |one: &'a Option<wire::Authorize>| Some(one.as_ref()?.purpose.as_ref()?.code.as_str());
    let mut codes = authorized.into_iter().map(code);
    let first = codes.next().flatten();
    let first = first.ok_or_else(|| invalid("missing-field", "purpose"))?;
    match codes.all(|code| code == Some(first)) {
        true => Ok(first.to_owned()),
        false => Err(invalid("purposes-differ", "purpose")),
    }
}

/// As many as there may be, and as many as the header says.
fn numbered(told: i64, there: usize, max: usize, field: &'static str) -> Result<(), Fault> {
    if there > max {
        return Err(Fault::new(FaultCode::TooLarge, "too-many-events").field(field));
    }
    if there == 0 {
        return Err(invalid("missing-field", field));
    }
    match usize::try_from(told) == Ok(there) {
        true => Ok(()),
        false => Err(invalid("total-count-differs", "total_count")),
    }
}

/// What makes two messages the same: the message in one spelling, whatever the dialect let through. A text with a
/// number that has more than one spelling is the same only as it stands.
fn payload(message: &str) -> Bytes {
    let value = serde_json::from_str(message).ok();
    let spelt = value.and_then(|value| canonical::write(&value, Spelling::Jcs).ok());
    Bytes::from(spelt.unwrap_or_else(|| message.to_owned()))
}

fn counted(told: i64, notify: &Notify) -> Result<(), Fault> {
    let too_many = |reason| Err(Fault::new(FaultCode::TooLarge, reason).field("notify_event"));
    if notify.events.len() > EVENTS_MAX {
        return too_many("too-many-events");
    }
    let records: usize = notify.events.iter().map(|one| one.data.records.len()).sum();
    if records > RECORDS_MAX {
        return too_many("too-many-records");
    }
    if records == 0 {
        return Err(invalid("missing-field", "reg_records"));
    }
    match usize::try_from(told) == Ok(notify.events.len()) {
        true => Ok(()),
        false => Err(invalid("total-count-differs", "total_count")),
    }
}

fn records(notify: &Notify, sent_at: Timestamp) -> Result<Vec<What>, Fault> {
    let references = notify.events.iter().map(|event| &*event.reference_id);
    named(&notify.transaction_id, references)?;
    let mut all = Vec::new();
    for event in &notify.events {
        moment(&event.timestamp, "timestamp")?;
        let kind = VitalEvent::parse(&event.data.event_type)
            .ok_or_else(|| invalid("unknown-code", "reg_event_type"))?;
        for person in &event.data.records {
            let reference = event.reference_id.clone();
            all.push(What::read(kind, reference, person, sent_at)?);
        }
    }
    Ok(all)
}

/// What an exchange is called, and each part of it: no part as another.
fn named<'a>(
    transaction_id: &str,
    references: impl IntoIterator<Item = &'a str>,
) -> Result<(), Fault> {
    if !is_id(transaction_id) {
        return Err(invalid("bad-transaction-id", "transaction_id"));
    }
    let mut seen = HashSet::new();
    for reference in references {
        if !is_id(reference) {
            return Err(invalid("bad-reference-id", "reference_id"));
        }
        if !seen.insert(reference) {
            return Err(invalid("reference-id-twice", "reference_id"));
        }
    }
    Ok(())
}

/// 1 to 99 visible characters of ASCII: it is told back where a record is refused.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn purpose(records: &[What]) -> &'static str {
    match records.iter().any(|one| matches!(one, What::Death(..))) {
        true => DEATH_PURPOSE,
        false => PURPOSE,
    }
}

#[cfg(test)]
pub(crate) mod tests;
