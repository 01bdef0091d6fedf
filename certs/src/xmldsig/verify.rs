//! The order of the checks: bytes, tree, profile, digest, signature.

use uppsala::Document;

use super::c14n::Ours;
use super::engine::Engine;
use super::prescan::prescan;
use super::structure::{self, Method, Reading};
use super::{Canonicalization, Profile, XmlSigError};
use crate::digest;
use crate::keys::{Algorithm, VerifyingKey};

/// How the reference names the signed element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceForm {
    /// `URI=""`: the whole document.
    WholeDocument,
    /// `URI="#…"` with the root's `Id`.
    RootId,
    /// `URI="#…"` with the id of the element that the message type names.
    ElementId,
}

/// The evidence that a document's root, or the element that the profile names, was signed with a partner's key; only [`verify`] makes one.
///
/// ```compile_fail,E0451
/// # fn other() -> certs::xmldsig::ProvenXml { unreachable!() }
/// let forged = certs::xmldsig::ProvenXml { canonical: Vec::new(), ..other() };
/// ```
pub struct ProvenXml {
    canonical: Vec<u8>,
    reference: ReferenceForm,
    method: Method,
    signing_time: Option<jiff::Timestamp>,
}

impl ProvenXml {
    /// The canonical bytes of the signed element without the signature: what was signed, and all of it.
    pub fn canonical(&self) -> &[u8] {
        &self.canonical
    }

    /// Takes the canonical bytes out.
    pub fn into_canonical(self) -> Vec<u8> {
        self.canonical
    }

    /// How the reference named the signed element.
    pub const fn reference(&self) -> ReferenceForm {
        self.reference
    }

    /// The algorithm of the signature; `None` for the SHA-1 that danger allowed.
    pub const fn algorithm(&self) -> Option<Algorithm> {
        match self.method {
            Method::Listed(algorithm) => Some(algorithm),
            Method::DangerRsaSha1 => None,
        }
    }

    /// When the signer says that it signed (XAdES SigningTime), where it says so.
    pub const fn signing_time(&self) -> Option<jiff::Timestamp> {
        self.signing_time
    }

    /// SHA-256 of the canonical bytes.
    pub fn digest(&self) -> [u8; 32] {
        digest::sha256(&self.canonical)
    }
}

impl std::fmt::Debug for ProvenXml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "ProvenXml({} bytes, {:?})",
            self.canonical.len(),
            self.method
        )
    }
}

/// Proves that the root of `document` (or the element that the profile names) was signed with `key`.
///
/// Bytes, then tree, then profile, then digests, then signature: the expensive checks come last.
pub fn verify(
    document: &[u8],
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<ProvenXml, XmlSigError> {
    verify_with(&Ours, document, key, profile)
}

/// The canonical bytes of a document's root, signed or not: what [`verify`] digests, for tests and tools.
/// It proves nothing.
pub fn canonical_form(
    document: &[u8],
    form: &Canonicalization,
    profile: &Profile,
) -> Result<Vec<u8>, XmlSigError> {
    let text = prescan(document, profile)?;
    let tree = parse(&text, profile)?;
    let root = tree.document_element().ok_or(XmlSigError::Malformed)?;
    Ours.canonical(&tree, root, None, form)
        .ok_or(XmlSigError::OverLimit)
}

/// The canonical bytes of the element that the profile names, whoever signed it or nobody: for messages that are believed
/// for another reason. It proves nothing.
///
/// # Errors
/// What makes any document refused, and `SignedElement` where there is none such or are several.
pub fn unsigned_element(document: &[u8], profile: &Profile) -> Result<Vec<u8>, XmlSigError> {
    let text = prescan(document, profile)?;
    let tree = parse(&text, profile)?;
    let element = structure::unsigned(&tree, profile)?;
    let form = Canonicalization::Exclusive(Vec::new());
    Ours.canonical(&tree, element, None, &form)
        .filter(|bytes| bytes.starts_with(b"<") && bytes.ends_with(b">"))
        .ok_or(XmlSigError::EmptyCanonical)
}

fn parse<'a>(text: &'a str, profile: &Profile) -> Result<Document<'a>, XmlSigError> {
    uppsala::Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(profile.depth_max)
        .parse(text)
        .map_err(|_| XmlSigError::Malformed)
}

fn verify_with(
    engine: &impl Engine,
    document: &[u8],
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<ProvenXml, XmlSigError> {
    let text = prescan(document, profile)?;
    let tree = parse(&text, profile)?;
    let reading = structure::read(&tree, key, profile)?;
    let canonical = signed_bytes(engine, &tree, &reading)?;
    check_properties(engine, &tree, &reading)?;
    check_signature(engine, &tree, &reading, key)?;
    Ok(ProvenXml {
        canonical,
        reference: reading.form,
        method: reading.method,
        signing_time: reading.properties.map(|one| one.signing_time),
    })
}

/// Our own canonical bytes, whose digest must be the one that is signed.
fn signed_bytes(
    engine: &impl Engine,
    tree: &Document<'_>,
    reading: &Reading,
) -> Result<Vec<u8>, XmlSigError> {
    let (target, form) = (reading.target, &reading.target_form);
    let canonical = engine
        .canonical(tree, target, Some(reading.signature), form)
        .filter(|bytes| bytes.starts_with(b"<") && bytes.ends_with(b">"))
        .ok_or(XmlSigError::EmptyCanonical)?;
    if reading.digest.is_of(&canonical) {
        Ok(canonical)
    } else {
        Err(XmlSigError::DigestMismatch)
    }
}

/// The same for the XAdES properties, where there are any.
fn check_properties(
    engine: &impl Engine,
    tree: &Document<'_>,
    reading: &Reading,
) -> Result<(), XmlSigError> {
    let Some(properties) = &reading.properties else {
        return Ok(());
    };
    let canonical = engine
        .canonical(tree, properties.node, None, &properties.form)
        .ok_or(XmlSigError::EmptyCanonical)?;
    if properties.digest.is_of(&canonical) {
        Ok(())
    } else {
        Err(XmlSigError::XadesDigest)
    }
}

fn check_signature(
    engine: &impl Engine,
    tree: &Document<'_>,
    reading: &Reading,
    key: &VerifyingKey,
) -> Result<(), XmlSigError> {
    let (node, form) = (reading.signed_info, &reading.signed_info_form);
    let signed_info = engine
        .canonical(tree, node, None, form)
        .ok_or(XmlSigError::EmptyCanonical)?;
    match reading.method {
        Method::Listed(algorithm) => key.verify(algorithm, &signed_info, &reading.value),
        Method::DangerRsaSha1 => key.danger_verify_rsa_sha1(&signed_info, &reading.value),
    }
    .map_err(|_| XmlSigError::SignatureMismatch)
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
        fn canonical(
            &self,
            _: &Document<'_>,
            _: NodeId,
            without: Option<NodeId>,
            _: &Canonicalization,
        ) -> Option<Vec<u8>> {
            match without {
                Some(_) => self.root.clone(),
                None => self.signed_info.clone(),
            }
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
