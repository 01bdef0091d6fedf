//! One revocation list, checked whole: size, form, issuer, signature, time, and nothing we do not know.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509Crl;
use x509_parser::oid_registry::{self as oid, Oid};
use x509_parser::prelude::{ASN1Time, CertificateRevocationList, FromDer as _, X509Version};

use super::{Issuer, bare};

/// A list whose every check has passed; whether it is still current is asked at each use.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedList {
    this_update: Timestamp,
    next_update: Timestamp,
    number: Vec<u8>,
    revoked: HashSet<Box<[u8]>>,
    der: Vec<u8>,
}

/// Why a list is refused; the one in force stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// More bytes than allowed.
    #[error("the list is too large")]
    TooLarge,
    /// Neither DER nor PEM of a list, or bytes after it.
    #[error("the list could not be read")]
    Unreadable,
    /// Version 1, without number or end: RFC 5280 §5.1.2.1, §5.1.2.5, §5.2.3.
    #[error("the list has no version 2, no number or no next update")]
    Incomplete,
    /// Of another authority.
    #[error("the list is another authority's")]
    WrongIssuer,
    /// A signature algorithm that is not accepted, or two different ones.
    #[error("the list's signature algorithm is not accepted")]
    WeakAlgorithm,
    /// The signature is not the authority's.
    #[error("the list's signature is not its authority's")]
    BadSignature,
    /// Begins in the future.
    #[error("the list is not valid yet")]
    NotYet,
    /// Past its next update.
    #[error("the list has expired")]
    Expired,
    /// A delta, an indirect list, one for some certificates only, or an unknown critical extension.
    #[error("the list is a delta, partial or indirect")]
    Partial,
    /// Older than the one in force.
    #[error("the list is older than the one in force")]
    Older,
}

impl ListError {
    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::TooLarge => "crl-too-large",
            Self::Unreadable => "crl-unreadable",
            Self::Incomplete => "crl-incomplete",
            Self::WrongIssuer => "crl-wrong-issuer",
            Self::WeakAlgorithm => "crl-weak-algorithm",
            Self::BadSignature => "crl-bad-signature",
            Self::NotYet => "crl-not-yet",
            Self::Expired => "crl-expired",
            Self::Partial => "crl-partial",
            Self::Older => "crl-older",
        }
    }
}

impl CheckedList {
    /// Reads a list in DER or PEM of at most [`BYTES_MAX`](Self::BYTES_MAX) bytes, as of `now`.
    ///
    /// # Errors
    /// [`ListError`].
    pub fn read(bytes: &[u8], issuer: &Issuer, now: Timestamp) -> Result<Self, ListError> {
        let list = Self::read_late(bytes, issuer, now)?;
        match now >= list.next_update {
            true => Err(ListError::Expired),
            false => Ok(list),
        }
    }

    /// The same for a list that was kept: it may have expired meanwhile, and still names whom it names.
    ///
    /// # Errors
    /// [`ListError`], never [`ListError::Expired`].
    pub fn read_late(bytes: &[u8], issuer: &Issuer, now: Timestamp) -> Result<Self, ListError> {
        if bytes.len() > Self::BYTES_MAX {
            return Err(ListError::TooLarge);
        }
        let der = to_der(bytes)?;
        let (rest, list) =
            CertificateRevocationList::from_der(&der).map_err(|_| ListError::Unreadable)?;
        if !rest.is_empty() {
            return Err(ListError::Unreadable);
        }
        if list.issuer().as_raw() != issuer.subject() {
            return Err(ListError::WrongIssuer);
        }
        check_signature(&der, &list, issuer)?;
        let number = check_extensions(&list)?;
        let next_update = list.next_update().ok_or(ListError::Incomplete)?;
        let (this_update, next_update) = (instant(list.last_update())?, instant(next_update)?);
        if this_update > now + SKEW {
            return Err(ListError::NotYet);
        }
        let revoked = serials(&list)?;
        Ok(Self {
            this_update,
            next_update,
            number,
            revoked,
            der,
        })
    }

    /// When it was made.
    #[must_use]
    pub fn this_update(&self) -> Timestamp {
        self.this_update
    }

    /// Until when it holds.
    #[must_use]
    pub fn next_update(&self) -> Timestamp {
        self.next_update
    }

    /// How many certificates it names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether it names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// The list itself, DER: to be kept.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// How much of its life is over at `now`, percent; over 100 where it has expired.
    #[must_use]
    pub fn life_percent(&self, now: Timestamp) -> i64 {
        let whole = self.next_update.duration_since(self.this_update).as_secs();
        let over = now.duration_since(self.this_update).as_secs();
        over.saturating_mul(100) / whole.max(1)
    }

    pub(super) fn names(&self, serial: &[u8]) -> bool {
        self.revoked.contains(serial)
    }

    /// Whether it says something that `old` does not; one that comes before `old` is an attack or a mistake.
    pub(super) fn follows(&self, old: &Self) -> Result<bool, ListError> {
        let number = |list: &Self| (list.number.len(), list.number.clone());
        if number(self) < number(old) || self.this_update < old.this_update {
            return Err(ListError::Older);
        }
        Ok(self.der != old.der)
    }

    /// Longest list that is read: some 500,000 certificates.
    pub const BYTES_MAX: usize = 16 << 20;
}

impl std::fmt::Debug for CheckedList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "CheckedList({} revoked, until {})",
            self.len(),
            self.next_update
        )
    }
}

fn to_der(bytes: &[u8]) -> Result<Vec<u8>, ListError> {
    if bytes.first() == Some(&0x30) {
        return Ok(bytes.to_vec());
    }
    X509Crl::from_pem(bytes)
        .and_then(|list| list.to_der())
        .map_err(|_| ListError::Unreadable)
}

fn check_signature(
    der: &[u8],
    list: &CertificateRevocationList<'_>,
    issuer: &Issuer,
) -> Result<(), ListError> {
    let outer = &list.signature_algorithm;
    if *outer != list.tbs_cert_list.signature || !ALGORITHMS.contains(&outer.algorithm) {
        return Err(ListError::WeakAlgorithm);
    }
    let signed = X509Crl::from_der(der).map_err(|_| ListError::Unreadable)?;
    match signed.verify(issuer.key()) {
        Ok(true) => Ok(()),
        _ => Err(ListError::BadSignature),
    }
}

/// Gives the list's number; everything that narrows a list is refused, known or not.
fn check_extensions(list: &CertificateRevocationList<'_>) -> Result<Vec<u8>, ListError> {
    if list.version() != Some(X509Version::V2) {
        return Err(ListError::Incomplete);
    }
    let narrows = |id: &Oid<'_>| {
        *id == oid::OID_X509_EXT_DELTA_CRL_INDICATOR
            || *id == oid::OID_X509_EXT_ISSUER_DISTRIBUTION_POINT
    };
    let known = |id: &Oid<'_>| KNOWN.contains(id);
    for extension in list.extensions() {
        if narrows(&extension.oid) || (extension.critical && !known(&extension.oid)) {
            return Err(ListError::Partial);
        }
    }
    let number = list.crl_number().ok_or(ListError::Incomplete)?;
    Ok(number.to_bytes_be())
}

fn serials(list: &CertificateRevocationList<'_>) -> Result<HashSet<Box<[u8]>>, ListError> {
    let mut revoked = HashSet::new();
    for entry in list.iter_revoked_certificates() {
        // a critical extension of an entry names another issuer (RFC 5280 §5.3.3) or is unknown
        if entry
            .extensions()
            .iter()
            .any(|extension| extension.critical)
        {
            return Err(ListError::Partial);
        }
        revoked.insert(bare(entry.raw_serial()).into());
    }
    Ok(revoked)
}

fn instant(at: ASN1Time) -> Result<Timestamp, ListError> {
    Timestamp::from_second(at.timestamp()).map_err(|_| ListError::Unreadable)
}

/// How far an authority's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

const KNOWN: [Oid<'static>; 2] = [
    oid::OID_X509_EXT_CRL_NUMBER,
    oid::OID_X509_EXT_AUTHORITY_KEY_IDENTIFIER,
];

const ALGORITHMS: [Oid<'static>; 8] = [
    oid::OID_PKCS1_SHA256WITHRSA,
    oid::OID_PKCS1_SHA384WITHRSA,
    oid::OID_PKCS1_SHA512WITHRSA,
    oid::OID_PKCS1_RSASSAPSS,
    oid::OID_SIG_ECDSA_WITH_SHA256,
    oid::OID_SIG_ECDSA_WITH_SHA384,
    oid::OID_SIG_ECDSA_WITH_SHA512,
    oid::OID_SIG_ED25519,
];
