//! XAdES-B (ETSI EN 319 132-1 §6.3): SigningTime and SigningCertificateV2, signed by a second reference.
//!
//! Exactly one form is read: one Object with QualifyingProperties for this signature, whose
//! SignedProperties the second reference names. Time-stamps and other unsigned properties are refused:
//! what is not signed proves nothing here.

use uppsala::NodeId;

use super::digest::{self, Digest};
use super::names::XADES;
use super::reference;
use super::tree::Tree;
use super::{Canonicalization, Profile, XmlSigError};
use crate::keys::VerifyingKey;

/// Where the pieces stand.
pub(super) struct Place {
    pub(super) signature: NodeId,
    pub(super) object: NodeId,
    pub(super) reference: NodeId,
}

/// The signed properties, their own checks passed; their digest is still to be compared.
#[derive(Debug)]
pub(super) struct Properties {
    pub(super) node: NodeId,
    pub(super) form: Canonicalization,
    pub(super) digest: Digest,
    pub(super) signing_time: jiff::Timestamp,
}

/// Reads the properties; `certificate` is the sender's from KeyInfo.
pub(super) fn read(
    tree: &Tree<'_, '_>,
    place: &Place,
    key: &VerifyingKey,
    certificate: Option<Vec<u8>>,
    profile: &Profile,
) -> Result<Properties, XmlSigError> {
    let node = signed_properties(tree, place)?;
    let id = tree
        .attribute(node, "Id")
        .ok_or(XmlSigError::XadesRefused)?;
    let (form, digest) = reference::read_plain(tree, place.reference, id, profile)?;
    let (signing_time, certificate_digest) = signature_properties(tree, node, profile)?;
    if !key.is_valid_at(signing_time) {
        return Err(XmlSigError::XadesSigningTime);
    }
    // the registered certificate rules; a bare registered key leaves the one that came along
    let signer = key.certificate_der().or(certificate.as_deref());
    if !signer.is_some_and(|der| certificate_digest.is_of(der)) {
        return Err(XmlSigError::XadesCertificate);
    }
    Ok(Properties {
        node,
        form,
        digest,
        signing_time,
    })
}

/// Object / QualifyingProperties / SignedProperties, and nothing beside them.
fn signed_properties(tree: &Tree<'_, '_>, place: &Place) -> Result<NodeId, XmlSigError> {
    tree.expect(place.object, "Object", &["Id"])
        .map_err(|_| XmlSigError::Object)?;
    let qualifying = only(
        tree,
        place.object,
        "QualifyingProperties",
        &["Id", "Target"],
    )
    .map_err(|_| XmlSigError::Object)?;
    let target = tree.attribute(qualifying, "Target");
    let signature = tree.attribute(place.signature, "Id");
    if target.and_then(|uri| uri.strip_prefix('#')) != signature || signature.is_none() {
        return Err(XmlSigError::XadesRefused);
    }
    only(tree, qualifying, "SignedProperties", &["Id"])
}

/// SigningTime and the digest of the signing certificate.
fn signature_properties(
    tree: &Tree<'_, '_>,
    signed: NodeId,
    profile: &Profile,
) -> Result<(jiff::Timestamp, Digest), XmlSigError> {
    let parts = children(tree, signed)?;
    let [of_signature, of_data @ ..] = &*parts else {
        return Err(XmlSigError::XadesRefused);
    };
    expect(tree, *of_signature, "SignedSignatureProperties", &["Id"])?;
    match of_data {
        [] => {}
        [one] => data_object_properties(tree, *one)?,
        _ => return Err(XmlSigError::XadesRefused),
    }
    match *children(tree, *of_signature)? {
        [time, certificate] => Ok((
            signing_time(tree, time)?,
            signing_certificate(tree, certificate, profile)?,
        )),
        _ => Err(XmlSigError::XadesRefused),
    }
}

fn signing_time(tree: &Tree<'_, '_>, node: NodeId) -> Result<jiff::Timestamp, XmlSigError> {
    expect(tree, node, "SigningTime", &[])?;
    let text = tree.text(node).map_err(|_| XmlSigError::XadesRefused)?;
    text.parse().map_err(|_| XmlSigError::XadesSigningTime)
}

fn signing_certificate(
    tree: &Tree<'_, '_>,
    node: NodeId,
    profile: &Profile,
) -> Result<Digest, XmlSigError> {
    expect(tree, node, "SigningCertificateV2", &[])?;
    // the first is the signer's (§5.2.2); those of its authorities may follow and are not looked at
    let first = *children(tree, node)?
        .first()
        .ok_or(XmlSigError::XadesRefused)?;
    expect(tree, first, "Cert", &[])?;
    let digest = match *children(tree, first)? {
        [digest] => digest,
        [digest, serial] => {
            expect(tree, serial, "IssuerSerialV2", &[])?;
            digest
        }
        _ => return Err(XmlSigError::XadesRefused),
    };
    expect(tree, digest, "CertDigest", &[])?;
    let [method, value] = *children(tree, digest)? else {
        return Err(XmlSigError::XadesRefused);
    };
    tree.expect(method, "DigestMethod", &["Algorithm"])?;
    tree.expect(value, "DigestValue", &[])?;
    let algorithm = digest::algorithm(tree.algorithm(method).unwrap_or_default(), profile)?;
    Digest::new(algorithm, tree.base64(value)?)
}

/// The format of what is signed: allowed, and not looked at.
fn data_object_properties(tree: &Tree<'_, '_>, node: NodeId) -> Result<(), XmlSigError> {
    expect(tree, node, "SignedDataObjectProperties", &["Id"])?;
    for format in children(tree, node)? {
        expect(tree, format, "DataObjectFormat", &["ObjectReference"])?;
    }
    Ok(())
}

fn children(tree: &Tree<'_, '_>, node: NodeId) -> Result<Box<[NodeId]>, XmlSigError> {
    let children = tree.children(node);
    children
        .map(Vec::into_boxed_slice)
        .map_err(|_| XmlSigError::XadesRefused)
}

fn only(
    tree: &Tree<'_, '_>,
    node: NodeId,
    name: &str,
    allowed: &[&str],
) -> Result<NodeId, XmlSigError> {
    match *children(tree, node)? {
        [one] => expect(tree, one, name, allowed).map(|()| one),
        _ => Err(XmlSigError::XadesRefused),
    }
}

fn expect(
    tree: &Tree<'_, '_>,
    node: NodeId,
    name: &str,
    allowed: &[&str],
) -> Result<(), XmlSigError> {
    tree.expect_in(node, XADES, name, allowed)
        .map_err(|_| XmlSigError::XadesRefused)
}
