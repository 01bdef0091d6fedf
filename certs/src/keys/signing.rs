//! A private key that is parsed once and then only used.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::token::Token;
use super::{Algorithm, KeyKind, VerifyingKey};

const RSA_BITS_MIN: u32 = 2048;

/// SubjectPublicKeyInfo of Ed25519 up to the 32 bytes of the key (RFC 8410 §4).
const ED25519_SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// Why a key could not be loaded or used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file holds no private key in PKCS#8, SEC1 or PKCS#1 PEM.
    #[error("no private key in the file")]
    NoKey,
    /// The bytes are not a key of a kind that we use.
    #[error("the key is not P-256, P-384, Ed25519 or RSA")]
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
    /// The key's file could not be read.
    #[error("the key file could not be read")]
    Unreadable,
    /// A PIN or passphrase is missing, empty, or open to others.
    #[error("the PIN or passphrase could not be read, or others can read it")]
    SecretUnreadable,
    /// The PKCS#11 library could not be loaded or started.
    #[error("the PKCS#11 library could not be used")]
    BadModule,
    /// No token of this name, no such key in it, or it has just gone.
    #[error("the token or its key is not there")]
    TokenGone,
    /// The token has refused the PIN; the same PIN is not shown to it again.
    #[error("the token refuses the PIN")]
    PinRefused,
    /// The token has no session left.
    #[error("the token has no session left")]
    NoSession,
    /// Two tokens, or two keys in one, have the name.
    #[error("two tokens or keys have this name")]
    Ambiguous,
    /// What the token signs does not verify under the certificate.
    #[error("the token's key is not the certificate's")]
    OtherKey,
    /// What was locked by a token does not open under its key.
    #[error("the token's key does not open what was locked")]
    OtherLock,
}

impl KeyError {
    /// Whether the key is fine as far as we know and only out of reach: time, or a person at the token,
    /// brings it back.
    pub const fn is_away(&self) -> bool {
        matches!(
            self,
            Self::SecretUnreadable
                | Self::BadModule
                | Self::TokenGone
                | Self::PinRefused
                | Self::NoSession
                | Self::Ambiguous
                | Self::OtherKey
        )
    }

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
            Self::Unreadable => "key-unreadable",
            Self::SecretUnreadable => "secret-unreadable",
            Self::BadModule => "pkcs11-module",
            Self::TokenGone => "token-gone",
            Self::PinRefused => "pin-refused",
            Self::NoSession => "token-sessions-exhausted",
            Self::Ambiguous => "token-ambiguous",
            Self::OtherKey => "token-other-key",
            Self::OtherLock => "token-other-lock",
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
    Ec(EcdsaKeyPair, SystemRandom),
    Ed25519(Ed25519KeyPair),
    Rsa(PKey<Private>),
    Token(Box<Token>),
}

impl SigningKey {
    /// Reads a PKCS#8, SEC1 or PKCS#1 PEM; `algorithm` defaults to ES256, ES384, PS256 or EdDSA by the key's kind.
    pub fn from_pem(pem: &[u8], algorithm: Option<Algorithm>) -> Result<Self, KeyError> {
        let der = PrivateKeyDer::from_pem_slice(pem).map_err(|_| KeyError::NoKey)?;
        let der = Zeroizing::new(der);
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
        let der = Zeroizing::new(
            key.private_key_to_pkcs8()
                .map_err(|_| KeyError::Unsupported)?,
        );
        Self::from_der(&der, algorithm)
    }

    /// A key that stays in its token.
    pub(super) fn from_token(token: Token) -> Self {
        Self {
            algorithm: token.algorithm(),
            spki: token.spki().to_vec(),
            secret: Secret::Token(Box::new(token)),
        }
    }

    /// Whether a signature takes some microseconds of this thread and waits for nothing: P-256 and Ed25519
    /// in software (about 20 us). RSA takes a hundred times that, a token waits for its device.
    pub fn is_light(&self) -> bool {
        let in_software = !matches!(self.secret, Secret::Token(_));
        in_software && matches!(self.algorithm, Algorithm::Es256 | Algorithm::EdDsa)
    }

    /// How many may sign at once, where something bounds it: the sessions of a token.
    pub fn hands(&self) -> Option<usize> {
        match &self.secret {
            Secret::Token(token) => Some(token.sessions()),
            _ => None,
        }
    }

    /// The algorithm this key signs with.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Signs `message`; an ECDSA signature is r||s (P1363), 64 or 96 bytes.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        match &self.secret {
            Secret::Ec(pair, random) => match pair.sign(random, message) {
                Ok(signature) => Ok(signature.as_ref().to_vec()),
                Err(_) => Err(KeyError::Failed),
            },
            Secret::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Secret::Rsa(key) => {
                rsa_sign(key, self.algorithm, message).map_err(|_| KeyError::Failed)
            }
            Secret::Token(token) => token.sign(message),
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
    // first, since OpenSSL 3.0 does not read the second version of PKCS#8 that others write for Ed25519
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        let spki = [&ED25519_SPKI_PREFIX, pair.public_key().as_ref()].concat();
        return Ok((Secret::Ed25519(pair), KeyKind::Ed25519, spki));
    }
    let key = PKey::private_key_from_der(der).map_err(|_| KeyError::Unsupported)?;
    let spki = key.public_key_to_der().map_err(|_| KeyError::Unsupported)?;
    match key.id() {
        Id::EC => {
            let (scheme, kind) = curve(&key)?;
            let pair = EcdsaKeyPair::from_private_key_der(scheme, der)
                .map_err(|_| KeyError::Unsupported)?;
            Ok((Secret::Ec(pair, SystemRandom::new()), kind, spki))
        }
        Id::RSA if key.bits() < RSA_BITS_MIN => Err(KeyError::TooShort),
        Id::RSA => Ok((Secret::Rsa(key), KeyKind::Rsa, spki)),
        _ => Err(KeyError::Unsupported),
    }
}

fn curve(key: &PKey<Private>) -> Result<(&'static EcdsaSigningAlgorithm, KeyKind), KeyError> {
    let key = key.ec_key().map_err(|_| KeyError::Unsupported)?;
    match key.group().curve_name() {
        Some(Nid::X9_62_PRIME256V1) => Ok((&ECDSA_P256_SHA256_FIXED_SIGNING, KeyKind::P256)),
        Some(Nid::SECP384R1) => Ok((&ECDSA_P384_SHA384_FIXED_SIGNING, KeyKind::P384)),
        _ => Err(KeyError::Unsupported),
    }
}

/// The hash under an RSA algorithm, and whether the padding is PSS.
fn rsa_scheme(algorithm: Algorithm) -> (MessageDigest, bool) {
    match algorithm {
        Algorithm::Ps384 => (MessageDigest::sha384(), true),
        Algorithm::Ps512 => (MessageDigest::sha512(), true),
        Algorithm::Rs256 => (MessageDigest::sha256(), false),
        Algorithm::Rs384 => (MessageDigest::sha384(), false),
        Algorithm::Rs512 => (MessageDigest::sha512(), false),
        // an RSA key has no other: the key was refused for those when it was loaded
        Algorithm::Ps256 | Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => {
            (MessageDigest::sha256(), true)
        }
    }
}

fn rsa_sign(
    key: &PKey<Private>,
    algorithm: Algorithm,
    message: &[u8],
) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let (digest, is_pss) = rsa_scheme(algorithm);
    let mut signer = Signer::new(digest, key)?;
    if is_pss {
        signer.set_rsa_padding(Padding::PKCS1_PSS)?;
        signer.set_rsa_mgf1_md(digest)?;
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
    }
    signer.sign_oneshot_to_vec(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem(key: PKey<Private>) -> Vec<u8> {
        key.private_key_to_pem_pkcs8().unwrap()
    }

    fn ec(curve: openssl::nid::Nid) -> PKey<Private> {
        let curve = openssl::ec::EcGroup::from_curve_name(curve).unwrap();
        PKey::from_ec_key(openssl::ec::EcKey::generate(&curve).unwrap()).unwrap()
    }

    fn rsa(bits: u32) -> PKey<Private> {
        PKey::from_rsa(openssl::rsa::Rsa::generate(bits).unwrap()).unwrap()
    }

    #[test]
    fn each_kind_of_key_gets_its_algorithm_unless_told_otherwise() {
        let p256 = pem(ec(openssl::nid::Nid::X9_62_PRIME256V1));
        let p384 = pem(ec(openssl::nid::Nid::SECP384R1));
        let rsa = pem(rsa(2048));
        let ed25519 = pem(PKey::generate_ed25519().unwrap());
        let algorithm =
            |pem: &[u8], wanted| SigningKey::from_pem(pem, wanted).map(|key| key.algorithm());
        assert_eq!(algorithm(&p256, None), Ok(Algorithm::Es256));
        assert_eq!(algorithm(&p384, None), Ok(Algorithm::Es384));
        assert_eq!(
            algorithm(&p384, Some(Algorithm::Es256)),
            Err(KeyError::WrongAlgorithm)
        );
        assert_eq!(algorithm(&rsa, None), Ok(Algorithm::Ps256));
        assert_eq!(
            algorithm(&rsa, Some(Algorithm::Rs256)),
            Ok(Algorithm::Rs256)
        );
        assert_eq!(algorithm(&ed25519, None), Ok(Algorithm::EdDsa));
        assert_eq!(
            algorithm(&p256, Some(Algorithm::Rs256)),
            Err(KeyError::WrongAlgorithm)
        );
        assert_eq!(
            algorithm(&rsa, Some(Algorithm::Es256)),
            Err(KeyError::WrongAlgorithm)
        );
    }

    #[test]
    fn weak_and_foreign_keys_are_refused_by_name() {
        let reason = |pem: &[u8]| SigningKey::from_pem(pem, None).unwrap_err().reason();
        assert_eq!(reason(&pem(rsa(1024))), "key-too-short");
        assert_eq!(
            reason(&pem(ec(openssl::nid::Nid::SECP521R1))),
            "key-unsupported"
        );
        assert_eq!(
            reason(&pem(PKey::generate_ed448().unwrap())),
            "key-unsupported"
        );
        assert_eq!(
            reason(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "key-unsupported"
        );
        assert_eq!(reason(b"nothing"), "no-key");
        let public = rsa(2048).public_key_to_pem().unwrap();
        assert_eq!(reason(&public), "no-key");
    }

    #[test]
    fn the_second_version_of_pkcs8_is_read_for_ed25519() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let der = pair.to_pkcs8().unwrap();
        let key = SigningKey::from_der(der.as_ref(), None).unwrap();
        let public = VerifyingKey::from_spki_der(key.public_spki()).unwrap();
        let signature = key.sign(b"x").unwrap();
        assert_eq!(public.verify(Algorithm::EdDsa, b"x", &signature), Ok(()));
    }

    #[test]
    fn debug_shows_no_key() {
        let key = SigningKey::from_pem(&pem(rsa(2048)), None).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(PS256, REDACTED)");
    }
}
