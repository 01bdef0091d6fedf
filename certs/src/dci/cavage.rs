//! `namespace="dci", kidId="sender|key|ed25519", algorithm="ed25519", created="…", expires="…",
//! headers="(created) (expires) digest", signature="…"`: a header field's form inside a JSON member.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{DciError, Dialect};
use crate::{
    digest::sha256,
    keys::{KeyError, SigningKey},
};

/// The longest life of a signature, seconds.
pub const LIFE_SECONDS_MAX: i64 = 300;

/// How far a signer's clock may be ahead, seconds.
pub const SKEW_SECONDS: i64 = 60;

const COVERED: &str = "(created) (expires) digest";
const ALGORITHM: &str = "ed25519";
const NAMES: [&str; 7] = [
    "namespace",
    "kidId",
    "algorithm",
    "created",
    "expires",
    "headers",
    "signature",
];
/// Longer than any signature of this form.
const CHARS_MAX: usize = 1_024;

/// A signature as it claims to be.
pub(super) struct Read<'a> {
    kid: &'a str,
    created: i64,
    expires: i64,
    pub(super) signature: Vec<u8>,
}

impl<'a> Read<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, DciError> {
        if text.len() > CHARS_MAX {
            return Err(DciError::Form);
        }
        let mut values = [None; NAMES.len()];
        for member in text.split(", ") {
            let (name, value) = member.split_once('=').ok_or(DciError::Form)?;
            let value = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'));
            let at = NAMES.iter().position(|one| *one == name);
            let (Some(value), Some(at)) = (value, at) else {
                return Err(DciError::Form);
            };
            if value.contains('"') || values[at].replace(value).is_some() {
                return Err(DciError::Form);
            }
        }
        let of = |at: usize| values[at].ok_or(DciError::Form);
        if !["dci", "spdci"].contains(&of(0)?) {
            return Err(DciError::Namespace);
        }
        if of(2)? != ALGORITHM {
            return Err(DciError::KeyId);
        }
        if of(5)? != COVERED {
            return Err(DciError::Covered);
        }
        Ok(Self {
            kid: of(1)?,
            created: seconds(of(3)?)?,
            expires: seconds(of(4)?)?,
            signature: STANDARD.decode(of(6)?).map_err(|_| DciError::Base64)?,
        })
    }

    /// The key's name, where `kidId` is of this sender and of this algorithm.
    pub(super) fn key_of(&self, sender_id: &str) -> Result<&'a str, DciError> {
        let mut parts = self.kid.split('|');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(sender), Some(key), Some(ALGORITHM), None) if sender == sender_id => Ok(key),
            _ => Err(DciError::KeyId),
        }
    }

    pub(super) fn lives_at(&self, now: i64) -> Result<(), DciError> {
        if !(1..=LIFE_SECONDS_MAX).contains(&(self.expires - self.created)) {
            return Err(DciError::Life);
        }
        if self.created > now + SKEW_SECONDS {
            return Err(DciError::Early);
        }
        match now > self.expires {
            true => Err(DciError::Expired),
            false => Ok(()),
        }
    }

    /// The lines that are signed.
    pub(super) fn covered(&self, dialect: Dialect, text: &str) -> String {
        lines(dialect, (self.created, self.expires), text)
    }
}

/// Digits alone, without a sign or a zero in front; later than any clock is refused.
fn seconds(text: &str) -> Result<i64, DciError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|_| plain && text.len() <= 11);
    number.ok_or(DciError::Form)
}

/// OpenSPP writes the digest bare; where nobody has written it before us it has the name of its algorithm (RFC 3230).
fn lines(dialect: Dialect, (created, expires): (i64, i64), text: &str) -> String {
    let digest = STANDARD.encode(sha256(text.as_bytes()));
    let digest = match dialect {
        Dialect::CavagePyJson => digest,
        _ => format!("SHA-256={digest}"),
    };
    format!("(created): {created}\n(expires): {expires}\ndigest: {digest}")
}

pub(super) fn sign(
    dialect: Dialect,
    (sender_id, kid): (&str, &str),
    text: &str,
    key: &SigningKey,
    created: i64,
) -> Result<String, KeyError> {
    let expires = created + LIFE_SECONDS_MAX;
    let signature = key.sign(lines(dialect, (created, expires), text).as_bytes())?;
    let signature = STANDARD.encode(signature);
    Ok(format!(
        "namespace=\"dci\", kidId=\"{sender_id}|{kid}|{ALGORITHM}\", algorithm=\"{ALGORITHM}\", created=\"{created}\", expires=\"{expires}\", headers=\"{COVERED}\", signature=\"{signature}\""
    ))
}
