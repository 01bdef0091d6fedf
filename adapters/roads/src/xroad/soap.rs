//! What our security server brings as SOAP 4.0: an envelope that says who calls, perhaps with files beside it.
//!
//! The server proves itself by its certificate, and the header block of the envelope is its word, as the header fields
//! of REST are. Of HTTP only the media type counts; `SOAPAction` says nothing in any form.

use bytes::Bytes;
use certs::digest::Sha256;
use gateway_core::{Claims, Envelope, Head, Proven, Road, SignatureForm};
use http::header;
use schemas::{
    fault::{Fault, FaultCode},
    wire::xroad::{
        related::{Attachment, Related},
        soap::Message,
    },
};

/// A message as it was brought.
#[derive(Debug)]
pub struct Brought<'a> {
    /// The envelope, read.
    pub message: Message<'a>,
    /// The files beside it.
    pub attachments: Vec<Attachment<'a>>,
    soap: &'a [u8],
}

/// Reads a body by its one `Content-Type`, with no content coding.
///
/// # Errors
/// `UnsupportedMediaType`, `Malformed`, `TooLarge`; `Unauthenticated` where the envelope names no client.
pub fn read<'a>(head: &Head, body: &'a [u8]) -> Result<Brought<'a>, Fault> {
    let unsupported = |reason| Fault::new(FaultCode::UnsupportedMediaType, reason);
    let mut given = head.headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(kind), None) = (given.next(), given.next()) else {
        return Err(unsupported("media-type"));
    };
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported("content-coding"));
    }
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    let kind = kind.to_str().map_err(|_| unsupported("media-type"))?;
    Brought::of(kind, body)
}

impl<'a> Brought<'a> {
    /// Reads a body of this media type.
    ///
    /// # Errors
    /// Those of [`read`].
    pub fn of(content_type: &str, body: &'a [u8]) -> Result<Self, Fault> {
        let Related { soap, attachments } = Related::read(content_type, body)?;
        Ok(Self {
            message: Message::read(soap)?,
            attachments,
            soap,
        })
    }

    /// What a repetition must equal: the envelope byte by byte and the files, whatever lines stood between them.
    #[must_use]
    pub fn payload(&self) -> Bytes {
        let mut payload = [b"soap ".as_slice(), self.soap].concat();
        for one in &self.attachments {
            let mut hash = Sha256::new();
            hash.update(&one.content);
            payload.extend_from_slice(format!("\n{} ", one.id).as_bytes());
            payload.extend_from_slice(&hash.finish());
        }
        Bytes::from(payload)
    }
}

/// The envelope of a message for `operation`: the one that the server attests.
///
/// # Errors
/// `Unauthenticated` where no security server brought it.
pub fn envelope(head: &Head, operation: &str) -> Result<Envelope, Fault> {
    let attested = head.attested().ok_or_else(nobody)?;
    Ok(Envelope {
        road: Road::XRoad,
        claims: attested.claims(operation, head.arrived_at),
        key_hint: None,
        signature: SignatureForm::Attested,
    })
}

/// The claims once more.
///
/// # Errors
/// `Unauthenticated` where the proof is another.
pub fn claims(head: &Head, proven: &Proven<'_>, operation: &str) -> Result<Claims, Fault> {
    let attested = proven.attested().ok_or_else(nobody)?;
    Ok(attested.claims(operation, head.arrived_at))
}

fn nobody() -> Fault {
    Fault::new(FaultCode::Unauthenticated, "peer-is-no-security-server")
}
