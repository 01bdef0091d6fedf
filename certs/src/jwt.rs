//! Access tokens as signed JWTs (RFC 7519, RFC 9068), checked against the key set of a registered issuer.
//!
//! The header is read by the strict reader of [`jws`](crate::jws): no `crit`, no key or address of a key in
//! it, an algorithm out of the list. The key comes from the issuer's set alone, and it says itself which
//! algorithms it may be used with; `none` and HMAC have no name here. Claims are read only after the
//! signature has held. It refuses to know who the issuer is and how the set was fetched.

mod keyset;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, de::DeserializeOwned};

use crate::digest;
use crate::jws::{self, JwsError};
use crate::keys::Algorithm;

pub use keyset::{KEY_SET_BYTES_MAX, KeySet, KeySetError};

/// Longest token that is looked at.
pub const TOKEN_CHARS_MAX: usize = 8_192;

/// What a token must be for a caller to be let in.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The registered issuer, to the letter.
    pub issuer: &'a str,
    /// Our name for it, one of the token's audiences.
    pub audience: &'a str,
    /// Whose token it must be (`client_id`, else `sub`), where config says so.
    pub subject: Option<&'a str>,
    /// Algorithms that config allows.
    pub algorithms: &'a [Algorithm],
    /// SHA-256 of the certificate that the TLS peer has shown, where the token must be bound to it.
    pub certificate: Option<&'a [u8; 32]>,
    /// Now.
    pub now: Timestamp,
    /// How far the issuer's clock may be off.
    pub skew: SignedDuration,
}

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than any token of ours.
    #[error("the token is too long")]
    TooLarge,
    /// Not a compact JWS with a header that we accept.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// `typ` is of something else than a JWT.
    #[error("the token's typ is not JWT or at+jwt")]
    Type,
    /// No `kid`, or one that nobody would choose.
    #[error("the token names no key")]
    NoKid,
    /// The issuer has no key of this name.
    #[error("the issuer has no such key")]
    UnknownKid,
    /// An algorithm that config does not allow, or that the key is not for.
    #[error("the algorithm does not fit")]
    Algorithm,
    /// The signature does not hold.
    #[error("the signature does not match")]
    Signature,
    /// The claims are no JSON object of the expected types.
    #[error("the claims cannot be read")]
    Claims,
    /// Another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// Made for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// No end: RFC 9068 §2.2 demands one.
    #[error("the token has no end")]
    NoExpiry,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not begun.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Somebody else's.
    #[error("the token is somebody else's")]
    Subject,
    /// No `cnf` with `x5t#S256` in it.
    #[error("the token is bound to no certificate")]
    NotBound,
    /// Bound to another certificate than the peer's (RFC 8705 §3).
    #[error("the token is bound to another certificate")]
    OtherCertificate,
}

impl TokenError {
    /// A stable word for logs, faults and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "token-too-large",
            Self::Jws(refused) => refused.reason(),
            Self::Type => "token-wrong-typ",
            Self::NoKid => "token-without-kid",
            Self::UnknownKid => "token-unknown-kid",
            Self::Algorithm => "token-algorithm",
            Self::Signature => "token-signature",
            Self::Claims => "token-claims",
            Self::Issuer => "token-issuer",
            Self::Audience => "token-audience",
            Self::NoExpiry => "token-without-exp",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::Subject => "token-subject",
            Self::NotBound => "token-not-bound",
            Self::OtherCertificate => "token-other-certificate",
        }
    }
}

/// A token whose header has been read and whose signature has not been checked.
#[derive(Debug)]
pub struct Unproven<'a> {
    claimed: jws::Claimed<'a>,
    kid: Option<String>,
}

/// The evidence that a token held; only [`Unproven::verify`] makes one.
#[derive(Debug)]
pub struct Access {
    expires: Timestamp,
}

impl Access {
    /// When it ends.
    pub const fn expires(&self) -> Timestamp {
        self.expires
    }
}

/// Reads a token's header: good for finding the key, proof of nothing.
pub fn parse(token: &str) -> Result<Unproven<'_>, TokenError> {
    let unproven = parse_pinned(token)?;
    match unproven.kid {
        Some(_) => Ok(unproven),
        None => Err(TokenError::NoKid),
    }
}

/// The same of an issuer whose keys are pinned and which may name none of them, as OpenCRVS does not: then it is one of the
/// pinned. A name that is given has to be a pinned key's.
pub fn parse_pinned(token: &str) -> Result<Unproven<'_>, TokenError> {
    if token.len() > TOKEN_CHARS_MAX {
        return Err(TokenError::TooLarge);
    }
    let claimed = jws::claimed(token)?;
    let is_jwt = |typ: &str| TYPES.iter().any(|known| typ.eq_ignore_ascii_case(known));
    if !claimed.typ.as_deref().is_none_or(is_jwt) {
        return Err(TokenError::Type);
    }
    let kid = claimed.kid.clone();
    match kid.as_deref().is_none_or(keyset::is_kid) {
        true => Ok(Unproven { claimed, kid }),
        false => Err(TokenError::NoKid),
    }
}

impl Unproven<'_> {
    /// The key's name as claimed; empty where none is.
    pub fn kid(&self) -> &str {
        self.kid.as_deref().unwrap_or_default()
    }

    /// What it claims, proof of nothing.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, TokenError> {
        serde_json::from_slice(&self.claimed.payload).map_err(|_| TokenError::Claims)
    }

    /// Checks everything, the signature first.
    pub fn verify(self, keys: &KeySet, expected: &Expected<'_>) -> Result<Access, TokenError> {
        let algorithm = self.claimed.algorithm;
        if !expected.algorithms.contains(&algorithm) {
            return Err(TokenError::Algorithm);
        }
        keys.verify(
            self.kid.as_deref(),
            algorithm,
            self.claimed.input,
            self.claimed.signature,
        )?;
        self.claims::<Claims>()?.check(expected)
    }
}

/// The claims that we read; others are the issuer's business.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: Option<i64>,
    nbf: Option<i64>,
    sub: Option<String>,
    client_id: Option<String>,
    cnf: Option<Confirmation>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// RFC 8705 §3.1.
#[derive(Deserialize)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: Option<String>,
}

impl Claims {
    fn check(&self, expected: &Expected<'_>) -> Result<Access, TokenError> {
        if self.iss != expected.issuer {
            return Err(TokenError::Issuer);
        }
        let is_for_us = match &self.aud {
            Audience::One(audience) => audience == expected.audience,
            Audience::Several(all) => all.iter().any(|one| one == expected.audience),
        };
        if !is_for_us {
            return Err(TokenError::Audience);
        }
        let expires = self.in_time(expected)?;
        let owner = self.client_id.as_deref().or(self.sub.as_deref());
        if expected
            .subject
            .is_some_and(|subject| owner != Some(subject))
        {
            return Err(TokenError::Subject);
        }
        if let Some(certificate) = expected.certificate {
            self.is_bound_to(certificate)?;
        }
        Ok(Access { expires })
    }

    fn in_time(&self, expected: &Expected<'_>) -> Result<Timestamp, TokenError> {
        let instant = |seconds| Timestamp::from_second(seconds).map_err(|_| TokenError::Claims);
        let expires = instant(self.exp.ok_or(TokenError::NoExpiry)?)?;
        let past = |at: Timestamp| expected.now.duration_since(at);
        if past(expires) >= expected.skew {
            return Err(TokenError::Expired);
        }
        match self.nbf.map(instant).transpose()? {
            Some(begins) if past(begins) < -expected.skew => Err(TokenError::NotYetValid),
            _ => Ok(expires),
        }
    }

    fn is_bound_to(&self, certificate: &[u8; 32]) -> Result<(), TokenError> {
        let bound = self.cnf.as_ref().and_then(|cnf| cnf.certificate.as_deref());
        let named = jws::base64url_bytes(bound.ok_or(TokenError::NotBound)?)
            .map_err(|_| TokenError::NotBound)?;
        match digest::constant_time_eq(&named, certificate) {
            true => Ok(()),
            false => Err(TokenError::OtherCertificate),
        }
    }
}

/// RFC 7519 §5.1, RFC 9068 §2.1.
const TYPES: [&str; 3] = ["JWT", "at+jwt", "application/at+jwt"];

#[cfg(test)]
mod tests;
