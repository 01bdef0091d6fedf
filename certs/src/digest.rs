//! SHA-256, the content digest that makes two messages "the same", and random bytes.

use aws_lc_rs::{digest as aws, rand};

/// SHA-256 of `data`.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    Sha256::new().chain(data).finish()
}

/// SHA-512 of `data`: what X-Road hashes requests with.
pub fn sha512(data: &[u8]) -> [u8; 64] {
    let digest = aws::digest(&aws::SHA512, data);
    digest.as_ref().try_into().expect("SHA-512 gives 64 bytes")
}

/// SHA-256 of `data`, lower-case hex, as it stands on the wire.
pub fn sha256_hex(data: &[u8]) -> String {
    hex::encode(sha256(data))
}

/// The digest by which a resend is recognised: SHA-256 over operation, sender, receiver and payload.
///
/// Each part is preceded by its length in bytes as u64 big-endian, so no two lists of parts collide.
/// Time and signature are left out on purpose: a resend may be re-signed.
pub fn content_digest(operation: &str, sender: &str, receiver: &str, payload: &[u8]) -> [u8; 32] {
    [
        operation.as_bytes(),
        sender.as_bytes(),
        receiver.as_bytes(),
        payload,
    ]
    .into_iter()
    .fold(Sha256::new(), |hash, part| {
        hash.chain(&(part.len() as u64).to_be_bytes()).chain(part)
    })
    .finish()
}

/// `N` bytes from the operating system's generator through aws-lc.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("aws-lc aborts rather than hand out bytes that are not random");
    bytes
}

/// Compares two byte strings in a time that depends on their lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    left.ct_eq(right).into()
}

/// A running SHA-256.
#[derive(Clone)]
pub struct Sha256(aws::Context);

impl Sha256 {
    /// Starts with no input.
    pub fn new() -> Self {
        Self(aws::Context::new(&aws::SHA256))
    }

    /// Adds `data`.
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    /// Adds `data` and gives itself back, for building a digest in one expression.
    #[must_use]
    pub fn chain(mut self, data: &[u8]) -> Self {
        self.update(data);
        self
    }

    /// The digest of everything added so far.
    pub fn finish(self) -> [u8; 32] {
        let digest = self.0.finish();
        digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sha256_of_abc_is_the_one_in_fips_180() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex(b"abc"), expected);
        assert_eq!(
            Sha256::new().chain(b"a").chain(b"bc").finish(),
            sha256(b"abc")
        );
    }

    #[test]
    fn moving_a_byte_between_two_parts_changes_the_content_digest() {
        let whole = content_digest("tax.ping", "tax", "vss", b"x");
        assert_ne!(whole, content_digest("tax.pin", "gtax", "vss", b"x"));
        assert_ne!(whole, content_digest("tax.ping", "tax", "vssx", b""));
        assert_eq!(whole, content_digest("tax.ping", "tax", "vss", b"x"));
    }

    #[test]
    fn the_content_digest_has_the_form_that_the_interface_names() {
        let mut bytes = Vec::new();
        for part in ["op", "a", "b", "payload"] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        assert_eq!(content_digest("op", "a", "b", b"payload"), sha256(&bytes));
    }

    #[test]
    fn two_random_draws_differ() {
        assert_ne!(random::<16>(), random::<16>());
    }
}
