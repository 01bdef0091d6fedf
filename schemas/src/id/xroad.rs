//! Identifiers of X-Road: a client as a header names it, a service as a path names it.
//!
//! The written form is the REST protocol's (§4.3): parts between slashes, each percent-encoded UTF-8. The
//! characters are those of the specification, `A–Z a–z 0–9 ' ( ) + , - . = ?`, and beside them letters and
//! digits of any script, which travel encoded. X-Road itself only warns about others; here they are refused,
//! so that one client has one name.

use std::fmt;

use super::{IdError, Rule};

/// Longest part, characters after decoding.
const PART_CHARS_MAX: usize = 255;

/// Who calls: `instance/class/member`, with a subsystem where it has one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XRoadClient(Box<[Box<str>]>);

impl XRoadClient {
    /// Parses three or four parts.
    ///
    /// # Errors
    /// Another number of parts, an empty or too long one, a bad escape or character.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        parts("XRoadClient", text, 3..=4).map(Self)
    }

    /// The same from parts as they are said outside headers and paths, where nothing is percent-encoded.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn of(said: &[&str]) -> Result<Self, IdError> {
        let error = |rule| IdError::new("XRoadClient", rule);
        if !(3..=4).contains(&said.len()) {
            return Err(error(Rule::Shape));
        }
        let parts = said.iter().map(|part| whole(part).map_err(error));
        parts.collect::<Result<_, _>>().map(Self)
    }

    /// The parts, decoded: instance, class, member and perhaps subsystem.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}

/// What is called: `instance/class/member/subsystem/service`. X-Road 7 demands all five.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct XRoadService(Box<[Box<str>]>);

impl XRoadService {
    /// Parses five parts.
    ///
    /// # Errors
    /// Another number of parts, an empty or too long one, a bad escape or character.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        parts("XRoadService", text, 5..=5).map(Self)
    }

    /// Whose service it is: the first four parts.
    #[must_use]
    pub fn provider(&self) -> XRoadClient {
        XRoadClient(self.0.iter().take(4).cloned().collect())
    }
}

macro_rules! written {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                for (index, part) in self.0.iter().enumerate() {
                    if index > 0 {
                        f.write_str("/")?;
                    }
                    encode(part, f)?;
                }
                Ok(())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

written!(XRoadClient);
written!(XRoadService);

fn parts(
    kind: &'static str,
    text: &str,
    count: std::ops::RangeInclusive<usize>,
) -> Result<Box<[Box<str>]>, IdError> {
    let error = |rule| IdError::new(kind, rule);
    if !count.contains(&text.split('/').count()) {
        return Err(error(Rule::Shape));
    }
    text.split('/')
        .map(|part| decode(part).map_err(error))
        .collect()
}

fn decode(part: &str) -> Result<Box<str>, Rule> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = rest.split_first_chunk::<2>().ok_or(Rule::Characters)?;
        bytes.push(hex_pair(*digits).ok_or(Rule::Characters)?);
        rest = tail;
    }
    let text = String::from_utf8(bytes).map_err(|_| Rule::Characters)?;
    // raw letters beyond ASCII cannot stand in a header or path; a second name for the encoded ones
    match part.is_ascii() {
        true => whole(&text),
        false => Err(Rule::Characters),
    }
}

/// A part as it is meant.
fn whole(text: &str) -> Result<Box<str>, Rule> {
    if !text.chars().all(is_allowed) || [".", ".."].contains(&text) {
        return Err(Rule::Characters);
    }
    match (1..=PART_CHARS_MAX).contains(&text.chars().count()) {
        true => Ok(text.into()),
        false => Err(Rule::Length),
    }
}

fn hex_pair(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? * 16 + low?).ok()
}

fn is_allowed(letter: char) -> bool {
    letter.is_alphanumeric() || "'()+,-.=?".contains(letter)
}

/// RFC 3986 §2.3: what is unreserved stands as it is.
fn encode(part: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for byte in part.bytes() {
        match byte.is_ascii_alphanumeric() || b"-.".contains(&byte) {
            true => write!(f, "{}", char::from(byte))?,
            false => write!(f, "%{byte:02X}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(text: &str) -> Result<String, Rule> {
        XRoadClient::parse(text)
            .map(|id| id.to_string())
            .map_err(|error| error.rule())
    }

    #[test]
    fn a_client_has_three_or_four_parts_and_a_service_five() {
        assert_eq!(
            client("VN/GOV/000.00.00.G22").unwrap(),
            "VN/GOV/000.00.00.G22"
        );
        assert!(client("VN/GOV/000.00.00.G22/vpcp").is_ok());
        for other in [
            "",
            "VN",
            "VN/GOV",
            "VN/GOV/a/b/c",
            "VN/GOV/a/b/",
            "/VN/GOV/a",
        ] {
            assert!(client(other).is_err(), "{other}");
        }
        assert!(XRoadService::parse("VN/GOV/000.00.00.G22/vpcp/mapi").is_ok());
        assert!(XRoadService::parse("VN/GOV/000.00.00.G22/vpcp").is_err());
        let service = XRoadService::parse("VN/GOV/B%E1%BA%A3o/vpcp/mapi").unwrap();
        let provider = XRoadClient::parse("VN/GOV/B%E1%BA%A3o/vpcp").unwrap();
        assert_eq!(service.provider(), provider);
    }

    #[test]
    fn encoded_letters_of_any_script_are_one_name_however_they_are_encoded() {
        let one = XRoadClient::parse("VN/GOV/B%E1%BA%A3o").unwrap();
        assert_eq!(one.parts().last(), Some("Bảo"));
        assert_eq!(one, XRoadClient::parse("VN/%47OV/B%e1%ba%a3o").unwrap());
        assert_eq!(one.to_string(), "VN/GOV/B%E1%BA%A3o");
        assert_eq!(client("VN/GOV/a=b?").unwrap(), "VN/GOV/a%3Db%3F");
    }

    #[test]
    fn parts_that_are_said_plainly_are_the_same_client() {
        let encoded = XRoadClient::parse("VN/GOV/B%E1%BA%A3o/portal").unwrap();
        assert_eq!(
            XRoadClient::of(&["VN", "GOV", "Bảo", "portal"]).unwrap(),
            encoded
        );
        for said in [
            &["VN", "GOV"][..],
            &["VN", "GOV", "a", "b", "c"],
            &["VN", "GOV", "a%2Fb"],
            &["VN", "GOV", "a/b"],
            &["VN", "GOV", ".."],
            &["VN", "GOV", " a"],
            &["VN", "GOV", ""],
        ] {
            assert!(XRoadClient::of(said).is_err(), "{said:?}");
        }
    }

    #[test]
    fn forbidden_characters_and_bad_escapes_are_refused_encoded_or_not() {
        for part in [
            "a%2Fb",
            "a%3Ab",
            "a;b",
            "a:b",
            "a%5Cb",
            "a%25b",
            "a%",
            "a%4",
            "a%zz",
            "%FF",
            "a b",
            "a%00",
            "a%0A",
            "%E2%80%8B",
            "%EF%BB%BF",
            "..",
            "%2e%2E",
            ".",
            "Bảo",
            "a_b",
            "a%2B%",
        ] {
            assert_eq!(
                client(&format!("VN/GOV/{part}")),
                Err(Rule::Characters),
                "{part}"
            );
        }
        assert_eq!(client("VN//a"), Err(Rule::Length));
        assert_eq!(
            client(&format!("VN/GOV/{}", "a".repeat(256))),
            Err(Rule::Length)
        );
    }
}
