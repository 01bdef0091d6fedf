//! Signing without a tree: what we emit is exclusive-canonical by construction, so its bytes are digested
//! as they stand, and the signature is written once in a form that is its own canonical form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::names::{DSIG, ENVELOPED, EXC_C14N, SHA256, XADES, XADES_PROPERTIES};
use crate::digest;
use crate::keys::{KeyError, SigningKey};

/// Why a document was not signed; all are mistakes of the program, not of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The bytes are not one element with this `Id` and an end tag.
    #[error("the document is not one root element in our emitted form")]
    NotOurForm,
    /// The key refused to sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SignError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotOurForm => "not-our-form",
            Self::Key(refused) => refused.reason(),
        }
    }
}

/// A signing certificate as signatures show it, written once.
#[derive(Clone, Debug)]
pub struct SigningCertificate {
    /// The KeyInfo element.
    key_info: String,
    /// SHA-256 of the certificate, base64.
    digest: String,
}

impl SigningCertificate {
    /// Takes the certificate in DER.
    pub fn new(der: &[u8]) -> Self {
        Self {
            key_info: key_info(der),
            digest: STANDARD.encode(digest::sha256(der)),
        }
    }
}

/// Signs the exclusive-canonical bytes of a root element that has no signature yet.
///
/// `root_id` is the value of the root's `Id` attribute (`[A-Za-z0-9._-]+`); `certificate_der`, when given,
/// goes into KeyInfo as a hint. Gives the signed document, itself exclusive-canonical.
pub fn sign_enveloped(
    canonical_root: &[u8],
    root_id: &str,
    key: &SigningKey,
    certificate_der: Option<&[u8]>,
) -> Result<Vec<u8>, SignError> {
    let end_tag = end_tag_start(canonical_root, root_id).ok_or(SignError::NotOurForm)?;
    let reference = reference(root_id, "", &digest::sha256(canonical_root));
    let parts = Parts {
        signature_id: String::new(),
        references: reference,
        key_info: &certificate_der.map(key_info).unwrap_or_default(),
        object: String::new(),
    };
    let signature = parts.signed(key)?;
    let (before, after) = canonical_root.split_at(end_tag);
    Ok([before, signature.as_bytes(), after].concat())
}

/// The signature of an element's exclusive-canonical bytes, to stand beside the element in one document.
///
/// `id` is the value of the element's `Id` attribute; `certificate_der` as in [`sign_enveloped`]. Gives the
/// `Signature` element alone.
pub fn sign_beside(
    canonical: &[u8],
    id: &str,
    key: &SigningKey,
    certificate_der: Option<&[u8]>,
) -> Result<Vec<u8>, SignError> {
    end_tag_start(canonical, id).ok_or(SignError::NotOurForm)?;
    let parts = Parts {
        signature_id: String::new(),
        references: reference_to(id, "", "", &digest::sha256(canonical)),
        key_info: &certificate_der.map(key_info).unwrap_or_default(),
        object: String::new(),
    };
    Ok(parts.signed(key)?.into_bytes())
}

/// The same with XAdES-B properties (ETSI EN 319 132-1 §6.3): when it was signed, and with which
/// certificate. Ids that begin with `sig-`, `ref-` and `xades-` before `root_id` are added.
pub fn sign_xades(
    canonical_root: &[u8],
    root_id: &str,
    key: &SigningKey,
    certificate: &SigningCertificate,
    signing_time: jiff::Timestamp,
) -> Result<Vec<u8>, SignError> {
    let end_tag = end_tag_start(canonical_root, root_id).ok_or(SignError::NotOurForm)?;
    let properties = Properties {
        root_id,
        time: whole_second(signing_time),
        certificate: &certificate.digest,
    };
    let main = reference(
        root_id,
        &format!(" Id=\"ref-{root_id}\""),
        &digest::sha256(canonical_root),
    );
    let parts = Parts {
        signature_id: format!(" Id=\"sig-{root_id}\""),
        references: format!("{main}{}", properties.reference()),
        key_info: &certificate.key_info,
        object: properties.object(),
    };
    let signature = parts.signed(key)?;
    let (before, after) = canonical_root.split_at(end_tag);
    Ok([before, signature.as_bytes(), after].concat())
}

/// `2026-11-22T05:00:00Z`.
fn whole_second(at: jiff::Timestamp) -> String {
    let whole = jiff::Timestamp::from_second(at.as_second());
    whole.unwrap_or(at).to_string()
}

/// What a signature is put together from; each as it stands in the document.
struct Parts<'a> {
    signature_id: String,
    references: String,
    key_info: &'a str,
    object: String,
}

impl Parts<'_> {
    fn signed(&self, key: &SigningKey) -> Result<String, SignError> {
        let method = key.algorithm().xml_uri();
        let references = &self.references;
        // as the apex of its own canonical form SignedInfo declares the prefix; in the document it inherits it
        let canonical = [
            SIGNED_INFO_OPEN,
            "<ds:CanonicalizationMethod Algorithm=\"",
            EXC_C14N,
            "\"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"",
            method,
            "\"></ds:SignatureMethod>",
            references,
            "</ds:SignedInfo>",
        ]
        .concat();
        let value = STANDARD.encode(key.sign(canonical.as_bytes())?);
        let content = &canonical[SIGNED_INFO_OPEN.len()..];
        let (id, key_info, object) = (&self.signature_id, self.key_info, &self.object);
        Ok([
            "<ds:Signature xmlns:ds=\"",
            DSIG,
            "\"",
            id,
            "><ds:SignedInfo>",
            content,
            "<ds:SignatureValue>",
            &value,
            "</ds:SignatureValue>",
            key_info,
            object,
            "</ds:Signature>",
        ]
        .concat())
    }
}

/// The start tag that [`Parts::signed`] writes; a test compares them.
const SIGNED_INFO_OPEN: &str = "<ds:SignedInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">";

fn reference(root_id: &str, id: &str, digest: &[u8]) -> String {
    let enveloped = [
        "<ds:Transform Algorithm=\"",
        ENVELOPED,
        "\"></ds:Transform>",
    ]
    .concat();
    reference_to(root_id, id, &enveloped, digest)
}

/// A reference to an element, with the transforms that come before its canonicalisation.
fn reference_to(root_id: &str, id: &str, transforms: &str, digest: &[u8]) -> String {
    [
        "<ds:Reference",
        id,
        " URI=\"#",
        root_id,
        "\"><ds:Transforms>",
        transforms,
        "<ds:Transform Algorithm=\"",
        EXC_C14N,
        "\"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm=\"",
        SHA256,
        "\"></ds:DigestMethod><ds:DigestValue>",
        &STANDARD.encode(digest),
        "</ds:DigestValue></ds:Reference>",
    ]
    .concat()
}

/// The signed properties of XAdES.
struct Properties<'a> {
    root_id: &'a str,
    time: String,
    certificate: &'a str,
}

impl Properties<'_> {
    /// SignedProperties with the given declarations on itself and on the signature's own elements in it.
    fn write(&self, own: &str, of_signature: &str) -> String {
        let Self {
            root_id,
            time,
            certificate,
        } = self;
        [
            "<xades:SignedProperties",
            own,
            " Id=\"xades-",
            root_id,
            "\"><xades:SignedSignatureProperties><xades:SigningTime>",
            time,
            "</xades:SigningTime><xades:SigningCertificateV2><xades:Cert><xades:CertDigest><ds:DigestMethod",
            of_signature,
            " Algorithm=\"",
            SHA256,
            "\"></ds:DigestMethod><ds:DigestValue",
            of_signature,
            ">",
            certificate,
            "</ds:DigestValue></xades:CertDigest></xades:Cert></xades:SigningCertificateV2>\
             </xades:SignedSignatureProperties><xades:SignedDataObjectProperties>\
             <xades:DataObjectFormat ObjectReference=\"#ref-",
            root_id,
            "\"><xades:MimeType>application/xml</xades:MimeType></xades:DataObjectFormat>\
             </xades:SignedDataObjectProperties></xades:SignedProperties>",
        ]
        .concat()
    }

    /// The reference, over the properties as the apex of their own canonical form.
    fn reference(&self) -> String {
        let canonical = self.write(
            &format!(" xmlns:xades=\"{XADES}\""),
            &format!(" xmlns:ds=\"{DSIG}\""),
        );
        let digest = STANDARD.encode(digest::sha256(canonical.as_bytes()));
        let root_id = self.root_id;
        format!(
            "<ds:Reference Type=\"{XADES_PROPERTIES}\" URI=\"#xades-{root_id}\"><ds:Transforms>\
             <ds:Transform Algorithm=\"{EXC_C14N}\"></ds:Transform></ds:Transforms>\
             <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
             <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
        )
    }

    /// The Object as it stands in the document.
    fn object(&self) -> String {
        let properties = self.write("", "");
        let root_id = self.root_id;
        format!(
            "<ds:Object><xades:QualifyingProperties xmlns:xades=\"{XADES}\" Target=\"#sig-{root_id}\">\
             {properties}</xades:QualifyingProperties></ds:Object>"
        )
    }
}

fn key_info(certificate: &[u8]) -> String {
    let certificate = STANDARD.encode(certificate);
    format!(
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo>"
    )
}

/// Where the root's end tag begins, when the bytes are `<name … Id="root_id" …>…</name>`.
fn end_tag_start(root: &[u8], root_id: &str) -> Option<usize> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if root_id.is_empty() || !root_id.bytes().all(plain) {
        return None;
    }
    let start_tag = &root[..root.iter().position(|byte| *byte == b'>')?];
    let name_length = start_tag.iter().position(|byte| *byte == b' ')?;
    let name = start_tag.get(1..name_length)?;
    let end_tag = root.len().checked_sub(name.len() + 3)?;
    let has_id = contains(start_tag, format!(" Id=\"{root_id}\"").as_bytes());
    let closes = root[end_tag..] == *[b"</", name, b">"].concat();
    (root.starts_with(b"<") && name.first()?.is_ascii_alphabetic() && has_id && closes)
        .then_some(end_tag)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_tag_of_signed_info_is_the_one_that_is_cut_off() {
        assert_eq!(
            SIGNED_INFO_OPEN,
            format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">")
        );
    }

    #[test]
    fn a_signing_time_is_a_whole_second_in_utc() {
        for (at, told) in [
            ("2026-11-22T12:00:00.999+07:00", "2026-11-22T05:00:00Z"),
            ("1999-12-31T23:59:59Z", "1999-12-31T23:59:59Z"),
        ] {
            assert_eq!(whole_second(at.parse().unwrap()), told);
        }
    }

    #[test]
    fn the_end_tag_is_found_only_in_our_own_form() {
        assert_eq!(end_tag_start(b"<A Id=\"m\"><B></B></A>", "m"), Some(17));
        for (document, id) in [
            ("<A Id=\"m\"></A>\n", "m"),
            ("<A Id=\"m\"/>", "m"),
            ("<A Id=\"m\"></B>", "m"),
            ("<A Id=\"n\"></A>", "m"),
            ("<A><B Id=\"m\"></B></A>", "m"),
            ("<?xml version=\"1.0\"?><A Id=\"m\"></A>", "m"),
            ("<A Id=\"\"></A>", ""),
            ("<A Id=\"m\">", "m"),
            ("", "m"),
        ] {
            assert_eq!(end_tag_start(document.as_bytes(), id), None, "{document}");
        }
    }
}
