//! References: one to the signed element, and at most one to XAdES properties.

use uppsala::NodeId;

use super::digest::{self, Digest};
use super::names::{ENVELOPED, MANIFEST, XADES_PROPERTIES, XPATH, XSLT};
use super::structure::read_canonicalization;
use super::tree::Tree;
use super::{Canonicalization, Profile, ReferenceForm, XmlSigError};

/// The element that must be signed.
#[derive(Clone, Copy)]
pub(super) struct Target {
    pub(super) node: NodeId,
    pub(super) is_root: bool,
    /// Whether the signature stands inside it, so that it is taken out before the digest.
    pub(super) has_signature: bool,
}

/// A reference that was read.
pub(super) struct Reference {
    pub(super) form: ReferenceForm,
    pub(super) canonicalization: Canonicalization,
    pub(super) digest: Digest,
}

/// The reference to the signed element, and the one to the XAdES properties where there is one.
pub(super) fn sort(
    tree: &Tree<'_, '_>,
    references: &[NodeId],
) -> Result<(NodeId, Option<NodeId>), XmlSigError> {
    let about = |reference: &NodeId| tree.attribute(*reference, "Type");
    if references.iter().any(|one| about(one) == Some(MANIFEST)) {
        return Err(XmlSigError::Manifest);
    }
    let is_properties = |reference: &NodeId| about(reference) == Some(XADES_PROPERTIES);
    match references {
        [one] if is_properties(one) => Err(XmlSigError::ReferenceNotRoot),
        [one] => Ok((*one, None)),
        [one, two] if !is_properties(one) && is_properties(two) => Ok((*one, Some(*two))),
        [one, two] if is_properties(one) && !is_properties(two) => Ok((*two, Some(*one))),
        _ => Err(XmlSigError::ReferenceCount),
    }
}

/// Reads the reference to the signed element.
pub(super) fn read(
    tree: &Tree<'_, '_>,
    reference: NodeId,
    target: Target,
    profile: &Profile,
) -> Result<Reference, XmlSigError> {
    tree.expect(reference, "Reference", &["Id", "URI"])?;
    let form = form(tree, reference, target)?;
    let (transforms, digest) = content(tree, reference, profile)?;
    let rest = match (target.has_signature, transforms.as_slice()) {
        (true, [first, rest @ ..]) if tree.algorithm(*first) == Some(ENVELOPED) => {
            if !tree.is_empty(*first) {
                return Err(XmlSigError::Transforms);
            }
            rest
        }
        // without it the signature would have to contain its own digest
        (true, _) => return Err(named(tree, &transforms, XmlSigError::Transforms)),
        (false, all) => all,
    };
    Ok(Reference {
        form,
        canonicalization: last_transform(tree, rest, profile)
            .map_err(|other| named(tree, &transforms, other))?,
        digest,
    })
}

/// Reads the reference to an element that has this id and is canonicalised as it stands.
pub(super) fn read_plain(
    tree: &Tree<'_, '_>,
    reference: NodeId,
    id: &str,
    profile: &Profile,
) -> Result<(Canonicalization, Digest), XmlSigError> {
    tree.expect(reference, "Reference", &["Id", "Type", "URI"])?;
    if uri_fragment(tree, reference)? != Some(id) {
        return Err(XmlSigError::XadesRefused);
    }
    let (transforms, digest) = content(tree, reference, profile)?;
    let form = last_transform(tree, &transforms, profile)
        .map_err(|other| named(tree, &transforms, other))?;
    Ok((form, digest))
}

/// The transforms and the digest of a reference.
fn content(
    tree: &Tree<'_, '_>,
    reference: NodeId,
    profile: &Profile,
) -> Result<(Vec<NodeId>, Digest), XmlSigError> {
    let parts = tree.children(reference)?;
    let (transforms, method, value) = match *parts.as_slice() {
        [transforms, method, value] => {
            tree.expect(transforms, "Transforms", &[])
                .map_err(|_| XmlSigError::Transforms)?;
            (tree.children(transforms)?, method, value)
        }
        [method, value] => (Vec::new(), method, value),
        _ => return Err(XmlSigError::Transforms),
    };
    let is_transform = |node: &NodeId| tree.expect(*node, "Transform", &["Algorithm"]).is_ok();
    if !transforms.iter().all(is_transform) {
        return Err(XmlSigError::Transforms);
    }
    if parts.len() == 2 && !tree.is(method, "DigestMethod") {
        return Err(XmlSigError::Transforms);
    }
    tree.expect(method, "DigestMethod", &["Algorithm"])?;
    let algorithm = digest::algorithm(tree.algorithm(method).unwrap_or_default(), profile)?;
    if !tree.is_empty(method) {
        return Err(XmlSigError::DigestRefused);
    }
    tree.expect(value, "DigestValue", &[])?;
    Ok((transforms, Digest::new(algorithm, tree.base64(value)?)?))
}

/// The canonicalisation that ends a list of transforms; where none stands there, XML Signature means
/// Canonical XML 1.0.
fn last_transform(
    tree: &Tree<'_, '_>,
    rest: &[NodeId],
    profile: &Profile,
) -> Result<Canonicalization, XmlSigError> {
    match rest {
        [] if profile.inclusive => Ok(Canonicalization::Inclusive),
        [one] => read_canonicalization(tree, *one, profile).map_err(|_| XmlSigError::Transforms),
        _ => Err(XmlSigError::Transforms),
    }
}

/// Where a transform of a notorious kind is among them, its own name.
fn named(tree: &Tree<'_, '_>, transforms: &[NodeId], otherwise: XmlSigError) -> XmlSigError {
    for transform in transforms {
        match tree.algorithm(*transform) {
            Some(XSLT) => return XmlSigError::Xslt,
            Some(uri) if XPATH.contains(&uri) => return XmlSigError::XPath,
            _ => {}
        }
    }
    otherwise
}

/// `""` or `#` with the signed element's own id; an XPointer, another element or another file is refused.
fn form(
    tree: &Tree<'_, '_>,
    reference: NodeId,
    target: Target,
) -> Result<ReferenceForm, XmlSigError> {
    let id = ["Id", "ID", "id"]
        .iter()
        .find_map(|name| tree.attribute(target.node, name));
    match uri_fragment(tree, reference)? {
        None if target.is_root => Ok(ReferenceForm::WholeDocument),
        Some(fragment) if id == Some(fragment) && target.is_root => Ok(ReferenceForm::RootId),
        Some(fragment) if id == Some(fragment) => Ok(ReferenceForm::ElementId),
        _ => Err(XmlSigError::ReferenceNotRoot),
    }
}

/// What stands behind `#`; `None` for the empty URI.
fn uri_fragment<'d>(
    tree: &Tree<'d, '_>,
    reference: NodeId,
) -> Result<Option<&'d str>, XmlSigError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let uri = tree
        .attribute(reference, "URI")
        .ok_or(XmlSigError::ReferenceNotRoot)?;
    match uri.strip_prefix('#') {
        None if uri.is_empty() => Ok(None),
        None => Err(XmlSigError::ReferenceExternal),
        Some(fragment) if fragment.contains('(') => Err(XmlSigError::XPointer),
        Some(fragment) if !fragment.is_empty() && fragment.bytes().all(plain) => Ok(Some(fragment)),
        Some(_) => Err(XmlSigError::ReferenceNotRoot),
    }
}
