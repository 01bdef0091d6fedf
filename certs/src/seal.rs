//! Sealed records: each under a data key of its own, the data key wrapped by the vault's key.
//!
//! AES-256-GCM both times. Whoever destroys the wrapped key has erased the record; the ciphertext that a
//! journal chain was computed over stays where it is.
//!
//! Nonces are random, 96 bits, and one key may see 2^32 of them at most (NIST SP 800-38D, 8.3). A gateway
//! wraps about three keys per message (request, answer, the journal's head or a parcel), so at 3,000
//! messages a second a single wrapping key would get there in 2^32 / 9,000 s = 5.5 days. Therefore each
//! wrap has a key of its own: HKDF-SHA-256 of the vault's key and 128 random bits, which stand in the blob
//! and in what it is bound to. No clock and no counter is needed, and no such key sees a second nonce
//! before two of those salts collide. Blobs of the first version (no salt) still open.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use zeroize::{Zeroize as _, Zeroizing};

use crate::digest;

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// The first byte of a wrapped key with a salt.
const SALTED: u8 = 2;
/// Nonce, data key, tag: a wrapped key of the first version, which has no version byte.
const UNSALTED_BYTES: usize = NONCE_LEN + KEY_BYTES + 16;
const WRAPPED_BYTES: usize = 1 + SALT_BYTES + UNSALTED_BYTES;
const UNSALTED_LABEL: &[u8] = b"lienthong seal v1: data key";
const WRAP_LABEL: &[u8] = b"lienthong seal v2: data key";
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
    /// The key file may be written by its group, or read or written by everybody.
    #[error(
        "the vault key file must be closed to everybody but its owner and, for reading, its group"
    )]
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
    /// The record's own key, wrapped: version, salt, nonce, ciphertext, tag (77 bytes; 60 without version
    /// and salt in the first version). Destroy it to erase the record.
    pub wrapped_key: Vec<u8>,
    /// Nonce, ciphertext, tag.
    pub ciphertext: Vec<u8>,
}

/// The key that wraps the records' keys; its `Debug` shows its id only.
pub struct Vault {
    /// What wrapping keys are derived from.
    source: Prk,
    /// Opens what the first version wrapped.
    unsalted: LessSafeKey,
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
            source: Salt::new(HKDF_SHA256, b"lienthong vault v2").extract(&*bytes),
            unsalted: aes(&bytes),
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

    /// Reads an existing key file that [`is_exposed`] does not object to.
    pub fn open_file(path: &Path) -> Result<Self, SealError> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path)?.permissions().mode();
        if is_exposed(mode) {
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
            wrapped_key: self.wrap_key(&data_key),
            ciphertext: encrypt(&aes(&data_key), RECORD_LABEL, bound, plain),
        }
    }

    /// Opens a record sealed with this vault and the same `bound` bytes.
    pub fn open(&self, bound: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        let data_key = self
            .unwrap_key(&sealed.wrapped_key)
            .map(Zeroizing::new)
            .ok_or(SealError::Key)?;
        let data_key: &[u8; KEY_BYTES] =
            data_key.as_slice().try_into().map_err(|_| SealError::Key)?;
        decrypt(&aes(data_key), RECORD_LABEL, bound, &sealed.ciphertext).ok_or(SealError::Record)
    }

    fn wrap_key(&self, data_key: &[u8; KEY_BYTES]) -> Vec<u8> {
        let salt = digest::random::<SALT_BYTES>();
        let key = self.wrapping_key(&salt);
        let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
        wrapped.push(SALTED);
        wrapped.extend_from_slice(&salt);
        wrapped.extend_from_slice(&encrypt(&key, WRAP_LABEL, &self.binding(&salt), data_key));
        wrapped
    }

    fn unwrap_key(&self, wrapped: &[u8]) -> Option<Vec<u8>> {
        match wrapped {
            [SALTED, rest @ ..] if wrapped.len() == WRAPPED_BYTES => {
                let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
                let key = self.wrapping_key(salt);
                decrypt(&key, WRAP_LABEL, &self.binding(salt), rest)
            }
            _ if wrapped.len() == UNSALTED_BYTES => {
                decrypt(&self.unsalted, UNSALTED_LABEL, self.id.as_bytes(), wrapped)
            }
            _ => None,
        }
    }

    /// The key of the one wrap that has this salt.
    fn wrapping_key(&self, salt: &[u8; SALT_BYTES]) -> LessSafeKey {
        let info = [WRAP_LABEL, salt.as_slice()];
        let key = self
            .source
            .expand(&info, &AES_256_GCM)
            .expect("HKDF-SHA-256 gives 32 bytes from 43 of information");
        LessSafeKey::new(UnboundKey::from(key))
    }

    /// What a wrapped key is bound to: the vault (16 bytes) and its salt.
    fn binding(&self, salt: &[u8; SALT_BYTES]) -> Vec<u8> {
        [self.id.as_bytes(), salt].concat()
    }
}

/// Whether a private file of this mode is open to more than its owner and readers of its group.
///
/// The group may read, since that is how a kubelet hands a secret to a pod that has a group of its own.
pub const fn is_exposed(mode: u32) -> bool {
    mode & 0o027 != 0
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
    file.sync_all()?;
    // the name too: a key that a power cut takes away takes every record sealed since with it
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn aes(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are an AES-256 key");
    LessSafeKey::new(key)
}

/// A random 96-bit nonce; every key that we encrypt with is used once.
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

    /// Sealed by the first version with the key below.
    const OLD_WRAPPED_KEY: &str = concat!(
        "000102030405060708090a0b1880eb73190cdf4e7fbbef97ee5562f5f12d",
        "a49d0c7761260ed779a192ca731a523a3ab467d736726a21c803cc518aa3"
    );
    const OLD_CIPHERTEXT: &str =
        "0c0d0e0f1011121314151617d6991ca19ecd793d977a09f78cc383ec113db364e8a4b635";

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
    fn a_key_file_may_be_read_by_its_group_and_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        fs::write(&path, "00".repeat(32)).unwrap();
        for (mode, is_refused) in [
            (0o400, false),
            (0o600, false),
            (0o440, false),
            (0o640, false),
            (0o660, true),
            (0o620, true),
            (0o604, true),
            (0o444, true),
            (0o602, true),
            (0o601, true),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let refused = matches!(Vault::open_file(&path), Err(SealError::KeyFileExposed));
            assert_eq!(refused, is_refused, "{mode:o}");
        }
    }

    #[test]
    fn a_key_file_is_made_in_the_folder_that_we_stand_in_too() {
        let name = format!("seal-{}.key", std::process::id());
        let made = Vault::open_or_create(Path::new(&name)).map(|vault| vault.key_id().to_owned());
        let _ = fs::remove_file(&name);
        assert_eq!(made.unwrap().len(), 16);
    }

    #[test]
    fn a_record_of_the_first_version_still_opens() {
        let hex = |text| hex::decode(text).unwrap();
        let old = Sealed {
            wrapped_key: hex(OLD_WRAPPED_KEY),
            ciphertext: hex(OLD_CIPHERTEXT),
        };
        assert_eq!(vault().open(b"seq 1", &old).unwrap(), "Nguyễn".as_bytes());
        let mut changed = old;
        changed.wrapped_key[0] ^= 1;
        let refused = vault().open(b"seq 1", &changed).unwrap_err();
        assert_eq!(refused.reason(), "wrapped-key-does-not-open");
    }

    #[test]
    fn no_two_wraps_share_a_salt_or_a_key() {
        let (vault, plain) = (vault(), [9; KEY_BYTES]);
        let salts: std::collections::HashSet<Vec<u8>> = (0..1_000)
            .map(|_| vault.wrap_key(&plain)[1..=SALT_BYTES].to_vec())
            .collect();
        assert_eq!(salts.len(), 1_000);
        // the same nonce under another salt gives other bytes: the salt makes the key
        let wrapped = [1_u8, 2].map(|salt| {
            let mut text = plain;
            let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
            vault
                .wrapping_key(&[salt; SALT_BYTES])
                .seal_in_place_separate_tag(nonce, Aad::empty(), &mut text)
                .map(drop)
                .unwrap();
            text
        });
        assert_ne!(wrapped[0], wrapped[1]);
    }

    #[test]
    fn debug_shows_no_key() {
        let shown = format!("{:?}", vault());
        assert!(shown.contains("REDACTED") && !shown.contains("070707"));
    }
}
