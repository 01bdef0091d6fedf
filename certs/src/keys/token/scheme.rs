//! What a token is asked to do for each algorithm. Hashing stays here: tokens differ in what they offer
//! (SoftHSM has no CKM_ECDSA_SHA256), and a message of megabytes does not travel to them.

use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use openssl::hash::MessageDigest;

use super::Algorithm;

/// DigestInfo of RFC 8017 §9.2 note 1, up to the hash itself.
const SHA256_INFO: &[u8] = &[
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];
const SHA384_INFO: &[u8] = &[
    0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
    0x00, 0x04, 0x30,
];
const SHA512_INFO: &[u8] = &[
    0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
    0x00, 0x04, 0x40,
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
    /// None for what a token is not asked for, such as Ed25519: it would hash the message itself, twice.
    pub(super) fn of(algorithm: Algorithm) -> Option<Self> {
        let sha256 = (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256);
        let sha384 = (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384);
        let sha512 = (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512);
        let pss = |(hash, mgf)| Padding::Pss(hash, mgf);
        let (digest, padding): (fn() -> MessageDigest, Padding) = match algorithm.jws_name() {
            "ES256" => (MessageDigest::sha256, Padding::Ecdsa),
            "ES384" => (MessageDigest::sha384, Padding::Ecdsa),
            "RS256" => (MessageDigest::sha256, Padding::Pkcs1(SHA256_INFO)),
            "RS384" => (MessageDigest::sha384, Padding::Pkcs1(SHA384_INFO)),
            "RS512" => (MessageDigest::sha512, Padding::Pkcs1(SHA512_INFO)),
            "PS256" => (MessageDigest::sha256, pss(sha256)),
            "PS384" => (MessageDigest::sha384, pss(sha384)),
            "PS512" => (MessageDigest::sha512, pss(sha512)),
            _ => return None,
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
