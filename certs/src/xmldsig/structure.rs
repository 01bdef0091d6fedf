//! The profile over the tree: where the one signature stands, what it may contain, what it refers to.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uppsala::{Document, Element, NodeId, NodeKind};

use super::{Profile, ReferenceForm, XmlSigError};
use crate::keys::{Algorithm, VerifyingKey};

pub(super) const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
pub(super) const EXC_C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub(super) const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub(super) const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// Attributes that somebody, somewhere, takes for an identifier.
const ID_NAMES: [&str; 4] = ["id", "assertionid", "requestid", "responseid"];

/// What the signature says, read once and to the letter.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) signature: NodeId,
    pub(super) signed_info: NodeId,
    pub(super) value: Vec<u8>,
    pub(super) algorithm: Algorithm,
    pub(super) reference: ReferenceForm,
    pub(super) digest: [u8; 32],
}

/// Walks the tree and reads the signature, or names the first rule that is broken.
pub(super) fn read(
    document: &Document<'_>,
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<Reading, XmlSigError> {
    let root = document.document_element().ok_or(XmlSigError::Malformed)?;
    let signature = only_signature(document, root)?;
    let tree = Tree(document);
    let parts = tree.children(signature)?;
    let (signed_info, value, key_info) = match *parts.as_slice() {
        [info, value] => (info, value, None),
        [info, value, key_info] => (info, value, Some(key_info)),
        _ => return Err(XmlSigError::SignatureStructure),
    };
    tree.expect(signature, "Signature", &["Id"])?;
    let (algorithm, reference) = read_signed_info(&tree, signed_info, key, profile)?;
    let (form, digest) = read_reference(&tree, root, reference)?;
    tree.expect(value, "SignatureValue", &["Id"])?;
    let value = tree.base64(value)?;
    if let Some(key_info) = key_info {
        check_key_info(&tree, key_info, key)?;
    }
    Ok(Reading {
        signature,
        signed_info,
        value,
        algorithm,
        reference: form,
        digest,
    })
}

/// Finds the one signature; on the way, no node, no identifier and no stray signature part may offend.
///
/// Nothing is proven yet, so the walk stays linear: a second signature ends it at once, and what stands
/// inside the only one is known by its place in the walk, without climbing.
fn only_signature(document: &Document<'_>, root: NodeId) -> Result<NodeId, XmlSigError> {
    let mut ids = HashSet::new();
    let mut found: Option<(NodeId, usize)> = None;
    let mut stray = false;
    for (at, node) in document
        .descendants(document.root())
        .into_iter()
        .enumerate()
    {
        match document.node_kind(node) {
            Some(NodeKind::Element(element)) => {
                collect_ids(element, &mut ids)?;
                if element.matches_name_ns(DSIG, "Signature") {
                    if found.is_some() {
                        return Err(XmlSigError::SeveralSignatures);
                    }
                    found = Some((node, at + document.descendants(node).len()));
                } else if element.name.namespace_uri.as_deref() == Some(DSIG) {
                    stray |= found.is_none_or(|(_, last_inside)| at > last_inside);
                }
            }
            Some(NodeKind::Text(_) | NodeKind::Document) => {}
            _ => return Err(XmlSigError::ForbiddenNode),
        }
    }
    let Some((signature, _)) = found else {
        return Err(XmlSigError::NoSignature);
    };
    if stray {
        return Err(XmlSigError::SignatureStructure);
    }
    let last = document
        .children_iter(root)
        .rfind(|child| document.element(*child).is_some());
    if last == Some(signature) {
        Ok(signature)
    } else {
        Err(XmlSigError::SignaturePosition)
    }
}

fn collect_ids<'a>(
    element: &'a Element<'_>,
    ids: &mut HashSet<&'a str>,
) -> Result<(), XmlSigError> {
    for attribute in &element.attributes {
        let name = attribute.name.local_name.as_ref();
        if !ID_NAMES
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
        {
            continue;
        }
        let value = attribute.value.as_ref();
        if value.is_empty() || !ids.insert(value) {
            return Err(XmlSigError::DuplicateId);
        }
    }
    Ok(())
}

fn read_signed_info(
    tree: &Tree<'_, '_>,
    signed_info: NodeId,
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<(Algorithm, NodeId), XmlSigError> {
    tree.expect(signed_info, "SignedInfo", &["Id"])?;
    let parts = tree.children(signed_info)?;
    let [canonicalization, method, references @ ..] = parts.as_slice() else {
        return Err(XmlSigError::SignatureStructure);
    };
    tree.expect(*canonicalization, "CanonicalizationMethod", &["Algorithm"])?;
    if tree.algorithm(*canonicalization) != Some(EXC_C14N) || !tree.is_empty(*canonicalization) {
        return Err(XmlSigError::Canonicalization);
    }
    tree.expect(*method, "SignatureMethod", &["Algorithm"])?;
    let algorithm = tree
        .algorithm(*method)
        .and_then(Algorithm::from_xml_uri)
        .filter(|algorithm| profile.algorithms.contains(algorithm))
        .ok_or(XmlSigError::AlgorithmRefused)?;
    if !tree.is_empty(*method) {
        return Err(XmlSigError::SignatureStructure);
    }
    if algorithm.key_kind() != key.kind() {
        return Err(XmlSigError::AlgorithmMismatch);
    }
    match *references {
        [reference] => Ok((algorithm, reference)),
        _ => Err(XmlSigError::ReferenceCount),
    }
}

fn read_reference(
    tree: &Tree<'_, '_>,
    root: NodeId,
    reference: NodeId,
) -> Result<(ReferenceForm, [u8; 32]), XmlSigError> {
    tree.expect(reference, "Reference", &["Id", "URI"])?;
    let form = reference_form(tree, root, reference)?;
    let parts = tree.children(reference)?;
    let [transforms, method, value] = *parts.as_slice() else {
        // without transforms the signature would have to contain its own digest
        return Err(XmlSigError::Transforms);
    };
    check_transforms(tree, transforms)?;
    tree.expect(method, "DigestMethod", &["Algorithm"])?;
    if tree.algorithm(method) != Some(SHA256) || !tree.is_empty(method) {
        return Err(XmlSigError::DigestRefused);
    }
    tree.expect(value, "DigestValue", &[])?;
    let digest = tree
        .base64(value)?
        .try_into()
        .map_err(|_| XmlSigError::BadValue)?;
    Ok((form, digest))
}

/// `""` or `#` with the root's own `Id`; an XPointer, another element or another file is refused.
fn reference_form(
    tree: &Tree<'_, '_>,
    root: NodeId,
    reference: NodeId,
) -> Result<ReferenceForm, XmlSigError> {
    let refused = Err(XmlSigError::ReferenceNotRoot);
    let Some(uri) = tree.attribute(reference, "URI") else {
        return refused;
    };
    if uri.is_empty() {
        return Ok(ReferenceForm::WholeDocument);
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match uri.strip_prefix('#') {
        Some(id) if id.bytes().all(plain) && tree.attribute(root, "Id") == Some(id) => {
            Ok(ReferenceForm::RootId)
        }
        _ => refused,
    }
}

fn check_transforms(tree: &Tree<'_, '_>, transforms: NodeId) -> Result<(), XmlSigError> {
    tree.expect(transforms, "Transforms", &[])
        .map_err(|_| XmlSigError::Transforms)?;
    let both = tree.children(transforms)?;
    let is_exactly = both.len() == 2
        && both
            .iter()
            .zip([ENVELOPED, EXC_C14N])
            .all(|(transform, expected)| {
                tree.expect(*transform, "Transform", &["Algorithm"]).is_ok()
                    && tree.algorithm(*transform) == Some(expected)
                    && tree.is_empty(*transform)
            });
    if is_exactly {
        Ok(())
    } else {
        Err(XmlSigError::Transforms)
    }
}

/// A hint at most: names and certificates may stand there; a certificate must be the sender's.
fn check_key_info(
    tree: &Tree<'_, '_>,
    key_info: NodeId,
    key: &VerifyingKey,
) -> Result<(), XmlSigError> {
    let refused = XmlSigError::KeyInfo;
    tree.expect(key_info, "KeyInfo", &["Id"])
        .map_err(|_| refused)?;
    let mut certificates = Vec::new();
    for part in tree.children(key_info).map_err(|_| refused)? {
        if tree.expect(part, "KeyName", &[]).is_ok() {
            continue;
        }
        tree.expect(part, "X509Data", &[]).map_err(|_| refused)?;
        for item in tree.children(part).map_err(|_| refused)? {
            if tree.expect(item, "X509Certificate", &[]).is_ok() {
                certificates.push(tree.base64(item).map_err(|_| refused)?);
            } else if !tree.is_x509_hint(item) {
                return Err(refused);
            }
        }
    }
    if certificates.is_empty() || certificates.iter().any(|der| key.is_key_of(der)) {
        Ok(())
    } else {
        Err(XmlSigError::KeyInfoMismatch)
    }
}

/// Strict reading of elements in the signature's namespace.
struct Tree<'d, 'a>(&'d Document<'a>);

impl<'d, 'a> Tree<'d, 'a> {
    /// The child elements; between them nothing but white space.
    fn children(&self, node: NodeId) -> Result<Vec<NodeId>, XmlSigError> {
        let mut elements = Vec::new();
        for child in self.0.children_iter(node) {
            match self.0.node_kind(child) {
                Some(NodeKind::Element(_)) => elements.push(child),
                Some(NodeKind::Text(text)) if is_white(text) => {}
                _ => return Err(XmlSigError::SignatureStructure),
            }
        }
        Ok(elements)
    }

    /// The element must have this name in the signature's namespace and no other attributes than these.
    fn expect(&self, node: NodeId, name: &str, allowed: &[&str]) -> Result<(), XmlSigError> {
        let element = self
            .0
            .element(node)
            .ok_or(XmlSigError::SignatureStructure)?;
        let known = element.attributes.iter().all(|attribute| {
            attribute.name.namespace_uri.is_none()
                && allowed.contains(&attribute.name.local_name.as_ref())
        });
        if known && element.matches_name_ns(DSIG, name) {
            Ok(())
        } else {
            Err(XmlSigError::SignatureStructure)
        }
    }

    /// An attribute without namespace.
    fn attribute(&self, node: NodeId, name: &str) -> Option<&'d str> {
        let element = self.0.element(node)?;
        element
            .attributes
            .iter()
            .find(|found| found.name.namespace_uri.is_none() && found.name.local_name == name)
            .map(|found| found.value.as_ref())
    }

    fn algorithm(&self, node: NodeId) -> Option<&'d str> {
        self.attribute(node, "Algorithm")
    }

    fn is_empty(&self, node: NodeId) -> bool {
        self.children(node)
            .is_ok_and(|children| children.is_empty())
    }

    /// The element's only child is text, base64 with white space between the characters.
    fn base64(&self, node: NodeId) -> Result<Vec<u8>, XmlSigError> {
        let mut children = self.0.children_iter(node);
        let (Some(only), None) = (children.next(), children.next()) else {
            return Err(XmlSigError::BadValue);
        };
        let Some(NodeKind::Text(text)) = self.0.node_kind(only) else {
            return Err(XmlSigError::BadValue);
        };
        let packed: Vec<u8> = text
            .bytes()
            .filter(|byte| !b" \t\r\n".contains(byte))
            .collect();
        STANDARD.decode(packed).map_err(|_| XmlSigError::BadValue)
    }

    /// The other things that X509Data may hold; they are not looked at.
    fn is_x509_hint(&self, node: NodeId) -> bool {
        ["X509IssuerSerial", "X509SubjectName", "X509SKI"]
            .iter()
            .any(|name| self.expect(node, name, &[]).is_ok())
    }
}

fn is_white(text: &str) -> bool {
    text.bytes().all(|byte| b" \t\r\n".contains(&byte))
}
