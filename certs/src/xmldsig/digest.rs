//! The digests of references: SHA-2, and SHA-1 where danger allows it.

use aws_lc_rs::digest as aws;

use super::{Profile, XmlSigError, names};
use crate::digest;

/// A digest value with its algorithm.
#[derive(Debug)]
pub(super) struct Digest {
    algorithm: &'static aws::Algorithm,
    value: Vec<u8>,
}

/// The hash behind a DigestMethod URI.
pub(super) fn algorithm(
    uri: &str,
    profile: &Profile,
) -> Result<&'static aws::Algorithm, XmlSigError> {
    match uri {
        names::SHA256 => Ok(&aws::SHA256),
        names::SHA384 => Ok(&aws::SHA384),
        names::SHA512 => Ok(&aws::SHA512),
        names::SHA1 if profile.danger_sha1 => Ok(&aws::SHA1_FOR_LEGACY_USE_ONLY),
        names::SHA1 => Err(XmlSigError::Sha1),
        _ => Err(XmlSigError::DigestRefused),
    }
}

impl Digest {
    /// A value must be as long as its algorithm makes it.
    pub(super) fn new(
        algorithm: &'static aws::Algorithm,
        value: Vec<u8>,
    ) -> Result<Self, XmlSigError> {
        if value.len() == algorithm.output_len() {
            Ok(Self { algorithm, value })
        } else {
            Err(XmlSigError::BadValue)
        }
    }

    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        let computed = aws::digest(self.algorithm, bytes);
        digest::constant_time_eq(computed.as_ref(), &self.value)
    }
}
