//! What is agreed with a partner that speaks DCI: how each of us is called there, and in which dialect it signs.
//!
//! Everything that a message could claim about itself and that another implementation would follow (where the keys of
//! a `sender_id` lie, where a `sender_uri` wants its answer, which algorithm a signature names) stands here, and what
//! a message says of it is compared and never used.

use certs::dci::{Dialect, Secret};

/// How one partner is known in DCI's words. `Debug` shows no secret.
#[derive(Debug)]
pub struct DciTerms {
    /// How it calls itself (`sender_id`).
    pub sender_id: String,
    /// How it calls us (`receiver_id`).
    pub receiver_id: String,
    /// The one address that it may name for callbacks (`sender_uri`).
    pub sender_uri: Option<String>,
    /// Whether an address for callbacks is registered: without one nothing is promised.
    pub is_called_back: bool,
    /// How it signs.
    pub dialect: Dialect,
    /// The secret of [`Dialect::HmacX`].
    pub secret: Option<Secret>,
    /// Of what we are told there, where we are its subscriber.
    pub follow: Option<Follow>,
}

/// What we subscribe to at a registry, and how patient we are; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follow {
    /// Births.
    pub births: bool,
    /// Deaths.
    pub deaths: bool,
    /// For how long a subscription is asked for.
    pub length_seconds: i64,
    /// How long before its end the next one is asked for.
    pub renew_seconds: i64,
    /// How long a callback may take.
    pub answer_seconds: i64,
    /// How long we wait before we ask again what was refused or not answered.
    pub again_seconds: i64,
}

/// A DCI signature as it came, and what of the request's head it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DciSignature {
    /// Who the message says it is from.
    pub sender_id: String,
    /// The signature's text.
    pub text: String,
    /// What it covers beside the body, where the dialect covers more.
    pub head: Option<CoveredHead>,
    /// What has to be kept to prove it once more, where it is no part of the body.
    pub kept: Option<String>,
}

/// The lines of a request's head that a keyed hash covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveredHead {
    /// The path.
    pub path: String,
    /// Host.
    pub host: String,
    /// Date.
    pub date: String,
    /// Content-Type.
    pub content_type: String,
}
