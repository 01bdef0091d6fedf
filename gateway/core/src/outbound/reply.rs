//! A partner's signed answer to what we asked: proven by a key that is registered for it, and by nothing else.

use certs::{digest, xmldsig::Signed};
use jiff::Timestamp;
use schemas::{fault::Fault, id::PartnerId};

use crate::{partner::Partner, stage::verify};

/// A document that a partner's registered key signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The key's name.
    pub key: String,
    /// The proven bytes: the canonical root without its signature. Nothing else of the document is to be read.
    pub canonical: Vec<u8>,
}

/// Proves a signed XML document of at most so many bytes by the keys of the partner that it came from.
///
/// # Errors
/// `BadSignature` with the narrowest reason.
pub fn prove_xml(
    partner: &Partner,
    document: &[u8],
    bytes_max: usize,
    now: Timestamp,
) -> Result<Reply, Fault> {
    let looked = verify::Looked {
        named: None,
        danger_sha1: false,
        signed: Signed::Root,
        bytes_max,
    };
    let (proven, key) = verify::xml_proof(partner, document, looked, now)?;
    Ok(Reply {
        key: key.to_owned(),
        canonical: proven.canonical().to_vec(),
    })
}

/// Proves a detached JWS over a body by the keys of the partner that it came from, and names the key.
///
/// # Errors
/// `BadSignature` with the narrowest reason.
pub fn prove_json(
    partner: &Partner,
    detached: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<String, Fault> {
    let proof = verify::prove_jws(partner, detached, body, now)?;
    Ok(proof.header().kid.clone())
}

/// SHA-256 over operation, sender, receiver and body of a message of ours: what an answer has to be bound to.
#[must_use]
pub fn content_digest(
    operation: &str,
    sender: &PartnerId,
    receiver: &PartnerId,
    body: &[u8],
) -> [u8; 32] {
    digest::content_digest(operation, sender.as_str(), receiver.as_str(), body)
}
