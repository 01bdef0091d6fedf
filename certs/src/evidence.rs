//! Detached signatures over evidence, in the form that `openssl dgst -verify` reads.
//!
//! ECDSA in DER, RSA and Ed25519 as they are. The signer is a certificate; who issued it is asked apart, with
//! [`leads_to`], since a signature outlives the certificate.

use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509StoreContext};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::keys::{Algorithm, KeyError, SigningKey, VerifyingKey};

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The certificate cannot be read, or its key is none that we accept.
    #[error("the signer's certificate cannot be read")]
    Certificate,
    /// The signature was not made by that key over these bytes.
    #[error("the signature does not match")]
    Mismatch,
    /// The authorities cannot be read.
    #[error("the authorities cannot be read")]
    Authorities,
    /// The certificate does not lead to the authorities at that time.
    #[error("the certificate does not lead to these authorities")]
    Untrusted,
}

impl EvidenceError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Certificate => "evidence-certificate",
            Self::Mismatch => "evidence-signature-mismatch",
            Self::Authorities => "evidence-authorities",
            Self::Untrusted => "evidence-untrusted",
        }
    }
}

/// Signs `message`: ECDSA in DER.
pub fn sign(key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, KeyError> {
    let signature = key.sign(message)?;
    if !is_ecdsa(key.algorithm()) {
        return Ok(signature);
    }
    let (r, s) = signature.split_at(signature.len() / 2);
    let number = |bytes: &[u8]| BigNum::from_slice(bytes).map_err(|_| KeyError::Failed);
    EcdsaSig::from_private_components(number(r)?, number(s)?)
        .and_then(|signature| signature.to_der())
        .map_err(|_| KeyError::Failed)
}

/// Whether the key of this certificate (DER) signed `message`. Its dates and its issuer are not looked at.
pub fn verify(certificate: &[u8], message: &[u8], signature: &[u8]) -> Result<(), EvidenceError> {
    let key =
        VerifyingKey::from_certificate_der(certificate).map_err(|_| EvidenceError::Certificate)?;
    let fits = |algorithm: Algorithm| {
        if algorithm.key_kind() != key.kind() {
            return false;
        }
        let raw = match is_ecdsa(algorithm) {
            true => match raw_of(algorithm, signature) {
                Some(raw) => raw,
                None => return false,
            },
            false => signature.to_vec(),
        };
        key.verify(algorithm, message, &raw).is_ok()
    };
    match Algorithm::ALL.into_iter().any(fits) {
        true => Ok(()),
        false => Err(EvidenceError::Mismatch),
    }
}

/// Whether this certificate (DER) leads to one of these authorities (PEM) at that time. `between` are
/// certificates (PEM) that it may lead through.
pub fn leads_to(
    certificate: &[u8],
    between: &[u8],
    authorities: &[u8],
    at: jiff::Timestamp,
) -> Result<(), EvidenceError> {
    let wrong = |_| EvidenceError::Authorities;
    let leaf = X509::from_der(certificate).map_err(|_| EvidenceError::Certificate)?;
    let anchors = X509::stack_from_pem(authorities).map_err(wrong)?;
    if anchors.is_empty() {
        return Err(EvidenceError::Authorities);
    }
    let mut store = X509StoreBuilder::new().map_err(wrong)?;
    for anchor in anchors {
        store.add_cert(anchor).map_err(wrong)?;
    }
    let mut param = X509VerifyParam::new().map_err(wrong)?;
    param.set_time(at.as_second());
    store.set_param(&param).map_err(wrong)?;
    let mut chain = Stack::new().map_err(wrong)?;
    for one in X509::stack_from_pem(between).unwrap_or_default() {
        chain.push(one).map_err(wrong)?;
    }
    let mut context = X509StoreContext::new().map_err(wrong)?;
    let store = store.build();
    match context.init(&store, &leaf, &chain, |context| context.verify_cert()) {
        Ok(true) => Ok(()),
        _ => Err(EvidenceError::Untrusted),
    }
}

/// The certificate's subject as `CN=…, O=…`, and the SHA-256 of all of it; nothing where it cannot be read.
pub fn named(certificate: &[u8]) -> Option<(String, [u8; 32])> {
    use x509_parser::prelude::{FromDer as _, X509Certificate};
    let (rest, read) = X509Certificate::from_der(certificate).ok()?;
    rest.is_empty().then(|| {
        (
            read.subject().to_string(),
            crate::digest::sha256(certificate),
        )
    })
}

/// The first certificate of a PEM file, in DER.
pub fn first_certificate(pem: &[u8]) -> Option<Vec<u8>> {
    CertificateDer::from_pem_slice(pem)
        .ok()
        .map(|der| der.to_vec())
}

/// A certificate as PEM, for tools that read nothing else.
pub fn to_pem(certificate: &[u8]) -> Option<Vec<u8>> {
    X509::from_der(certificate).ok()?.to_pem().ok()
}

fn is_ecdsa(algorithm: Algorithm) -> bool {
    algorithm.jws_name().starts_with("ES")
}

/// r||s of the width that the algorithm has.
fn raw_of(algorithm: Algorithm, der: &[u8]) -> Option<Vec<u8>> {
    let width = match algorithm.jws_name() {
        "ES384" => 48,
        _ => 32,
    };
    let signature = EcdsaSig::from_der(der).ok()?;
    // one signature has one form: what OpenSSL reads leniently is not read here
    if signature.to_der().ok()? != der {
        return None;
    }
    let part = |number: &openssl::bn::BigNumRef| number.to_vec_padded(width).ok();
    Some([part(signature.r())?, part(signature.s())?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{Authority, IssueParams, KeyChoice, Usage};

    fn now() -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_790_000_000).unwrap()
    }

    #[test]
    fn each_kind_of_key_signs_what_its_certificate_proves_and_nothing_else() {
        let authority = Authority::generate("test", now()).unwrap();
        for key in [KeyChoice::P256, KeyChoice::Rsa2048, KeyChoice::Ed25519] {
            let params = IssueParams {
                key,
                ..IssueParams::new("evidence", Usage::Signing, now())
            };
            let issued = authority.issue(&params).unwrap();
            let signing = SigningKey::from_pem(issued.key_pem.as_bytes(), None).unwrap();
            let signature = sign(&signing, b"text").unwrap();
            assert_eq!(verify(&issued.der, b"text", &signature), Ok(()), "{key:?}");
            for (text, signature) in [
                (b"texT".as_slice(), signature.clone()),
                (b"text", signature[1..].to_vec()),
                (b"text", Vec::new()),
            ] {
                let refused = verify(&issued.der, text, &signature).unwrap_err();
                assert_eq!(refused.reason(), "evidence-signature-mismatch");
            }
            let other = authority.issue(&params).unwrap();
            assert!(verify(&other.der, b"text", &signature).is_err());
        }
        assert_eq!(verify(b"", b"", b""), Err(EvidenceError::Certificate));
    }

    #[test]
    fn a_certificate_leads_to_its_own_authority_while_it_is_valid() {
        let (ours, other) = (
            Authority::generate("test", now()).unwrap(),
            Authority::generate("other", now()).unwrap(),
        );
        let issued = ours
            .issue(&IssueParams::new("evidence", Usage::Signing, now()))
            .unwrap();
        let chain = issued.chain_pem.as_bytes();
        let leads = |authority: &Authority, at| {
            leads_to(&issued.der, chain, authority.root_pem().as_bytes(), at)
        };
        assert_eq!(leads(&ours, now()), Ok(()));
        assert_eq!(leads(&other, now()), Err(EvidenceError::Untrusted));
        let later = now() + jiff::SignedDuration::from_hours(24 * 3_000);
        assert_eq!(leads(&ours, later), Err(EvidenceError::Untrusted));
        let none = leads_to(&issued.der, chain, b"", now());
        assert_eq!(none, Err(EvidenceError::Authorities));
    }
}
