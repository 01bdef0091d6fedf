//! Our signature under answers and faults, bound to the request they belong to.

use std::sync::Arc;

use certs::{jws, keys::SigningKey};
use jiff::Timestamp;
use schemas::id::PartnerId;

use crate::{
    adapter::{AnswerHead, Unsigned},
    partner::Environment,
};

/// The media type of signed XML answers.
pub const XML: &str = "application/xml; charset=utf-8";
/// The media type of JSON answers.
pub const JSON: &str = "application/json";

/// Our signing key and the names under which partners know it.
#[derive(Clone)]
pub struct Signer(Arc<Inner>);

struct Inner {
    key: SigningKey,
    kid: String,
    certificate_der: Option<Vec<u8>>,
    us: PartnerId,
    environment: Environment,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.0.kid)
            .finish_non_exhaustive()
    }
}

/// A signed answer, as bytes.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// The detached signature beside a JSON body.
    pub(crate) signature: Option<String>,
}

/// The key could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the signing key failed: {0}")]
pub struct SignError(String);

impl Signer {
    /// A signer for our answers. `certificate_der` goes into XML signatures as a hint.
    #[must_use]
    pub fn new(
        key: SigningKey,
        kid: String,
        certificate_der: Option<Vec<u8>>,
        us: PartnerId,
        environment: Environment,
    ) -> Self {
        Self(Arc::new(Inner {
            key,
            kid,
            certificate_der,
            us,
            environment,
        }))
    }

    /// Us, as the sender of answers.
    #[must_use]
    pub fn us(&self) -> &PartnerId {
        &self.0.us
    }

    /// Our environment.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.0.environment
    }

    pub(crate) fn sign(&self, unsigned: Unsigned, head: &AnswerHead) -> Result<Signed, SignError> {
        match unsigned {
            Unsigned::Xml { canonical, root_id } => self.sign_xml(&canonical, &root_id),
            Unsigned::Json(body) => self.sign_json(body, head),
        }
    }

    fn sign_xml(&self, canonical: &[u8], root_id: &str) -> Result<Signed, SignError> {
        let certificate = self.0.certificate_der.as_deref();
        let body = certs::xmldsig::sign_enveloped(canonical, root_id, &self.0.key, certificate)
            .map_err(|error| SignError(error.to_string()))?;
        Ok(Signed {
            content_type: XML,
            body,
            signature: None,
        })
    }

    fn sign_json(&self, body: Vec<u8>, head: &AnswerHead) -> Result<Signed, SignError> {
        let signature = jws::sign(&self.header(head), &self.0.key, &body)
            .map_err(|error| SignError(error.to_string()))?;
        Ok(Signed {
            content_type: JSON,
            body,
            signature: Some(signature),
        })
    }

    fn header(&self, head: &AnswerHead) -> jws::Header {
        jws::Header {
            alg: self.0.key.algorithm(),
            kid: self.0.kid.clone(),
            iss: head.sender.as_str().to_owned(),
            aud: head.receiver.as_str().to_owned(),
            jti: head.id.as_str().to_owned(),
            iat: seconds(head.sent_at),
            env: head.environment.as_str().to_owned(),
            dir: jws::Direction::Answer,
            op: head.operation.clone(),
            irt: Some(head.in_reply_to.as_str().to_owned()),
            dig: Some(hex(&head.request_digest)),
        }
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.as_second()
}

/// Lower-case hex, as digests are written on the wire.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
