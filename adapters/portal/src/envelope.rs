//! Where id, time, sender and receiver come from: the protected header of the detached JWS.

use bytes::Bytes;
use gateway_core::{Claims, Envelope, Head, Proven};
use schemas::fault::Fault;

pub(crate) fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    roads::jws::envelope(head, body)
}

pub(crate) fn claims(proven: &Proven<'_>) -> Result<Claims, Fault> {
    roads::jws::claims(proven)
}
