//! The protected header of our profile: who says what to whom, when, under which id.

use serde::Serialize;

use super::members::{Encoding, HeaderError, Members};
use crate::keys::Algorithm;

/// The only `typ` of ours.
pub const TYP: &str = "lienthong+jws";

/// Whether a message asks or answers; it is signed, so that no message can be turned round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A request.
    Request,
    /// An answer; it names the request (`irt`, `dig`).
    Answer,
}

impl Direction {
    /// The value of `dir`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// The protected header, every member checked for presence, length and characters; meaning is for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Signature algorithm.
    pub alg: Algorithm,
    /// The sender's name for its key: `[A-Za-z0-9._-]{1,64}`.
    pub kid: String,
    /// Sender: a partner id, `[a-z0-9-]{2,32}`.
    pub iss: String,
    /// Receiver: a partner id.
    pub aud: String,
    /// Message id: `[A-Za-z0-9._-]{8,128}`.
    pub jti: String,
    /// Seconds since 1970 when the message was sent.
    pub iat: i64,
    /// Environment: `sandbox`, `test` or `production`.
    pub env: String,
    /// Request or answer.
    pub dir: Direction,
    /// Operation, `[a-z0-9.-]{1,64}`.
    pub op: String,
    /// Answers only: the request's message id.
    pub irt: Option<String>,
    /// Answers only: the request's content digest, 64 lower-case hex digits.
    pub dig: Option<String>,
}

/// The header as JSON, members in the order in which we emit them.
#[derive(Serialize)]
struct Wire<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
    iss: &'a str,
    aud: &'a str,
    jti: &'a str,
    iat: i64,
    env: &'a str,
    dir: &'a str,
    op: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    irt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dig: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    b64: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crit: Option<[&'a str; 1]>,
}

impl Header {
    pub(super) fn from_members(members: &Members) -> Result<Self, HeaderError> {
        let alg = members.algorithm()?;
        if members.text("typ")? != TYP {
            return Err(HeaderError::WrongType);
        }
        let dir = direction(members.text("dir")?)?;
        Ok(Self {
            alg,
            kid: checked(members, "kid", is_kid)?,
            iss: checked(members, "iss", is_partner)?,
            aud: checked(members, "aud", is_partner)?,
            jti: checked(members, "jti", is_message_id)?,
            iat: members.integer("iat")?,
            env: checked(members, "env", is_environment)?,
            dir,
            op: checked(members, "op", is_operation)?,
            irt: bound_to_request(members, dir, "irt", is_message_id)?,
            dig: bound_to_request(members, dir, "dig", is_digest)?,
        })
    }

    pub(super) fn to_json(&self, encoding: Encoding) -> String {
        let unencoded = encoding == Encoding::Unencoded;
        let wire = Wire {
            alg: self.alg.jws_name(),
            kid: &self.kid,
            typ: TYP,
            iss: &self.iss,
            aud: &self.aud,
            jti: &self.jti,
            iat: self.iat,
            env: &self.env,
            dir: self.dir.as_str(),
            op: &self.op,
            irt: self.irt.as_deref(),
            dig: self.dig.as_deref(),
            b64: unencoded.then_some(false),
            crit: unencoded.then_some(["b64"]),
        };
        serde_json::to_string(&wire).expect("strings and an integer always have a JSON form")
    }
}

fn direction(name: &str) -> Result<Direction, HeaderError> {
    match name {
        "request" => Ok(Direction::Request),
        "answer" => Ok(Direction::Answer),
        _ => Err(HeaderError::Malformed("dir")),
    }
}

fn checked(
    members: &Members,
    name: &'static str,
    is_good: fn(&str) -> bool,
) -> Result<String, HeaderError> {
    let text = members.text(name)?;
    if is_good(text) {
        Ok(text.to_owned())
    } else {
        Err(HeaderError::Malformed(name))
    }
}

/// `irt` and `dig`: required in an answer, refused in a request.
fn bound_to_request(
    members: &Members,
    dir: Direction,
    name: &'static str,
    is_good: fn(&str) -> bool,
) -> Result<Option<String>, HeaderError> {
    match (dir, members.optional_text(name)?) {
        (Direction::Request, None) => Ok(None),
        (Direction::Request, Some(_)) => Err(HeaderError::Malformed(name)),
        (Direction::Answer, _) => checked(members, name, is_good).map(Some),
    }
}

fn is_kid(text: &str) -> bool {
    has_form(text, 1, 64, |byte| {
        byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
    })
}

fn is_message_id(text: &str) -> bool {
    has_form(text, 8, 128, |byte| {
        byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
    })
}

fn is_partner(text: &str) -> bool {
    has_form(text, 2, 32, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
    })
}

fn is_operation(text: &str) -> bool {
    has_form(text, 1, 64, |byte| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte)
    })
}

fn is_digest(text: &str) -> bool {
    has_form(text, 64, 64, |byte| {
        byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
    })
}

fn is_environment(text: &str) -> bool {
    matches!(text, "sandbox" | "test" | "production")
}

fn has_form(text: &str, min: usize, max: usize, allowed: impl Fn(u8) -> bool) -> bool {
    (min..=max).contains(&text.len()) && text.bytes().all(allowed)
}
