//! One question to an OCSP responder and its checked answer (RFC 6960, profile of RFC 5019).
//!
//! The question carries a nonce of 32 bytes (RFC 9654), and an answer with another one is refused; one
//! without any is taken only where the caller allows it, as many large responders sign in advance.
//! Certificates are named by SHA-1 digests of their issuer, as RFC 5019 §2.1.1 demands: a name, not a
//! signature. The signature is judged by OpenSSL: the authority's own, or of a responder to whom this very
//! authority has given id-kp-OCSPSigning.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use openssl::hash::MessageDigest;
use openssl::ocsp::{self, OcspCertId, OcspFlag, OcspResponseStatus};
use openssl::stack::Stack;
use openssl::x509::{
    X509,
    store::{X509Store, X509StoreBuilder},
    verify::{X509VerifyFlags, X509VerifyParam},
};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::AsExtension as _;
use x509_cert::name::Name;
use x509_ocsp::{
    BasicOcspResponse, CertStatus, OcspRequest, OcspResponse, SingleResponse, ext::Nonce,
};

use super::{Issuer, bare};
use crate::digest;

/// A question about one certificate.
pub struct Question {
    issuer: Arc<Issuer>,
    certificate: X509,
    serial: Vec<u8>,
}

/// What a responder says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not revoked.
    Good,
    /// Revoked, for ever or for now.
    Revoked,
    /// The responder does not know it: it was not issued.
    Unknown,
}

/// A state and until when it may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: State,
    /// Until when.
    pub until: Timestamp,
}

impl Status {
    /// Whether it may still be believed.
    #[must_use]
    pub fn holds_at(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// Why an answer is refused; what was known before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OcspError {
    /// The question could not be made from this certificate.
    #[error("the certificate cannot be asked about")]
    BadQuestion,
    /// No answer in DER.
    #[error("the answer could not be read")]
    Unreadable,
    /// The responder declines: its status is not «successful».
    #[error("the responder declines")]
    Declined,
    /// About another certificate.
    #[error("the answer is not about this certificate")]
    OtherCertificate,
    /// With another nonce, or without one: somebody may have kept it.
    #[error("the answer does not repeat the nonce")]
    Nonce,
    /// Not by the authority, nor by whom it has named.
    #[error("the answer's signature is not the authority's")]
    BadSignature,
    /// Made in the future or no longer valid.
    #[error("the answer is not of this time")]
    Stale,
}

impl OcspError {
    /// A stable word for logs and metrics.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::BadQuestion => "ocsp-bad-question",
            Self::Unreadable => "ocsp-unreadable",
            Self::Declined => "ocsp-declined",
            Self::OtherCertificate => "ocsp-other-certificate",
            Self::Nonce => "ocsp-nonce",
            Self::BadSignature => "ocsp-bad-signature",
            Self::Stale => "ocsp-stale",
        }
    }
}

impl Question {
    /// A question about `leaf` (DER), which `issuer` has issued.
    ///
    /// # Errors
    /// [`OcspError::BadQuestion`].
    pub fn about(leaf: &[u8], issuer: Arc<Issuer>) -> Result<Self, OcspError> {
        let bad = |_| OcspError::BadQuestion;
        let certificate = X509::from_der(leaf).map_err(bad)?;
        let serial = certificate.serial_number().to_bn().map_err(bad)?.to_vec();
        Ok(Self {
            issuer,
            certificate,
            serial: bare(&serial).to_vec(),
        })
    }

    /// The authority that is asked.
    #[must_use]
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(super) fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// The request in DER and the nonce in it.
    ///
    /// # Errors
    /// [`OcspError::BadQuestion`].
    pub fn request(&self) -> Result<(Vec<u8>, [u8; 32]), OcspError> {
        let nonce = digest::random::<32>();
        let mut request = self.bare_request()?;
        let extension = Nonce::new(nonce)
            .and_then(|nonce| nonce.to_extension(&Name::default(), &[]))
            .map_err(|_| OcspError::BadQuestion)?;
        request.tbs_request.request_extensions = Some(vec![extension]);
        let der = request.to_der().map_err(|_| OcspError::BadQuestion)?;
        Ok((der, nonce))
    }

    /// Checks the answer to a request with `nonce`; `None` takes an answer without one, as a stapled one is.
    ///
    /// # Errors
    /// [`OcspError`].
    pub fn check(
        &self,
        answer: &[u8],
        nonce: Option<&[u8; 32]>,
        now: Timestamp,
    ) -> Result<Status, OcspError> {
        let basic = basic(answer)?;
        if let Some(nonce) = nonce
            && basic
                .nonce()
                .is_none_or(|answered| answered.0.as_bytes() != nonce)
        {
            return Err(OcspError::Nonce);
        }
        self.check_signature(answer, now)?;
        status(self.single(&basic)?, now)
    }

    fn bare_request(&self) -> Result<OcspRequest, OcspError> {
        let sha1 = MessageDigest::sha1();
        let id = OcspCertId::from_cert(sha1, &self.certificate, self.issuer.certificate());
        let der = id.and_then(|id| {
            let mut request = ocsp::OcspRequest::new()?;
            request.add_id(id)?;
            request.to_der()
        });
        der.ok()
            .and_then(|der| OcspRequest::from_der(&der).ok())
            .ok_or(OcspError::BadQuestion)
    }

    fn single<'a>(&self, basic: &'a BasicOcspResponse) -> Result<&'a SingleResponse, OcspError> {
        let asked = self.bare_request()?;
        let asked = asked.tbs_request.request_list.first();
        let id = &asked.ok_or(OcspError::BadQuestion)?.req_cert;
        let is_ours = |single: &&SingleResponse| {
            let theirs = &single.cert_id;
            theirs.hash_algorithm.oid == id.hash_algorithm.oid
                && theirs.issuer_name_hash == id.issuer_name_hash
                && theirs.issuer_key_hash == id.issuer_key_hash
                && theirs.serial_number == id.serial_number
        };
        let mut ours = basic.tbs_response_data.responses.iter().filter(is_ours);
        match (ours.next(), ours.next()) {
            (Some(one), None) => Ok(one),
            _ => Err(OcspError::OtherCertificate),
        }
    }

    fn check_signature(&self, answer: &[u8], now: Timestamp) -> Result<(), OcspError> {
        let read = ocsp::OcspResponse::from_der(answer).map_err(|_| OcspError::Unreadable)?;
        if read.status() != OcspResponseStatus::SUCCESSFUL {
            return Err(OcspError::Declined);
        }
        let verified = read.basic().and_then(|basic| {
            let mut others = Stack::new()?;
            others.push(self.issuer.certificate().clone())?;
            basic.verify(&others, &*self.store(now)?, OcspFlag::empty())
        });
        verified.map_err(|_| OcspError::BadSignature)
    }

    /// Trusts this authority alone, whoever is above it, at `now`.
    fn store(&self, now: Timestamp) -> Result<X509Store, openssl::error::ErrorStack> {
        let mut param = X509VerifyParam::new()?;
        param.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        param.set_time(now.as_second());
        let mut builder = X509StoreBuilder::new()?;
        builder.add_cert(self.issuer.certificate().clone())?;
        builder.set_param(&param)?;
        Ok(builder.build())
    }
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Question({:?}, {})",
            self.issuer,
            hex::encode(&self.serial)
        )
    }
}

fn basic(answer: &[u8]) -> Result<BasicOcspResponse, OcspError> {
    let response = OcspResponse::from_der(answer).map_err(|_| OcspError::Unreadable)?;
    let bytes = response.response_bytes.ok_or(OcspError::Declined)?;
    BasicOcspResponse::from_der(bytes.response.as_bytes()).map_err(|_| OcspError::Unreadable)
}

fn status(single: &SingleResponse, now: Timestamp) -> Result<Status, OcspError> {
    let seconds = |at: &x509_ocsp::OcspGeneralizedTime| {
        let since = at.0.to_unix_duration().as_secs();
        i64::try_from(since)
            .ok()
            .and_then(|second| Timestamp::from_second(second).ok())
    };
    let made = seconds(&single.this_update).ok_or(OcspError::Unreadable)?;
    let until = match &single.next_update {
        Some(at) => seconds(at).ok_or(OcspError::Unreadable)?,
        None => now + WITHOUT_END,
    };
    if made > now + SKEW || until <= now {
        return Err(OcspError::Stale);
    }
    let state = match single.cert_status {
        CertStatus::Good(_) => State::Good,
        CertStatus::Revoked(_) => State::Revoked,
        CertStatus::Unknown(_) => State::Unknown,
    };
    Ok(Status { state, until })
}

/// How far a responder's clock may be ahead of ours.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// How long an answer is believed that names no end: newer ones can always be had (RFC 6960 §4.2.2.1).
const WITHOUT_END: SignedDuration = SignedDuration::from_mins(5);
