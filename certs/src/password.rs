//! A secret that others show us, kept as a salted slow hash: PBKDF2-HMAC-SHA-256 (RFC 8018, NIST SP 800-132).
//!
//! The text is `pbkdf2-sha256$<rounds>$<salt>$<hash>`, both in base64 (16 and 32 bytes).

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::digest::random;

/// The hash of one secret. `Debug` shows neither salt nor hash.
#[derive(Clone, PartialEq, Eq)]
pub struct SlowHash {
    rounds: NonZeroU32,
    salt: [u8; 16],
    hash: [u8; 32],
}

/// Why a text is no slow hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlowHashError {
    /// Not the four parts, or another method.
    #[error("not pbkdf2-sha256$<rounds>$<salt>$<hash>")]
    Form,
    /// So few or so many rounds that it would be guessed, or would stop us.
    #[error("rounds are from 600,000 to 10,000,000")]
    Rounds,
}

impl SlowHashError {
    /// The stable word.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Form => "slow-hash-form",
            Self::Rounds => "slow-hash-rounds",
        }
    }
}

/// As OWASP's password storage guide recommends for this method, and the most that a start waits for.
const ROUNDS: std::ops::RangeInclusive<u32> = 600_000..=10_000_000;
const METHOD: &str = "pbkdf2-sha256";

impl SlowHash {
    /// Of a secret, under a fresh salt.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        let rounds = NonZeroU32::new(*ROUNDS.start()).unwrap_or(NonZeroU32::MAX);
        let (salt, mut hash) = (random::<16>(), [0; 32]);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, &salt, secret, &mut hash);
        Self { rounds, salt, hash }
    }

    /// Reads the text.
    ///
    /// # Errors
    /// [`SlowHashError`].
    pub fn parse(text: &str) -> Result<Self, SlowHashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let [METHOD, rounds, salt, hash] = parts[..] else {
            return Err(SlowHashError::Form);
        };
        let rounds: u32 = rounds.parse().map_err(|_| SlowHashError::Form)?;
        let rounds = NonZeroU32::new(rounds)
            .filter(|rounds| ROUNDS.contains(&rounds.get()))
            .ok_or(SlowHashError::Rounds)?;
        let bytes = |text: &str| BASE64_STANDARD.decode(text).ok();
        Ok(Self {
            rounds,
            salt: bytes(salt)
                .and_then(|salt| salt.try_into().ok())
                .ok_or(SlowHashError::Form)?,
            hash: bytes(hash)
                .and_then(|hash| hash.try_into().ok())
                .ok_or(SlowHashError::Form)?,
        })
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let (salt, hash) = (base64(&self.salt), base64(&self.hash));
        format!("{METHOD}${}${salt}${hash}", self.rounds)
    }

    /// Whether it is of this secret: some tenths of a second of work, and compared in constant time.
    #[must_use]
    pub fn is_of(&self, secret: &[u8]) -> bool {
        let method = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::verify(method, self.rounds, &self.salt, secret, &self.hash).is_ok()
    }
}

impl std::fmt::Debug for SlowHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlowHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_of_its_secret_alone_and_never_twice_the_same() {
        let (one, other) = (SlowHash::of(b"secret"), SlowHash::of(b"secret"));
        assert_ne!(one.text(), other.text());
        let read = SlowHash::parse(&one.text()).unwrap();
        assert_eq!(read, one);
        assert!(read.is_of(b"secret") && !read.is_of(b"secreT") && !read.is_of(b""));
        assert_eq!(format!("{one:?}"), "SlowHash(***)");
    }

    #[test]
    fn it_is_what_pbkdf2_computes() {
        // made with Python's hashlib.pbkdf2_hmac("sha256", b"password", b"0123456789abcdef", 600_000)
        let text = "pbkdf2-sha256$600000$MDEyMzQ1Njc4OWFiY2RlZg==$mW18kPdKShac963vQrBoSPfRusPlaNHMlNT3m+HuAmM=";
        assert!(SlowHash::parse(text).unwrap().is_of(b"password"));
    }

    #[test]
    fn what_is_no_hash_or_a_weak_one_is_refused() {
        let good = SlowHash::of(b"x").text();
        for (text, why) in [
            ("", SlowHashError::Form),
            ("5f4dcc3b5aa765d61d8327deb882cf99", SlowHashError::Form),
            (&good.replace("pbkdf2-sha256", "md5"), SlowHashError::Form),
            (&good.replace("$600000$", "$599999$"), SlowHashError::Rounds),
            (
                &good.replace("$600000$", "$10000001$"),
                SlowHashError::Rounds,
            ),
            (&good.replace("$600000$", "$0$"), SlowHashError::Rounds),
            (&good[..good.len() - 4], SlowHashError::Form),
            (&format!("{good}$"), SlowHashError::Form),
        ] {
            assert_eq!(SlowHash::parse(text).unwrap_err(), why, "{text}");
        }
    }
}
