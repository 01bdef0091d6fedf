//! Keyed digests by which records about a person are found without a number of theirs.
//!
//! The key is derived from a generation of the vault's and can do nothing else: it opens no record. So it
//! stays in the key file as a line of its own when its generation is forgotten, and what was indexed under
//! that generation is still found.

use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::KEY_BYTES;

/// The key of one generation's index.
pub(super) struct IndexKey {
    key: hmac::Key,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl IndexKey {
    /// That of the generation with this source.
    pub(super) fn derive(source: &Prk) -> Self {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        source
            .expand(&[LABEL], HKDF_SHA256)
            .and_then(|derived| derived.fill(&mut *bytes))
            .expect("HKDF-SHA-256 gives 32 bytes");
        Self::new(bytes)
    }

    fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &*bytes),
            bytes,
        }
    }

    /// Reads a line of a key file; nothing where it is no index's.
    pub(super) fn read(line: &str) -> Option<Option<Self>> {
        let digits = line.strip_prefix(WORD)?.strip_prefix(' ')?;
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        let read = hex::decode_to_slice(digits, bytes.as_mut_slice());
        Some(read.ok().map(|()| Self::new(bytes)))
    }

    /// Its line in a key file.
    pub(super) fn line(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{WORD} {}", hex::encode(*self.bytes)))
    }

    /// HMAC-SHA-256, cut to 16 bytes.
    pub(super) fn digest(&self, text: &str) -> [u8; 16] {
        let tag = hmac::sign(&self.key, text.as_bytes());
        let mut index = [0; 16];
        index.copy_from_slice(&tag.as_ref()[..16]);
        index
    }
}

const LABEL: &[u8] = b"lienthong index v1: person";
/// How the line of a forgotten generation's index begins.
const WORD: &str = "person-index";
