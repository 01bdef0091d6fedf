//! Sealed records: each under a data key of its own, the data key wrapped by the vault's key.
//!
//! AES-256-GCM both times. Whoever destroys the wrapped key has erased the record; the ciphertext that a
//! journal chain was computed over stays where it is.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::{Zeroize as _, Zeroizing};

use crate::digest;

const KEY_BYTES: usize = 32;
const WRAP_LABEL: &[u8] = b"lienthong seal v1: data key";
const RECORD_LABEL: &[u8] = b"lienthong seal v1: record";

/// Why a record or a vault does not open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The key file could not be read or written.
    #[error("the vault key file: {0}")]
    File(#[from] io::Error),
    /// The key file does not hold 64 hex digits.
    #[error("the vault key file does not hold 64 hex digits")]
    BadKeyFile,
    /// The key file may be read by others than its owner.
    #[error("the vault key file must be readable by its owner only")]
    KeyFileExposed,
    /// Another key sealed the record, or the wrapped key was changed or erased.
    #[error("the wrapped data key does not open")]
    Key,
    /// The record or what it is bound to was changed.
    #[error("the record does not open")]
    Record,
}

impl SealError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::File(_) => "vault-file",
            Self::BadKeyFile => "vault-key-malformed",
            Self::KeyFileExposed => "vault-key-exposed",
            Self::Key => "wrapped-key-does-not-open",
            Self::Record => "record-does-not-open",
        }
    }
}

/// A sealed record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The record's own key, wrapped: nonce, ciphertext, tag (60 bytes). Destroy it to erase the record.
    pub wrapped_key: Vec<u8>,
    /// Nonce, ciphertext, tag.
    pub ciphertext: Vec<u8>,
}

/// The key that wraps the records' keys; its `Debug` shows its id only.
pub struct Vault {
    key: LessSafeKey,
    id: String,
}

impl Vault {
    /// Takes 32 bytes of key.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let labelled = digest::Sha256::new()
            .chain(b"lienthong vault id")
            .chain(&*bytes)
            .finish();
        Self {
            key: aes(&bytes),
            id: hex::encode(&labelled[..8]),
        }
    }

    /// Reads the key file, or makes one (64 hex digits, mode 0600) where there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, SealError> {
        match Self::open_file(path) {
            Err(SealError::File(error)) if error.kind() == io::ErrorKind::NotFound => {
                create_key_file(path)?;
                Self::open_file(path)
            }
            other => other,
        }
    }

    /// Reads an existing key file, which nobody but its owner may be able to read.
    pub fn open_file(path: &Path) -> Result<Self, SealError> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SealError::KeyFileExposed);
        }
        let text = Zeroizing::new(fs::read_to_string(path)?);
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|_| SealError::BadKeyFile)?;
        let vault = Self::from_bytes(bytes);
        bytes.zeroize();
        Ok(vault)
    }

    /// Which key this is: 16 hex digits that say nothing about it.
    pub fn key_id(&self) -> &str {
        &self.id
    }

    /// Seals `plain` under a fresh key; it opens only together with the same `bound` bytes.
    pub fn seal(&self, bound: &[u8], plain: &[u8]) -> Sealed {
        let data_key = Zeroizing::new(digest::random::<KEY_BYTES>());
        Sealed {
            wrapped_key: encrypt(&self.key, WRAP_LABEL, self.id.as_bytes(), &*data_key),
            ciphertext: encrypt(&aes(&data_key), RECORD_LABEL, bound, plain),
        }
    }

    /// Opens a record sealed with this vault and the same `bound` bytes.
    pub fn open(&self, bound: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let data_key = decrypt(
            &self.key,
            WRAP_LABEL,
            self.id.as_bytes(),
            &sealed.wrapped_key,
        )
        .map(Zeroizing::new)
        .ok_or(SealError::Key)?;
        let data_key: &[u8; KEY_BYTES] =
            data_key.as_slice().try_into().map_err(|_| SealError::Key)?;
        decrypt(&aes(data_key), RECORD_LABEL, bound, &sealed.ciphertext).ok_or(SealError::Record)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({}, REDACTED)", self.id)
    }
}

fn create_key_file(path: &Path) -> io::Result<()> {
    let key = Zeroizing::new(digest::random::<KEY_BYTES>());
    let text = Zeroizing::new(hex::encode(*key));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn aes(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are an AES-256 key");
    LessSafeKey::new(key)
}

/// A random 96-bit nonce: the vault's key stays far below 2^32 wraps, a data key is used once.
fn encrypt(key: &LessSafeKey, label: &[u8], bound: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce = digest::random::<NONCE_LEN>();
    let mut out = Vec::with_capacity(NONCE_LEN + plain.len() + AES_256_GCM.tag_len());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(plain);
    let tag = key
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(associated(label, bound)),
            &mut out[NONCE_LEN..],
        )
        .expect("a record is far below the 64 GiB that AES-GCM takes");
    out.extend_from_slice(tag.as_ref());
    out
}

fn decrypt(key: &LessSafeKey, label: &[u8], bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = rest.to_vec();
    let plain = key
        .open_in_place(nonce, Aad::from(associated(label, bound)), &mut buffer)
        .ok()?
        .len();
    buffer.truncate(plain);
    Some(buffer)
}

/// The label keeps a wrapped key from ever being taken for a record, whatever the caller binds.
fn associated(label: &[u8], bound: &[u8]) -> Vec<u8> {
    [label, b"\0", bound].concat()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn vault() -> Vault {
        Vault::from_bytes([7; 32])
    }

    #[test]
    fn a_record_opens_with_the_bytes_it_was_bound_to_and_no_others() {
        let sealed = vault().seal(b"seq 1", "Nguyễn".as_bytes());
        assert_eq!(
            vault().open(b"seq 1", &sealed).unwrap(),
            "Nguyễn".as_bytes()
        );
        assert_eq!(
            vault().open(b"seq 2", &sealed).unwrap_err().reason(),
            "record-does-not-open"
        );
    }

    #[test]
    fn every_flipped_bit_of_a_record_is_noticed() {
        let sealed = vault().seal(b"a", b"plain");
        for at in 0..sealed.ciphertext.len() * 8 {
            let mut changed = sealed.clone();
            changed.ciphertext[at / 8] ^= 1 << (at % 8);
            assert_eq!(
                vault().open(b"a", &changed).unwrap_err().reason(),
                "record-does-not-open"
            );
        }
        for at in 0..sealed.wrapped_key.len() * 8 {
            let mut changed = sealed.clone();
            changed.wrapped_key[at / 8] ^= 1 << (at % 8);
            let reason = vault().open(b"a", &changed).unwrap_err().reason();
            assert_eq!(reason, "wrapped-key-does-not-open");
        }
    }

    #[test]
    fn cut_short_records_and_erased_keys_are_refused() {
        let sealed = vault().seal(b"a", b"plain");
        for length in 0..sealed.ciphertext.len() {
            let mut cut = sealed.clone();
            cut.ciphertext.truncate(length);
            assert!(matches!(vault().open(b"a", &cut), Err(SealError::Record)));
        }
        let erased = Sealed {
            wrapped_key: Vec::new(),
            ..sealed
        };
        assert!(matches!(vault().open(b"a", &erased), Err(SealError::Key)));
    }

    #[test]
    fn another_vault_and_another_records_key_open_nothing() {
        let (one, two) = (vault().seal(b"a", b"one"), vault().seal(b"a", b"two"));
        let other = Vault::from_bytes([8; 32]);
        assert!(matches!(other.open(b"a", &one), Err(SealError::Key)));
        let crossed = Sealed {
            wrapped_key: two.wrapped_key,
            ..one
        };
        assert!(matches!(
            vault().open(b"a", &crossed),
            Err(SealError::Record)
        ));
    }

    #[test]
    fn the_same_record_sealed_twice_looks_different() {
        let (one, two) = (vault().seal(b"a", b"x"), vault().seal(b"a", b"x"));
        assert_ne!(one.ciphertext, two.ciphertext);
        assert_ne!(one.wrapped_key, two.wrapped_key);
    }

    #[test]
    fn a_key_file_is_made_once_private_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let first = Vault::open_or_create(&path).unwrap();
        let again = Vault::open_or_create(&path).unwrap();
        assert_eq!(first.key_id(), again.key_id());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let sealed = first.seal(b"", b"x");
        assert_eq!(again.open(b"", &sealed).unwrap(), b"x");
    }

    #[test]
    fn an_exposed_or_malformed_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        fs::write(&path, "00".repeat(32)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            Vault::open_file(&path).unwrap_err().reason(),
            "vault-key-exposed"
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        assert_eq!(
            Vault::open_file(&path).unwrap_err().reason(),
            "vault-key-malformed"
        );
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", vault());
        assert!(shown.contains("REDACTED") && !shown.contains("070707"));
    }
}
