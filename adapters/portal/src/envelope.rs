//! Where id, time, sender and receiver come from: the protected header of the detached JWS; through X-Road,
//! where the agreement takes it, what our security server attests.

use bytes::Bytes;
use gateway_core::{Claims, Envelope, Head, Operation, Proven};
use schemas::fault::Fault;

pub(crate) fn envelope(
    head: &Head,
    body: &Bytes,
    operation: &Operation,
) -> Result<Envelope, Fault> {
    roads::xroad::envelope(head, body, operation.name)
}

pub(crate) fn claims(
    head: &Head,
    proven: &Proven<'_>,
    operation: &Operation,
) -> Result<Claims, Fault> {
    roads::xroad::claims(head, proven, operation.name)
}
