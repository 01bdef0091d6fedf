//! What stands in files: our own chain and key, the anchors we trust, the lists of revoked certificates.

use std::path::Path;
use std::sync::Arc;

use openssl::pkcs12::Pkcs12;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroize as _;

use super::{TlsConfigError, policy};
use crate::digest;

/// Our certificate chain, leaf first, with its private key; `Debug` shows the chain's length only.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Reads a chain (leaf first) and a key (PKCS#8, SEC1 or PKCS#1), both PEM; they must belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsConfigError::BadKey)?;
        Self { chain, key }.checked()
    }

    /// Reads the two files.
    pub fn from_files(chain: &Path, key: &Path) -> Result<Self, TlsConfigError> {
        Self::from_pem(&read(chain)?, &zeroize::Zeroizing::new(read(key)?))
    }

    /// Reads the certificate, its chain and its key from a PKCS#12 file.
    pub fn from_pkcs12(file: &[u8], passphrase: &str) -> Result<Self, TlsConfigError> {
        let content = Pkcs12::from_der(file)
            .and_then(|file| file.parse2(passphrase))
            .map_err(|_| TlsConfigError::BadPkcs12)?;
        let leaf = content.cert.ok_or(TlsConfigError::NoCertificate)?;
        let key = content.pkey.ok_or(TlsConfigError::BadKey)?;
        let mut chain = vec![der(&leaf)?];
        for issuer in content.ca.iter().flatten() {
            chain.push(der(issuer)?);
        }
        let key = key
            .private_key_to_pkcs8()
            .map_err(|_| TlsConfigError::BadKey)?;
        let key = PrivateKeyDer::Pkcs8(key.into());
        Self { chain, key }.checked()
    }

    /// The chain, leaf first, DER.
    pub fn chain_der(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(AsRef::as_ref)
    }

    pub(super) fn certified(&self) -> Result<Arc<CertifiedKey>, TlsConfigError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &provider)
            .map(Arc::new)
            .map_err(|_| TlsConfigError::KeyMismatch)
    }

    fn checked(self) -> Result<Self, TlsConfigError> {
        self.certified()?;
        Ok(self)
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Identity({} certificates, key REDACTED)",
            self.chain.len()
        )
    }
}

/// The certificate authorities that a peer's certificate must lead to.
#[derive(Clone, Debug)]
pub struct Anchors {
    pub(super) store: Arc<RootCertStore>,
    pub(super) facts: Arc<[AnchorFacts]>,
}

/// What the TLS library forgets of an anchor: a root that has ended proves nothing any more.
#[derive(Clone, Debug)]
pub(super) struct AnchorFacts {
    pub(super) subject: Vec<u8>,
    pub(super) not_after: i64,
}

impl Anchors {
    /// Reads every certificate of a PEM file; none at all is an error.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsConfigError> {
        let mut store = RootCertStore::empty();
        let mut facts = Vec::new();
        for certificate in certificates(pem)? {
            facts.push(policy::check_anchor(&certificate)?);
            store
                .add(certificate)
                .map_err(|_| TlsConfigError::BadCertificate)?;
        }
        Ok(Self {
            store: Arc::new(store),
            facts: facts.into(),
        })
    }

    /// Reads the file.
    pub fn from_file(path: &Path) -> Result<Self, TlsConfigError> {
        Self::from_pem(&read(path)?)
    }

    /// One digest per certificate, the same for two certificates of one key: tells authorities apart.
    pub fn authorities(&self) -> impl Iterator<Item = [u8; 32]> {
        let anchors = self.store.roots.iter();
        anchors.map(|anchor| digest::sha256(&anchor.subject_public_key_info))
    }
}

/// One authority's list of revoked certificates.
#[derive(Clone, Debug)]
pub struct RevocationList(pub(super) CertificateRevocationListDer<'static>);

impl RevocationList {
    /// Reads one PEM list.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TlsConfigError> {
        CertificateRevocationListDer::from_pem_slice(pem)
            .map(Self)
            .map_err(|_| TlsConfigError::BadRevocationList)
    }

    /// Takes one DER list.
    pub fn from_der(der: &[u8]) -> Self {
        Self(CertificateRevocationListDer::from(der.to_vec()))
    }

    /// Reads the PEM file.
    pub fn from_file(path: &Path) -> Result<Self, TlsConfigError> {
        Self::from_pem(&read(path)?)
    }
}

/// The first certificate of a PEM file, DER.
pub fn first_certificate(pem: &[u8]) -> Result<Vec<u8>, TlsConfigError> {
    let mut all = certificates(pem)?;
    Ok(all.swap_remove(0).to_vec())
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| TlsConfigError::BadCertificate)?;
    if all.is_empty() {
        Err(TlsConfigError::NoCertificate)
    } else {
        Ok(all)
    }
}

fn der(certificate: &openssl::x509::X509Ref) -> Result<CertificateDer<'static>, TlsConfigError> {
    let der = certificate
        .to_der()
        .map_err(|_| TlsConfigError::BadCertificate)?;
    Ok(CertificateDer::from(der))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsConfigError> {
    std::fs::read(path).map_err(|error| TlsConfigError::File(path.display().to_string(), error))
}
