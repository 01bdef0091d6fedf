//! What is agreed with a registry that tells by webhooks of OpenCRVS 1.x: the secret between us, in one form.
//!
//! The message names no sender: it is the peer that brings it, known by its certificate. The keyed hash is the message's own
//! proof beside that.

use bytes::Bytes;
use certs::hub::{HubForm, HubSecret};

/// How one partner's webhooks are proven. `Debug` shows no secret.
#[derive(Debug)]
pub struct HubTerms {
    /// The secret, and the form that it is used in.
    pub secret: HubSecret,
}

/// A keyed hash as it came (`X-Hub-Signature`), what it covers, and what of that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSignature {
    /// The header's text.
    pub text: String,
    /// The received bytes that it covers in the sender's registered form.
    pub covered: Bytes,
    /// The received bytes of the first context; always part of what is covered.
    pub context: Bytes,
}

impl HubTerms {
    /// What the keyed hash covers of a body whose first context this is.
    #[must_use]
    pub fn covered(&self, body: &Bytes, context: &Bytes) -> Bytes {
        match self.secret.form() {
            HubForm::Sha256 => body.clone(),
            HubForm::Sha1 => context.clone(),
        }
    }
}
