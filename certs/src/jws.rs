//! JSON Web Signatures in our own profile: compact (RFC 7515) and detached (its appendix F), the payload
//! base64url in the signing input or as it is (RFC 7797).
//!
//! The protected header is read by us first and strictly, before any cryptography: duplicate members, any
//! `crit` but exactly `["b64"]`, keys or addresses of keys, and algorithms outside the list are refused
//! by name.
//! `parse` gives an [`Unproven`] whose header may be used to look a key up and for nothing else; only
//! `verify` makes a [`Proof`].

mod base64url;
mod header;
mod members;
pub mod statement;

use crate::keys::{Algorithm, KeyError, SignatureError, SigningKey, VerifyingKey};

pub use header::{Direction, Header, TYP};
pub use members::{Encoding, HeaderError};

/// Longest protected header or whole detached JWS that is looked at, in bytes.
pub const HEADER_BYTES_MAX: usize = 4096;

const SIGNATURE_CHARS_MAX: usize = 1024;

/// Why a JWS proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JwsError {
    /// Not three parts separated by two dots.
    #[error("a JWS has exactly three parts")]
    Parts,
    /// The middle part is not empty: the payload travels in the body.
    #[error("the payload must be detached")]
    PayloadAttached,
    /// Longer than any JWS of ours.
    #[error("the JWS is too long")]
    TooLarge,
    /// Padding, white space, a foreign character or non-zero trailing bits.
    #[error("the base64url is not strict")]
    Base64,
    /// The protected header is refused.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The header names another algorithm than the one registered for the sender's key.
    #[error("the algorithm is not the registered one")]
    AlgorithmMismatch,
    /// The signature does not match.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl JwsError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Parts => "jws-parts",
            Self::PayloadAttached => "payload-attached",
            Self::TooLarge => "jws-too-large",
            Self::Base64 => "base64url-not-strict",
            Self::Header(refused) => refused.reason(),
            Self::AlgorithmMismatch => "algorithm-mismatch",
            Self::Signature(refused) => refused.reason(),
        }
    }
}

/// A JWS whose header has been read and whose signature has not been checked.
#[derive(Debug)]
pub struct Unproven {
    header: Header,
    encoding: Encoding,
    protected: String,
    signature: Vec<u8>,
}

/// The evidence that a payload was signed with a partner's key; only [`Unproven::verify`] makes one.
///
/// ```compile_fail,E0451
/// # fn header() -> certs::jws::Header { unreachable!() }
/// let encoding = certs::jws::Encoding::Base64Url;
/// let forged = certs::jws::Proof { header: header(), encoding };
/// ```
#[derive(Debug)]
pub struct Proof {
    header: Header,
    encoding: Encoding,
}

impl Proof {
    /// The protected header, now proven.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// How the payload stood in what was signed.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Takes the proven header out.
    pub fn into_header(self) -> Header {
        self.header
    }
}

/// Reads `<protected>..<signature>` and its header.
pub fn parse(detached: &str) -> Result<Unproven, JwsError> {
    let parts = Parts::split(detached)?;
    if !parts.payload.is_empty() {
        return Err(JwsError::PayloadAttached);
    }
    parts.unproven(&parts.members()?)
}

/// Reads `<protected>.<payload>.<signature>`; the payload is as little proven as the header.
pub fn parse_compact(compact: &str) -> Result<(Unproven, Vec<u8>), JwsError> {
    let parts = Parts::split(compact)?;
    let members = parts.members()?;
    let payload = parts.payload(members.encoding()?)?;
    Ok((parts.unproven(&members)?, payload))
}

impl Unproven {
    /// The header as claimed: good for finding the sender's key, proof of nothing.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Checks the signature over the header and `payload` with the sender's registered key and algorithm.
    pub fn verify(
        self,
        key: &VerifyingKey,
        expected: Algorithm,
        payload: &[u8],
    ) -> Result<Proof, JwsError> {
        let claimed = self.header.alg;
        let input = signing_input(&self.protected, self.encoding, payload);
        check(claimed, expected, key, &input, &self.signature)?;
        Ok(Proof {
            header: self.header,
            encoding: self.encoding,
        })
    }
}

/// Signs `payload` under `header`, giving `<protected>..<signature>`; the key's algorithm must be the header's.
pub fn sign(header: &Header, key: &SigningKey, payload: &[u8]) -> Result<String, KeyError> {
    sign_detached(header, Encoding::Base64Url, key, payload)
}

/// The same with the payload in the signing input as `encoding` says (RFC 7797 §3).
pub fn sign_detached(
    header: &Header,
    encoding: Encoding,
    key: &SigningKey,
    payload: &[u8],
) -> Result<String, KeyError> {
    let (protected, signature) = signed(header, encoding, key, payload)?;
    Ok(format!("{protected}..{signature}"))
}

/// Signs `payload` and carries it, giving `<protected>.<payload>.<signature>`.
pub fn sign_compact(header: &Header, key: &SigningKey, payload: &[u8]) -> Result<String, KeyError> {
    let (protected, signature) = signed(header, Encoding::Base64Url, key, payload)?;
    let payload = base64url::encode(payload);
    Ok(format!("{protected}.{payload}.{signature}"))
}

/// The protected header and the signature, both base64url.
fn signed(
    header: &Header,
    encoding: Encoding,
    key: &SigningKey,
    payload: &[u8],
) -> Result<(String, String), KeyError> {
    if header.alg != key.algorithm() || !Algorithm::JWS.contains(&header.alg) {
        return Err(KeyError::WrongAlgorithm);
    }
    let protected = base64url::encode(header.to_json(encoding).as_bytes());
    let signature = key.sign(&signing_input(&protected, encoding, payload))?;
    Ok((protected, base64url::encode(&signature)))
}

/// A detached JWS with the payload that it is over, as one text; None where it is no detached one of ours.
#[must_use]
pub fn attach(detached: &str, payload: &[u8]) -> Option<String> {
    let unproven = parse(detached).ok()?;
    let (protected, signature) = detached.split_once("..")?;
    match unproven.encoding {
        Encoding::Base64Url => {
            let payload = base64url::encode(payload);
            Some(format!("{protected}.{payload}.{signature}"))
        }
        // what is signed as it is cannot stand between dots
        Encoding::Unencoded => None,
    }
}

/// Checks a compact JWS that carries its payload, through the same reader and checks as [`parse`] and
/// [`Unproven::verify`] except our profile's own members: the road on which published vectors run.
/// Gives the payload.
pub fn verify_compact(
    compact: &str,
    key: &VerifyingKey,
    expected: Algorithm,
) -> Result<Vec<u8>, JwsError> {
    let parts = Parts::split(compact)?;
    let members = parts.members()?;
    let (algorithm, encoding) = (members.algorithm()?, members.encoding()?);
    let signature = base64url::decode(parts.signature)?;
    let payload = parts.payload(encoding)?;
    let input = signing_input(parts.protected, encoding, &payload);
    check(algorithm, expected, key, &input, &signature)?;
    Ok(payload)
}

/// The key carries its kind and the directory its algorithm; the header's claim is only compared.
fn check(
    claimed: Algorithm,
    expected: Algorithm,
    key: &VerifyingKey,
    input: &[u8],
    signature: &[u8],
) -> Result<(), JwsError> {
    if claimed != expected {
        return Err(JwsError::AlgorithmMismatch);
    }
    Ok(key.verify(expected, input, signature)?)
}

fn signing_input(protected: &str, encoding: Encoding, payload: &[u8]) -> Vec<u8> {
    let mut input = Vec::with_capacity(protected.len() + 1 + payload.len().div_ceil(3) * 4);
    input.extend_from_slice(protected.as_bytes());
    input.push(b'.');
    match encoding {
        Encoding::Base64Url => base64url::append(&mut input, payload),
        Encoding::Unencoded => input.extend_from_slice(payload),
    }
    input
}

/// A compact JWS of somebody else's profile: its header read as strictly as ours, nothing proven.
#[derive(Debug)]
pub(crate) struct Claimed<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<String>,
    pub(crate) typ: Option<String>,
    pub(crate) payload: Vec<u8>,
    /// What the signature is over.
    pub(crate) input: &'a str,
    /// Strict base64url.
    pub(crate) signature: &'a str,
}

/// Reads `<protected>.<payload>.<signature>` without our own header members.
pub(crate) fn claimed(compact: &str) -> Result<Claimed<'_>, JwsError> {
    let parts = Parts::split(compact)?;
    let members = parts.members()?;
    if members.has("crit") {
        return Err(HeaderError::Crit.into());
    }
    base64url::decode(parts.signature)?;
    let text = |name| Ok::<_, HeaderError>(members.optional_text(name)?.map(str::to_owned));
    Ok(Claimed {
        algorithm: members.algorithm()?,
        kid: text("kid")?,
        typ: text("typ")?,
        payload: base64url::decode(parts.payload)?,
        input: &compact[..parts.protected.len() + 1 + parts.payload.len()],
        signature: parts.signature,
    })
}

/// Whether a JWS of somebody else's profile carries what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carries {
    /// It does.
    Payload,
    /// It stands beside (RFC 7515, appendix F).
    Nothing,
}

/// Signs a payload under the header `{"alg":…,"kid":…}`: nothing of our own profile is in it.
pub(crate) fn sign_plain(
    kid: &str,
    key: &SigningKey,
    payload: &[u8],
    carries: Carries,
) -> Result<String, KeyError> {
    if !Algorithm::JWS.contains(&key.algorithm()) {
        return Err(KeyError::WrongAlgorithm);
    }
    let kid = serde_json::Value::from(kid);
    let header = format!("{{\"alg\":\"{}\",\"kid\":{kid}}}", key.algorithm());
    let protected = base64url::encode(header.as_bytes());
    let signature = key.sign(&signing_input(&protected, Encoding::Base64Url, payload))?;
    let carried = match carries {
        Carries::Payload => base64url::encode(payload),
        Carries::Nothing => String::new(),
    };
    Ok(format!(
        "{protected}.{carried}.{}",
        base64url::encode(&signature)
    ))
}

/// Checks that what was read by [`claimed`] from this text signs `payload`, inside or beside it.
pub(crate) fn verify_plain(
    claimed: &Claimed<'_>,
    text: &str,
    key: &VerifyingKey,
    expected: Algorithm,
    payload: &[u8],
) -> Result<(), JwsError> {
    let (protected, _) = text.split_once('.').ok_or(JwsError::Parts)?;
    let input = signing_input(protected, Encoding::Base64Url, payload);
    let signature = base64url::decode(claimed.signature)?;
    check(claimed.algorithm, expected, key, &input, &signature)
}

/// Strict base64url (RFC 7515 §2).
pub(crate) fn base64url_bytes(text: &str) -> Result<Vec<u8>, JwsError> {
    base64url::decode(text)
}

#[cfg(test)]
pub(crate) fn base64url(bytes: &[u8]) -> String {
    base64url::encode(bytes)
}

struct Parts<'a> {
    protected: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(compact: &'a str) -> Result<Self, JwsError> {
        let mut parts = compact.split('.');
        let (Some(protected), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwsError::Parts);
        };
        if protected.len() > HEADER_BYTES_MAX || signature.len() > SIGNATURE_CHARS_MAX {
            return Err(JwsError::TooLarge);
        }
        Ok(Self {
            protected,
            payload,
            signature,
        })
    }

    /// The payload in the middle; unencoded it is visible ASCII without a dot (RFC 7797 §5.2).
    fn payload(&self, encoding: Encoding) -> Result<Vec<u8>, JwsError> {
        match encoding {
            Encoding::Base64Url => base64url::decode(self.payload),
            Encoding::Unencoded if self.payload.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                Ok(self.payload.as_bytes().to_vec())
            }
            Encoding::Unencoded => Err(JwsError::Parts),
        }
    }

    fn unproven(&self, members: &members::Members) -> Result<Unproven, JwsError> {
        Ok(Unproven {
            header: Header::from_members(members)?,
            encoding: members.encoding()?,
            protected: self.protected.to_owned(),
            signature: base64url::decode(self.signature)?,
        })
    }

    fn members(&self) -> Result<members::Members, JwsError> {
        let json = base64url::decode(self.protected)?;
        Ok(members::Members::read(&json)?)
    }
}

#[cfg(test)]
mod tests;
