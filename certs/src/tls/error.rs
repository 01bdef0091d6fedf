//! Why a handshake failed, told apart, and why a TLS configuration is refused.

use std::io;

use rustls::{CertificateError, InvalidMessage};

use super::policy::PolicyRefusal;
use crate::revocation::Refused;

/// Why TLS could not be set up from what the configuration names.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsConfigError {
    /// A file could not be read.
    #[error("{0}: {1}")]
    File(String, #[source] io::Error),
    /// A PEM file without a certificate.
    #[error("no certificate in the file")]
    NoCertificate,
    /// A certificate could not be read.
    #[error("a certificate could not be read")]
    BadCertificate,
    /// The private key could not be read.
    #[error("the private key could not be read")]
    BadKey,
    /// An anchor whose key is too weak to prove anything.
    #[error("an anchor's key is too weak: RSA of at least 2048 bits, P-256, P-384 or Ed25519")]
    WeakAnchor,
    /// The key does not belong to the certificate.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// The PKCS#12 file or its passphrase is wrong.
    #[error("the PKCS#12 file could not be opened")]
    BadPkcs12,
    /// A revocation list could not be read.
    #[error("the revocation list could not be read")]
    BadRevocationList,
    /// The library refused the whole.
    #[error("the TLS library refuses the configuration: {0}")]
    Refused(String),
}

/// Why a handshake failed; each variant has its own log event and its own `reason()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The first bytes are no TLS record: somebody speaks plain HTTP.
    #[error("the first bytes are not TLS")]
    Plaintext,
    /// The client sent no certificate.
    #[error("no client certificate")]
    NoCertificate,
    /// The certificate leads to no anchor of ours.
    #[error("the certificate's issuer is unknown")]
    UnknownIssuer,
    /// The certificate has ended.
    #[error("the certificate has expired")]
    Expired,
    /// The certificate has not begun.
    #[error("the certificate is not yet valid")]
    NotYetValid,
    /// The certificate is not for this use (extended key usage), or is an authority's.
    #[error("the certificate is not for this use")]
    WrongUsage,
    /// The certificate is revoked.
    #[error("the certificate is revoked")]
    Revoked,
    /// The revocation list itself has ended, or says nothing about this issuer.
    #[error("the revocation state is unknown")]
    RevocationUnknown,
    /// The revocation list has passed its next update.
    #[error("the revocation list has expired")]
    RevocationListExpired,
    /// RSA below 2,048 bits, a foreign curve, or a signature algorithm that is not accepted.
    #[error("the key or signature algorithm is too weak")]
    WeakKey,
    /// The anchor that the certificate leads to has ended.
    #[error("the anchor has expired")]
    AnchorExpired,
    /// The key usage forbids signing, or allows signing certificates or lists.
    #[error("the certificate's key usage does not fit")]
    WrongKeyUsage,
    /// An authority on the path has no right to issue: no authority at all, or no keyCertSign.
    #[error("the path leads over a certificate that may not issue")]
    NotAnAuthority,
    /// More authorities on the path than they or we allow.
    #[error("the path is too long")]
    PathTooLong,
    /// A name that an authority on the path may not give away.
    #[error("a name is outside its authority's constraints")]
    NameConstraint,
    /// A critical extension that nobody here understands.
    #[error("the certificate has an unknown critical extension")]
    CriticalExtension,
    /// Valid for longer than we let a certificate live.
    #[error("the certificate lives too long")]
    LivesTooLong,
    /// The signature of the certificate or of one above it is wrong.
    #[error("a signature on the path is wrong")]
    BadSignature,
    /// The certificate or its signature is malformed.
    #[error("the certificate is malformed")]
    BadCertificate,
    /// The server's certificate is for another name.
    #[error("the certificate is for another name")]
    WrongName,
    /// No protocol version or cipher suite in common.
    #[error("no TLS version or cipher suite in common")]
    Incompatible,
    /// No application protocol in common.
    #[error("no application protocol in common")]
    NoAlpn,
    /// The handshake was not over in time.
    #[error("the handshake took too long")]
    Deadline,
    /// The other side refused us by alert.
    #[error("the other side refused: {0}")]
    RefusedByPeer(String),
    /// The connection broke.
    #[error("the connection broke during the handshake")]
    Broken(#[source] io::Error),
    /// The name to connect to is not a DNS name or an address.
    #[error("the server name is malformed")]
    BadName,
    /// Anything else that breaks the protocol.
    #[error("the handshake breaks the protocol: {0}")]
    Protocol(String),
}

impl HandshakeError {
    /// A stable word for logs, metrics and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::NoCertificate => "no-certificate",
            Self::UnknownIssuer => "unknown-issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::WrongUsage => "wrong-usage",
            Self::Revoked => "revoked",
            Self::RevocationUnknown => "revocation-unknown",
            Self::RevocationListExpired => "crl-expired",
            Self::WeakKey => "weak-key",
            Self::AnchorExpired => "anchor-expired",
            Self::WrongKeyUsage => "wrong-key-usage",
            Self::NotAnAuthority => "not-an-authority",
            Self::PathTooLong => "path-too-long",
            Self::NameConstraint => "name-constraint",
            Self::CriticalExtension => "critical-extension",
            Self::LivesTooLong => "lives-too-long",
            Self::BadSignature => "bad-signature",
            Self::BadCertificate => "bad-certificate",
            Self::WrongName => "wrong-name",
            Self::Incompatible => "incompatible",
            Self::NoAlpn => "no-alpn",
            Self::Deadline => "deadline",
            Self::RefusedByPeer(_) => "refused-by-peer",
            Self::Broken(_) => "broken",
            Self::BadName => "bad-name",
            Self::Protocol(_) => "protocol",
        }
    }

    /// An error before the ClientHello was read: here a foreign first byte means plain text.
    pub(super) fn before_hello(error: io::Error) -> Self {
        match rustls_error(&error) {
            Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                Self::Plaintext
            }
            _ => Self::from_io(error),
        }
    }

    pub(super) fn from_io(error: io::Error) -> Self {
        match rustls_error(&error) {
            Some(inner) => Self::from_rustls(inner),
            None => Self::Broken(error),
        }
    }

    pub(super) fn from_rustls(error: &rustls::Error) -> Self {
        use rustls::Error;
        match error {
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::InvalidCertificate(refused) => Self::from_certificate(refused),
            Error::InvalidCertRevocationList(_) => Self::RevocationUnknown,
            Error::NoApplicationProtocol => Self::NoAlpn,
            Error::PeerIncompatible(_) => Self::Incompatible,
            Error::AlertReceived(alert) => Self::RefusedByPeer(format!("{alert:?}")),
            other => Self::Protocol(other.to_string()),
        }
    }

    pub(super) const fn from_refused(refused: Refused) -> Self {
        match refused {
            Refused::Revoked => Self::Revoked,
            Refused::ListExpired => Self::RevocationListExpired,
            Refused::Unknown | Refused::Unasked => Self::RevocationUnknown,
            Refused::Unreadable => Self::BadCertificate,
        }
    }

    fn from_certificate(refused: &CertificateError) -> Self {
        use CertificateError as C;
        match refused {
            C::Expired | C::ExpiredContext { .. } => Self::Expired,
            C::NotValidYet | C::NotValidYetContext { .. } => Self::NotYetValid,
            C::Revoked => Self::Revoked,
            C::UnknownRevocationStatus => Self::RevocationUnknown,
            C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => {
                Self::RevocationListExpired
            }
            C::UnknownIssuer => Self::UnknownIssuer,
            C::InvalidPurpose | C::InvalidPurposeContext { .. } => Self::WrongUsage,
            C::BadSignature => Self::BadSignature,
            C::NotValidForName | C::NotValidForNameContext { .. } => Self::WrongName,
            C::Other(other) => Self::from_other(other),
            C::UnsupportedSignatureAlgorithmContext { .. }
            | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::WeakKey,
            _ => Self::BadCertificate,
        }
    }

    fn from_other(other: &rustls::OtherError) -> Self {
        match other.0.downcast_ref::<PolicyRefusal>() {
            Some(PolicyRefusal::WeakKey) => Self::WeakKey,
            Some(PolicyRefusal::WrongUsage) => Self::WrongUsage,
            Some(PolicyRefusal::WrongKeyUsage) => Self::WrongKeyUsage,
            Some(PolicyRefusal::NotAnAuthority) => Self::NotAnAuthority,
            Some(PolicyRefusal::PathTooLong) => Self::PathTooLong,
            Some(PolicyRefusal::LivesTooLong) => Self::LivesTooLong,
            Some(PolicyRefusal::AnchorExpired) => Self::AnchorExpired,
            Some(PolicyRefusal::Unreadable) => Self::BadCertificate,
            None => Self::from_words(&format!("{:?}", other.0)),
        }
    }

    /// webpki's own words: its type is not among what rustls makes public.
    fn from_words(words: &str) -> Self {
        let found = WEBPKI_WORDS
            .iter()
            .find(|(word, _)| words.starts_with(word));
        found.map_or(Self::BadCertificate, |(_, refusal)| refusal())
    }
}

/// The names of `webpki::Error`'s variants, and what each of them is to us.
const WEBPKI_WORDS: &[(&str, Reading)] = &[
    ("CaUsedAsEndEntity", || HandshakeError::WrongUsage),
    ("EndEntityUsedAsCa", || HandshakeError::NotAnAuthority),
    ("PathLenConstraintViolated", || HandshakeError::PathTooLong),
    ("MaximumPathDepthExceeded", || HandshakeError::PathTooLong),
    ("NameConstraintViolation", || HandshakeError::NameConstraint),
    ("UnsupportedNameConstraint", || {
        HandshakeError::NameConstraint
    }),
    ("UnsupportedCriticalExtension", || {
        HandshakeError::CriticalExtension
    }),
    ("UnsupportedSignatureAlgorithm", || HandshakeError::WeakKey),
];

type Reading = fn() -> HandshakeError;

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
