//! The keyed hash under a webhook of OpenCRVS 1.x (`X-Hub-Signature`), in the two forms that are documented: what the program
//! does, and what its documentation says.
//!
//! | form | header | covers |
//! |---|---|---|
//! | `sha256` | `sha256=` and hex | HMAC-SHA-256 of `sha256:` and the received body as JavaScript's `encodeURIComponent` spells it |
//! | `sha1` | `sha1=` and hex | HMAC-SHA-1 of the received bytes of `event.context[0]`: neither topic nor time |
//!
//! A secret has exactly one form, and nothing in a message chooses another. It proves that somebody who has the secret said
//! so, and both sides have it: it is weaker than a signature.

use std::fmt::Write as _;

use aws_lc_rs::hmac;

use crate::digest::constant_time_eq;

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HubForm {
    /// As OpenCRVS 1.x does (core v1.6.4, `packages/webhooks`): the whole body.
    Sha256,
    /// As its documentation says: the first context alone.
    Sha1,
}

impl HubForm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha1];

    /// The word in config, and before the `=` of the header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha1 => "sha1",
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// Why a keyed hash proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HubError {
    /// Not in the form that is registered, or no hex of its length in lower case.
    #[error("the keyed hash is not of the registered form")]
    Form,
    /// Of other bytes, or by another secret.
    #[error("the keyed hash is of something else")]
    Mac,
}

impl HubError {
    /// A stable word for logs and faults.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Form => "hub-form",
            Self::Mac => "hub-hmac",
        }
    }
}

/// A secret between a registry and us, and the one form that it is used in; `Debug` shows no secret.
pub struct HubSecret {
    form: HubForm,
    key: hmac::Key,
}

impl HubSecret {
    /// From its bytes.
    #[must_use]
    pub fn new(form: HubForm, bytes: &[u8]) -> Self {
        let algorithm = match form {
            HubForm::Sha256 => hmac::HMAC_SHA256,
            HubForm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        };
        Self {
            form,
            key: hmac::Key::new(algorithm, bytes),
        }
    }

    /// Its form.
    #[must_use]
    pub fn form(&self) -> HubForm {
        self.form
    }

    /// The header's text for these bytes: the body, or the first context.
    #[must_use]
    pub fn sign(&self, covered: &[u8]) -> String {
        let tag = match self.form {
            HubForm::Sha256 => hmac::sign(&self.key, spelt(covered).as_bytes()),
            HubForm::Sha1 => hmac::sign(&self.key, covered),
        };
        let mut text = format!("{}=", self.form.as_str());
        for byte in tag.as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Whether the header's text is of these bytes; how long it takes says nothing about where they differ.
    ///
    /// # Errors
    /// [`HubError`].
    pub fn prove(&self, covered: &[u8], said: &str) -> Result<(), HubError> {
        let ours = self.sign(covered);
        let hex = said
            .strip_prefix(self.form.as_str())
            .and_then(|rest| rest.strip_prefix('='))
            .ok_or(HubError::Form)?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if said.len() != ours.len() || !hex.bytes().all(is_hex) {
            return Err(HubError::Form);
        }
        match constant_time_eq(ours.as_bytes(), said.as_bytes()) {
            true => Ok(()),
            false => Err(HubError::Mac),
        }
    }
}

impl std::fmt::Debug for HubSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HubSecret({}, REDACTED)", self.form.as_str())
    }
}

/// `sha256:` and the bytes as `encodeURIComponent` (ECMA-262) spells a text: all but `A-Z a-z 0-9 - _ . ! ~ * ' ( )` as `%` and
/// two digits of upper-case hex.
fn spelt(body: &[u8]) -> String {
    let mut text = String::with_capacity(body.len() * 2 + 8);
    text.push_str("sha256:");
    for &byte in body {
        match byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            true => text.push(char::from(byte)),
            false => {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"made up for a test of webhooks";

    #[test]
    fn a_body_is_spelt_as_javascript_spells_it() {
        // node: encodeURIComponent('{"a":"Nguyễn \'(*)!~"}')
        let body = "{\"a\":\"Nguyễn '(*)!~\"}";
        let expected = "sha256:%7B%22a%22%3A%22Nguy%E1%BB%85n%20'(*)!~%22%7D";
        assert_eq!(spelt(body.as_bytes()), expected);
    }

    #[test]
    fn both_forms_are_what_openssl_makes_of_the_same_bytes() {
        let body = br#"{"a":1}"#;
        // printf '%s' 'sha256:%7B%22a%22%3A1%7D' | openssl dgst -sha256 -hmac "$SECRET"
        let long = HubSecret::new(HubForm::Sha256, SECRET).sign(body);
        assert_eq!(long, SHA256);
        // printf '%s' '{"a":1}' | openssl dgst -sha1 -hmac "$SECRET"
        let short = HubSecret::new(HubForm::Sha1, SECRET).sign(body);
        assert_eq!(short, SHA1);
    }

    const SHA256: &str = "sha256=0eca8c897e70532e79cfd40d6ce40c77b4bf48c375f515a46be75a05ea2072a0";
    const SHA1: &str = "sha1=1a072735daa33607668150e74c962f957650611c";

    #[test]
    fn only_the_registered_form_of_the_very_bytes_by_the_secret_proves() {
        for form in HubForm::ALL {
            let secret = HubSecret::new(form, SECRET);
            let body = "{\"tên\":\"Bình\"}".as_bytes();
            let good = secret.sign(body);
            assert_eq!(secret.prove(body, &good), Ok(()));
            for at in 0..body.len() {
                let mut other = body.to_vec();
                other[at] ^= 1;
                assert_eq!(secret.prove(&other, &good), Err(HubError::Mac), "{at}");
            }
            let hex = form.as_str().len() + 1;
            for at in hex..good.len() {
                let mut wrong = good.clone().into_bytes();
                wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
                let wrong = String::from_utf8(wrong).unwrap();
                assert_eq!(secret.prove(body, &wrong), Err(HubError::Mac), "{at}");
            }
            let stranger = HubSecret::new(form, b"another secret of that length");
            assert_eq!(stranger.prove(body, &good), Err(HubError::Mac));
            let other = HubForm::ALL.into_iter().find(|one| *one != form).unwrap();
            let other = HubSecret::new(other, SECRET).sign(body);
            for wrong in [
                "",
                &good[..good.len() - 1],
                &format!("{good}0"),
                &good[hex..],
                &other,
                &good.to_uppercase(),
                &format!("{}={}", form.as_str(), good[hex..].to_uppercase()),
            ] {
                assert_eq!(secret.prove(body, wrong), Err(HubError::Form), "{wrong}");
            }
            assert!(!format!("{secret:?}").contains("made up"));
        }
    }

    #[test]
    fn the_words_are_read_back() {
        for form in HubForm::ALL {
            assert_eq!(HubForm::parse(form.as_str()), Some(form));
        }
        assert_eq!(HubForm::parse("md5"), None);
    }
}
