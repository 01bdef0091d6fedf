//! Base64url without padding (RFC 7515 §2), strict: one text per byte string.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

use super::JwsError;

/// `NO_PAD` also refuses non-zero trailing bits and any padding.
const STRICT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD);

pub(super) fn decode(text: &str) -> Result<Vec<u8>, JwsError> {
    STRICT.decode(text).map_err(|_| JwsError::Base64)
}

pub(super) fn encode(bytes: &[u8]) -> String {
    STRICT.encode(bytes)
}

/// Appends the text of `bytes` to `text` without a copy of its own.
pub(super) fn append(text: &mut Vec<u8>, bytes: &[u8]) {
    let start = text.len();
    text.resize(
        start + base64::encoded_len(bytes.len(), false).unwrap_or_default(),
        0,
    );
    let written = STRICT
        .encode_slice(bytes, &mut text[start..])
        .unwrap_or_default();
    text.truncate(start + written);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_white_space_foreign_letters_and_trailing_bits_are_refused() {
        for text in ["YQ==", "YQ=", "Y Q", "YQ\n", "Y+/_", "YR", "Y"] {
            assert_eq!(decode(text), Err(JwsError::Base64), "{text:?}");
        }
        assert_eq!(decode("YQ").unwrap(), b"a");
        assert_eq!(decode("").unwrap(), b"");
    }

    #[test]
    fn appending_gives_what_encoding_gives() {
        for length in 0..20 {
            let bytes: Vec<u8> = (0..length).collect();
            let mut text = b"x.".to_vec();
            append(&mut text, &bytes);
            assert_eq!(text, format!("x.{}", encode(&bytes)).into_bytes());
        }
    }
}
