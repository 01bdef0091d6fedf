//! `{timestamp, id, event: {hub, context}}`, and the receipt of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::BODY_LIMITS;
use crate::json::{self, JsonError};
use crate::wire::object::wire_object;

wire_object! {
    /// A webhook's body.
    pub struct Payload as "payload" {
        /// When it was put into the queue, ISO 8601 with an offset.
        timestamp: String = "timestamp", Carried("the message's time; received_at of a birth or a death");
        /// The subscription's id at OpenCRVS: the same of every event.
        id: String = "id", NotCarried("names the subscription, not the event: an event is known by topic and registration number");
        /// What happened.
        event: Event = "event", Carried("a birth or a death");
    }
}

wire_object! {
    /// What happened, and to whom.
    pub struct Event as "event" {
        /// What was subscribed to.
        hub: Hub = "hub", Carried("the operation");
        /// One bundle.
        #[serde(default)]
        context: Vec<Value> = "context", Carried("a birth or a death: one bundle, no more");
    }
}

wire_object! {
    /// What was subscribed to.
    pub struct Hub as "hub" {
        /// The topic.
        topic: String = "topic", Carried("the operation; must agree with the bundle's Task and Composition");
    }
}

wire_object! {
    /// What is answered when a birth or a death is durable (own profile: OpenCRVS reads no answer).
    pub struct Receipt as "receipt" {
        /// Our name of the message.
        evidence: String = "evidence", Carried("the evidence id");
        /// When it was taken, RFC 3339.
        received_at: String = "receivedAt", Carried("the time of the answer");
    }
}

/// A topic that is for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// A birth was registered.
    BirthRegistered,
    /// A death was registered.
    DeathRegistered,
}

impl Topic {
    /// Both.
    pub const ALL: [Self; 2] = [Self::BirthRegistered, Self::DeathRegistered];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BirthRegistered => "BIRTH_REGISTERED",
            Self::DeathRegistered => "DEATH_REGISTERED",
        }
    }

    /// What is registered by an event type of 2.0; none by those that are not for us.
    #[must_use]
    pub fn of_event(kind: &str) -> Option<Self> {
        match kind {
            "birth" => Some(Self::BirthRegistered),
            "death" => Some(Self::DeathRegistered),
            _ => None,
        }
    }

    /// Reads the word back; none for topics that are not for us.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A body taken apart and nothing of the event understood: its contexts as they stand in the received bytes.
#[derive(Clone)]
pub struct Raw<'a> {
    /// `timestamp`.
    pub timestamp: Cow<'a, str>,
    /// `event.hub.topic`.
    pub topic: Cow<'a, str>,
    /// `event.context`, each as JSON.
    pub contexts: Vec<&'a str>,
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Raw(***)")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<'a> {
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    #[serde(borrow, rename = "id")]
    _id: Cow<'a, str>,
    #[serde(borrow)]
    event: EventParts<'a>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventParts<'a> {
    #[serde(borrow)]
    hub: HubParts<'a>,
    #[serde(borrow)]
    context: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HubParts<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
}

impl<'a> Raw<'a> {
    /// Takes a body apart.
    ///
    /// # Errors
    /// What the strict reader refuses, and any member that the words do not have.
    pub fn read(body: &'a [u8]) -> Result<Self, JsonError> {
        let parts: Parts<'a> = json::read_borrowed(body, &BODY_LIMITS)?;
        let contexts = parts.event.context.into_iter().map(RawValue::get);
        Ok(Self {
            timestamp: parts.timestamp,
            topic: parts.event.hub.topic,
            contexts: contexts.collect(),
        })
    }
}
