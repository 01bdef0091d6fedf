//! Whether an answer is the department's own.

use bytes::Bytes;
use gateway_core::{outbound, partner::Partner};
use jiff::Timestamp;
use roads::{client::Answer as Response, jws};
use schemas::wire::tax::taxpayer::{self as wire, Message};

use super::spoken;

/// An answer that a key of the department signed.
pub(super) struct Proven {
    pub(super) key: String,
    pub(super) message: Message,
    /// The whole of it, with its signature: the receipt.
    pub(super) bytes: Bytes,
}

/// Why an answer is not believed.
pub(super) enum Unproven {
    Signature(&'static str),
    Unreadable,
}

pub(super) fn proven_xml(
    partner: &Partner,
    response: &Response,
    now: Timestamp,
) -> Result<Proven, Unproven> {
    let proven = outbound::prove_xml(partner, &response.body, wire::BYTES_MAX, now);
    let proven = proven.map_err(|fault| Unproven::Signature(fault.reason()))?;
    let (message, _) = wire::read(&proven.canonical).map_err(|_| Unproven::Unreadable)?;
    Ok(Proven {
        key: proven.key,
        message,
        bytes: response.body.clone(),
    })
}

pub(super) fn proven_json(
    partner: &Partner,
    response: &Response,
    now: Timestamp,
) -> Result<Proven, Unproven> {
    let mut given = response.headers.get_all(&jws::SIGNATURE).iter();
    let detached = match (given.next(), given.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    };
    let detached = detached.ok_or(Unproven::Signature("no-signature"))?;
    let proven = outbound::prove_json(partner, detached, &response.body, now);
    let key = proven.map_err(|fault| Unproven::Signature(fault.reason()))?;
    let bytes = jws::whole(detached, &response.body).ok_or(Unproven::Unreadable)?;
    let said = spoken::said(&bytes).ok_or(Unproven::Unreadable)?;
    Ok(Proven {
        key,
        message: said.message,
        bytes,
    })
}
