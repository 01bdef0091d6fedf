//! A statement of ours and a signature beside it: a detached JWS (RFC 7515, appendix F) of one fixed header.
//!
//! The protected header is `{"alg":…,"kid":…,"typ":"lienthong-statement+jws"}`, in this order and without
//! spaces, so that it is compared and never read: there is nothing in it to be fooled by.

use super::{Encoding, JwsError, base64url, check, signing_input};
use crate::keys::{Algorithm, KeyError, SigningKey, VerifyingKey};

/// Signs the statement in the name of `kid`, giving `<protected>..<signature>`.
///
/// # Errors
/// Where the key does not sign.
pub fn sign(kid: &str, key: &SigningKey, statement: &[u8]) -> Result<String, KeyError> {
    let protected = protected(key.algorithm(), kid);
    let signature = key.sign(&signing_input(&protected, Encoding::Base64Url, statement))?;
    Ok(format!("{protected}..{}", base64url::encode(&signature)))
}

/// Proves that `kid` signed exactly this statement with this key and algorithm.
///
/// # Errors
/// Another header, and a signature that does not verify.
pub fn verify(
    detached: &str,
    kid: &str,
    (key, algorithm): (&VerifyingKey, Algorithm),
    statement: &[u8],
) -> Result<(), JwsError> {
    let expected = protected(algorithm, kid);
    let rest = detached
        .strip_prefix(&expected)
        .and_then(|rest| rest.strip_prefix(".."));
    let signature = rest.ok_or(JwsError::AlgorithmMismatch)?;
    let signature = base64url::decode(signature)?;
    let input = signing_input(&expected, Encoding::Base64Url, statement);
    check(algorithm, algorithm, key, &input, &signature)
}

fn protected(algorithm: Algorithm, kid: &str) -> String {
    let kid = serde_json::Value::from(kid);
    let header = format!("{{\"alg\":\"{algorithm}\",\"kid\":{kid},\"typ\":\"{TYP}\"}}");
    base64url::encode(header.as_bytes())
}

const TYP: &str = "lienthong-statement+jws";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{Authority, IssueParams, Usage};

    fn key(name: &str) -> (SigningKey, VerifyingKey) {
        let now = "2026-06-01T00:00:00Z".parse().unwrap();
        let authority = Authority::generate("sandbox", now).unwrap();
        let params = IssueParams::new(name, Usage::Signing, now);
        let issued = authority.issue(&params).unwrap();
        (
            SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap(),
            VerifyingKey::from_certificate_der(&issued.der).unwrap(),
        )
    }

    #[test]
    fn a_statement_is_proven_for_its_signer_its_words_and_its_algorithm_alone() {
        let ((an, an_public), (_, binh_public)) = (key("an"), key("binh"));
        let signed = sign("an", &an, b"yes").unwrap();
        let es256 = Algorithm::Es256;
        verify(&signed, "an", (&an_public, es256), b"yes").unwrap();
        let last = if signed.ends_with('A') { 'Q' } else { 'A' };
        let changed = format!("{}{last}", &signed[..signed.len() - 1]);
        let attached = signed.replacen("..", ".eWVz.", 1);
        for (text, kid, key, algorithm, words) in [
            (&signed, "an", &an_public, es256, b"yes, all".as_slice()),
            (&signed, "binh", &an_public, es256, b"yes"),
            (&signed, "an", &binh_public, es256, b"yes"),
            (&signed, "an", &an_public, Algorithm::EdDsa, b"yes"),
            (&changed, "an", &an_public, es256, b"yes"),
            (&attached, "an", &an_public, es256, b"yes"),
            (&String::new(), "an", &an_public, es256, b"yes"),
        ] {
            assert!(
                verify(text, kid, (key, algorithm), words).is_err(),
                "{kid} {algorithm}"
            );
        }
    }
}
