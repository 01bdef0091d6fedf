//! What a certificate says, as the parameters of the one that follows it.

use std::net::IpAddr;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{IssueParams, KeyChoice, PkiError, Usage};

impl IssueParams {
    /// The same names, use and kind of key as the first certificate of a PEM file, valid anew from `now`.
    pub fn renewing(pem: &[u8], now: Timestamp) -> Result<Self, PkiError> {
        let der = CertificateDer::from_pem_slice(pem).map_err(unreadable)?;
        let (_, old) = X509Certificate::from_der(&der).map_err(unreadable)?;
        let name = old.subject().iter_common_name().next();
        let name = name.and_then(|name| name.as_str().ok()).unwrap_or_default();
        let mut params = Self::new(name, usage(&old)?, now);
        params.key = key(&old)?;
        let names = old.subject_alternative_name().map_err(unreadable)?;
        for name in names.iter().flat_map(|names| &names.value.general_names) {
            match name {
                GeneralName::URI(uri) => params.san_uri = Some((*uri).to_owned()),
                GeneralName::DNSName(name) => params.dns.push((*name).to_owned()),
                GeneralName::IPAddress(bytes) => params.ips.extend(address(bytes)),
                other => {
                    return Err(PkiError::Issue(format!(
                        "a name that is not carried on: {other}"
                    )));
                }
            }
        }
        Ok(params)
    }
}

fn usage(certificate: &X509Certificate<'_>) -> Result<Usage, PkiError> {
    let usage = certificate.extended_key_usage().map_err(unreadable)?;
    let usage = usage.map(|usage| usage.value);
    let has = |of: fn(&x509_parser::extensions::ExtendedKeyUsage<'_>) -> bool| {
        usage.as_ref().is_some_and(|usage| of(usage))
    };
    Ok(
        match (
            has(|usage| usage.client_auth),
            has(|usage| usage.server_auth),
        ) {
            (true, true) => Usage::Both,
            (true, false) => Usage::Client,
            (false, true) => Usage::Server,
            _ if has(|usage| usage.email_protection) => Usage::Signing,
            _ if has(|usage| usage.time_stamping) => Usage::TimeStamps,
            _ if has(|usage| usage.ocsp_signing) => Usage::Ocsp,
            _ => return Err(PkiError::Issue("a use that is not carried on".to_owned())),
        },
    )
}

fn key(certificate: &X509Certificate<'_>) -> Result<KeyChoice, PkiError> {
    let algorithm = &certificate.public_key().algorithm.algorithm;
    [
        (oid::OID_KEY_TYPE_EC_PUBLIC_KEY, KeyChoice::P256),
        (oid::OID_SIG_ED25519, KeyChoice::Ed25519),
        (oid::OID_PKCS1_RSAENCRYPTION, KeyChoice::Rsa2048),
    ]
    .into_iter()
    .find(|(known, _)| known == algorithm)
    .map(|(_, choice)| choice)
    .ok_or_else(|| PkiError::Issue("a kind of key that is not carried on".to_owned()))
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn unreadable(error: impl std::fmt::Display) -> PkiError {
    PkiError::Issue(format!("the certificate could not be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::Authority;

    #[test]
    fn what_is_renewed_has_the_same_names_and_use_and_another_key() {
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let authority = Authority::generate("test", now).unwrap();
        for (usage, key) in [
            (Usage::Both, KeyChoice::P256),
            (Usage::Client, KeyChoice::Ed25519),
            (Usage::Server, KeyChoice::Rsa2048),
            (Usage::Signing, KeyChoice::P256),
            (Usage::TimeStamps, KeyChoice::P256),
            (Usage::Ocsp, KeyChoice::P256),
        ] {
            let params = IssueParams {
                san_uri: Some("urn:lienthong:test:partner:tax".to_owned()),
                dns: vec!["localhost".to_owned()],
                ips: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
                key,
                ..IssueParams::new("tax", usage, now)
            };
            let old = authority.issue(&params).unwrap();
            let again = IssueParams::renewing(old.chain_pem.as_bytes(), now).unwrap();
            assert_eq!(format!("{again:?}"), format!("{params:?}"));
            let new = authority.issue(&again).unwrap();
            assert_ne!((&new.serial, &new.key_pem), (&old.serial, &old.key_pem));
        }
        assert!(IssueParams::renewing(b"nothing", now).is_err());
    }
}
