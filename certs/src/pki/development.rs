//! Telling certificates of a development authority from real ones.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Name};

/// True where any certificate of a PEM file is of an [`Authority`](super::Authority) of this module, or
/// was issued by one; unreadable certificates are nobody's.
pub fn is_development(pem: &[u8]) -> bool {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .any(|der| {
            X509Certificate::from_der(&der).is_ok_and(|(_, certificate)| {
                is_ours(certificate.issuer()) || is_ours(certificate.subject())
            })
        })
}

fn is_ours(name: &X509Name<'_>) -> bool {
    name.iter_common_name()
        .filter_map(|name| name.as_str().ok())
        .any(|name| {
            name.starts_with("Lien Thong ")
                && (name.ends_with(" root") || name.ends_with(" issuing"))
        })
}

#[cfg(test)]
mod tests {
    use super::super::{Authority, IssueParams, Usage};
    use super::*;

    #[test]
    fn what_the_development_authority_made_is_recognised() {
        let now = jiff::Timestamp::from_second(1_790_000_000).unwrap();
        let authority = Authority::generate("sandbox", now).unwrap();
        let leaf = authority
            .issue(&IssueParams::new("tax", Usage::Signing, now))
            .unwrap();
        assert!(is_development(authority.root_pem().as_bytes()));
        assert!(is_development(leaf.chain_pem.as_bytes()));
        assert!(!is_development(b"nothing"));
    }
}
