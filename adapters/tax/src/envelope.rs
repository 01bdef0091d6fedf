//! Where id, time, sender and receiver come from: the signed `Header` of the XML document.

use bytes::Bytes;
use gateway_core::{Envelope, Head};
use roads::xml::Shape;
use schemas::{fault::Fault, wire::tax as wire};

const SHAPE: Shape = Shape {
    namespace: wire::NAMESPACE,
    root: wire::ROOT,
};

pub(crate) fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    roads::xml::envelope(head, body, SHAPE)
}
