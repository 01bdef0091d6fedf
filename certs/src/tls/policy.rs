//! Our own rules on top of the library's path building: key sizes, curves and explicit usage.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const RSA_BITS_MIN: usize = 2048;

/// Why a certificate that the path builder accepts is refused all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PolicyRefusal {
    #[error("the key is too weak")]
    WeakKey,
    #[error("the certificate does not name client authentication")]
    WrongUsage,
    #[error("the certificate could not be read")]
    Unreadable,
}

impl From<PolicyRefusal> for Error {
    fn from(refusal: PolicyRefusal) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}

/// The library's verifier, then our rules, inside the handshake so that the refusal is an alert.
#[derive(Debug)]
pub(super) struct StrictClients(pub(super) Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for StrictClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(end_entity, intermediates, now)?;
        check_client(end_entity)?;
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The path builder lets a certificate without any extended key usage pass; we want clientAuth named.
fn check_client(der: &[u8]) -> Result<(), PolicyRefusal> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| PolicyRefusal::Unreadable)?;
    let usage = certificate
        .extended_key_usage()
        .map_err(|_| PolicyRefusal::Unreadable)?;
    if !usage.is_some_and(|usage| usage.value.client_auth) {
        return Err(PolicyRefusal::WrongUsage);
    }
    check_key(&certificate)
}

/// RSA of at least 2,048 bits, P-256, P-384 or Ed25519.
fn check_key(certificate: &X509Certificate<'_>) -> Result<(), PolicyRefusal> {
    let spki = certificate.public_key();
    let algorithm = &spki.algorithm.algorithm;
    let strong = if *algorithm == oid::OID_PKCS1_RSAENCRYPTION {
        let key = openssl::rsa::Rsa::public_key_from_der(spki.raw)
            .map_err(|_| PolicyRefusal::Unreadable)?;
        usize::try_from(key.n().num_bits()).is_ok_and(|bits| bits >= RSA_BITS_MIN)
    } else if *algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|any| any.as_oid().ok());
        curve == Some(oid::OID_EC_P256) || curve == Some(oid::OID_NIST_EC_P384)
    } else {
        *algorithm == oid::OID_SIG_ED25519
    };
    if strong {
        Ok(())
    } else {
        Err(PolicyRefusal::WeakKey)
    }
}
