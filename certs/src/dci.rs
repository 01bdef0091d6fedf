//! Signatures of DCI messages: the standard names one and says neither over which bytes nor in which order, and every
//! implementation has its own. A partner has exactly one [`Dialect`], and nothing in a message chooses another.
//!
//! | dialect | where the signature is | what it covers |
//! |---|---|---|
//! | `cavage-jcs` | body, member `signature` | SHA-256 of `{"header":…,"message":…}` as RFC 8785 spells it |
//! | `cavage-pyjson` | body, member `signature` | the same as Python's `json.dumps(sort_keys, separators)` spells it (OpenSPP) |
//! | `jws-compact` | body, member `signature` | its own payload, which must be the same header and message (opencrvs/dci-crvs-api) |
//! | `partner-jwt` | header `Signature` | the received body: its payload is those bytes, or empty (own reading of OpenG2P's partner JWT) |
//! | `hmac-x` | header `x-HMAC` | request line, host, date, media type and the received body's SHA-256 (own profile: the standard's page names no body) |
//! | `jws-detached` | header `X-JWS-Signature` | the received body |
//!
//! What is proven is what a reader may read: the spelling that was hashed, the payload that was signed, or the body.
//! The two `cavage` dialects say `algorithm="ed25519"`, live for at most 300 seconds, and name their sender and key in
//! `kidId`, which must be those of the message and of the registration.

mod cavage;
mod mac;

use schemas::{json::canonical::Spelling, wire::dci::Raw};
use serde_json::Value;

use crate::{
    jws::{self, JwsError},
    keys::{Algorithm, KeyError, SignatureError, SigningKey, VerifyingKey},
};

pub use cavage::{LIFE_SECONDS_MAX, SKEW_SECONDS};
pub use mac::{Secret, SignedHead};

/// How one partner signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Ed25519 over a digest of the RFC 8785 spelling.
    CavageJcs,
    /// Ed25519 over a digest of Python's spelling.
    CavagePyJson,
    /// A compact JWS that carries header and message.
    JwsCompact,
    /// A JWT beside the body.
    PartnerJwt,
    /// HMAC-SHA-256 by a secret between the two.
    HmacX,
    /// A detached JWS beside the body.
    JwsDetached,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CavageJcs,
        Self::CavagePyJson,
        Self::JwsCompact,
        Self::PartnerJwt,
        Self::HmacX,
        Self::JwsDetached,
    ];

    /// The word in config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CavageJcs => "cavage-jcs",
            Self::CavagePyJson => "cavage-pyjson",
            Self::JwsCompact => "jws-compact",
            Self::PartnerJwt => "partner-jwt",
            Self::HmacX => "hmac-x",
            Self::JwsDetached => "jws-detached",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }

    /// Whether the signature is a member of the body; else it is in the header field that this names.
    pub const fn header(self) -> Option<&'static str> {
        match self {
            Self::CavageJcs | Self::CavagePyJson | Self::JwsCompact => None,
            Self::PartnerJwt => Some("signature"),
            Self::HmacX => Some("x-hmac"),
            Self::JwsDetached => Some("x-jws-signature"),
        }
    }

    /// Whether a key of this algorithm can sign so.
    pub fn takes(self, algorithm: Algorithm) -> bool {
        match self {
            Self::CavageJcs | Self::CavagePyJson => algorithm == Algorithm::EdDsa,
            Self::JwsCompact | Self::PartnerJwt | Self::JwsDetached => {
                Algorithm::JWS.contains(&algorithm)
            }
            Self::HmacX => false,
        }
    }

    const fn spelling(self) -> Spelling {
        match self {
            Self::CavagePyJson => Spelling::Python,
            _ => Spelling::Jcs,
        }
    }
}

/// Why a signature proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DciError {
    /// Not the seven members, each once, quoted and separated by a comma and a blank.
    #[error("the signature is no list of its seven members")]
    Form,
    /// A namespace other than `dci` and `spdci`.
    #[error("the namespace is not of DCI")]
    Namespace,
    /// `kidId` names another sender, another algorithm, or is no `sender|key|algorithm`.
    #[error("kidId is not of this sender and algorithm")]
    KeyId,
    /// Other header names than `(created) (expires) digest`.
    #[error("something else is signed")]
    Covered,
    /// Created later than our clock allows.
    #[error("created in the future")]
    Early,
    /// Its life is over.
    #[error("expired")]
    Expired,
    /// It lives longer than 300 seconds, or ends before it begins.
    #[error("the life of the signature is too long")]
    Life,
    /// The signature is no strict base64.
    #[error("the base64 is not strict")]
    Base64,
    /// Header or message have a number that spellings do not have in common.
    #[error("a number cannot be spelt in one way")]
    Number,
    /// Header or message are not JSON objects.
    #[error("header or message is no object")]
    Shape,
    /// The JWS is refused.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// What the JWS carries is not what the body says.
    #[error("the payload is not the body's header and message")]
    Payload,
    /// The keyed hash is not of this message.
    #[error("the keyed hash does not match")]
    Mac,
    /// The signature does not match.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// This dialect is not verified like this.
    #[error("another dialect is registered")]
    Dialect,
}

impl DciError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Form => "dci-signature-form",
            Self::Namespace => "dci-namespace",
            Self::KeyId => "dci-kid-of-another",
            Self::Covered => "dci-signed-headers",
            Self::Early => "dci-created-later",
            Self::Expired => "dci-expired",
            Self::Life => "dci-life-too-long",
            Self::Base64 => "base64-not-strict",
            Self::Number => "dci-number-spelling",
            Self::Shape => "dci-no-object",
            Self::Jws(refused) => refused.reason(),
            Self::Payload => "dci-payload-differs",
            Self::Mac => "dci-hmac",
            Self::Signature(refused) => refused.reason(),
            Self::Dialect => "dci-dialect",
        }
    }
}

/// What came, before anything of it is believed.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The received body.
    pub body: &'a [u8],
    /// Its parts.
    pub raw: Raw<'a>,
    /// Who says it, as the message names them.
    pub sender_id: &'a str,
    /// The signature's text, from wherever the dialect has it.
    pub signature: &'a str,
}

/// The name of the key that a signature claims; none where it names none.
///
/// # Errors
/// A signature of another form than the dialect's.
pub fn key_hint(dialect: Dialect, said: &Said<'_>) -> Result<Option<String>, DciError> {
    match dialect {
        Dialect::CavageJcs | Dialect::CavagePyJson => {
            let read = cavage::Read::parse(said.signature)?;
            Ok(Some(read.key_of(said.sender_id)?.to_owned()))
        }
        Dialect::JwsCompact | Dialect::PartnerJwt | Dialect::JwsDetached => {
            Ok(jws::claimed(said.signature)?.kid)
        }
        Dialect::HmacX => Ok(None),
    }
}

/// Proves a message by its sender's registered key; gives the bytes that are proven, `{header, message}` in JSON.
///
/// `now`: seconds since 1970.
///
/// # Errors
/// The narrowest reason.
pub fn prove(
    dialect: Dialect,
    said: &Said<'_>,
    (key, algorithm): (&VerifyingKey, Algorithm),
    now: i64,
) -> Result<Vec<u8>, DciError> {
    match dialect {
        Dialect::CavageJcs | Dialect::CavagePyJson => {
            let read = cavage::Read::parse(said.signature)?;
            read.key_of(said.sender_id)?;
            read.lives_at(now)?;
            let proven = spelt(said.raw, dialect.spelling())?;
            let covered = read.covered(dialect, &proven);
            key.verify(Algorithm::EdDsa, covered.as_bytes(), &read.signature)?;
            Ok(proven.into_bytes())
        }
        Dialect::JwsCompact => {
            let claimed = verified(said.signature, key, algorithm, None)?;
            same(&claimed, said.raw)?;
            Ok(claimed)
        }
        Dialect::PartnerJwt | Dialect::JwsDetached => {
            verified(said.signature, key, algorithm, Some(said.body))?;
            Ok(said.body.to_vec())
        }
        Dialect::HmacX => Err(DciError::Dialect),
    }
}

/// Proves a message by the secret between its sender and us; gives the body.
///
/// # Errors
/// [`DciError::Form`], [`DciError::KeyId`], [`DciError::Covered`] or [`DciError::Mac`].
pub fn prove_mac(
    secret: &Secret,
    said: &Said<'_>,
    head: &SignedHead<'_>,
) -> Result<Vec<u8>, DciError> {
    mac::prove(secret, said, head)?;
    Ok(said.body.to_vec())
}

/// Signs header and message (JSON objects); gives the signature's text for the member or the header field of the dialect.
///
/// `body` is what will be sent: the dialects beside the body cover it as it is. `created` is in seconds since 1970.
///
/// # Errors
/// The key cannot sign so, or the spelling has no such number.
pub fn sign(
    dialect: Dialect,
    said: &Said<'_>,
    (key, kid): (&SigningKey, &str),
    created: i64,
) -> Result<String, SignError> {
    if !dialect.takes(key.algorithm()) {
        return Err(SignError::Key(KeyError::WrongAlgorithm));
    }
    match dialect {
        Dialect::CavageJcs | Dialect::CavagePyJson => {
            let text = spelt(said.raw, dialect.spelling()).map_err(SignError::Said)?;
            Ok(cavage::sign(
                dialect,
                (said.sender_id, kid),
                &text,
                key,
                created,
            )?)
        }
        Dialect::JwsCompact => {
            let payload = format!(
                r#"{{"header":{},"message":{}}}"#,
                said.raw.header, said.raw.message
            );
            Ok(jws::sign_plain(
                kid,
                key,
                payload.as_bytes(),
                jws::Carries::Payload,
            )?)
        }
        Dialect::PartnerJwt => Ok(jws::sign_plain(kid, key, said.body, jws::Carries::Payload)?),
        Dialect::JwsDetached => Ok(jws::sign_plain(kid, key, said.body, jws::Carries::Nothing)?),
        Dialect::HmacX => Err(SignError::Said(DciError::Dialect)),
    }
}

/// The keyed hash over a body and its head, as `x-HMAC` says it.
pub fn sign_mac(secret: &Secret, sender_id: &str, body: &[u8], head: &SignedHead<'_>) -> String {
    mac::sign(secret, sender_id, body, head)
}

/// Why a message could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key cannot.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What is said cannot be signed so.
    #[error(transparent)]
    Said(DciError),
}

/// Whether a message that was taken at this time (seconds since 1970) bears a signature of this key, in whichever
/// dialect that has keys; `beside` is what was kept with its body.
#[must_use]
pub fn is_signed_by(body: &[u8], beside: Option<&str>, key: &VerifyingKey, at: i64) -> bool {
    let Ok((raw, inside)) = Raw::read(body) else {
        return false;
    };
    let header: Value = serde_json::from_str(raw.header).unwrap_or_default();
    let said = Said {
        body,
        raw,
        sender_id: header["sender_id"].as_str().unwrap_or_default(),
        signature: inside.as_deref().or(beside).unwrap_or_default(),
    };
    let fits = |algorithm: &Algorithm| algorithm.key_kind() == key.kind();
    let mut each = Dialect::ALL.into_iter().flat_map(|dialect| {
        let algorithms = Algorithm::ALL.into_iter().filter(fits);
        algorithms.map(move |algorithm| (dialect, algorithm))
    });
    each.any(|(dialect, algorithm)| prove(dialect, &said, (key, algorithm), at).is_ok())
}

/// Header and message in one spelling.
fn spelt(raw: Raw<'_>, spelling: Spelling) -> Result<String, DciError> {
    let object = |text: &str| {
        let value: Value = serde_json::from_str(text).map_err(|_| DciError::Shape)?;
        value.is_object().then_some(value).ok_or(DciError::Shape)
    };
    let whole = serde_json::json!({
        "header": object(raw.header)?,
        "message": object(raw.message)?,
    });
    schemas::json::canonical::write(&whole, spelling).map_err(|_| DciError::Number)
}

/// The payload of a JWS whose signature holds; `beside` is the body that a detached one covers.
fn verified(
    text: &str,
    key: &VerifyingKey,
    algorithm: Algorithm,
    beside: Option<&[u8]>,
) -> Result<Vec<u8>, DciError> {
    let claimed = jws::claimed(text)?;
    let payload = match (beside, claimed.payload.is_empty()) {
        (None, _) => claimed.payload.clone(),
        (Some(body), true) => body.to_vec(),
        (Some(body), false) if claimed.payload == body => claimed.payload.clone(),
        (Some(_), false) => return Err(DciError::Payload),
    };
    jws::verify_plain(&claimed, text, key, algorithm, &payload)?;
    Ok(payload)
}

/// Two readers must not see two messages: what is signed must be, member for member, what the body shows.
fn same(payload: &[u8], raw: Raw<'_>) -> Result<(), DciError> {
    let (signed, inner) = Raw::read(payload).map_err(|_| DciError::Payload)?;
    let read = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| DciError::Payload);
    let equal =
        read(signed.header)? == read(raw.header)? && read(signed.message)? == read(raw.message)?;
    match equal && inner.is_none() {
        true => Ok(()),
        false => Err(DciError::Payload),
    }
}

#[cfg(test)]
mod tests;
