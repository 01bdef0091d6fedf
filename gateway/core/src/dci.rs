//! What is agreed with a partner that speaks DCI: how each of us is called there, and in which dialect it signs.
//!
//! Everything that a message could claim about itself and that another implementation would follow (where the keys of
//! a `sender_id` lie, where a `sender_uri` wants its answer, which algorithm a signature names) stands here, and what
//! a message says of it is compared and never used.

use certs::dci::{Dialect, Secret};
use jiff::{Timestamp, civil::Date};
use schemas::{
    fault::{Fault, FaultCode},
    wire::dci::Raw,
};

use crate::{partner::Partner, stage::verify::prove_dci};

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
    /// What we look for there by the day of registration.
    pub pull: Option<Pull>,
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

/// What we look for in a registry by the day of registration, to find what was told and never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pull {
    /// Births.
    pub births: bool,
    /// Deaths.
    pub deaths: bool,
    /// The first day that is looked at; without one as many days back as `overlap_days`, counted from the first look.
    pub since: Option<Date>,
    /// How many days that were looked at before are looked at again: registries write late.
    pub overlap_days: i64,
    /// Most days of one question.
    pub window_days: i64,
    /// Records of one answer.
    pub page_size: i64,
    /// Most answers to one question; more, and it is asked about fewer days.
    pub pages_max: i64,
    /// Seconds from the end of one look at all days to the next.
    pub every_seconds: i64,
    /// Seconds until we ask again what was refused or answered wrongly.
    pub again_seconds: i64,
}

/// Header and message of a body with a signature in it, as far as that covers them: of this partner, under this `sender_id`,
/// in its dialect, over the bytes that came.
///
/// # Errors
/// `Malformed`; `BadSignature`: none in the body, or one that does not hold.
pub fn prove_body(
    partner: &Partner,
    sender_id: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Fault> {
    let (_, signature) =
        Raw::read(body).map_err(|error| Fault::new(FaultCode::Malformed, error.code()))?;
    let none = || Fault::new(FaultCode::BadSignature, "no-signature");
    let signature = DciSignature {
        sender_id: sender_id.to_owned(),
        text: signature.ok_or_else(none)?,
        head: None,
        kept: None,
    };
    prove_dci(partner, &signature, body, now)
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
