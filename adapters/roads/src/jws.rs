//! The envelope of a signed JSON message: the protected header of a detached JWS beside the body.
//!
//! Id, time, sender and receiver come from the members `jti`, `iat`, `iss` and `aud`. Nothing is trusted
//! here; the verify room proves it and asks for the same claims once more, from the proven header.

use bytes::Bytes;
use certs::jws::{self, Header};
use gateway_core::{
    Claims, Direction, Envelope, Head, Proven, SignatureForm, partner::Environment,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
};

use crate::{arrival, media};

/// The header field that carries the detached signature.
pub const SIGNATURE: HeaderName = HeaderName::from_static("x-jws-signature");

/// Longest detached signature, bytes; RSA-4096 with a full protected header stays below.
pub const SIGNATURE_BYTES_MAX: usize = 4_096;

/// Reads the envelope. A peer that is not the sender is taken for its relay.
///
/// # Errors
/// `UnsupportedMediaType`, `Malformed` for an empty body, `BadSignature` where none or more than one is
/// there or its header is not of our profile.
pub fn envelope(head: &Head, body: &Bytes) -> Result<Envelope, Fault> {
    media::check(&head.headers, media::JSON)?;
    if body.is_empty() {
        return Err(Fault::new(FaultCode::Malformed, "empty-body"));
    }
    let compact = signature(head)?;
    let unproven = jws::parse(compact).map_err(|error| bad(error.reason()))?;
    let claims = read(unproven.header())?;
    Ok(Envelope {
        road: arrival(head, &claims.sender),
        claims,
        key_hint: Some(unproven.header().kid.clone()),
        signature: SignatureForm::Jws(compact.to_owned()),
    })
}

/// The claims once more, from the proven header.
///
/// # Errors
/// `BadSignature` where the proof is no JWS.
pub fn claims(proven: &Proven<'_>) -> Result<Claims, Fault> {
    read(proven.jws().ok_or_else(|| bad("proof-of-another-kind"))?)
}

/// A message of ours on its way out.
#[derive(Debug)]
pub struct Outward {
    /// Its id.
    pub id: String,
    /// Media type and detached signature.
    pub headers: HeaderMap,
    /// The body.
    pub payload: Bytes,
}

/// A compact JWS of ours as it travels: the payload as the body, the signature beside it. None where it is none.
#[must_use]
pub fn outward(compact: &[u8]) -> Option<Outward> {
    let compact = std::str::from_utf8(compact).ok()?;
    let (unproven, payload) = jws::parse_compact(compact).ok()?;
    let (protected, rest) = compact.split_once('.')?;
    let (_, signature) = rest.split_once('.')?;
    let detached = HeaderValue::from_str(&format!("{protected}..{signature}")).ok()?;
    let json = HeaderValue::from_static(gateway_core::sign::JSON);
    Some(Outward {
        id: unproven.header().jti.clone(),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, json), (SIGNATURE, detached)]),
        payload: Bytes::from(payload),
    })
}

/// What a JWS says that carries its body; nothing of it is proven here.
#[derive(Debug, Clone)]
pub struct Carried {
    /// Who says it to whom, when, and under which id.
    pub claims: Claims,
    /// Of an answer: the question's id and content digest.
    pub answers: Option<(MessageId, [u8; 32])>,
    /// The body.
    pub payload: Bytes,
}

/// Reads a JWS that carries its body. None where it is none of our profile.
#[must_use]
pub fn carried(compact: &[u8]) -> Option<Carried> {
    let compact = std::str::from_utf8(compact).ok()?;
    let (unproven, payload) = jws::parse_compact(compact).ok()?;
    let header = unproven.header();
    let answers = match (&header.irt, &header.dig) {
        (Some(to), Some(digest)) => Some((MessageId::parse(to).ok()?, unhex(digest)?)),
        _ => None,
    };
    Some(Carried {
        claims: read(header).ok()?,
        answers,
        payload: Bytes::from(payload),
    })
}

/// A detached signature and the body that it is over, as one text. None where they are none of our profile.
#[must_use]
pub fn whole(detached: &str, body: &[u8]) -> Option<Bytes> {
    jws::attach(detached, body).map(Bytes::from)
}

/// 64 hexadecimal digits.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != digest.len() || !rest.is_empty() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(pairs) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(digest)
}

fn signature(head: &Head) -> Result<&str, Fault> {
    let mut given = head.headers.get_all(&SIGNATURE).iter();
    let one = given.next().ok_or_else(|| bad("no-signature"))?;
    if given.next().is_some() {
        return Err(bad("two-signatures"));
    }
    if one.len() > SIGNATURE_BYTES_MAX {
        return Err(bad("signature-too-long"));
    }
    one.to_str().map_err(|_| bad("signature-characters"))
}

fn read(header: &Header) -> Result<Claims, Fault> {
    let partner = |text: &str| PartnerId::parse(text).map_err(|_| bad("jws-partner"));
    Ok(Claims {
        sender: partner(&header.iss)?,
        receiver: partner(&header.aud)?,
        environment: Environment::parse(&header.env).ok_or_else(|| bad("jws-environment"))?,
        direction: match header.dir {
            jws::Direction::Request => Direction::Request,
            jws::Direction::Answer => Direction::Answer,
        },
        id: MessageId::parse(&header.jti).map_err(|_| bad("jws-id"))?,
        sent_at: Timestamp::from_second(header.iat).map_err(|_| bad("jws-time"))?,
        operation: header.op.clone(),
    })
}

fn bad(reason: &'static str) -> Fault {
    Fault::new(FaultCode::BadSignature, reason)
}

#[cfg(test)]
mod tests;
