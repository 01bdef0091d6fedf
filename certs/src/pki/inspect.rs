//! What stands in a certificate file, in words and as instants; it judges nothing.

use std::fmt::Write as _;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::tls::PeerCertificate;

/// When the first certificate of a PEM file ends; `None` where it has none that can be read.
pub fn first_end(pem: &[u8]) -> Option<Timestamp> {
    certificates(pem)
        .filter_map(|der| PeerCertificate::from_der(&der).ok())
        .map(|certificate| certificate.not_after)
        .min()
}

/// Each certificate of a PEM file in a few lines: names, serial number, pin, use, validity; `None` where
/// there is none.
pub fn describe(pem: &[u8]) -> Option<String> {
    let told: Vec<String> = certificates(pem).filter_map(|der| one(&der)).collect();
    (!told.is_empty()).then(|| told.join("\n"))
}

fn certificates(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect::<Vec<_>>()
        .into_iter()
}

fn one(der: &[u8]) -> Option<String> {
    let peer = PeerCertificate::from_der(der).ok()?;
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let from = Timestamp::from_second(certificate.validity().not_before.timestamp()).ok()?;
    let mut text = String::new();
    for (name, value) in [
        ("subject", certificate.subject().to_string()),
        ("issuer", certificate.issuer().to_string()),
        ("serial", peer.serial_hex.clone()),
        ("valid", format!("{from} to {}", peer.not_after)),
        ("names", names(&certificate)),
        ("use", uses(&certificate)),
        ("pin", format!("spki:{}", peer.pin())),
        ("sha256", hex::encode(peer.sha256)),
    ] {
        // writing to a String cannot fail
        let _ = writeln!(text, "{name:<9}{value}");
    }
    Some(text)
}

fn names(certificate: &X509Certificate<'_>) -> String {
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|names| &names.value.general_names);
    let names: Vec<String> = names.map(ToString::to_string).collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn uses(certificate: &X509Certificate<'_>) -> String {
    if certificate.is_ca() {
        return "authority".to_owned();
    }
    let usage = certificate.extended_key_usage().ok().flatten();
    let Some(usage) = usage.map(|usage| usage.value) else {
        return "not named".to_owned();
    };
    let known = [
        (usage.client_auth, "TLS client"),
        (usage.server_auth, "TLS server"),
        (usage.email_protection, "signing"),
        (usage.time_stamping, "time-stamps"),
        (usage.ocsp_signing, "OCSP"),
        (usage.any, "any"),
    ];
    let named: Vec<&str> = known
        .into_iter()
        .filter(|(is, _)| *is)
        .map(|(_, word)| word)
        .collect();
    if named.is_empty() {
        "other".to_owned()
    } else {
        named.join(", ")
    }
}
