//! The way out: what was asked for is told by a callback, signed, at the registered address and nowhere else.
//!
//! A callback is a parcel that is committed together with the acknowledgement which promises it. It holds the message
//! but for the moment of sending and our signature; both are put to it just before it goes, so that a callback that was
//! tried too long ago is said anew under the same id. What it says was true when it was asked for.

mod desk;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use gateway_core::{
    AnswerHead, Operation,
    ports::{Class, Parcel},
    seal::sha256,
    sign::hex,
};
use schemas::wire::dci::CallbackHeader;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use desk::{Desk, DeskConfig, Exchange, Pen};

use crate::{SEARCH_ASYNC, TXN_STATUS_ASYNC};

/// The kind of parcels that answer `search`.
pub(crate) const ON_SEARCH: &str = "dci.on-search";

/// The kind of parcels that answer `txn-status`.
pub(crate) const ON_STATUS: &str = "dci.txn-on-status";

/// A callback in its parcel.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// What for, as agreements name it.
    pub(crate) purpose: String,
    /// How many questions it answers.
    pub(crate) lines: u64,
    /// The header, without the moment of sending.
    pub(crate) header: CallbackHeader,
    /// The message.
    pub(crate) message: Value,
    /// PINs of those whom it tells of, each with the fields that it tells.
    pub(crate) told: Vec<(String, Vec<String>)>,
}

impl Letter {
    /// The parcel of a callback to whoever asked.
    pub(crate) fn parcel(&self, head: &AnswerHead, kind: &'static str, name: &str) -> Parcel {
        Parcel {
            id: format!("{}.{name}", head.receiver),
            partner: head.receiver.clone(),
            // exchanges have nothing to do with each other
            subject: name.to_owned(),
            sequence: 1,
            kind,
            content: Bytes::from(serde_json::to_vec(self).unwrap_or_default()),
            class: Class::Normal,
            due: None,
        }
    }

    /// What stands in a parcel; none where it cannot be read.
    pub(crate) fn read(content: &[u8]) -> Option<Self> {
        serde_json::from_slice(content).ok()
    }
}

/// Where callbacks of a kind go behind the registered address, and which operation permits them.
pub(crate) fn road_of(kind: &str) -> Option<(&'static str, &'static Operation)> {
    match kind {
        ON_SEARCH => Some(("/registry/on-search", &SEARCH_ASYNC)),
        ON_STATUS => Some(("/registry/txn/on-status", &TXN_STATUS_ASYNC)),
        _ => None,
    }
}

/// What an exchange is called here, by its sender's name of it.
pub(crate) fn exchange(transaction_id: &str) -> String {
    named(&short(transaction_id))
}

/// The same of the first half of the digest.
pub(crate) fn named(short: &[u8; 16]) -> String {
    format!("dci-{}", hex(short))
}

/// The first half of the digest of its sender's name.
pub(crate) fn short(transaction_id: &str) -> [u8; 16] {
    let digest = sha256(transaction_id.as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&digest[..16]);
    short
}
