//! `notify`: a registry tells of events.

use super::Person;
use crate::wire::object::wire_object;

/// Most events of one message.
pub const EVENTS_MAX: usize = 100;

/// Most records of one message, over all its events.
pub const RECORDS_MAX: usize = 100;

wire_object! {
    /// The message of `notify`.
    pub struct Notify as "notify" {
        /// The sender's name of the exchange.
        transaction_id: String = "transaction_id", NotCarried("kept in the journal only: every record is told by its registration number");
        /// The events.
        #[serde(default)]
        events: Vec<Event> = "notify_event", Carried("births and deaths, one per record");
    }
}

wire_object! {
    /// What happened, to one person or several.
    pub struct Event as "notify_event" {
        /// The sender's name of the event, unique in the message.
        reference_id: String = "reference_id", Carried("named in the answer where a record is refused");
        /// When it was told, ISO 8601 with an offset.
        timestamp: String = "timestamp", NotCarried("judged for its form; the message's own time counts");
        /// The event.
        data: EventData = "data", Carried("births and deaths, one per record");
    }
}

wire_object! {
    /// An event's kind and its records.
    pub struct EventData as "data" {
        /// The registry's kind.
        reg_type: Option<String> = "reg_type", NotCarried("the event's kind says it");
        /// The event's kind.
        event_type: String = "reg_event_type", Carried("a birth or a death; others are refused as not for us");
        /// The records' kind.
        record_type: Option<String> = "reg_record_type", NotCarried("every record is a CRVSPerson");
        /// The records.
        #[serde(default)]
        records: Vec<Person> = "reg_records", Carried("a birth or a death each");
    }
}

/// A vital event (`VitalEventType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VitalEvent {
    /// A child was born alive.
    LiveBirth,
    /// Somebody died.
    Death,
    /// A child was born dead.
    FetalDeath,
    /// Two people married.
    Marriage,
    /// Two people were divorced.
    Divorce,
    /// A child was adopted.
    Adoption,
}

impl VitalEvent {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::LiveBirth, "live_birth", "LiveBirth"),
        (Self::Death, "death", "Death"),
        (Self::FetalDeath, "fetal_death", "FetalDeath"),
        (Self::Marriage, "marriage", "Marriage"),
        (Self::Divorce, "divorce", "Divorce"),
        (Self::Adoption, "adoption", "Adoption"),
    ];

    /// Reads the code (`live_birth`) or its longer name (`spdci-common:RegistryEventType:LiveBirth`).
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let short = word.strip_prefix("spdci-common:RegistryEventType:");
        let is = |code: &str, name: &str| short.map_or(word == code, |short| short == name);
        let mut all = Self::ALL.into_iter();
        all.find(|(_, code, name)| is(code, name))
            .map(|(one, ..)| one)
    }

    /// The code.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(one, ..)| *one == self)
            .map_or("", |(_, code, _)| code)
    }
}
