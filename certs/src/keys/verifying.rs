//! A public key that is parsed once, with what its certificate says about it.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, VerificationAlgorithm,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo, X509Certificate};

use super::{Algorithm, KeyError, KeyKind};
use crate::digest;

/// Why a signature does not prove anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The algorithm is not one that this key may be used with.
    #[error("the algorithm does not fit the key")]
    AlgorithmRefused,
    /// The signature was not made by this key over these bytes.
    #[error("the signature does not match")]
    Mismatch,
}

impl SignatureError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AlgorithmRefused => "algorithm-refused",
            Self::Mismatch => "signature-mismatch",
        }
    }
}

/// A partner's public key: P-256, P-384, Ed25519 or RSA of 2,048 to 8,192 bits.
pub struct VerifyingKey {
    public: Public,
    spki: Vec<u8>,
    spki_sha256: [u8; 32],
    certificate: Option<Certificate>,
}

/// The certificate that the key was read from.
struct Certificate {
    der: Vec<u8>,
    validity: Validity,
}

/// The two instants between which a certificate may be used.
#[derive(Clone, Copy)]
struct Validity {
    not_before: jiff::Timestamp,
    not_after: jiff::Timestamp,
}

enum Public {
    P256 {
        fixed: ParsedPublicKey,
        der: ParsedPublicKey,
    },
    P384(ParsedPublicKey),
    Rsa(Box<RsaKey>),
    Ed25519(ParsedPublicKey),
}

/// One RSA key, parsed for each algorithm that it may be used with.
struct RsaKey {
    rs256: ParsedPublicKey,
    rs384: ParsedPublicKey,
    rs512: ParsedPublicKey,
    ps256: ParsedPublicKey,
    ps384: ParsedPublicKey,
    ps512: ParsedPublicKey,
    danger_sha1: ParsedPublicKey,
}

impl VerifyingKey {
    /// Reads the first certificate of a PEM file; its dates are remembered, its chain is not checked here.
    pub fn from_certificate_pem(pem: &[u8]) -> Result<Self, KeyError> {
        let der = CertificateDer::from_pem_slice(pem).map_err(|_| KeyError::BadCertificate)?;
        Self::from_certificate_der(&der)
    }

    /// Reads one certificate in DER.
    pub fn from_certificate_der(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, certificate) =
            X509Certificate::from_der(der).map_err(|_| KeyError::BadCertificate)?;
        if !rest.is_empty() {
            return Err(KeyError::BadCertificate);
        }
        let validity = Validity {
            not_before: timestamp(certificate.validity().not_before.timestamp())?,
            not_after: timestamp(certificate.validity().not_after.timestamp())?,
        };
        let key = Self::from_spki_der(certificate.public_key().raw)?;
        Ok(Self {
            certificate: Some(Certificate {
                der: der.to_vec(),
                validity,
            }),
            ..key
        })
    }

    /// Reads a SubjectPublicKeyInfo in DER.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, spki) =
            SubjectPublicKeyInfo::from_der(der).map_err(|_| KeyError::Unsupported)?;
        if !rest.is_empty() {
            return Err(KeyError::Unsupported);
        }
        Ok(Self {
            public: read_public(&spki)?,
            spki: der.to_vec(),
            spki_sha256: digest::sha256(der),
            certificate: None,
        })
    }

    /// Whether `signature` was made with this key over `message`; ECDSA as r||s (P1363).
    pub fn verify(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let key = match (algorithm, &self.public) {
            (Algorithm::Es256, Public::P256 { fixed, .. }) => fixed,
            (Algorithm::Es384, Public::P384(key)) => key,
            (Algorithm::Ps256, Public::Rsa(key)) => &key.ps256,
            (Algorithm::Ps384, Public::Rsa(key)) => &key.ps384,
            (Algorithm::Ps512, Public::Rsa(key)) => &key.ps512,
            (Algorithm::Rs256, Public::Rsa(key)) => &key.rs256,
            (Algorithm::Rs384, Public::Rsa(key)) => &key.rs384,
            (Algorithm::Rs512, Public::Rsa(key)) => &key.rs512,
            (Algorithm::EdDsa, Public::Ed25519(key)) => key,
            _ => return Err(SignatureError::AlgorithmRefused),
        };
        key.verify_sig(message, signature)
            .map_err(|_| SignatureError::Mismatch)
    }

    /// Whether `signature`, an ECDSA signature in DER, was made with this P-256 key over `message`.
    pub fn verify_der(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let Public::P256 { der, .. } = &self.public else {
            return Err(SignatureError::AlgorithmRefused);
        };
        der.verify_sig(message, signature)
            .map_err(|_| SignatureError::Mismatch)
    }

    /// Whether `signature` is RSASSA-PKCS1-v1_5 with SHA-1 by this key over `message`.
    ///
    /// Danger: SHA-1 collides. Only for documents of partners that a person has named, to be read before
    /// their tokens are renewed; nothing of ours signs like this.
    pub(crate) fn danger_verify_rsa_sha1(
        &self,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let Public::Rsa(key) = &self.public else {
            return Err(SignatureError::AlgorithmRefused);
        };
        key.danger_sha1
            .verify_sig(message, signature)
            .map_err(|_| SignatureError::Mismatch)
    }

    /// The kind of this key.
    pub const fn kind(&self) -> KeyKind {
        match self.public {
            Public::P256 { .. } => KeyKind::P256,
            Public::P384(_) => KeyKind::P384,
            Public::Rsa(_) => KeyKind::Rsa,
            Public::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SubjectPublicKeyInfo: what a pin names.
    pub const fn spki_sha256(&self) -> [u8; 32] {
        self.spki_sha256
    }

    /// Whether this certificate (DER) is for this key.
    pub fn is_key_of(&self, certificate: &[u8]) -> bool {
        let registered = self.certificate.as_ref();
        if registered.is_some_and(|known| known.der == certificate) {
            return true;
        }
        X509Certificate::from_der(certificate)
            .is_ok_and(|(rest, read)| rest.is_empty() && read.public_key().raw == self.spki)
    }

    fn validity(&self) -> Option<Validity> {
        self.certificate
            .as_ref()
            .map(|certificate| certificate.validity)
    }

    /// When the certificate starts to be valid; `None` for a bare key.
    pub fn not_before(&self) -> Option<jiff::Timestamp> {
        self.validity().map(|validity| validity.not_before)
    }

    /// The certificate, DER; `None` for a bare key.
    pub fn certificate_der(&self) -> Option<&[u8]> {
        self.certificate.as_ref().map(|known| known.der.as_slice())
    }

    /// When the certificate ends; `None` for a bare key.
    pub fn not_after(&self) -> Option<jiff::Timestamp> {
        self.validity().map(|validity| validity.not_after)
    }

    /// Whether the certificate is valid at `now`; a bare key always is.
    pub fn is_valid_at(&self, now: jiff::Timestamp) -> bool {
        self.validity()
            .is_none_or(|validity| validity.not_before <= now && now <= validity.not_after)
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("kind", &self.kind())
            .field("spki_sha256", &hex::encode(self.spki_sha256))
            .field("not_after", &self.not_after())
            .finish_non_exhaustive()
    }
}

fn read_public(spki: &SubjectPublicKeyInfo<'_>) -> Result<Public, KeyError> {
    let bits = spki.subject_public_key.data.as_ref();
    let algorithm = &spki.algorithm.algorithm;
    if *algorithm == oid::OID_KEY_TYPE_EC_PUBLIC_KEY {
        let curve = spki
            .algorithm
            .parameters
            .as_ref()
            .and_then(|any| any.as_oid().ok());
        if curve == Some(oid::OID_NIST_EC_P384) {
            return Ok(Public::P384(parsed(&ECDSA_P384_SHA384_FIXED, bits)?));
        }
        if curve != Some(oid::OID_EC_P256) {
            return Err(KeyError::Unsupported);
        }
        return Ok(Public::P256 {
            fixed: parsed(&ECDSA_P256_SHA256_FIXED, bits)?,
            der: parsed(&ECDSA_P256_SHA256_ASN1, bits)?,
        });
    }
    if *algorithm == oid::OID_PKCS1_RSAENCRYPTION {
        return read_rsa(spki, bits);
    }
    if *algorithm == oid::OID_SIG_ED25519 {
        return Ok(Public::Ed25519(parsed(&ED25519, bits)?));
    }
    Err(KeyError::Unsupported)
}

fn read_rsa(spki: &SubjectPublicKeyInfo<'_>, bits: &[u8]) -> Result<Public, KeyError> {
    let key =
        openssl::rsa::Rsa::public_key_from_der(spki.raw).map_err(|_| KeyError::Unsupported)?;
    if key.n().num_bits() < 2048 {
        return Err(KeyError::TooShort);
    }
    Ok(Public::Rsa(Box::new(RsaKey {
        rs256: parsed(&RSA_PKCS1_2048_8192_SHA256, bits)?,
        rs384: parsed(&RSA_PKCS1_2048_8192_SHA384, bits)?,
        rs512: parsed(&RSA_PKCS1_2048_8192_SHA512, bits)?,
        ps256: parsed(&RSA_PSS_2048_8192_SHA256, bits)?,
        ps384: parsed(&RSA_PSS_2048_8192_SHA384, bits)?,
        ps512: parsed(&RSA_PSS_2048_8192_SHA512, bits)?,
        danger_sha1: parsed(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, bits)?,
    })))
}

fn parsed(
    algorithm: &'static dyn VerificationAlgorithm,
    bits: &[u8],
) -> Result<ParsedPublicKey, KeyError> {
    ParsedPublicKey::new(algorithm, bits).map_err(|_| KeyError::Unsupported)
}

fn timestamp(seconds: i64) -> Result<jiff::Timestamp, KeyError> {
    jiff::Timestamp::from_second(seconds).map_err(|_| KeyError::BadCertificate)
}

#[cfg(test)]
mod tests {
    use openssl::pkey::{PKey, Private};

    use super::*;
    use crate::pki::{Authority, IssueParams, Usage};

    fn refused(key: PKey<Private>) -> &'static str {
        let spki = key.public_key_to_der().unwrap();
        VerifyingKey::from_spki_der(&spki).unwrap_err().reason()
    }

    #[test]
    fn weak_and_foreign_keys_are_refused_by_name() {
        let rsa = openssl::rsa::Rsa::generate(1024).unwrap();
        assert_eq!(refused(PKey::from_rsa(rsa).unwrap()), "key-too-short");
        let curve = openssl::ec::EcGroup::from_curve_name(openssl::nid::Nid::SECP521R1).unwrap();
        let ec = openssl::ec::EcKey::generate(&curve).unwrap();
        assert_eq!(refused(PKey::from_ec_key(ec).unwrap()), "key-unsupported");
        assert_eq!(refused(PKey::generate_x25519().unwrap()), "key-unsupported");
        assert_eq!(
            VerifyingKey::from_spki_der(b"").unwrap_err().reason(),
            "key-unsupported"
        );
        let bad = VerifyingKey::from_certificate_pem(b"").unwrap_err();
        assert_eq!(bad.reason(), "bad-certificate");
    }

    #[test]
    fn bytes_after_the_certificate_or_the_key_are_refused() {
        let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        let authority = Authority::generate("test", now).unwrap();
        let issued = authority
            .issue(&IssueParams::new("a", Usage::Signing, now))
            .unwrap();
        let key = VerifyingKey::from_certificate_der(&issued.der).unwrap();
        assert!(key.is_key_of(&issued.der) && !key.is_key_of(&[]));
        let with_more = |der: &[u8]| [der, b"x"].concat();
        assert!(VerifyingKey::from_certificate_der(&with_more(&issued.der)).is_err());
        assert!(VerifyingKey::from_spki_der(&with_more(key.spki())).is_err());
    }

    #[test]
    fn a_certificates_dates_bound_its_key_and_a_bare_key_has_none() {
        let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        let hour = jiff::SignedDuration::from_hours(1);
        let authority = Authority::generate("test", now).unwrap();
        let params = IssueParams {
            not_before: now,
            not_after: now + hour,
            ..IssueParams::new("a", Usage::Signing, now)
        };
        let issued = authority.issue(&params).unwrap();
        let key = VerifyingKey::from_certificate_der(&issued.der).unwrap();
        let valid = |at| key.is_valid_at(at);
        assert!(valid(now) && valid(now + hour));
        assert!(!valid(now - hour) && !valid(now + hour * 2));
        let bare = VerifyingKey::from_spki_der(key.spki()).unwrap();
        assert_eq!((bare.not_before(), bare.not_after()), (None, None));
        assert_eq!(bare.spki_sha256(), key.spki_sha256());
    }
}
