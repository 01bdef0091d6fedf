//! Keyed plain SHA-256: the fields of a message and a secret, joined by `|`. No HMAC: it is what the payment platform
//! takes, and it proves the fields that it covers and nothing else.

use certs::digest::{constant_time_eq, sha256_hex};

/// Who we are to a partner, and the secret between us. `Debug` shows neither.
pub struct Keyed {
    account: Box<str>,
    secret: Box<str>,
}

impl Keyed {
    /// Our code at the partner, and the secret.
    #[must_use]
    pub fn new(account: &str, secret: &str) -> Self {
        Self {
            account: account.into(),
            secret: secret.into(),
        }
    }

    /// Our code at the partner.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The hash of a text, lower-case hex.
    #[must_use]
    pub fn mac(&self, covered: &str) -> String {
        sha256_hex([covered, "|", &self.secret].concat().as_bytes())
    }

    /// Whether this is the text's hash, in lower-case hex; how long it takes says nothing about where they differ.
    #[must_use]
    pub fn proves(&self, covered: &str, mac: &str) -> bool {
        constant_time_eq(self.mac(covered).as_bytes(), mac.as_bytes())
    }
}

impl std::fmt::Debug for Keyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_wrong_by_one_character_proves_nothing() {
        let keyed = Keyed::new("VSS", "s3cret");
        let mac = keyed.mac("INIT|1.0.6");
        assert_eq!(mac, sha256_hex(b"INIT|1.0.6|s3cret"));
        assert!(keyed.proves("INIT|1.0.6", &mac));
        for at in 0..mac.len() {
            let mut wrong = mac.clone().into_bytes();
            wrong[at] ^= 1;
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(!keyed.proves("INIT|1.0.6", &wrong), "{at}");
        }
        for wrong in [&mac[..63], "", &mac.to_uppercase(), &format!("{mac}0")] {
            assert!(!keyed.proves("INIT|1.0.6", wrong), "{wrong}");
        }
        assert!(!Keyed::new("VSS", "s3creT").proves("INIT|1.0.6", &mac));
        assert_eq!(format!("{keyed:?}"), "REDACTED");
    }
}
