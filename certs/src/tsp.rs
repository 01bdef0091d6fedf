//! Time-stamps by RFC 3161: the request, and what a token proves.
//!
//! The bindings of OpenSSL have no TS_* functions, so requests are written and TSTInfo is read here; the
//! signature, the chain and the purpose are checked by OpenSSL's CMS. SHA-256 only. It opens no socket.

mod info;

use openssl::cms::{CMSOptions, CmsContentInfo};
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::X509VerifyParam;
use openssl::x509::{X509, X509PurposeId};

use info::Info;

/// The media type of a request (RFC 3161, 3.4).
pub const QUERY: &str = "application/timestamp-query";
/// The media type of a response.
pub const REPLY: &str = "application/timestamp-reply";

/// Why there is no time-stamp, or why it proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TspError {
    /// The authority refuses: its PKIStatus.
    #[error("the time-stamping authority refuses with status {0}")]
    Refused(u32),
    /// Response or token do not have their form.
    #[error("the time-stamp does not have its form: {0}")]
    Malformed(&'static str),
    /// It is a time-stamp of something else.
    #[error("the time-stamp is of other bytes")]
    OtherImprint,
    /// It answers another request.
    #[error("the time-stamp answers another request")]
    OtherNonce,
    /// The signature does not match, or its certificate does not lead to the authorities, or is not for this.
    #[error("the time-stamp's signature or certificate is refused")]
    Refuted,
    /// The authorities cannot be read.
    #[error("the time-stamping authorities cannot be read")]
    Authorities,
}

impl TspError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Refused(_) => "tsa-refused",
            Self::Malformed(_) => "timestamp-malformed",
            Self::OtherImprint => "timestamp-other-imprint",
            Self::OtherNonce => "timestamp-other-nonce",
            Self::Refuted => "timestamp-refuted",
            Self::Authorities => "timestamp-authorities",
        }
    }
}

/// A request for a time-stamp of bytes with this SHA-256.
#[derive(Clone, Debug)]
pub struct Request {
    imprint: [u8; 32],
    nonce: [u8; 8],
}

impl Request {
    /// With a random nonce.
    pub fn new(imprint: [u8; 32]) -> Self {
        let mut nonce = crate::digest::random::<8>();
        // positive and in the shortest form
        nonce[0] = (nonce[0] & 0x3f) | 0x40;
        Self { imprint, nonce }
    }

    /// TimeStampReq in DER: version 1, the imprint, the nonce, certReq.
    pub fn der(&self) -> Vec<u8> {
        let mut der = vec![0x30, 0x43, 0x02, 0x01, 0x01, 0x30, 0x31];
        der.extend_from_slice(&info::SHA256);
        der.extend_from_slice(&[0x04, 0x20]);
        der.extend_from_slice(&self.imprint);
        der.extend_from_slice(&[0x02, 0x08]);
        der.extend_from_slice(&self.nonce);
        der.extend_from_slice(&[0x01, 0x01, 0xff]);
        der
    }

    /// The token of a response (TimeStampResp, DER), where it was granted for this request and proves it.
    pub fn token(&self, response: &[u8], authorities: &Authorities) -> Result<Token, TspError> {
        let token = Token(info::token_of(response)?);
        if token.info()?.nonce.as_deref() != Some(&self.nonce) {
            return Err(TspError::OtherNonce);
        }
        token.verify(&self.imprint, Some(authorities))?;
        Ok(token)
    }
}

/// Whom a time-stamp may be from.
pub struct Authorities(Vec<X509>);

impl Authorities {
    /// Certificates of roots, PEM.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TspError> {
        match X509::stack_from_pem(pem) {
            Ok(all) if !all.is_empty() => Ok(Self(all)),
            _ => Err(TspError::Authorities),
        }
    }
}

impl std::fmt::Debug for Authorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authorities({})", self.0.len())
    }
}

/// A TimeStampToken: CMS SignedData over TSTInfo, DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(Vec<u8>);

/// What a token says, once its signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// When the authority saw the digest.
    pub at: jiff::Timestamp,
    /// The token's serial number, lower-case hex.
    pub serial: String,
    /// What the authority calls itself, where it says so.
    pub authority: Option<String>,
}

impl Token {
    /// Takes a token that was kept; nothing is checked before [`verify`](Self::verify).
    pub fn from_der(der: Vec<u8>) -> Self {
        Self(der)
    }

    /// The token in DER.
    pub fn der(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is a time-stamp of bytes with this digest. With authorities its certificate must have led to
    /// them, for time-stamping, at the time that it names; without, only the signature is checked.
    pub fn verify(
        &self,
        imprint: &[u8; 32],
        authorities: Option<&Authorities>,
    ) -> Result<Stamped, TspError> {
        let info = self.info()?;
        if info.imprint != *imprint {
            return Err(TspError::OtherImprint);
        }
        let store = store(authorities, info.at).map_err(|_| TspError::Authorities)?;
        // CMS_CADES asks for a chain, so without authorities there is the signature alone
        let flags = match authorities {
            Some(_) => CMSOptions::BINARY | CMSOptions::from_bits_retain(CADES),
            None => CMSOptions::BINARY | CMSOptions::NO_SIGNER_CERT_VERIFY,
        };
        let mut signed = Vec::new();
        let mut cms = CmsContentInfo::from_der(&self.0).map_err(|_| TspError::Malformed("CMS"))?;
        cms.verify(None, Some(&store), None, Some(&mut signed), flags)
            .map_err(|_| TspError::Refuted)?;
        // what was signed is what was read
        if signed != info.der {
            return Err(TspError::Refuted);
        }
        Ok(Stamped {
            at: info.at,
            serial: hex::encode(&info.serial),
            authority: info.authority,
        })
    }

    fn info(&self) -> Result<Info, TspError> {
        Info::of_token(&self.0)
    }
}

/// For time-stamping only, at the time of the stamp: it outlives its authority's certificate.
fn store(
    authorities: Option<&Authorities>,
    at: jiff::Timestamp,
) -> Result<X509Store, openssl::error::ErrorStack> {
    let mut store = X509StoreBuilder::new()?;
    for certificate in authorities.map(|all| all.0.as_slice()).unwrap_or_default() {
        store.add_cert(certificate.clone())?;
    }
    let mut param = X509VerifyParam::new()?;
    param.set_time(at.as_second());
    store.set_param(&param)?;
    store.set_purpose(X509PurposeId::TIMESTAMP_SIGN)?;
    Ok(store.build())
}

/// CMS_CADES: the signer's certificate must be the one that its signed attribute names (RFC 5035, RFC 3161 2.4.2).
const CADES: u32 = 0x0010_0000;

#[cfg(test)]
mod tests;
