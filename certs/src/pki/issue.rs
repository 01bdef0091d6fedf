//! Certificates and revocation lists, in memory.

use std::net::IpAddr;

use openssl::ec::{EcGroup, EcKey};
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams,
    CertificateSigningRequestParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, RevocationReason,
    RevokedCertParams, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use time::OffsetDateTime;

use super::PkiError;
use crate::digest;

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// TLS client.
    Client,
    /// TLS server.
    Server,
    /// TLS client and server.
    Both,
    /// Signing messages; no TLS.
    Signing,
    /// Signing time-stamps and nothing else (RFC 3161 §2.3).
    TimeStamps,
    /// Signing answers about revocation for the issuing authority (RFC 6960 §4.2.2.2).
    Ocsp,
}

impl Usage {
    /// Reads the word that commands take.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "client" => Self::Client,
            "server" => Self::Server,
            "both" => Self::Both,
            "signing" => Self::Signing,
            "time-stamps" => Self::TimeStamps,
            "ocsp" => Self::Ocsp,
            _ => return None,
        })
    }
}

/// Which key is made for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChoice {
    /// EC on P-256.
    P256,
    /// EC on P-384.
    P384,
    /// RSA of 2,048 bits.
    Rsa2048,
    /// RSA of 1,024 bits, which everything of ours refuses: for tests.
    DangerRsa1024,
    /// Ed25519.
    Ed25519,
}

/// What to put into a certificate.
#[derive(Clone, Debug)]
pub struct IssueParams {
    /// Common name.
    pub common_name: String,
    /// Subject alternative name as URI: the partner's identity.
    pub san_uri: Option<String>,
    /// DNS names.
    pub dns: Vec<String>,
    /// Addresses.
    pub ips: Vec<IpAddr>,
    /// Allowed use.
    pub usage: Usage,
    /// Kind of key.
    pub key: KeyChoice,
    /// First valid instant.
    pub not_before: jiff::Timestamp,
    /// Last valid instant.
    pub not_after: jiff::Timestamp,
}

impl IssueParams {
    /// A P-256 certificate valid from an hour before `now` for 398 days.
    pub fn new(common_name: &str, usage: Usage, now: jiff::Timestamp) -> Self {
        Self {
            common_name: common_name.to_owned(),
            san_uri: None,
            dns: Vec::new(),
            ips: Vec::new(),
            usage,
            key: KeyChoice::P256,
            not_before: now - jiff::SignedDuration::from_hours(1),
            not_after: now + jiff::SignedDuration::from_hours(398 * 24),
        }
    }
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Issued {
    /// Leaf, then the issuing authority.
    pub chain_pem: String,
    /// PKCS#8.
    pub key_pem: String,
    /// The leaf alone.
    pub der: Vec<u8>,
    /// The leaf's serial number.
    pub serial: Vec<u8>,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issued({}, key REDACTED)", hex::encode(&self.serial))
    }
}

/// A root and the issuing authority under it.
pub struct Authority {
    root_pem: String,
    root_key_pem: String,
    issuing_pem: String,
    issuing_key_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a root and an issuing authority, both P-256, valid for ten years from `now`.
    pub fn generate(environment: &str, now: jiff::Timestamp) -> Result<Self, PkiError> {
        let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(issue)?;
        let root_params = authority_params(&format!("Lien Thong {environment} root"), 1, now)?;
        let root = root_params.self_signed(&root_key).map_err(issue)?;
        let root_issuer = Issuer::from_params(&root_params, &root_key);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(issue)?;
        let issuing = authority_params(&format!("Lien Thong {environment} issuing"), 0, now)?
            .signed_by(&key, &root_issuer)
            .map_err(issue)?;
        Self::from_pem(
            &root.pem(),
            &root_key.serialize_pem(),
            &issuing.pem(),
            &key.serialize_pem(),
        )
    }

    /// Takes up an authority that was made before.
    pub fn from_pem(
        root_pem: &str,
        root_key_pem: &str,
        issuing_pem: &str,
        issuing_key_pem: &str,
    ) -> Result<Self, PkiError> {
        let key = KeyPair::from_pem(issuing_key_pem).map_err(issue)?;
        Ok(Self {
            root_pem: root_pem.to_owned(),
            root_key_pem: root_key_pem.to_owned(),
            issuing_pem: issuing_pem.to_owned(),
            issuing_key_pem: issuing_key_pem.to_owned(),
            issuer: Issuer::from_ca_cert_pem(issuing_pem, key).map_err(issue)?,
        })
    }

    /// The root certificate: what a relying party puts into its anchors.
    pub fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// The issuing certificate.
    pub fn issuing_pem(&self) -> &str {
        &self.issuing_pem
    }

    pub(super) fn root_key_pem(&self) -> &str {
        &self.root_key_pem
    }

    pub(super) fn issuing_key_pem(&self) -> &str {
        &self.issuing_key_pem
    }

    /// Makes a key and a certificate for it.
    pub fn issue(&self, params: &IssueParams) -> Result<Issued, PkiError> {
        let (key_pem, public) = make_key(params.key)?;
        let serial = serial();
        let certificate = leaf_params(params, &serial)?
            .signed_by(&public, &self.issuer)
            .map_err(issue)?;
        Ok(Issued {
            chain_pem: format!("{}{}", certificate.pem(), self.issuing_pem),
            key_pem,
            der: certificate.der().to_vec(),
            serial,
        })
    }

    /// Makes a certificate for the key and the names of a request (PKCS#10, PEM); use and time are `params`'.
    /// Returns the leaf and the issuing authority.
    pub fn sign_request(&self, request: &str, params: &IssueParams) -> Result<Issued, PkiError> {
        let mut asked = CertificateSigningRequestParams::from_pem(request).map_err(issue)?;
        let serial = serial();
        let mut granted = leaf_params(params, &serial)?;
        granted.subject_alt_names = std::mem::take(&mut asked.params.subject_alt_names);
        granted.distinguished_name = std::mem::take(&mut asked.params.distinguished_name);
        asked.params = granted;
        let certificate = asked.signed_by(&self.issuer).map_err(issue)?;
        Ok(Issued {
            chain_pem: format!("{}{}", certificate.pem(), self.issuing_pem),
            key_pem: String::new(),
            der: certificate.der().to_vec(),
            serial,
        })
    }

    /// A revocation list in PEM that names these serial numbers, current from `this_update` to `next_update`.
    pub fn revocation_list(
        &self,
        revoked: &[&[u8]],
        this_update: jiff::Timestamp,
        next_update: jiff::Timestamp,
    ) -> Result<String, PkiError> {
        let revoked: Vec<_> = revoked
            .iter()
            .map(|serial| (*serial, this_update))
            .collect();
        self.revocation_list_of(&revoked, this_update, next_update)
    }

    /// The same, with the instant of each revocation.
    pub fn revocation_list_of(
        &self,
        revoked: &[(&[u8], jiff::Timestamp)],
        this_update: jiff::Timestamp,
        next_update: jiff::Timestamp,
    ) -> Result<String, PkiError> {
        let revoked_certs = revoked
            .iter()
            .map(|(serial, at)| {
                Ok(RevokedCertParams {
                    serial_number: SerialNumber::from_slice(serial),
                    revocation_time: instant(*at)?,
                    reason_code: Some(RevocationReason::KeyCompromise),
                    invalidity_date: None,
                })
            })
            .collect::<Result<_, PkiError>>()?;
        let list = CertificateRevocationListParams {
            this_update: instant(this_update)?,
            next_update: instant(next_update)?,
            crl_number: SerialNumber::from_slice(&this_update.as_second().to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer)
            .and_then(|list| list.pem())
            .map_err(issue)
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(keys REDACTED)")
    }
}

/// A new key and a request for a certificate of it (PKCS#10): (request, private key), both PEM.
pub fn request(params: &IssueParams) -> Result<(String, String), PkiError> {
    let (key_pem, _) = make_key(params.key)?;
    let key = KeyPair::from_pem(&key_pem).map_err(issue)?;
    let mut asked = CertificateParams::default();
    asked.distinguished_name = rcgen::DistinguishedName::new();
    asked
        .distinguished_name
        .push(DnType::CommonName, params.common_name.as_str());
    asked.subject_alt_names = alternative_names(params)?;
    let request = asked
        .serialize_request(&key)
        .and_then(|request| request.pem());
    Ok((request.map_err(issue)?, key_pem))
}

fn authority_params(
    common_name: &str,
    path_length: u8,
    now: jiff::Timestamp,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.not_before = instant(now - jiff::SignedDuration::from_hours(1))?;
    params.not_after = instant(now + jiff::SignedDuration::from_hours(3653 * 24))?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.distinguished_name.push(DnType::CountryName, "VN");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.serial_number = Some(SerialNumber::from_slice(&serial()));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn leaf_params(from: &IssueParams, serial: &[u8]) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    params.not_before = instant(from.not_before)?;
    params.not_after = instant(from.not_after)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, from.common_name.as_str());
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = extended_usages(from.usage);
    params.custom_extensions = own_extensions(from.usage);
    params.serial_number = Some(SerialNumber::from_slice(serial));
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = alternative_names(from)?;
    Ok(params)
}

fn extended_usages(usage: Usage) -> Vec<ExtendedKeyUsagePurpose> {
    use ExtendedKeyUsagePurpose::{ClientAuth, EmailProtection, OcspSigning, ServerAuth};
    match usage {
        Usage::Client => vec![ClientAuth],
        Usage::Server => vec![ServerAuth],
        Usage::Both => vec![ClientAuth, ServerAuth],
        Usage::Signing => vec![EmailProtection],
        Usage::TimeStamps => Vec::new(), // critical, so it is one of our own
        Usage::Ocsp => vec![OcspSigning],
    }
}

/// What rcgen has no words for.
fn own_extensions(usage: Usage) -> Vec<CustomExtension> {
    match usage {
        Usage::TimeStamps => {
            // SEQUENCE of id-kp-timeStamping, alone and critical: RFC 3161 §2.3
            let only = [0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8].to_vec();
            let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 37], only);
            extension.set_criticality(true);
            vec![extension]
        }
        Usage::Ocsp => {
            // NULL: whoever trusts the authority need not ask about its responder, RFC 6960 §4.2.2.2.1
            let nocheck = [1, 3, 6, 1, 5, 5, 7, 48, 1, 5];
            vec![CustomExtension::from_oid_content(&nocheck, vec![5, 0])]
        }
        _ => Vec::new(),
    }
}

fn alternative_names(from: &IssueParams) -> Result<Vec<SanType>, PkiError> {
    let mut names = Vec::new();
    if let Some(uri) = &from.san_uri {
        names.push(SanType::URI(uri.as_str().try_into().map_err(issue)?));
    }
    for name in &from.dns {
        names.push(SanType::DnsName(name.as_str().try_into().map_err(issue)?));
    }
    names.extend(from.ips.iter().copied().map(SanType::IpAddress));
    Ok(names)
}

/// OpenSSL makes the keys, in the PKCS#8 that every tool reads; rcgen only needs the public half.
fn make_key(choice: KeyChoice) -> Result<(String, SubjectPublicKeyInfo), PkiError> {
    let key = match choice {
        KeyChoice::P256 => EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)
            .and_then(|curve| EcKey::generate(&curve))
            .and_then(PKey::from_ec_key),
        KeyChoice::P384 => EcGroup::from_curve_name(Nid::SECP384R1)
            .and_then(|curve| EcKey::generate(&curve))
            .and_then(PKey::from_ec_key),
        KeyChoice::Ed25519 => PKey::generate_ed25519(),
        KeyChoice::Rsa2048 => Rsa::generate(2048).and_then(PKey::from_rsa),
        KeyChoice::DangerRsa1024 => Rsa::generate(1024).and_then(PKey::from_rsa),
    }
    .map_err(issue)?;
    let pem = key.private_key_to_pem_pkcs8().map_err(issue)?;
    let spki = key.public_key_to_der().map_err(issue)?;
    let public = SubjectPublicKeyInfo::from_der(&spki).map_err(issue)?;
    Ok((String::from_utf8(pem).map_err(issue)?, public))
}

/// Sixteen random bytes, positive and without a leading zero (RFC 5280 §4.1.2.2).
fn serial() -> Vec<u8> {
    let mut bytes = digest::random::<16>();
    bytes[0] = bytes[0] & 0x7f | 0x40;
    bytes.to_vec()
}

fn instant(at: jiff::Timestamp) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(at.as_second()).map_err(issue)
}

fn issue(error: impl std::fmt::Display) -> PkiError {
    PkiError::Issue(error.to_string())
}
