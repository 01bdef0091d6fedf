//! Names on the wire of our own profiles: messages and partners.

use super::{IdError, Rule, open_id};

/// The id that a sender gives a message: `[A-Za-z0-9._-]{8,128}`, compared byte by byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(Box<str>);

impl MessageId {
    /// Parses 8 to 128 characters of `[A-Za-z0-9._-]`; case and every byte count.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        bounded("MessageId", text, 8, 128, |byte| {
            byte.is_ascii_alphanumeric() || b"._-".contains(&byte)
        })?;
        Ok(Self(text.into()))
    }
}

open_id!(MessageId);

/// A partner's short name: `[a-z0-9-]{2,32}`, for example `tax`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartnerId(Box<str>);

impl PartnerId {
    /// Parses 2 to 32 characters of `[a-z0-9-]`.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        bounded("PartnerId", text, 2, 32, |byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
        })?;
        Ok(Self(text.into()))
    }
}

open_id!(PartnerId);

fn bounded(
    kind: &'static str,
    text: &str,
    min: usize,
    max: usize,
    allowed: impl Fn(u8) -> bool,
) -> Result<(), IdError> {
    if !(min..=max).contains(&text.len()) {
        return Err(IdError::new(kind, Rule::Length));
    }
    if !text.bytes().all(allowed) {
        return Err(IdError::new(kind, Rule::Characters));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_has_eight_to_128_plain_characters() {
        assert!(MessageId::parse("Az09._-x").is_ok());
        assert!(MessageId::parse(&"a".repeat(128)).is_ok());
        for (text, rule) in [
            ("short-7", Rule::Length),
            (&*"a".repeat(129), Rule::Length),
            ("with space", Rule::Characters),
            ("new\nline-", Rule::Characters),
            ("slash/slash", Rule::Characters),
            ("tiếng-việt", Rule::Characters),
        ] {
            assert_eq!(MessageId::parse(text).unwrap_err().rule(), rule, "{text:?}");
        }
    }

    #[test]
    fn message_ids_of_different_case_are_different() {
        assert_ne!(
            MessageId::parse("message-a").unwrap(),
            MessageId::parse("message-A").unwrap()
        );
    }

    #[test]
    fn a_partner_id_is_a_lower_case_slug() {
        assert!(PartnerId::parse("dvclt").is_ok());
        for (text, rule) in [
            ("x", Rule::Length),
            (&*"a".repeat(33), Rule::Length),
            ("Tax", Rule::Characters),
            ("tax_1", Rule::Characters),
        ] {
            assert_eq!(PartnerId::parse(text).unwrap_err().rule(), rule, "{text:?}");
        }
    }
}
