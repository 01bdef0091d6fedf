//! Our public key as a JWK (RFC 7517; RFC 7518 clause 6; RFC 8037 clause 2), for partners that fetch key sets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, SubjectPublicKeyInfo};

use super::{Algorithm, KeyError, KeyKind};

/// The key of a SubjectPublicKeyInfo in DER under its name, for signatures of one algorithm.
///
/// # Errors
/// Where it is no key of the algorithm's kind, or a point that is not written whole.
pub fn jwk(spki: &[u8], kid: &str, algorithm: Algorithm) -> Result<Value, KeyError> {
    let (rest, read) = SubjectPublicKeyInfo::from_der(spki).map_err(|_| KeyError::Unsupported)?;
    if !rest.is_empty() {
        return Err(KeyError::Unsupported);
    }
    let bits = read.subject_public_key.data.as_ref();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    // X9.62: 4, then both coordinates
    let point = |crv: &str, half: usize| match bits.split_first() {
        Some((4, point)) if point.len() == 2 * half => {
            let (x, y) = point.split_at(half);
            Ok(json!({ "kty": "EC", "crv": crv, "x": text(x), "y": text(y) }))
        }
        _ => Err(KeyError::Unsupported),
    };
    let mut key = match algorithm.key_kind() {
        KeyKind::P256 => point("P-256", 32)?,
        KeyKind::P384 => point("P-384", 48)?,
        KeyKind::Ed25519 if bits.len() == 32 => {
            json!({ "kty": "OKP", "crv": "Ed25519", "x": text(bits) })
        }
        KeyKind::Rsa => {
            let key =
                openssl::rsa::Rsa::public_key_from_der(spki).map_err(|_| KeyError::Unsupported)?;
            json!({ "kty": "RSA", "n": text(&key.n().to_vec()), "e": text(&key.e().to_vec()) })
        }
        KeyKind::Ed25519 => return Err(KeyError::Unsupported),
    };
    for (name, value) in [("kid", kid), ("use", "sig"), ("alg", algorithm.jws_name())] {
        key[name] = value.into();
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use openssl::{ec::EcGroup, ec::EcKey, nid::Nid, pkey::PKey, rsa::Rsa};

    use super::*;
    use crate::keys::SigningKey;

    fn pem(key: &PKey<openssl::pkey::Private>) -> Vec<u8> {
        key.private_key_to_pem_pkcs8().unwrap()
    }

    #[test]
    fn each_kind_is_written_so_that_another_reader_has_the_same_key() {
        let ec = |nid| {
            let group = EcGroup::from_curve_name(nid).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        };
        for (key, names) in [
            (
                ec(Nid::X9_62_PRIME256V1),
                ["crv", "kty", "x", "y"].as_slice(),
            ),
            (PKey::generate_ed25519().unwrap(), &["crv", "kty", "x"]),
            (
                PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(),
                &["e", "kty", "n"],
            ),
        ] {
            let ours = SigningKey::from_pem(&pem(&key), None).unwrap();
            let said = jwk(ours.public_spki(), "vss-1", ours.algorithm()).unwrap();
            let read: jsonwebtoken::jwk::Jwk = serde_json::from_value(said.clone()).unwrap();
            assert_eq!(read.common.key_id.as_deref(), Some("vss-1"));
            let decoding = jsonwebtoken::DecodingKey::from_jwk(&read).unwrap();
            let text = b"what was signed";
            let signature = URL_SAFE_NO_PAD.encode(ours.sign(text).unwrap());
            let algorithm = ours.algorithm().jws_name().parse().unwrap();
            let is_ours = |text: &[u8]| {
                jsonwebtoken::crypto::verify(&signature, text, &decoding, algorithm).unwrap()
            };
            assert!(is_ours(text) && !is_ours(b"another text"), "{said}");
            let all = said.as_object().unwrap().keys().map(String::as_str);
            let members: Vec<&str> = all
                .filter(|name| !["alg", "kid", "use"].contains(name))
                .collect();
            assert_eq!(members, names, "nothing of the private half");
        }
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let key = PKey::generate_ed25519().unwrap();
        let ours = SigningKey::from_pem(&pem(&key), None).unwrap();
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            assert!(jwk(ours.public_spki(), "a", algorithm).is_err());
        }
        assert!(jwk(b"not DER", "a", Algorithm::EdDsa).is_err());
    }
}
