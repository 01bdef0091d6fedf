//! Signing without a tree: what we emit is exclusive-canonical by construction, so its bytes are digested
//! as they stand, and the signature is written once in a form that is its own canonical form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::structure::{DSIG, ENVELOPED, EXC_C14N, SHA256};
use crate::digest;
use crate::keys::{KeyError, SigningKey};

/// Why a document was not signed; all are mistakes of the program, not of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The bytes are not one element with this `Id` and an end tag.
    #[error("the document is not one root element in our emitted form")]
    NotOurForm,
    /// The key's algorithm has no place in our XML profile.
    #[error("the key's algorithm is not part of the XML profile")]
    AlgorithmRefused,
    /// The key refused to sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl SignError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotOurForm => "not-our-form",
            Self::AlgorithmRefused => "algorithm-refused",
            Self::Key(refused) => refused.reason(),
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
    let method = key
        .algorithm()
        .xml_uri()
        .ok_or(SignError::AlgorithmRefused)?;
    let end_tag = end_tag_start(canonical_root, root_id).ok_or(SignError::NotOurForm)?;
    let content = signed_info_content(method, root_id, &digest::sha256(canonical_root));
    // as the apex of its own canonical form SignedInfo declares the prefix; in the document it inherits it
    let canonical = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{content}</ds:SignedInfo>");
    let value = STANDARD.encode(key.sign(canonical.as_bytes())?);
    let key_info = certificate_der.map(key_info).unwrap_or_default();
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{content}</ds:SignedInfo>\
         <ds:SignatureValue>{value}</ds:SignatureValue>{key_info}</ds:Signature>"
    );
    let (before, after) = canonical_root.split_at(end_tag);
    Ok([before, signature.as_bytes(), after].concat())
}

fn signed_info_content(method: &str, root_id: &str, digest: &[u8]) -> String {
    let digest = STANDARD.encode(digest);
    format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXC_C14N}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{root_id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         <ds:Transform Algorithm=\"{EXC_C14N}\"></ds:Transform></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )
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
