//! X-Road beside our own security server: what it brings, REST r1 and SOAP 4.0, and what we send through it.
//!
//! In: a message that a registered security server brings may bear its sender's signature, as on any other
//! road; where it bears none, the envelope is what the server attests, and whether that is enough is the
//! agreement's to say. It refuses to know how security servers speak with each other.

mod consumer;
pub mod soap;

use bytes::Bytes;
use gateway_core::{Claims, Envelope, Head, Proven, Road, SignatureForm};
use schemas::fault::{Fault, FaultCode};

use crate::{jws, media};

pub use consumer::{Consumer, Error};

/// Reads the envelope of a JSON message for `operation`: the one that is signed, else the attested one.
///
/// # Errors
/// Those of [`jws::envelope`].
pub fn envelope(head: &Head, body: &Bytes, operation: &str) -> Result<Envelope, Fault> {
    let unsigned = head
        .attested()
        .filter(|_| !head.headers.contains_key(jws::SIGNATURE));
    let Some(attested) = unsigned else {
        return jws::envelope(head, body);
    };
    media::check(&head.headers, media::JSON)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    Ok(Envelope {
        road: Road::XRoad,
        claims: attested.claims(operation, head.arrived_at),
        key_hint: None,
        signature: SignatureForm::Attested,
    })
}

/// The claims once more, from what was proven or attested.
///
/// # Errors
/// `BadSignature` where the proof is of another kind.
pub fn claims(head: &Head, proven: &Proven<'_>, operation: &str) -> Result<Claims, Fault> {
    match proven.attested() {
        Some(attested) => Ok(attested.claims(operation, head.arrived_at)),
        None => jws::claims(proven),
    }
}
