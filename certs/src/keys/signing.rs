//! A private key that is parsed once and then only used.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use openssl::hash::MessageDigest;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Algorithm, KeyKind, VerifyingKey};

const RSA_BITS_MIN: u32 = 2048;

/// Why a key could not be loaded or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file holds no private key in PKCS#8, SEC1 or PKCS#1 PEM.
    #[error("no private key in the file")]
    NoKey,
    /// The bytes are not a key of a kind that we use.
    #[error("the key is not P-256, Ed25519 or RSA")]
    Unsupported,
    /// The RSA key is shorter than 2,048 bits.
    #[error("the RSA key is shorter than 2048 bits")]
    TooShort,
    /// The algorithm asked for does not fit the kind of the key.
    #[error("the algorithm does not fit the key")]
    WrongAlgorithm,
    /// The certificate could not be read.
    #[error("the certificate could not be read")]
    BadCertificate,
    /// The PKCS#12 file or its passphrase is wrong.
    #[error("the PKCS#12 file could not be opened")]
    BadPkcs12,
    /// The library refused to sign.
    #[error("signing failed")]
    Failed,
}

impl KeyError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::Unsupported => "key-unsupported",
            Self::TooShort => "key-too-short",
            Self::WrongAlgorithm => "key-wrong-algorithm",
            Self::BadCertificate => "bad-certificate",
            Self::BadPkcs12 => "bad-pkcs12",
            Self::Failed => "signing-failed",
        }
    }
}

/// A private key ready to sign; its `Debug` shows the algorithm only.
pub struct SigningKey {
    algorithm: Algorithm,
    secret: Secret,
    spki: Vec<u8>,
}

/// EC and Ed25519 stay with aws-lc; RSA with OpenSSL, which signs without parsing the key again.
enum Secret {
    P256(EcdsaKeyPair, SystemRandom),
    Ed25519(Ed25519KeyPair),
    Rsa(PKey<Private>),
}

impl SigningKey {
    /// Reads a PKCS#8, SEC1 or PKCS#1 PEM; `algorithm` defaults to ES256, PS256 or EdDSA by the key's kind.
    pub fn from_pem(pem: &[u8], algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| KeyError::NoKey)?;
        Self::from_der(der.secret_der(), algorithm)
    }

    /// Reads the key of a PKCS#12 file.
    pub fn from_pkcs12(
        file: &[u8],
        passphrase: &str,
        algorithm: Option<Algorithm>,
    ) -> Result<Self, KeyError> {
        let content = Pkcs12::from_der(file)
            .and_then(|file| file.parse2(passphrase))
            .map_err(|_| KeyError::BadPkcs12)?;
        let key = content.pkey.ok_or(KeyError::NoKey)?;
        let der = zeroize::Zeroizing::new(
            key.private_key_to_pkcs8()
                .map_err(|_| KeyError::Unsupported)?,
        );
        Self::from_der(&der, algorithm)
    }

    /// The algorithm this key signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs `message`; an ECDSA signature is r||s (P1363), 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.secret {
            Secret::P256(pair, random) => match pair.sign(random, message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(KeyError::Failed),
            },
            Secret::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Secret::Rsa(key) => {
                rsa_sign(key, self.algorithm, message).map_err(|_| KeyError::Failed)
            }
        }
    }

    /// The public half as SubjectPublicKeyInfo, DER.
    pub fn public_spki(&self) -> &[u8] {
        &self.spki
    }

    fn from_der(der: &[u8], algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let (secret, kind, spki) = read_secret(der)?;
        let algorithm = algorithm.unwrap_or(kind.preferred());
        if algorithm.key_kind() != kind {
            return Err(KeyError::WrongAlgorithm);
        }
        // a key whose own partners could not read its public half is no use
        VerifyingKey::from_spki_der(&spki)?;
        Ok(Self {
            algorithm,
            secret,
            spki,
        })
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, REDACTED)", self.algorithm)
    }
}

fn read_secret(der: &[u8]) -> Result<(Secret, KeyKind, Vec<u8>), KeyError> {
    let key = PKey::private_key_from_der(der).map_err(|_| KeyError::Unsupported)?;
    let spki = key.public_key_to_der().map_err(|_| KeyError::Unsupported)?;
    match key.id() {
        Id::EC => {
            let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .map_err(|_| KeyError::Unsupported)?;
            Ok((Secret::P256(pair, SystemRandom::new()), KeyKind::P256, spki))
        }
        Id::ED25519 => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .map_err(|_| KeyError::Unsupported)?;
            Ok((Secret::Ed25519(pair), KeyKind::Ed25519, spki))
        }
        Id::RSA if key.bits() < RSA_BITS_MIN => Err(KeyError::TooShort),
        Id::RSA => Ok((Secret::Rsa(key), KeyKind::Rsa, spki)),
        _ => Err(KeyError::Unsupported),
    }
}

fn rsa_sign(
    key: &PKey<Private>,
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let mut signer = Signer::new(MessageDigest::sha256(), key)?;
    if algorithm == Algorithm::Ps256 {
        signer.set_rsa_padding(Padding::PKCS1_PSS)?;
        signer.set_rsa_mgf1_md(MessageDigest::sha256())?;
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    }
    signer.sign_oneshot_to_vec(message)
}
