//! The order of the checks: bytes, tree, profile, digest, signature.

use uppsala::Document;

use super::engine::{Bergshamra, Engine};
use super::prescan::prescan;
use super::structure::{self, Reading};
use super::{Profile, XmlSigError};
use crate::digest;
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
/// ```compile_fail,E0451
/// # fn other() -> certs::xmldsig::ProvenXml { unreachable!() }
/// let forged = certs::xmldsig::ProvenXml { canonical: Vec::new(), ..other() };
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
///
/// Bytes, then tree, then profile, then digest, then signature: the expensive checks come last.
pub fn verify(
    document: &[u8],
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<ProvenXml, XmlSigError> {
    verify_with(&Bergshamra, document, key, profile)
}

fn verify_with(
    engine: &impl Engine,
    document: &[u8],
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<ProvenXml, XmlSigError> {
    let text = prescan(document, profile)?;
    let tree = uppsala::Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(profile.depth_max)
        .parse(text)
        .map_err(|_| XmlSigError::Malformed)?;
    let reading = structure::read(&tree, key, profile)?;
    let canonical = canonical_root(engine, &tree, &reading)?;
    let signed_info = engine
        .canonical_of(&tree, reading.signed_info)
        .ok_or(XmlSigError::EmptyCanonical)?;
    key.verify(reading.algorithm, &signed_info, &reading.value)
        .map_err(|_| XmlSigError::SignatureMismatch)?;
    Ok(ProvenXml {
        canonical,
        reference: reading.reference,
        algorithm: reading.algorithm,
        digest: reading.digest,
    })
}

/// Our own canonical bytes, whose digest must be the one that is signed.
fn canonical_root(
    engine: &impl Engine,
    tree: &Document<'_>,
    reading: &Reading,
) -> Result<Vec<u8>, XmlSigError> {
    let canonical = engine
        .canonical_without(tree, reading.signature)
        .filter(|bytes| bytes.starts_with(b"<") && bytes.ends_with(b">"))
        .ok_or(XmlSigError::EmptyCanonical)?;
    if digest::constant_time_eq(&digest::sha256(&canonical), &reading.digest) {
        Ok(canonical)
    } else {
        Err(XmlSigError::DigestMismatch)
    }
}

#[cfg(test)]
mod tests {
    use uppsala::NodeId;

    use super::*;
    use crate::pki::{Authority, IssueParams, Usage};

    /// A library that answers whatever the test wants.
    struct Liar {
        root: Option<Vec<u8>>,
        signed_info: Option<Vec<u8>>,
    }

    impl Engine for Liar {
        fn canonical_without(&self, _: &Document<'_>, _: NodeId) -> Option<Vec<u8>> {
            self.root.clone()
        }

        fn canonical_of(&self, _: &Document<'_>, _: NodeId) -> Option<Vec<u8>> {
            self.signed_info.clone()
        }
    }

    const ROOT: &[u8] = b"<A Id=\"m-1\"><B>x</B></A>";

    fn reason(root: Option<&[u8]>, signed_info: Option<&[u8]>) -> &'static str {
        let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        let authority = Authority::generate("test", now).unwrap();
        let issued = authority
            .issue(&IssueParams::new("a", Usage::Signing, now))
            .unwrap();
        let signing = crate::keys::SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
        let key = VerifyingKey::from_certificate_der(&issued.der).unwrap();
        let signed = super::super::sign_enveloped(ROOT, "m-1", &signing, None).unwrap();
        let liar = Liar {
            root: root.map(<[u8]>::to_vec),
            signed_info: signed_info.map(<[u8]>::to_vec),
        };
        verify_with(&liar, &signed, &key, &Profile::default())
            .unwrap_err()
            .reason()
    }

    #[test]
    fn an_empty_canonical_form_is_refused_even_when_the_library_is_content() {
        assert_eq!(reason(Some(b""), Some(b"x")), "empty-canonical");
        assert_eq!(reason(None, Some(b"x")), "empty-canonical");
        assert_eq!(reason(Some(ROOT), None), "empty-canonical");
    }

    #[test]
    fn a_library_that_canonicalises_something_else_proves_nothing() {
        assert_eq!(reason(Some(b"<A></A>"), Some(b"x")), "digest-mismatch");
        assert_eq!(reason(Some(ROOT), Some(b"")), "signature-mismatch");
        assert_eq!(reason(Some(ROOT), Some(ROOT)), "signature-mismatch");
    }
}
