//! Where id, time, sender and receiver come from: the protected header of the detached JWS.
//!
//! The id in it names the transmission. What is remembered is `<module>-<maHoSoLT>` from the content,
//! read in [`crate::decode`]; a poll is never remembered.

use bytes::Bytes;
use gateway_core::{Claims, Envelope, Head, Proven};
use schemas::fault::Fault;

pub(crate) fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    roads::jws::envelope(head, body)
}

pub(crate) fn claims(proven: &Proven<'_>) -> Result<Claims, Fault> {
    roads::jws::claims(proven)
}
