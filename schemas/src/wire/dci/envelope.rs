//! `{signature?, header, message}`, and the acknowledgement of it.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, JsonError, Limits};
use crate::wire::object::wire_object;

/// The one version of the standard that is spoken here.
pub const VERSION: &str = "1.0.0";

/// The bounds of a body.
pub const BODY_LIMITS: Limits = Limits {
    bytes_max: 1 << 20,
    depth_max: 16,
    members_max: 64,
    items_max: 1_000,
};

/// A body taken apart and nothing of it understood: its parts as they stand in the received bytes.
#[derive(Clone, Copy)]
pub struct Raw<'a> {
    /// The member `header`, JSON.
    pub header: &'a str,
    /// The member `message`, JSON.
    pub message: &'a str,
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Raw(***)")
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<'a> {
    #[serde(default, borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    header: &'a RawValue,
    #[serde(borrow)]
    message: &'a RawValue,
}

impl<'a> Raw<'a> {
    /// Takes a body apart; beside it gives the member `signature`, none where it is absent or empty.
    ///
    /// # Errors
    /// What the strict reader refuses, and any member but the three.
    pub fn read(body: &'a [u8]) -> Result<(Self, Option<String>), JsonError> {
        let parts: Parts<'a> = json::read_borrowed(body, &BODY_LIMITS)?;
        let raw = Self {
            header: parts.header.get(),
            message: parts.message.get(),
        };
        let signature = parts.signature.map(Cow::into_owned);
        Ok((raw, signature.filter(|text| !text.is_empty())))
    }
}

wire_object! {
    /// `MsgHeader`: who says it, to whom, when and what for.
    pub struct MsgHeader as "header" {
        /// Version of the standard; 1.0.0 where absent.
        version: Option<String> = "version", Carried("judged: 1.0.0 is spoken and no other");
        /// The sender's id of the message: own profile, 8 to 128 of `A-Z a-z 0-9 . _ -`.
        message_id: String = "message_id", Carried("the message's id");
        /// When it was sent, ISO 8601 with an offset.
        message_ts: String = "message_ts", Carried("the message's time; received_at of a birth or a death");
        /// What it is for.
        action: String = "action", Carried("the operation, together with the path");
        /// Who says it, as registered.
        sender_id: String = "sender_id", Carried("the sender");
        /// Where callbacks go.
        sender_uri: Option<String> = "sender_uri", NotCarried("callbacks go where the registration says; another address is refused and none is called");
        /// To whom; own profile: required.
        receiver_id: Option<String> = "receiver_id", Carried("the receiver");
        /// How many entries the message has.
        total_count: i64 = "total_count", Carried("judged: as many entries as are there");
        /// Whether `message` is encrypted.
        is_msg_encrypted: Option<bool> = "is_msg_encrypted", NotCarried("encrypted messages are refused: the connection is");
        /// Anything the sender likes.
        meta: Option<serde_json::Map<String, serde_json::Value>> = "meta", NotCarried("kept in the journal only");
    }
}

/// `ack_status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AckStatus {
    /// Taken; what was asked for follows.
    Ack,
    /// Read and taken as far as it could be; no more follows.
    Nack,
    /// Refused.
    Err,
}

impl AckStatus {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ack => "ACK",
            Self::Nack => "NACK",
            Self::Err => "ERR",
        }
    }
}

wire_object! {
    /// The body of an acknowledgement.
    pub struct AckBody as "acknowledgement" {
        /// The acknowledgement.
        message: Ack = "message", Carried("the acknowledgement");
    }
}

wire_object! {
    /// What became of a message.
    pub struct Ack as "message of an acknowledgement" {
        /// ACK, NACK or ERR.
        ack_status: String = "ack_status", Carried("whether it was taken");
        /// When, ISO 8601.
        timestamp: String = "timestamp", Carried("the time of the answer");
        /// Our name for it.
        correlation_id: String = "correlation_id", Carried("the evidence id");
        /// Why not.
        error: Option<AckError> = "error", Carried("the fault, or which records were refused");
    }
}

wire_object! {
    /// Why something was refused.
    pub struct AckError as "error" {
        /// A code of the standard.
        code: String = "code", Carried("the fault in the standard's codes");
        /// In words: field and reason, and never a value.
        message: String = "message", Carried("field and reason of the fault, or the refused records by reference_id and number");
    }
}
