//! What became of an action, told to the core that asked for it: accepted under its number, or rejected.
//!
//! A parcel is committed together with the 202 that promises it, and waits until the case is decided: one that a person has to look
//! at may take days. Said again it is the same to the core.

mod desk;
mod road;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use gateway_core::ports::{Class, Parcel};
use schemas::{id::PartnerId, wire::opencrvs::Topic};
use serde::{Deserialize, Serialize};

pub use desk::{Cases, Decision, Desk, DeskConfig, Exchange};
pub use road::{Core, TokenAccess};

use super::Asked;

/// The kind of these parcels.
const KIND: &str = "opencrvs.confirm";

/// What a parcel holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letter {
    /// The record.
    event: String,
    /// The action.
    action: String,
    /// What is registered.
    topic: String,
    /// Its number.
    number: String,
    /// What it is called here.
    case_id: String,
}

impl Letter {
    fn topic(&self) -> Option<Topic> {
        Topic::parse(&self.topic)
    }

    fn read(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }
}

/// The parcel of one action.
pub(super) fn parcel(partner: &PartnerId, asked: &Asked) -> Parcel {
    let letter = Letter {
        event: asked.event.clone(),
        action: asked.action.clone(),
        topic: asked.topic.as_str().to_owned(),
        number: asked.what.record().number.clone(),
        case_id: asked.what.case_id(),
    };
    Parcel {
        id: format!("{partner}.confirm-{}", asked.action),
        partner: partner.clone(),
        // actions have nothing to do with each other
        subject: format!("confirm-{}", asked.action),
        sequence: 1,
        kind: KIND,
        content: Bytes::from(serde_json::to_vec(&letter).unwrap_or_default()),
        class: match asked.topic {
            // whoever registers a newborn waits for it
            Topic::BirthRegistered => Class::Urgent,
            Topic::DeathRegistered => Class::Normal,
        },
        due: None,
    }
}
