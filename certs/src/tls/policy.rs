//! Our own rules on top of the library's path building: keys, usage, path, anchors and revocation.
//!
//! SECURITY.md lists where they leave RFC 5280, each with its reason.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

use super::TlsConfigError;
use super::identity::AnchorFacts;
use crate::revocation::{Refused, Revocations};

/// Why a certificate that the path builder accepts is refused all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PolicyRefusal {
    #[error("the key is too weak")]
    WeakKey,
    #[error("the certificate does not name client authentication, or names any use")]
    WrongUsage,
    #[error("the key usage does not fit")]
    WrongKeyUsage,
    #[error("a certificate beside the client's may not issue")]
    NotAnAuthority,
    #[error("too many certificates")]
    PathTooLong,
    #[error("the certificate lives too long")]
    LivesTooLong,
    #[error("the anchor has expired")]
    AnchorExpired,
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
pub(super) struct StrictClients {
    pub(super) paths: Arc<dyn ClientCertVerifier>,
    pub(super) anchors: Arc<[AnchorFacts]>,
    pub(super) revocations: Arc<Revocations>,
}

impl ClientCertVerifier for StrictClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.paths.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .paths
            .verify_client_cert(end_entity, intermediates, now)?;
        check_client(end_entity, intermediates)?;
        check_anchors(&self.anchors, end_entity, intermediates, now)?;
        for der in std::iter::once(end_entity).chain(intermediates) {
            check_revocation(&self.revocations, der, now)?;
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.paths.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.paths.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.paths.supported_verify_schemes()
    }
}

/// The same for the servers that we call: keys, anchors and revocation; their names are the library's.
#[derive(Debug)]
pub(super) struct StrictServers {
    pub(super) paths: Arc<WebPkiServerVerifier>,
    pub(super) anchors: Arc<[AnchorFacts]>,
    pub(super) revocations: Arc<Revocations>,
}

impl ServerCertVerifier for StrictServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.paths
                .verify_server_cert(end_entity, intermediates, server_name, stapled, now)?;
        check_key(&read(end_entity)?)?;
        check_anchors(&self.anchors, end_entity, intermediates, now)?;
        self.take_staple(end_entity, stapled, now);
        for der in std::iter::once(end_entity).chain(intermediates) {
            check_revocation(&self.revocations, der, now)?;
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.paths.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.paths.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.paths.supported_verify_schemes()
    }
}

impl StrictServers {
    /// A staple that does not hold counts as none: whether one is needed, the watched authorities say.
    fn take_staple(&self, leaf: &CertificateDer<'_>, stapled: &[u8], now: UnixTime) {
        let now = timestamp(now);
        if stapled.is_empty() {
            return;
        }
        if let Some(question) = self.revocations.question(leaf, now)
            && let Ok(status) = question.check(stapled, None, now)
        {
            self.revocations.put_status(&question, status, now);
        }
    }
}

fn check_revocation(
    revocations: &Revocations,
    der: &CertificateDer<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    let refused = match revocations.judge(der, timestamp(now)) {
        Ok(()) | Err(Refused::Unasked) => return Ok(()),
        Err(Refused::Revoked) => CertificateError::Revoked,
        Err(Refused::ListExpired) => CertificateError::ExpiredRevocationList,
        Err(Refused::Unknown) => CertificateError::UnknownRevocationStatus,
        Err(Refused::Unreadable) => CertificateError::BadEncoding,
    };
    Err(Error::InvalidCertificate(refused))
}

/// A clock outside the years 1 to 9999 makes everything expired.
pub(super) fn timestamp(now: UnixTime) -> Timestamp {
    i64::try_from(now.as_secs())
        .ok()
        .and_then(|second| Timestamp::from_second(second).ok())
        .unwrap_or(Timestamp::MAX)
}

/// The path builder takes an anchor's word for ever; here it ends with its certificate.
fn check_anchors(
    anchors: &[AnchorFacts],
    leaf: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
    now: UnixTime,
) -> Result<(), PolicyRefusal> {
    let now = timestamp(now).as_second();
    for der in std::iter::once(leaf).chain(rest) {
        let certificate = read(der)?;
        let issuer = certificate.issuer().as_raw();
        let mut above = anchors
            .iter()
            .filter(|anchor| anchor.subject == issuer)
            .peekable();
        if above.peek().is_some() && above.all(|anchor| anchor.not_after < now) {
            return Err(PolicyRefusal::AnchorExpired);
        }
    }
    Ok(())
}

/// An anchor may be of any form, but its key must be worth trusting.
pub(super) fn check_anchor(der: &CertificateDer<'_>) -> Result<AnchorFacts, TlsConfigError> {
    let certificate = read(der).map_err(|_| TlsConfigError::BadCertificate)?;
    check_key(&certificate).map_err(|_| TlsConfigError::WeakAnchor)?;
    Ok(AnchorFacts {
        subject: certificate.subject().as_raw().to_vec(),
        not_after: certificate.validity().not_after.timestamp(),
    })
}

/// Every certificate that the client shows has to be one that we would have issued it.
fn check_client(
    leaf: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
) -> Result<(), PolicyRefusal> {
    if rest.len() > INTERMEDIATES_MAX {
        return Err(PolicyRefusal::PathTooLong);
    }
    check_leaf(&read(leaf)?)?;
    for authority in rest {
        check_authority(&read(authority)?)?;
    }
    Ok(())
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, PolicyRefusal> {
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| PolicyRefusal::Unreadable)?;
    // an extension that stands twice means one thing to us and another to somebody else
    match certificate.tbs_certificate.extensions_map() {
        Ok(_) => Ok(certificate),
        Err(_) => Err(PolicyRefusal::Unreadable),
    }
}

fn check_leaf(leaf: &X509Certificate<'_>) -> Result<(), PolicyRefusal> {
    let serial = leaf.raw_serial();
    let is_serial = serial.len() <= SERIAL_BYTES_MAX && serial.iter().any(|byte| *byte != 0);
    let is_negative = serial.first().is_some_and(|byte| byte & 0x80 != 0);
    if leaf.version() != X509Version::V3 || !is_serial || is_negative {
        return Err(PolicyRefusal::Unreadable);
    }
    let validity = leaf.validity();
    if validity.not_after.timestamp() - validity.not_before.timestamp() > LIFE_SECONDS_MAX {
        return Err(PolicyRefusal::LivesTooLong);
    }
    let usage = leaf
        .extended_key_usage()
        .map_err(|_| PolicyRefusal::Unreadable)?;
    if !usage.is_some_and(|usage| usage.value.client_auth && !usage.value.any) {
        return Err(PolicyRefusal::WrongUsage);
    }
    let usage = leaf.key_usage().map_err(|_| PolicyRefusal::Unreadable)?;
    let fits = usage.is_none_or(|usage| {
        let usage = usage.value;
        usage.digital_signature() && !usage.key_cert_sign() && !usage.crl_sign()
    });
    match fits {
        true => check_key(leaf),
        false => Err(PolicyRefusal::WrongKeyUsage),
    }
}

/// The path builder does not look at the key usage of authorities.
fn check_authority(authority: &X509Certificate<'_>) -> Result<(), PolicyRefusal> {
    let usage = authority
        .key_usage()
        .map_err(|_| PolicyRefusal::Unreadable)?;
    let may_issue = usage.is_some_and(|usage| usage.value.key_cert_sign());
    match authority.is_ca() && may_issue {
        true => check_key(authority),
        false => Err(PolicyRefusal::NotAnAuthority),
    }
}

/// RSA of 2,048 to 8,192 bits with a usual exponent, P-256, P-384 or Ed25519.
fn check_key(certificate: &X509Certificate<'_>) -> Result<(), PolicyRefusal> {
    let spki = certificate.public_key();
    let algorithm = &spki.algorithm.algorithm;
    let strong = if *algorithm == oid::OID_PKCS1_RSAENCRYPTION {
        let key = openssl::rsa::Rsa::public_key_from_der(spki.raw)
            .map_err(|_| PolicyRefusal::Unreadable)?;
        RSA_BITS.contains(&key.n().num_bits()) && EXPONENT_BITS.contains(&key.e().num_bits())
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

const RSA_BITS: std::ops::RangeInclusive<i32> = 2048..=8192;
/// From 65,537, as FIPS 186-5 appendix A.1.1 demands, to what fits 32 bits.
const EXPONENT_BITS: std::ops::RangeInclusive<i32> = 17..=32;
/// Certificates that a client may show beside its own.
const INTERMEDIATES_MAX: usize = 4;
/// RFC 5280 §4.1.2.2 allows 20; DER puts a zero before a high bit.
const SERIAL_BYTES_MAX: usize = 21;
/// Five years and a month: the longest that the state's authorities issue.
const LIFE_SECONDS_MAX: i64 = (5 * 366 + 31) * 86_400;
