//! What a token is asked to do for each algorithm. Hashing stays here: tokens differ in what they offer
//! (SoftHSM has no CKM_ECDSA_SHA256), and a message of megabytes does not travel to them.

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use openssl::hash::MessageDigest;

use super::Algorithm;

/// DigestInfo of RFC 8017 §9.2 note 1, up to the hash itself.
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

#[derive(Clone, Copy)]
enum Padding {
    /// The bare hash.
    Ecdsa,
    /// DigestInfo under CKM_RSA_PKCS.
    Pkcs1(&'static [u8]),
    /// The bare hash under CKM_RSA_PKCS_PSS, the salt as long as the hash.
    Pss(MechanismType, PkcsMgfType),
}

/// How one algorithm is asked of a token.
#[derive(Clone, Copy)]
pub(super) struct Scheme {
    digest: fn() -> MessageDigest,
    padding: Padding,
}

impl Scheme {
    /// None for Ed25519: tokens hash that themselves, twice.
    pub(super) fn of(algorithm: Algorithm) -> Option<Self> {
        let (digest, padding): (fn() -> MessageDigest, Padding) = match algorithm {
            Algorithm::Es256 => (MessageDigest::sha256, Padding::Ecdsa),
            Algorithm::Rs256 => (MessageDigest::sha256, Padding::Pkcs1(&SHA256_INFO)),
            Algorithm::Ps256 => (
                MessageDigest::sha256,
                Padding::Pss(MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
            ),
            Algorithm::EdDsa => return None,
        };
        Some(Self { digest, padding })
    }

    /// What the token gets to see of a message.
    pub(super) fn input(&self, message: &[u8]) -> Vec<u8> {
        // hashing bytes in memory fails only where the library has lost its provider: then the token, and
        // after it whoever verifies, refuses the empty hash
        let hash = openssl::hash::hash((self.digest)(), message);
        let hash = hash.as_deref().unwrap_or_default();
        match self.padding {
            Padding::Pkcs1(info) => [info, hash].concat(),
            Padding::Ecdsa | Padding::Pss(..) => hash.to_vec(),
        }
    }

    pub(super) fn mechanism(&self) -> Mechanism<'static> {
        match self.padding {
            Padding::Ecdsa => Mechanism::Ecdsa,
            Padding::Pkcs1(_) => Mechanism::RsaPkcs,
            Padding::Pss(hash_alg, mgf) => Mechanism::RsaPkcsPss(PkcsPssParams {
                hash_alg,
                mgf,
                s_len: ((self.digest)().size() as u64).into(),
            }),
        }
    }
}
