//! The XML inside an ASiC-E container (ETSI EN 319 162-1): one XAdES-B signature (EN 319 132-1) over all of
//! its files, the manifest that a time-stamp is of, and the list of files.
//!
//! What we write has one form, canonical by construction (exclusive C14N), so what is read back is written
//! anew from what it names and compared byte for byte: no tree, no transform and no reference of a
//! stranger's is ever followed. It refuses to know what the files say, and who may have signed.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::sha256;
use crate::keys::{Algorithm, KeyError, SigningKey, VerifyingKey};

/// The media type of a container, and the content of its first entry.
pub const CONTAINER: &str = "application/vnd.etsi.asic-e+zip";
/// Where the signature stands.
pub const SIGNATURES: &str = "META-INF/signatures.xml";
/// Where the list of files stands.
pub const LIST: &str = "META-INF/manifest.xml";

/// One file of a container.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its name: letters, digits, `.`, `-` and `/`.
    pub name: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Who signed a container, and when they say that they did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The signer's certificate, DER; who issued it is not looked at here.
    pub certificate: Vec<u8>,
    /// The signer's own word for the time.
    pub at: jiff::Timestamp,
}

/// Why a container's signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AsicError {
    /// The document lacks what a signature has, or names an algorithm that we do not accept.
    #[error("the signature document does not have its form")]
    Form,
    /// Written anew over these files it is another document: a file, a property or the document was changed.
    #[error("the signature document is not of these files")]
    OtherFiles,
    /// The signature does not match its certificate's key.
    #[error("the signature does not match")]
    Mismatch,
}

impl AsicError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Form => "asic-form",
            Self::OtherFiles => "asic-other-files",
            Self::Mismatch => "asic-signature-mismatch",
        }
    }
}

/// Signs all files of a container; gives the document for [`SIGNATURES`].
pub fn sign(
    parts: &[Part<'_>],
    key: &SigningKey,
    certificate: &[u8],
    at: jiff::Timestamp,
) -> Result<Vec<u8>, KeyError> {
    let at = jiff::Timestamp::from_second(at.as_second()).map_err(|_| KeyError::Failed)?;
    let signed = Signed {
        certificate: certificate.to_vec(),
        at,
    };
    let info = Info::new(parts, key.algorithm(), &signed).ok_or(KeyError::WrongAlgorithm)?;
    let signature = key.sign(info.signed_info.as_bytes())?;
    Ok(info.document(&signature, certificate).into_bytes())
}

/// Whether the document is a signature over exactly these files, in this order.
pub fn verify(parts: &[Part<'_>], document: &[u8]) -> Result<Signed, AsicError> {
    let text = std::str::from_utf8(document).map_err(|_| AsicError::Form)?;
    let decoded = |from: &str| STANDARD.decode(between(text, from)?).ok();
    let read = || {
        let algorithm = text.split_once(METHOD)?.1.split_once('"')?.0;
        let signed = Signed {
            certificate: decoded("<ds:X509Certificate>")?,
            at: between(text, "<xades:SigningTime>")?.parse().ok()?,
        };
        let algorithm = Algorithm::from_xml_uri(algorithm)?;
        Some((algorithm, signed, decoded("<ds:SignatureValue>")?))
    };
    let (algorithm, signed, signature) = read().ok_or(AsicError::Form)?;
    let info = Info::new(parts, algorithm, &signed).ok_or(AsicError::Form)?;
    if info.document(&signature, &signed.certificate).as_bytes() != document {
        return Err(AsicError::OtherFiles);
    }
    VerifyingKey::from_certificate_der(&signed.certificate)
        .map_err(|_| AsicError::Form)?
        .verify(algorithm, info.signed_info.as_bytes(), &signature)
        .map_err(|_| AsicError::Mismatch)?;
    Ok(signed)
}

/// What a time-stamp over one file is of: an ASiCManifest (EN 319 162-1, annex A.4) that names the token's
/// place in a container and the file's digest. The same file and place give the same bytes.
pub fn stamped_manifest(part: Part<'_>, token: &str) -> Vec<u8> {
    let mut out = format!(
        "<asic:ASiCManifest xmlns:asic=\"{ASIC}\"><asic:SigReference \
         MimeType=\"application/vnd.etsi.timestamp-token\" URI=\"{token}\"></asic:SigReference>\
         <asic:DataObjectReference MimeType=\"{}\" URI=\"{}\">",
        media(part.name),
        part.name
    );
    digest_of(&mut out, part.bytes, true);
    out.push_str("</asic:DataObjectReference></asic:ASiCManifest>");
    out.into_bytes()
}

/// The list of files, as OpenDocument has it (EN 319 162-1, 4.4.3.2).
pub fn list(names: &[&str]) -> Vec<u8> {
    let mut out = format!(
        "<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" \
         manifest:version=\"1.2\"><manifest:file-entry manifest:full-path=\"/\" \
         manifest:media-type=\"{CONTAINER}\"></manifest:file-entry>"
    );
    for name in names {
        let _ = write!(
            out,
            "<manifest:file-entry manifest:full-path=\"{name}\" manifest:media-type=\"{}\"></manifest:file-entry>",
            media(name)
        );
    }
    out.push_str("</manifest:manifest>");
    out.into_bytes()
}

/// SignedInfo and the properties that it names, canonical.
struct Info {
    signed_info: String,
    properties: String,
}

impl Info {
    /// Nothing where a file's name has other letters than it may.
    fn new(parts: &[Part<'_>], algorithm: Algorithm, signed: &Signed) -> Option<Self> {
        let named = |part: &Part<'_>| {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b".-/".contains(&b);
            !part.name.is_empty() && part.name.bytes().all(fits)
        };
        if !parts.iter().all(named) {
            return None;
        }
        let properties = properties(parts, signed);
        let mut out = format!(
            "<ds:SignedInfo xmlns:ds=\"{DS}\"><ds:CanonicalizationMethod Algorithm=\"{C14N}\">\
             </ds:CanonicalizationMethod>{METHOD}{}\"></ds:SignatureMethod>",
            algorithm.xml_uri()
        );
        for (number, part) in parts.iter().enumerate() {
            let _ = write!(out, "<ds:Reference Id=\"R{number}\" URI=\"{}\">", part.name);
            digest_of(&mut out, part.bytes, false);
            out.push_str("</ds:Reference>");
        }
        let _ = write!(
            out,
            "<ds:Reference Type=\"http://uri.etsi.org/01903#SignedProperties\" URI=\"#SP\">\
             <ds:Transforms><ds:Transform Algorithm=\"{C14N}\"></ds:Transform></ds:Transforms>"
        );
        digest_of(&mut out, properties.as_bytes(), false);
        out.push_str("</ds:Reference></ds:SignedInfo>");
        Some(Self {
            signed_info: out,
            properties,
        })
    }

    fn document(&self, signature: &[u8], certificate: &[u8]) -> String {
        format!(
            "<asic:XAdESSignatures xmlns:asic=\"{ASIC}\"><ds:Signature xmlns:ds=\"{DS}\" Id=\"S\">{}\
             <ds:SignatureValue>{}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}\
             </ds:X509Certificate></ds:X509Data></ds:KeyInfo><ds:Object><xades:QualifyingProperties \
             xmlns:xades=\"{XADES}\" Target=\"#S\">{}</xades:QualifyingProperties></ds:Object>\
             </ds:Signature></asic:XAdESSignatures>",
            self.signed_info,
            STANDARD.encode(signature),
            STANDARD.encode(certificate),
            self.properties
        )
    }
}

/// SigningTime, SigningCertificateV2 and the formats of the files. Namespaces are declared where exclusive
/// C14N puts them.
fn properties(parts: &[Part<'_>], signed: &Signed) -> String {
    let mut out = format!(
        "<xades:SignedProperties xmlns:xades=\"{XADES}\" Id=\"SP\"><xades:SignedSignatureProperties>\
         <xades:SigningTime>{}</xades:SigningTime><xades:SigningCertificateV2><xades:Cert>\
         <xades:CertDigest>",
        signed.at
    );
    digest_of(&mut out, &signed.certificate, true);
    out.push_str(
        "</xades:CertDigest></xades:Cert></xades:SigningCertificateV2></xades:SignedSignatureProperties>\
         <xades:SignedDataObjectProperties>",
    );
    for (number, part) in parts.iter().enumerate() {
        let _ = write!(
            out,
            "<xades:DataObjectFormat ObjectReference=\"#R{number}\"><xades:MimeType>{}</xades:MimeType>\
             </xades:DataObjectFormat>",
            media(part.name)
        );
    }
    out.push_str("</xades:SignedDataObjectProperties></xades:SignedProperties>");
    out
}

/// DigestMethod and DigestValue; outside of a ds element each declares its namespace.
fn digest_of(out: &mut String, bytes: &[u8], declared: bool) {
    let namespace = match declared {
        true => format!(" xmlns:ds=\"{DS}\""),
        false => String::new(),
    };
    let _ = write!(
        out,
        "<ds:DigestMethod{namespace} Algorithm=\"{SHA256}\"></ds:DigestMethod>\
         <ds:DigestValue{namespace}>{}</ds:DigestValue>",
        STANDARD.encode(sha256(bytes))
    );
}

fn media(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("xml") => "text/xml",
        Some("json") => "application/json",
        Some("txt") => "text/plain",
        Some("pem") => "application/x-pem-file",
        Some("tst") => "application/vnd.etsi.timestamp-token",
        _ => "application/octet-stream",
    }
}

/// The text between this tag and the next one.
fn between<'a>(text: &'a str, tag: &str) -> Option<&'a str> {
    text.split_once(tag)?
        .1
        .split_once('<')
        .map(|(text, _)| text)
}

const METHOD: &str = "<ds:SignatureMethod Algorithm=\"";
const ASIC: &str = "http://uri.etsi.org/02918/v1.2.1#";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const XADES: &str = "http://uri.etsi.org/01903/v1.3.2#";
const C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

#[cfg(test)]
mod tests;
