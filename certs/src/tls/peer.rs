//! What a proven certificate says about the peer.

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::HandshakeError;
use crate::digest;

/// The application protocol agreed in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// HTTP/2.
    H2,
    /// HTTP/1.1, also when the client named nothing.
    Http1,
}

impl Alpn {
    /// The protocol's name on the wire (RFC 7301).
    pub const fn wire_name(self) -> &'static [u8] {
        match self {
            Self::H2 => b"h2",
            Self::Http1 => b"http/1.1",
        }
    }

    pub(super) fn agreed(name: Option<&[u8]>) -> Self {
        if name == Some(Self::H2.wire_name()) {
            Self::H2
        } else {
            Self::Http1
        }
    }
}

/// A peer's certificate, proven by the handshake; which partner it is, the directory decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// The leaf certificate.
    pub der: Vec<u8>,
    /// The other certificates that the peer sent, in its order.
    pub intermediates: Vec<Vec<u8>>,
    /// SHA-256 of the SubjectPublicKeyInfo: what a pin names.
    pub spki_sha256: [u8; 32],
    /// SHA-256 of the certificate.
    pub sha256: [u8; 32],
    /// Every URI among the subject's alternative names, in order.
    pub san_uris: Vec<String>,
    /// When the certificate ends.
    pub not_after: jiff::Timestamp,
    /// Serial number, lower-case hex without separators.
    pub serial_hex: String,
}

impl PeerCertificate {
    /// Reads a certificate in DER, without judging it.
    pub fn from_der(der: &[u8]) -> Result<Self, HandshakeError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| HandshakeError::BadCertificate)?;
        let not_after = certificate.validity().not_after.timestamp();
        Ok(Self {
            spki_sha256: digest::sha256(certificate.public_key().raw),
            sha256: digest::sha256(der),
            san_uris: san_uris(&certificate)?,
            not_after: jiff::Timestamp::from_second(not_after)
                .map_err(|_| HandshakeError::BadCertificate)?,
            serial_hex: hex::encode(certificate.raw_serial()),
            der: der.to_vec(),
            intermediates: Vec::new(),
        })
    }

    /// Reads what the peer presented, leaf first.
    pub(super) fn presented(chain: Option<&[CertificateDer<'_>]>) -> Result<Self, HandshakeError> {
        let (leaf, rest) = chain
            .and_then(<[_]>::split_first)
            .ok_or(HandshakeError::NoCertificate)?;
        let intermediates = rest.iter().map(|der| der.to_vec()).collect();
        Ok(Self {
            intermediates,
            ..Self::from_der(leaf)?
        })
    }

    /// The pin of this peer: SHA-256 of its SubjectPublicKeyInfo, lower-case hex.
    pub fn pin(&self) -> String {
        hex::encode(self.spki_sha256)
    }
}

fn san_uris(certificate: &X509Certificate<'_>) -> Result<Vec<String>, HandshakeError> {
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| HandshakeError::BadCertificate)?;
    let names = names
        .into_iter()
        .flat_map(|extension| &extension.value.general_names);
    Ok(names
        .filter_map(|name| match name {
            GeneralName::URI(uri) => Some((*uri).to_owned()),
            _ => None,
        })
        .collect())
}
