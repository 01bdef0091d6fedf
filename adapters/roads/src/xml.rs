//! The envelope of a signed XML message: the `Header` element of our own signed-XML profile.
//!
//! The whole document is scanned before anything builds a tree of it; what the header claims is read
//! on the way. Nothing is trusted here; the verify room proves the document and asks for the same
//! claims once more, from the proven bytes.

use bytes::Bytes;
use gateway_core::{Claims, Direction, Envelope, Head, SignatureForm, partner::Environment};
use schemas::{
    fault::{Fault, FaultCode},
    wire::tax::{self as wire, Header, WireError},
    xml::{Limits, Reader, XmlError},
};

use crate::{arrival, media};

/// What a system's messages look like from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The namespace of root and header.
    pub namespace: &'static str,
    /// The root element.
    pub root: &'static str,
}

/// Reads the envelope. A peer that is not the sender is taken for its relay.
///
/// # Errors
/// `UnsupportedMediaType`; `TooLarge` where a bound of XML is passed; `Malformed` for whatever else is
/// wrong with the document or its header.
pub fn envelope(head: &Head, body: &Bytes, shape: Shape) -> Result<Envelope, Fault> {
    media::check(&head.headers, media::XML)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    let claims = claims(&read(body, shape)?);
    Ok(Envelope {
        road: arrival(head, &claims.sender),
        claims,
        key_hint: None,
        signature: SignatureForm::Xml,
    })
}

/// What a header claims, in the words of the pipeline.
#[must_use]
pub fn claims(header: &Header) -> Claims {
    Claims {
        sender: header.sender.clone(),
        receiver: header.receiver.clone(),
        environment: match header.environment {
            wire::Environment::Sandbox => Environment::Sandbox,
            wire::Environment::Test => Environment::Test,
            wire::Environment::Production => Environment::Production,
        },
        direction: match header.direction {
            wire::Direction::Request => Direction::Request,
            wire::Direction::Answer => Direction::Answer,
        },
        id: header.message_id.clone(),
        sent_at: header.sent_at,
        operation: header.operation.clone(),
    }
}

/// The header, and the scan of the whole document around it.
fn read(body: &[u8], shape: Shape) -> Result<Header, Fault> {
    let mut reader =
        Reader::open(body, shape.namespace, &Limits::default()).map_err(|error| xml(&error))?;
    let header = header(&mut reader, shape);
    if let Some(error) = reader.broken() {
        return Err(xml(&error));
    }
    reader.drain().map_err(|error| xml(&error))?;
    header.map_err(|error| Fault::new(FaultCode::Malformed, error.reason).field(error.field))
}

fn header(reader: &mut Reader<'_>, shape: Shape) -> Result<Header, WireError> {
    reader.enter_with(shape.root, "Id")?;
    Header::read(reader)
}

fn xml(error: &XmlError) -> Fault {
    let code = match error.reason().is_limit() {
        true => FaultCode::TooLarge,
        false => FaultCode::Malformed,
    };
    Fault::new(code, error.code()).log(error.to_string())
}

#[cfg(test)]
mod tests;
