//! An authority as the one who takes certificates back.

use openssl::pkey::{PKey, Public};
use openssl::x509::X509;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::digest;

/// An authority's certificate, fit to judge its lists and answers by.
#[derive(Clone)]
pub struct Issuer {
    subject: Vec<u8>,
    key_id: Option<Vec<u8>>,
    spki_sha256: [u8; 32],
    certificate: X509,
    key: PKey<Public>,
    name: String,
}

/// Why a certificate is no such authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIssuer {
    /// No certificate, or one that cannot be read.
    #[error("not a certificate in PEM")]
    Unreadable,
    /// No authority (RFC 5280 §4.2.1.9).
    #[error("the certificate is no authority's")]
    NoAuthority,
    /// An authority without the right to sign lists (RFC 5280 §4.2.1.3), which the TLS library does not ask.
    #[error("the authority may not sign revocation lists")]
    NoListSigner,
}

impl Issuer {
    /// Reads the first certificate of a PEM file.
    ///
    /// # Errors
    /// [`BadIssuer`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadIssuer> {
        let bad = |_| BadIssuer::Unreadable;
        let certificate = X509::from_pem(pem).map_err(bad)?;
        let der = certificate.to_der().map_err(bad)?;
        let (_, read) = X509Certificate::from_der(&der).map_err(|_| BadIssuer::Unreadable)?;
        if !read.is_ca() {
            return Err(BadIssuer::NoAuthority);
        }
        let usage = read.key_usage().map_err(|_| BadIssuer::Unreadable)?;
        if !usage.is_some_and(|usage| usage.value.crl_sign()) {
            return Err(BadIssuer::NoListSigner);
        }
        Ok(Self {
            subject: read.subject().as_raw().to_vec(),
            key_id: subject_key_id(&read),
            spki_sha256: digest::sha256(read.public_key().raw),
            name: read.subject().to_string(),
            key: certificate.public_key().map_err(bad)?,
            certificate,
        })
    }

    /// The pin of its key.
    #[must_use]
    pub fn spki_sha256(&self) -> [u8; 32] {
        self.spki_sha256
    }

    /// Its name, for people.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn subject(&self) -> &[u8] {
        &self.subject
    }

    pub(super) fn key(&self) -> &PKey<Public> {
        &self.key
    }

    pub(super) fn certificate(&self) -> &X509 {
        &self.certificate
    }

    pub(super) fn may_have_issued(&self, leaf: &X509Certificate<'_>) -> bool {
        let named = authority_key_id(leaf);
        let is_same_key = match (named, &self.key_id) {
            (Some(named), Some(own)) => named == *own,
            _ => true,
        };
        leaf.issuer().as_raw() == self.subject && is_same_key
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.name)
    }
}

fn subject_key_id(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    use x509_parser::extensions::ParsedExtension;
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        })
}

fn authority_key_id(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    use x509_parser::extensions::ParsedExtension;
    certificate
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                Some(id.key_identifier.as_ref()?.0.to_vec())
            }
            _ => None,
        })
}
