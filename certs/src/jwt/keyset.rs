//! An issuer's keys (RFC 7517): by name, each for its own algorithms.

use std::collections::BTreeMap;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use serde::Deserialize;

use super::TokenError;
use crate::jws;
use crate::keys::Algorithm;

/// Longest key set that is read.
pub const KEY_SET_BYTES_MAX: usize = 65_536;

const KEYS_MAX: usize = 32;
const KID_CHARS_MAX: usize = 128;
const MODULUS_BYTES_MIN: usize = 256;
const MODULUS_BYTES_MAX: usize = 1_024;

/// Why a key set is not taken; the last good one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Too many bytes or keys.
    #[error("the key set is too large")]
    TooLarge,
    /// Not an object with `keys`.
    #[error("the key set cannot be read")]
    Malformed,
    /// Two keys of one name.
    #[error("two keys have one name")]
    DuplicateKid,
    /// Not one key in it that we could use.
    #[error("the key set has no key that we could use")]
    Empty,
}

impl KeySetError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "key-set-too-large",
            Self::Malformed => "key-set-malformed",
            Self::DuplicateKid => "key-set-duplicate-kid",
            Self::Empty => "key-set-empty",
        }
    }
}

/// The public keys of one issuer, parsed once.
pub struct KeySet(BTreeMap<String, Entry>);

struct Entry {
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

#[derive(Deserialize)]
struct Wire {
    keys: Vec<serde_json::Value>,
}

impl KeySet {
    /// Reads a JWK set. Keys of kinds that we don't use, weak ones, those for encryption and those
    /// without a name are passed over, as RFC 7517 §5 says; symmetric keys are among them.
    pub fn from_json(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > KEY_SET_BYTES_MAX {
            return Err(KeySetError::TooLarge);
        }
        let wire: Wire = serde_json::from_slice(json).map_err(|_| KeySetError::Malformed)?;
        if wire.keys.len() > KEYS_MAX {
            return Err(KeySetError::TooLarge);
        }
        let mut keys = BTreeMap::new();
        for value in wire.keys {
            let Some((kid, entry)) = serde_json::from_value(value).ok().and_then(usable) else {
                continue;
            };
            if keys.insert(kid, entry).is_some() {
                return Err(KeySetError::DuplicateKid);
            }
        }
        match keys.is_empty() {
            true => Err(KeySetError::Empty),
            false => Ok(Self(keys)),
        }
    }

    /// Whether a key has this name.
    pub fn knows(&self, kid: &str) -> bool {
        self.0.contains_key(kid)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a set without a key is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a signature (base64url) over a signing input by the key of this name, or by any where it has none.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        input: &str,
        signature: &str,
    ) -> Result<(), TokenError> {
        let Some(kid) = kid else {
            let mut tried = self.0.values();
            let proven = |entry: &Entry| entry.verify(algorithm, input, signature).is_ok();
            return match tried.any(proven) {
                true => Ok(()),
                false => Err(TokenError::Signature),
            };
        };
        let entry = self.0.get(kid).ok_or(TokenError::UnknownKid)?;
        entry.verify(algorithm, input, signature)
    }
}

impl Entry {
    fn verify(&self, algorithm: Algorithm, input: &str, signature: &str) -> Result<(), TokenError> {
        if !self.algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm);
        }
        let theirs = algorithm.jws_name().parse();
        let theirs = theirs.map_err(|_| TokenError::Algorithm)?;
        match jsonwebtoken::crypto::verify(signature, input.as_bytes(), &self.key, theirs) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(TokenError::Signature),
        }
    }
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A name that may be looked up: short, visible ASCII.
pub(super) fn is_kid(kid: &str) -> bool {
    (1..=KID_CHARS_MAX).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic())
}

fn usable(jwk: Jwk) -> Option<(String, Entry)> {
    let kid = jwk.common.key_id.clone().filter(|kid| is_kid(kid))?;
    if !matches!(
        jwk.common.public_key_use,
        None | Some(PublicKeyUse::Signature)
    ) {
        return None;
    }
    let mut algorithms = by_kind(&jwk.algorithm)?;
    if let Some(named) = &jwk.common.key_algorithm {
        // a key that names its algorithm is for no other
        let named = named.to_string();
        algorithms.retain(|algorithm| algorithm.jws_name() == named);
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    (!algorithms.is_empty()).then_some((kid, Entry { key, algorithms }))
}

/// The algorithms that a key of this kind may be used with.
fn by_kind(parameters: &AlgorithmParameters) -> Option<Vec<Algorithm>> {
    let names: &[&str] = match parameters {
        AlgorithmParameters::RSA(rsa) if is_long(&rsa.n) => &["PS256", "RS256"],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => &["ES256"],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P384 => &["ES384"],
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            &["EdDSA"]
        }
        _ => return None,
    };
    let known = |name: &&str| Algorithm::from_jws_name(name);
    Some(names.iter().filter_map(known).collect())
}

fn is_long(modulus: &str) -> bool {
    let modulus = jws::base64url_bytes(modulus).unwrap_or_default();
    let length = modulus.iter().skip_while(|byte| **byte == 0).count();
    (MODULUS_BYTES_MIN..=MODULUS_BYTES_MAX).contains(&length)
}
