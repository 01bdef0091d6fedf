//! The profile over the tree: where the one signature stands, what it may contain, what it refers to.

use std::collections::HashSet;

use uppsala::{Document, Element, NodeId, NodeKind};

use super::digest::Digest;
use super::names::{C14N, DSIG, EXC_C14N, RSA_SHA1};
use super::reference::{self, Target};
use super::tree::Tree;
use super::xades::{self, Properties};
use super::{Canonicalization, Profile, ReferenceForm, Signed, XmlSigError};
use crate::keys::{Algorithm, KeyKind, VerifyingKey};

/// Attributes that somebody, somewhere, takes for an identifier.
const ID_NAMES: [&str; 4] = ["id", "assertionid", "requestid", "responseid"];

/// Most prefixes of a PrefixList.
const PREFIXES_MAX: usize = 16;

/// What the signature says, read once and to the letter.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) signature: NodeId,
    pub(super) signed_info: NodeId,
    pub(super) signed_info_form: Canonicalization,
    pub(super) method: Method,
    pub(super) value: Vec<u8>,
    /// The signed element.
    pub(super) target: NodeId,
    pub(super) target_form: Canonicalization,
    pub(super) form: ReferenceForm,
    pub(super) digest: Digest,
    pub(super) properties: Option<Properties>,
}

/// A signature method that may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// One of the list.
    Listed(Algorithm),
    /// RSASSA-PKCS1-v1_5 with SHA-1, for partners that danger names.
    DangerRsaSha1,
}

/// Walks the tree and reads the signature, or names the first rule that is broken.
pub(super) fn read(
    document: &Document<'_>,
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<Reading, XmlSigError> {
    let root = document.document_element().ok_or(XmlSigError::Malformed)?;
    let signature = only_signature(document)?;
    let tree = Tree(document);
    let target = signed_element(&tree, root, signature, profile)?;
    let parts = Parts::read(&tree, signature)?;
    let (method, signed_info_form, references) =
        read_signed_info(&tree, parts.signed_info, key, profile)?;
    let (about, about_properties) = reference::sort(&tree, &references)?;
    let main = reference::read(&tree, about, target, profile)?;
    tree.expect(parts.value, "SignatureValue", &["Id"])?;
    let value = tree.base64(parts.value)?;
    let certificate = match parts.key_info {
        Some(key_info) => check_key_info(&tree, key_info, key)?,
        None => None,
    };
    let properties = match (parts.object, about_properties) {
        (None, None) => None,
        (Some(object), Some(reference)) => {
            let place = xades::Place {
                signature,
                object,
                reference,
            };
            Some(xades::read(&tree, &place, key, certificate, profile)?)
        }
        (Some(_), None) => return Err(XmlSigError::Object),
        (None, Some(_)) => return Err(XmlSigError::ReferenceCount),
    };
    Ok(Reading {
        signature,
        signed_info: parts.signed_info,
        signed_info_form,
        method,
        value,
        target: target.node,
        target_form: main.canonicalization,
        form: main.form,
        digest: main.digest,
        properties,
    })
}

/// Finds the one signature; on the way, no node, no identifier and no stray signature part may offend.
///
/// Nothing is proven yet, so the walk stays linear: a second signature ends it at once, and what stands
/// inside the only one is known by its place in the walk, without climbing.
fn only_signature(document: &Document<'_>) -> Result<NodeId, XmlSigError> {
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
                if element.name.namespace_uri.as_deref() != Some(DSIG) {
                    continue;
                }
                match element.name.local_name.as_ref() {
                    "Signature" if found.is_some() => return Err(XmlSigError::SeveralSignatures),
                    "Signature" => found = Some((node, at + document.descendants(node).len())),
                    "Manifest" => return Err(XmlSigError::Manifest),
                    "RetrievalMethod" => return Err(XmlSigError::RetrievalMethod),
                    _ => stray |= found.is_none_or(|(_, last_inside)| at > last_inside),
                }
            }
            Some(NodeKind::Text(_) | NodeKind::Document) => {}
            Some(NodeKind::Comment(_)) => return Err(XmlSigError::Comment),
            Some(NodeKind::ProcessingInstruction(_)) => return Err(XmlSigError::Instruction),
            _ => return Err(XmlSigError::Cdata),
        }
    }
    match found {
        None => Err(XmlSigError::NoSignature),
        Some(_) if stray => Err(XmlSigError::SignatureStructure),
        Some((signature, _)) => Ok(signature),
    }
}

/// The element that the profile names, in a document without anything that a signed one may not hold.
pub(super) fn unsigned(document: &Document<'_>, profile: &Profile) -> Result<NodeId, XmlSigError> {
    let root = document.document_element().ok_or(XmlSigError::Malformed)?;
    match only_signature(document) {
        Ok(_) | Err(XmlSigError::NoSignature) => named_element(&Tree(document), root, profile),
        Err(refused) => Err(refused),
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

/// The element that the profile names: the root, or the one child of this name.
fn named_element(
    tree: &Tree<'_, '_>,
    root: NodeId,
    profile: &Profile,
) -> Result<NodeId, XmlSigError> {
    let (namespace, name) = match profile.signed {
        Signed::Root => return Ok(root),
        Signed::Element { namespace, name }
        | Signed::Beside {
            namespace, name, ..
        } => (namespace, name),
    };
    let mut named = tree
        .0
        .children_iter(root)
        .filter(|child| tree.is_in(*child, namespace, name));
    match (named.next(), named.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(XmlSigError::SignedElement),
    }
}

/// The element that must be signed, with the signature where the profile has it.
fn signed_element(
    tree: &Tree<'_, '_>,
    root: NodeId,
    signature: NodeId,
    profile: &Profile,
) -> Result<Target, XmlSigError> {
    let node = named_element(tree, root, profile)?;
    let last_of = |parent: NodeId| {
        let mut children = tree.0.children_iter(parent);
        children.rfind(|child| tree.0.element(*child).is_some())
    };
    if let Signed::Beside {
        namespace, holder, ..
    } = profile.signed
    {
        let holds = |last: &NodeId| {
            tree.is_in(*last, namespace, holder)
                && tree.children(*last).is_ok_and(|all| all == [signature])
        };
        return match last_of(root).filter(holds) {
            Some(_) => Ok(Target {
                node,
                is_root: false,
                has_signature: false,
            }),
            None => Err(XmlSigError::SignaturePosition),
        };
    }
    let is_last_of = |parent: NodeId| last_of(parent) == Some(signature);
    let is_inside = is_last_of(node);
    if is_inside || is_last_of(root) {
        Ok(Target {
            node,
            is_root: node == root,
            has_signature: is_inside,
        })
    } else {
        Err(XmlSigError::SignaturePosition)
    }
}

/// The children of the signature.
struct Parts {
    signed_info: NodeId,
    value: NodeId,
    key_info: Option<NodeId>,
    object: Option<NodeId>,
}

impl Parts {
    fn read(tree: &Tree<'_, '_>, signature: NodeId) -> Result<Self, XmlSigError> {
        tree.expect(signature, "Signature", &["Id"])?;
        let children = tree.children(signature)?;
        let infos = children
            .iter()
            .filter(|child| tree.is(**child, "SignedInfo"));
        if infos.count() > 1 {
            return Err(XmlSigError::SeveralSignedInfo);
        }
        let [signed_info, value, rest @ ..] = children.as_slice() else {
            return Err(XmlSigError::SignatureStructure);
        };
        let (key_info, rest) = match rest {
            [first, rest @ ..] if tree.is(*first, "KeyInfo") => (Some(*first), rest),
            _ => (None, rest),
        };
        let object = match rest {
            [] => None,
            [one] if tree.is(*one, "Object") => Some(*one),
            [first, ..] if tree.is(*first, "Object") => return Err(XmlSigError::Object),
            _ => return Err(XmlSigError::SignatureStructure),
        };
        Ok(Self {
            signed_info: *signed_info,
            value: *value,
            key_info,
            object,
        })
    }
}

fn read_signed_info(
    tree: &Tree<'_, '_>,
    signed_info: NodeId,
    key: &VerifyingKey,
    profile: &Profile,
) -> Result<(Method, Canonicalization, Vec<NodeId>), XmlSigError> {
    tree.expect(signed_info, "SignedInfo", &["Id"])?;
    let parts = tree.children(signed_info)?;
    let [canonicalization, method, references @ ..] = parts.as_slice() else {
        return Err(XmlSigError::SignatureStructure);
    };
    tree.expect(*canonicalization, "CanonicalizationMethod", &["Algorithm"])?;
    let form = read_canonicalization(tree, *canonicalization, profile)?;
    tree.expect(*method, "SignatureMethod", &["Algorithm"])?;
    let read = signature_method(tree.algorithm(*method).unwrap_or_default(), profile)?;
    if !tree.is_empty(*method) {
        return Err(XmlSigError::SignatureStructure);
    }
    let wanted = match read {
        Method::Listed(algorithm) => algorithm.key_kind(),
        Method::DangerRsaSha1 => KeyKind::Rsa,
    };
    if wanted != key.kind() {
        return Err(XmlSigError::AlgorithmMismatch);
    }
    Ok((read, form, references.to_vec()))
}

fn signature_method(uri: &str, profile: &Profile) -> Result<Method, XmlSigError> {
    let listed = Algorithm::from_xml_uri(uri).filter(|known| profile.algorithms.contains(known));
    match (listed, uri.rsplit_once('#').map_or("", |(_, name)| name)) {
        (Some(algorithm), _) => Ok(Method::Listed(algorithm)),
        (None, _) if uri == RSA_SHA1 && profile.danger_sha1 => Ok(Method::DangerRsaSha1),
        (None, name) if name.starts_with("hmac-") => Err(XmlSigError::Hmac),
        (None, name) if name.ends_with("-sha1") || name.starts_with("sha1-") => {
            Err(XmlSigError::Sha1)
        }
        _ => Err(XmlSigError::AlgorithmRefused),
    }
}

/// A CanonicalizationMethod or a Transform that names a canonicalisation of the list.
pub(super) fn read_canonicalization(
    tree: &Tree<'_, '_>,
    node: NodeId,
    profile: &Profile,
) -> Result<Canonicalization, XmlSigError> {
    let refused = XmlSigError::Canonicalization;
    let children = tree.children(node).map_err(|_| refused)?;
    match (tree.algorithm(node), children.as_slice()) {
        (Some(EXC_C14N), []) => Ok(Canonicalization::Exclusive(Vec::new())),
        (Some(EXC_C14N), [list]) => {
            tree.expect_in(*list, EXC_C14N, "InclusiveNamespaces", &["PrefixList"])
                .map_err(|_| refused)?;
            let listed = tree.attribute(*list, "PrefixList").ok_or(refused)?;
            let prefixes: Vec<_> = listed.split_ascii_whitespace().map(str::to_owned).collect();
            if prefixes.len() > PREFIXES_MAX || !tree.is_empty(*list) {
                return Err(refused);
            }
            Ok(Canonicalization::Exclusive(prefixes))
        }
        (Some(C14N), []) if profile.inclusive => Ok(Canonicalization::Inclusive),
        _ => Err(refused),
    }
}

/// A hint at most: names and certificates may stand there; a certificate must be the sender's, and is
/// given back.
fn check_key_info(
    tree: &Tree<'_, '_>,
    key_info: NodeId,
    key: &VerifyingKey,
) -> Result<Option<Vec<u8>>, XmlSigError> {
    let refused = XmlSigError::KeyInfo;
    tree.expect(key_info, "KeyInfo", &["Id"])
        .map_err(|_| refused)?;
    let mut certificates = Vec::new();
    for part in tree.children(key_info).map_err(|_| refused)? {
        if tree.expect(part, "KeyName", &[]).is_ok() {
            continue;
        }
        if tree.is(part, "KeyValue") {
            return Err(XmlSigError::KeyValue);
        }
        tree.expect(part, "X509Data", &[]).map_err(|_| refused)?;
        for item in tree.children(part).map_err(|_| refused)? {
            if tree.expect(item, "X509Certificate", &[]).is_ok() {
                certificates.push(tree.base64(item).map_err(|_| refused)?);
            } else if !is_x509_hint(tree, item) {
                return Err(refused);
            }
        }
    }
    if certificates.is_empty() {
        return Ok(None);
    }
    let theirs = certificates.into_iter().find(|der| key.is_key_of(der));
    theirs.map(Some).ok_or(XmlSigError::KeyInfoMismatch)
}

/// The other things that X509Data may hold; they are not looked at.
fn is_x509_hint(tree: &Tree<'_, '_>, node: NodeId) -> bool {
    ["X509IssuerSerial", "X509SubjectName", "X509SKI"]
        .iter()
        .any(|name| tree.expect(node, name, &[]).is_ok())
}
