//! The anchor of the journal's head: (seq, hash) sealed under the vault, in a row beside the journal and
//! in a file beside the database.
//!
//! The row is written in the transaction that appends, so it always names the last record: whoever cuts
//! the tail cannot write a matching one. The file is written after each commit, so it may lag behind by
//! the last one but never lead. The file is also the lock that keeps a second gateway out.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use gateway_core::seal::{SealError, Sealed, Vault};

use crate::journal::Head;

/// Seals a head.
pub(crate) fn seal(vault: &Vault, writer: &str, head: &Head) -> Vec<u8> {
    seal_as(HEAD, vault, writer, head)
}

/// Opens a sealed head; nothing where it was made by another hand.
pub(crate) fn open(vault: &Vault, writer: &str, anchor: &[u8]) -> Option<Head> {
    open_as(HEAD, vault, writer, anchor)
}

/// Seals a chain's last record in a part that is detached: under a label of its own, so that no head that
/// the chain ever had can be passed off as one.
pub(crate) fn seal_end(vault: &Vault, writer: &str, end: &Head) -> Vec<u8> {
    seal_as(END, vault, writer, end)
}

/// The newest of a chain's sealed ends, given oldest first. Those of version 1 bear a head's label: they are
/// good until one of our own stands before them.
pub(crate) fn open_ends<'a>(
    vault: &Vault,
    writer: &str,
    ends: impl IntoIterator<Item = &'a [u8]>,
) -> Option<Head> {
    let (mut newest, mut has_own) = (None, false);
    for sealed in ends {
        let own = open_as(END, vault, writer, sealed);
        has_own |= own.is_some();
        newest = match own {
            None if has_own => return None,
            None => Some(open(vault, writer, sealed)?),
            own => own,
        };
    }
    newest
}

fn seal_as(label: &[u8], vault: &Vault, writer: &str, head: &Head) -> Vec<u8> {
    let mut plain = [0; 40];
    plain[..8].copy_from_slice(&head.seq.to_be_bytes());
    plain[8..].copy_from_slice(&head.hash);
    let sealed = vault.seal(&[label, writer.as_bytes()].concat(), &plain);
    [sealed.wrapped_key, sealed.ciphertext].concat()
}

fn open_as(label: &[u8], vault: &Vault, writer: &str, anchor: &[u8]) -> Option<Head> {
    let (wrapped_key, ciphertext) = anchor.split_at(anchor.len().checked_sub(CIPHERTEXT_BYTES)?);
    let sealed = Sealed {
        wrapped_key: wrapped_key.to_vec(),
        ciphertext: ciphertext.to_vec(),
    };
    let bound = [label, writer.as_bytes()].concat();
    let plain = vault.open(&bound, &sealed).ok()?;
    let (seq, hash) = plain.split_first_chunk::<8>()?;
    Some(Head {
        seq: i64::from_be_bytes(*seq),
        hash: hash.try_into().ok()?,
    })
}

/// The same anchor under the vault's newest generation; nothing where it is so already.
pub(crate) fn rewrap(vault: &Vault, anchor: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
    let at = anchor.len().checked_sub(CIPHERTEXT_BYTES);
    let (wrapped_key, ciphertext) = anchor.split_at(at.ok_or(SealError::Key)?);
    let fresh = vault.rewrap(wrapped_key)?;
    Ok(fresh.map(|wrapped_key| [wrapped_key.as_slice(), ciphertext].concat()))
}

const HEAD: &[u8] = b"journal head\0";
const END: &[u8] = b"journal detached end\0";

/// Where the head file of a database stands.
pub(crate) fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".head");
    name.into()
}

/// The head file, locked by this process.
#[derive(Debug)]
pub(crate) struct HeadFile(File);

const LOCK_TRIES: u32 = 50;
const LOCK_WAIT: std::time::Duration = std::time::Duration::from_millis(20);

impl HeadFile {
    /// Opens or makes it; `WouldBlock` where another process holds it.
    ///
    /// A program that this process is starting holds every lock of its own until it runs, so a lock that was let go
    /// of a moment ago is asked for again for a second.
    pub(crate) fn lock(database: &Path) -> io::Result<Self> {
        let file = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path_of(database))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOCK_WAIT),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// What it holds; empty where it was just made.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![
            0;
            usize::try_from(self.0.metadata()?.len())
                .unwrap_or(0)
                .min(4096)
        ];
        self.0.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Replaces its content in place: all anchors are equally long and within one sector.
    pub(crate) fn write(&self, anchor: &[u8]) -> io::Result<()> {
        self.0.write_all_at(anchor, 0)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }
}

/// Nonce, number, hash, tag; before it stands the wrapped key, however long its version makes it.
const CIPHERTEXT_BYTES: usize = 12 + 40 + 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_opens_with_its_vault_and_writer_only() {
        let (vault, head) = (
            Vault::from_bytes([1; 32]),
            Head {
                seq: 7,
                hash: [9; 32],
            },
        );
        let anchor = seal(&vault, "one", &head);
        assert_eq!(open(&vault, "one", &anchor), Some(head));
        assert_eq!(open(&vault, "two", &anchor), None);
        assert_eq!(open(&Vault::from_bytes([2; 32]), "one", &anchor), None);
        assert_eq!(open(&vault, "one", &[]), None);
        assert_eq!(
            anchor.len(),
            seal(
                &vault,
                "one",
                &Head {
                    seq: i64::MAX,
                    ..head
                }
            )
            .len()
        );
    }

    #[test]
    fn an_end_bears_a_label_of_its_own_and_a_head_is_none_once_there_is_one() {
        let vault = Vault::from_bytes([1; 32]);
        let at = |seq| Head { seq, hash: [9; 32] };
        let own = |seq| seal_end(&vault, "one", &at(seq));
        let old = |seq| seal(&vault, "one", &at(seq));
        let newest = |ends: &[Vec<u8>]| open_ends(&vault, "one", ends.iter().map(Vec::as_slice));
        assert_eq!(open(&vault, "one", &own(7)), None, "an end is no head");
        assert_eq!(newest(&[]), None);
        assert_eq!(newest(&[old(3), own(7)]), Some(at(7)));
        assert_eq!(newest(&[old(3), old(5)]), Some(at(5)), "of version 1");
        assert_eq!(newest(&[own(3), old(7)]), None, "a head in an end's place");
        assert_eq!(newest(&[own(3), vec![0; 200]]), None);
    }

    /// Sealed before wrapped keys had a version and a salt, with the key of the test above.
    const OLD: &str = concat!(
        "000102030405060708090a0bbba7972524fb007ef663edcf2c64c6acbed77919",
        "e184531769d3229bbd9a23adeb6c3c7782aa7179115b68a58b32b7f40c0d0e0f",
        "101112131415161798fe69d87f76fc543e2341dc98822fee5c0ae4e7ff7432a3",
        "92abf3e9eda9c9f325fe632ce8cc2f68d377e860030d9ef0b24f3555a3fa9ad3"
    );

    #[test]
    fn an_anchor_with_a_shorter_wrapped_key_still_opens() {
        let anchor: Vec<u8> = (0..OLD.len() / 2)
            .map(|at| u8::from_str_radix(&OLD[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let head = open(&Vault::from_bytes([1; 32]), "one", &anchor).unwrap();
        assert_eq!((head.seq, head.hash), (7, [9; 32]));
    }

    #[test]
    fn a_second_holder_is_kept_out_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("store.sqlite");
        let first = HeadFile::lock(&database).unwrap();
        let refused = HeadFile::lock(&database).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        drop(first);
        HeadFile::lock(&database).unwrap();
    }
}
