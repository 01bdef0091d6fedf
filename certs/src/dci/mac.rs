//! `x-HMAC: HMAC-SHA256 Credential=<sender_id>, SignedHeaders=host;date;content-type, Signature=<base64>`.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{DciError, Said};
use crate::digest::sha256_hex;

const SCHEME: &str = "HMAC-SHA256 ";
const SIGNED: &str = "host;date;content-type";

/// A secret between a partner and us; `Debug` shows nothing.
pub struct Secret(hmac::Key);

impl Secret {
    /// From its bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// HMAC-SHA-256 of `data`.
    #[must_use]
    pub fn tag(&self, data: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, data).as_ref().to_vec()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

/// What of a request is covered beside its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedHead<'a> {
    /// The path; the method is POST.
    pub path: &'a str,
    /// The header field Host, or the authority.
    pub host: &'a str,
    /// The header field Date.
    pub date: &'a str,
    /// The header field Content-Type.
    pub content_type: &'a str,
}

impl SignedHead<'_> {
    fn covered(&self, body: &[u8]) -> String {
        let Self {
            path,
            host,
            date,
            content_type,
        } = self;
        let digest = sha256_hex(body);
        format!("POST {path}\nhost:{host}\ndate:{date}\ncontent-type:{content_type}\n{digest}")
    }
}

pub(super) fn prove(
    secret: &Secret,
    said: &Said<'_>,
    head: &SignedHead<'_>,
) -> Result<(), DciError> {
    let members = said.signature.strip_prefix(SCHEME).ok_or(DciError::Form)?;
    let mut members = members.split(", ");
    let mut member = |name: &str| {
        let value = members.next().and_then(|one| one.strip_prefix(name));
        value.ok_or(DciError::Form)
    };
    let credential = member("Credential=")?;
    let signed = member("SignedHeaders=")?;
    let signature = member("Signature=")?;
    if members.next().is_some() {
        return Err(DciError::Form);
    }
    if credential != said.sender_id {
        return Err(DciError::KeyId);
    }
    if signed != SIGNED {
        return Err(DciError::Covered);
    }
    let tag = STANDARD.decode(signature).map_err(|_| DciError::Base64)?;
    hmac::verify(&secret.0, head.covered(said.body).as_bytes(), &tag).map_err(|_| DciError::Mac)
}

pub(super) fn sign(secret: &Secret, sender_id: &str, body: &[u8], head: &SignedHead<'_>) -> String {
    let tag = STANDARD.encode(secret.tag(head.covered(body).as_bytes()));
    format!("{SCHEME}Credential={sender_id}, SignedHeaders={SIGNED}, Signature={tag}")
}
