//! The order of the checks: bytes, tree, profile, digest, signature, engine.

use uppsala::{Document, NodeId};

use super::engine::{Bergshamra, Engine, Verdict};
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
    match engine.verify(&tree, text, key) {
        Verdict::Invalid => return Err(XmlSigError::SignatureMismatch),
        Verdict::Valid {
            signature,
            references,
        } => agree(&reading, signature, &references)?,
    }
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

/// The library must have checked the signature that we read and found the root that we mean.
fn agree(
    reading: &Reading,
    signature: NodeId,
    references: &[Option<NodeId>],
) -> Result<(), XmlSigError> {
    let resolved = match reading.reference {
        ReferenceForm::WholeDocument => None,
        ReferenceForm::RootId => Some(reading.root),
    };
    if signature == reading.signature && references == [resolved] {
        Ok(())
    } else {
        Err(XmlSigError::EngineDisagrees)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{Authority, IssueParams, Usage};

    /// A library that answers whatever the test wants.
    struct Liar {
        canonical: Option<Vec<u8>>,
        verdict: fn(&Document<'_>) -> Verdict,
    }

    impl Engine for Liar {
        fn canonical_without(&self, _: &Document<'_>, _: NodeId) -> Option<Vec<u8>> {
            self.canonical.clone()
        }

        fn verify(&self, tree: &Document<'_>, _: &str, _: &VerifyingKey) -> Verdict {
            (self.verdict)(tree)
        }
    }

    const ROOT: &[u8] = b"<A Id=\"m-1\"><B>x</B></A>";

    fn reason(canonical: Option<&[u8]>, verdict: fn(&Document<'_>) -> Verdict) -> &'static str {
        let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        let authority = Authority::generate("test", now).unwrap();
        let issued = authority
            .issue(&IssueParams::new("a", Usage::Signing, now))
            .unwrap();
        let signing = crate::keys::SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
        let key = VerifyingKey::from_certificate_der(&issued.der).unwrap();
        let signed = super::super::sign_enveloped(ROOT, "m-1", &signing, None).unwrap();
        let liar = Liar {
            canonical: canonical.map(<[u8]>::to_vec),
            verdict,
        };
        verify_with(&liar, &signed, &key, &Profile::default())
            .unwrap_err()
            .reason()
    }

    fn about_the_root(tree: &Document<'_>) -> Verdict {
        let root = tree.document_element().unwrap();
        Verdict::Valid {
            signature: root,
            references: vec![Some(root)],
        }
    }

    fn about_another_element(tree: &Document<'_>) -> Verdict {
        let root = tree.document_element().unwrap();
        let signature = tree.last_child(root).unwrap();
        Verdict::Valid {
            signature,
            references: vec![tree.first_child(root)],
        }
    }

    #[test]
    fn an_empty_canonical_form_is_refused_even_when_the_library_is_content() {
        assert_eq!(reason(Some(b""), about_the_root), "empty-canonical");
        assert_eq!(reason(None, about_the_root), "empty-canonical");
    }

    #[test]
    fn a_library_that_verified_something_else_is_not_believed() {
        assert_eq!(reason(Some(ROOT), about_the_root), "engine-disagrees");
        assert_eq!(
            reason(Some(ROOT), about_another_element),
            "engine-disagrees"
        );
        assert_eq!(
            reason(Some(ROOT), |_| Verdict::Invalid),
            "signature-mismatch"
        );
        assert_eq!(
            reason(Some(b"<A></A>"), about_another_element),
            "digest-mismatch"
        );
    }
}
