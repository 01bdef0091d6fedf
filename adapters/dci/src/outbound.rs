//! The way out: what was asked for is told by a callback, and what was subscribed to by a notice; signed, at the registered
//! address and nowhere else.
//!
//! A callback is a parcel that is committed together with the acknowledgement which promises it. It holds the message
//! but for the moment of sending and our signature; both are put to it just before it goes, so that a callback that was
//! tried too long ago is said anew under the same id. What it says was true when it was asked for.

mod desk;
mod notice;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use gateway_core::{
    AnswerHead, Operation,
    ports::{Class, Parcel},
    seal::sha256,
    sign::hex,
};
use schemas::{
    id::PartnerId,
    wire::dci::{CallbackHeader, MsgHeader},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use desk::{Desk, DeskConfig, Exchange, OVER, Pen, Subscriptions};
pub use notice::parcel;

use crate::{
    FOLLOW, PULL, SEARCH_ASYNC, SUBSCRIBE, TXN_STATUS_ASYNC, UNSUBSCRIBE,
    decode::Opening,
    envelope::{SUBSCRIBE_PATH, SYNC_SEARCH_PATH, UNSUBSCRIBE_PATH},
};

/// The kind of parcels that answer `search`.
pub(crate) const ON_SEARCH: &str = "dci.on-search";

/// The kind of parcels that answer `txn-status`.
pub(crate) const ON_STATUS: &str = "dci.txn-on-status";

/// The kind of parcels that answer `subscribe`.
pub(crate) const ON_SUBSCRIBE: &str = "dci.on-subscribe";

/// The kind of parcels that answer `unsubscribe`.
pub(crate) const ON_UNSUBSCRIBE: &str = "dci.on-unsubscribe";

/// The kind of parcels that tell of what was subscribed to.
pub(crate) const NOTICE: &str = "dci.notify";

/// The kind of parcels by which we ask to be told.
pub(crate) const ASK_BEGIN: &str = "dci.subscribe";

/// The kind of parcels by which we end that.
pub(crate) const ASK_END: &str = "dci.unsubscribe";

/// The kind of parcels by which we ask what was registered on some days; the answer is the receipt.
pub(crate) const ASK_PAGE: &str = "dci.pull";

/// A header, without the moment of sending.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Header {
    /// Of a callback, which has a status.
    Callback(CallbackHeader),
    /// Of a message of ours.
    Message(MsgHeader),
}

impl Header {
    /// The same, said at this moment.
    pub(crate) fn at(self, moment: String) -> Vec<u8> {
        match self {
            Self::Callback(header) => schemas::wire::dci::encode(&CallbackHeader {
                message_ts: moment,
                ..header
            }),
            Self::Message(header) => schemas::wire::dci::encode(&MsgHeader {
                message_ts: moment,
                ..header
            }),
        }
    }
}

/// What was promised of an exchange, for whoever asks for the same again.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Promise {
    /// The digest of what was asked.
    pub(crate) asked: String,
    /// Our name for the exchange.
    pub(crate) correlation: String,
    /// When it was promised.
    pub(crate) at: String,
}

impl Promise {
    pub(crate) fn of(head: &AnswerHead, opening: &Opening) -> Self {
        Self {
            asked: opening.digest.clone(),
            correlation: head.evidence.to_string(),
            at: head.sent_at.to_string(),
        }
    }
}

/// A callback or a notice in its parcel.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Letter {
    /// What for, as agreements name it.
    pub(crate) purpose: String,
    /// How many questions it answers.
    pub(crate) lines: u64,
    /// The header, without the moment of sending.
    pub(crate) header: Header,
    /// The message.
    pub(crate) message: Value,
    /// PINs of those whom it tells of, each with the fields that it tells.
    pub(crate) told: Vec<(String, Vec<String>)>,
    /// Of a callback: what was promised.
    #[serde(default)]
    pub(crate) promise: Promise,
    /// Of a notice: the subscription, which must still stand when it goes.
    #[serde(default)]
    pub(crate) subscription: Option<String>,
}

impl Letter {
    /// The parcel of a callback to whoever asked.
    pub(crate) fn parcel(&self, head: &AnswerHead, kind: &'static str, name: &str) -> Parcel {
        Parcel {
            id: parcel_id(&head.receiver, name),
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
        ON_SUBSCRIBE => Some(("/registry/on-subscribe", &SUBSCRIBE)),
        ON_UNSUBSCRIBE => Some(("/registry/on-unsubscribe", &UNSUBSCRIBE)),
        NOTICE => Some(("/registry/notify", &SUBSCRIBE)),
        ASK_BEGIN => Some((SUBSCRIBE_PATH, &FOLLOW)),
        ASK_END => Some((UNSUBSCRIBE_PATH, &FOLLOW)),
        ASK_PAGE => Some((SYNC_SEARCH_PATH, &PULL)),
        _ => None,
    }
}

/// The parcel of a callback to somebody, by the name of its exchange.
pub(crate) fn parcel_id(partner: &PartnerId, name: &str) -> String {
    format!("{partner}.{name}")
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
