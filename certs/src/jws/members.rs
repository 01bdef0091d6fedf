//! The protected header as a list of members, read strictly.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::keys::Algorithm;

/// Why a protected header is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeaderError {
    /// Not one JSON object.
    #[error("the protected header is not a JSON object")]
    NotAnObject,
    /// A member stands twice, at whatever depth.
    #[error("a header member stands twice")]
    DuplicateMember,
    /// `crit` is there and is not exactly `["b64"]` with `b64` beside it: we understand no other extension.
    #[error("crit is refused")]
    Crit,
    /// `b64` is no boolean, or stands there without `crit` (RFC 7797 §6).
    #[error("b64 is refused")]
    B64,
    /// `jwk`, `jku`, `x5u` or `x5c` is there: keys come from the directory only.
    #[error("a key or its address in the header is refused")]
    EmbeddedKey,
    /// `alg` is missing.
    #[error("alg is missing")]
    AlgMissing,
    /// `alg` is `none` in any spelling.
    #[error("alg none is refused")]
    AlgNone,
    /// `alg` is not in our list; letter case counts.
    #[error("the algorithm is not in the list")]
    AlgUnknown,
    /// A member that the profile requires is missing.
    #[error("header member {0} is missing")]
    Missing(&'static str),
    /// A member has the wrong type, length or characters.
    #[error("header member {0} is malformed")]
    Malformed(&'static str),
    /// `typ` is not ours.
    #[error("typ is not lienthong+jws")]
    WrongType,
}

impl HeaderError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotAnObject => "header-not-an-object",
            Self::DuplicateMember => "header-duplicate-member",
            Self::Crit => "crit-refused",
            Self::B64 => "b64-refused",
            Self::EmbeddedKey => "embedded-key-refused",
            Self::AlgMissing => "alg-missing",
            Self::AlgNone => "alg-none",
            Self::AlgUnknown => "alg-unknown",
            Self::Missing(_) => "header-member-missing",
            Self::Malformed(_) => "header-member-malformed",
            Self::WrongType => "header-wrong-typ",
        }
    }
}

/// How the payload stands in the signing input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As base64url (RFC 7515 §5.1).
    Base64Url,
    /// As it is: `b64` false, named by `crit` (RFC 7797 §3).
    Unencoded,
}

/// The members of one header, each once, none of them refused.
#[derive(Debug)]
pub(super) struct Members(BTreeMap<String, Value>);

impl Members {
    /// Reads one JSON object and refuses what RFC 7515 lets an attacker try.
    pub(super) fn read(json: &[u8]) -> Result<Self, HeaderError> {
        let value: Value = serde_json::from_slice(json).map_err(|error| {
            if error.to_string().starts_with(DUPLICATE) {
                HeaderError::DuplicateMember
            } else {
                HeaderError::NotAnObject
            }
        })?;
        let Value::Object(members) = value else {
            return Err(HeaderError::NotAnObject);
        };
        refuse_dangerous(&members)?;
        let members = Self(members);
        members.encoding()?;
        Ok(members)
    }

    /// `alg`, compared with the list to the letter.
    pub(super) fn algorithm(&self) -> Result<Algorithm, HeaderError> {
        match self.0.get("alg") {
            None => Err(HeaderError::AlgMissing),
            Some(Value::String(name)) if name.eq_ignore_ascii_case("none") => {
                Err(HeaderError::AlgNone)
            }
            Some(Value::String(name)) => {
                Algorithm::from_jws_name(name).ok_or(HeaderError::AlgUnknown)
            }
            Some(_) => Err(HeaderError::Malformed("alg")),
        }
    }

    /// Whether a member of this name is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What `b64` says; it counts only where `crit` is exactly `["b64"]`.
    pub(super) fn encoding(&self) -> Result<Encoding, HeaderError> {
        match (self.0.get("crit"), self.0.get("b64")) {
            (None, None) => Ok(Encoding::Base64Url),
            (None, Some(_)) => Err(HeaderError::B64),
            (Some(Value::List(names)), Some(b64)) if is_b64_alone(names) => match b64 {
                Value::Boolean(true) => Ok(Encoding::Base64Url),
                Value::Boolean(false) => Ok(Encoding::Unencoded),
                _ => Err(HeaderError::B64),
            },
            (Some(_), _) => Err(HeaderError::Crit),
        }
    }

    /// A string member that must be there.
    pub(super) fn text(&self, name: &'static str) -> Result<&str, HeaderError> {
        self.optional_text(name)?.ok_or(HeaderError::Missing(name))
    }

    /// A string member that may be missing.
    pub(super) fn optional_text(&self, name: &'static str) -> Result<Option<&str>, HeaderError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(HeaderError::Malformed(name)),
        }
    }

    /// An integer member that must be there; `1.0` and `1e3` are not integers.
    pub(super) fn integer(&self, name: &'static str) -> Result<i64, HeaderError> {
        match self.0.get(name) {
            None => Err(HeaderError::Missing(name)),
            Some(Value::Integer(number)) => Ok(*number),
            Some(_) => Err(HeaderError::Malformed(name)),
        }
    }
}

fn is_b64_alone(names: &[Value]) -> bool {
    matches!(names, [Value::String(only)] if only == "b64")
}

fn refuse_dangerous(members: &BTreeMap<String, Value>) -> Result<(), HeaderError> {
    if ["jwk", "jku", "x5u", "x5c"]
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return Err(HeaderError::EmbeddedKey);
    }
    Ok(())
}

/// What serde_json must say for us to know a duplicate from other malformed JSON.
const DUPLICATE: &str = "duplicate member";

/// A JSON value without what we never read, in which no object repeats a member.
#[derive(Debug)]
enum Value {
    String(String),
    Integer(i64),
    Boolean(bool),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Boolean(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Other, Value::Integer))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom(DUPLICATE));
            }
        }
        Ok(Value::Object(members))
    }
}
