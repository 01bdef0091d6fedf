//! The order of the checks: bytes, tree, profile, digest, signature, engine.

use super::XmlSigError;
use super::profile::Profile;
use crate::keys::{Algorithm, VerifyingKey};

/// How the one reference names the root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceForm {
    /// `URI=""`: the whole document.
    WholeDocument,
    /// `URI="#…"` with the root's `Id`.
    RootId,
}

/// The evidence that a document's root was signed with a partner's key; only [`verify`] makes one.
///
/// ```compile_fail
/// let forged = certs::xmldsig::ProvenXml { canonical: Vec::new() };
/// ```
pub struct ProvenXml {
    canonical: Vec<u8>,
    reference: ReferenceForm,
    algorithm: Algorithm,
    digest: [u8; 32],
}

impl ProvenXml {
    /// The exclusive-canonical bytes of the root without its signature: what was signed, and all of it.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// Takes the canonical bytes out.
    pub fn into_canonical(self) -> Vec<u8> {
        self.canonical
    }

    /// How the reference named the root.
    pub const fn reference(&self) -> ReferenceForm {
        self.reference
    }

    /// The algorithm of the signature.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// SHA-256 of the canonical bytes: the reference's DigestValue.
    pub const fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

impl std::fmt::Debug for ProvenXml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ProvenXml({} bytes, {})",
            self.canonical.len(),
            self.algorithm
        )
    }
}

/// Proves that the root of `document` was signed with `key` under the profile.
pub fn verify(
    document: &[u8],
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<ProvenXml, XmlSigError> {
    let _ = (document, key, profile);
    todo!()
}
