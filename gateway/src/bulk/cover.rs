//! Blocks on the disk under the key of their reconciliation.

use std::{io, sync::Arc};

use certs::seal::{Sealed, Vault};
use tax::reconcile::Cover;

/// Each block under its own key, wrapped by the vault's.
#[derive(Clone)]
pub(crate) struct Covered(pub(crate) Arc<Vault>);

impl Cover for Covered {
    fn seal(&self, file: &str, at: u64, plain: &[u8]) -> io::Result<Vec<u8>> {
        let sealed = self.0.seal(&bound(file, at), plain);
        joined(&sealed.wrapped_key, &sealed.ciphertext)
    }

    fn open(&self, file: &str, at: u64, sealed: Vec<u8>) -> io::Result<Vec<u8>> {
        let (wrapped_key, ciphertext) = parts(&sealed)?;
        let sealed = Sealed {
            wrapped_key: wrapped_key.to_vec(),
            ciphertext: ciphertext.to_vec(),
        };
        self.0
            .open(&bound(file, at), &sealed)
            .map_err(io::Error::other)
    }
}

impl Covered {
    /// A sealed block with its key under the newest generation of the vault's; none where it is so already.
    ///
    /// # Errors
    /// No block, or one that opens under no generation.
    pub(crate) fn rewrap(&self, sealed: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let (wrapped_key, ciphertext) = parts(sealed)?;
        let fresh = self.0.rewrap(wrapped_key).map_err(io::Error::other)?;
        fresh
            .map(|wrapped_key| joined(&wrapped_key, ciphertext))
            .transpose()
    }
}

/// The wrapped key behind its length in one byte, and what is sealed under it.
fn joined(wrapped_key: &[u8], ciphertext: &[u8]) -> io::Result<Vec<u8>> {
    let length = u8::try_from(wrapped_key.len()).map_err(io::Error::other)?;
    let mut out = Vec::with_capacity(1 + wrapped_key.len() + ciphertext.len());
    out.push(length);
    out.extend_from_slice(wrapped_key);
    out.extend_from_slice(ciphertext);
    Ok(out)
}

fn parts(sealed: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let damaged = || io::Error::from(io::ErrorKind::InvalidData);
    let (length, rest) = sealed.split_first().ok_or_else(damaged)?;
    rest.split_at_checked(usize::from(*length))
        .ok_or_else(damaged)
}

/// A block is good for its place in its file and for no other.
fn bound(file: &str, at: u64) -> Vec<u8> {
    format!("tax reconciliation\0{file}\0{at}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_opens_in_its_place_and_nowhere_else() {
        let cover = Covered(Arc::new(Vault::from_bytes([7; 32])));
        let sealed = cover.seal("run", 64, b"plain").unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"plain"));
        assert_eq!(cover.open("run", 64, sealed.clone()).unwrap(), b"plain");
        assert!(cover.open("run", 65, sealed.clone()).is_err());
        assert!(cover.open("other", 64, sealed).is_err());
        assert!(cover.open("run", 64, Vec::new()).is_err());
    }
}
