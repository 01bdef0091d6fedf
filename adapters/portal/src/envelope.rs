//! Where id, time, sender and receiver come from: the protected header of the detached JWS; through X-Road,
//! where the agreement takes it, what our security server attests.

use bytes::Bytes;
use gateway_core::{Claims, Envelope, Head, Proven};
use schemas::fault::Fault;

use crate::SUBMIT;

pub(crate) fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    roads::xroad::envelope(head, body, SUBMIT.name)
}

pub(crate) fn claims(head: &Head, proven: &Proven<'_>) -> Result<Claims, Fault> {
    roads::xroad::claims(head, proven, SUBMIT.name)
}
