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
//!
//! The vault's key has generations: a key file holds one a line, the newest last. New records are wrapped
//! under the newest, older ones open under theirs, and [`Vault::rewrap`] brings a wrapped key under the
//! newest without touching the record. Of a generation that was forgotten the key of its index alone stays, a
//! line of its own before the others. An erased record's wrapped key is all zeros.

mod file;
mod index;

use std::io;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use zeroize::Zeroizing;

use crate::digest;
use crate::keys::KeyError;
use index::IndexKey;

pub use file::{KeyFile, is_exposed};

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
    /// The key file does not hold 64 hex digits a line, 16 lines at most.
    #[error("the vault key file does not hold 64 hex digits a line, 16 lines at most")]
    BadKeyFile,
    /// The key file may be written by its group, or read or written by everybody.
    #[error(
        "the vault key file must be closed to everybody but its owner and, for reading, its group"
    )]
    KeyFileExposed,
    /// The key file is locked by a token, and none is named.
    #[error("the vault key file is locked by a token, and no token is named")]
    Locked,
    /// A token is named, and the key file is not locked by it.
    #[error("the vault key file is not locked by the token that is named")]
    NotLocked,
    /// The token that locks the key file did not open or lock it.
    #[error("the token that locks the vault key file: {0}")]
    Token(#[from] KeyError),
    /// Another key sealed the record, or the wrapped key was changed or erased.
    #[error("the wrapped data key does not open")]
    Key,
    /// The record or what it is bound to was changed.
    #[error("the record does not open")]
    Record,
    /// The wrapped key is all zeros: the record was erased.
    #[error("the record was erased")]
    Erased,
}

impl SealError {
    /// A stable word for logs and tests.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::File(_) => "vault-file",
            Self::BadKeyFile => "vault-key-malformed",
            Self::KeyFileExposed => "vault-key-exposed",
            Self::Locked => "vault-key-locked",
            Self::NotLocked => "vault-key-not-locked",
            Self::Token(error) => error.reason(),
            Self::Key => "wrapped-key-does-not-open",
            Self::Record => "record-does-not-open",
            Self::Erased => "erased",
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

/// The key of one record, for whoever may show that record to others; its `Debug` shows nothing.
pub struct DataKey(Zeroizing<[u8; KEY_BYTES]>);

impl DataKey {
    /// Reads 64 hex digits.
    pub fn from_hex(text: &str) -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| SealError::Key)?;
        Ok(Self(bytes))
    }

    /// The key as 64 hex digits.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*self.0))
    }

    /// Opens the one record that was sealed under it.
    pub fn open(&self, bound: &[u8], ciphertext: &[u8]) -> Result<Vec<u8>, SealError> {
        decrypt(&aes(&self.0), RECORD_LABEL, bound, ciphertext).ok_or(SealError::Record)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(REDACTED)")
    }
}

/// Whether this wrapped key was destroyed: nothing but zeros is left.
pub fn is_erased(wrapped_key: &[u8]) -> bool {
    !wrapped_key.is_empty() && wrapped_key.iter().all(|byte| *byte == 0)
}

/// The keys that wraps' own keys are derived from, the newest first; its `Debug` shows the newest's id only.
pub struct Vault {
    generations: Vec<Generation>,
    /// The indexes of generations that were forgotten, the newest first.
    forgotten: Vec<IndexKey>,
}

/// One generation of the vault's key.
struct Generation {
    /// What wrapping keys are derived from.
    source: Prk,
    /// Opens what the first version wrapped.
    unsalted: LessSafeKey,
    index: IndexKey,
    id: String,
}

impl Vault {
    /// Takes 32 bytes of key as its only generation.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self {
            generations: vec![Generation::new(bytes)],
            forgotten: Vec::new(),
        }
    }

    /// The same vault with a newer generation in front.
    #[must_use]
    pub fn with_newer(mut self, bytes: [u8; KEY_BYTES]) -> Self {
        self.generations.insert(0, Generation::new(bytes));
        self
    }

    /// How many generations of the key there are.
    pub fn generations(&self) -> usize {
        self.generations.len()
    }

    /// Reads the key file, or makes one (64 hex digits, mode 0600) where there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, SealError> {
        KeyFile::at(path).open_or_create()
    }

    /// Reads an existing key file that [`is_exposed`] does not object to.
    pub fn open_file(path: &Path) -> Result<Self, SealError> {
        KeyFile::at(path).open()
    }

    /// Which key seals now: 16 hex digits that say nothing about it.
    pub fn key_id(&self) -> &str {
        &self.newest().id
    }

    /// A keyed digest of a person's number for an index: HMAC-SHA-256, cut to 16 bytes, by a key that is
    /// derived from the vault's for this alone. Nobody without the vault can compute or undo it.
    pub fn person(&self, number: &str) -> [u8; 16] {
        self.newest().index.digest(number)
    }

    /// The same under every generation of the key, the newest first, forgotten ones too: what an older one
    /// indexed is found.
    pub fn persons(&self, number: &str) -> Vec<[u8; 16]> {
        let known = self.generations.iter().map(|one| &one.index);
        let all = known.chain(&self.forgotten);
        all.map(|index| index.digest(number)).collect()
    }

    fn newest(&self) -> &Generation {
        &self.generations[0] // no constructor makes an empty one
    }

    /// Seals `plain` under a fresh key; it opens only together with the same `bound` bytes.
    pub fn seal(&self, bound: &[u8], plain: &[u8]) -> Sealed {
        let fresh = Fresh::draw();
        Sealed {
            wrapped_key: self.newest().wrap_key(&fresh),
            ciphertext: encrypt(
                &aes(&fresh.data_key),
                fresh.record_nonce,
                RECORD_LABEL,
                bound,
                plain,
            ),
        }
    }

    /// Opens a record sealed with this vault and the same `bound` bytes.
    pub fn open(&self, bound: &[u8], sealed: &Sealed) -> Result<Vec<u8>, SealError> {
        self.data_key(&sealed.wrapped_key)?
            .open(bound, &sealed.ciphertext)
    }

    /// The key of one record, unwrapped.
    pub fn data_key(&self, wrapped_key: &[u8]) -> Result<DataKey, SealError> {
        let (_, key) = self.unwrap_key(wrapped_key)?;
        Ok(DataKey(key))
    }

    /// The same data key wrapped under the newest generation; nothing where it is so already.
    pub fn rewrap(&self, wrapped_key: &[u8]) -> Result<Option<Vec<u8>>, SealError> {
        let (generation, data_key) = self.unwrap_key(wrapped_key)?;
        if generation == 0 {
            return Ok(None);
        }
        let fresh = Fresh {
            data_key,
            ..Fresh::draw()
        };
        Ok(Some(self.newest().wrap_key(&fresh)))
    }

    /// Under which generation, the newest being 0, and the key itself.
    fn unwrap_key(&self, wrapped: &[u8]) -> Result<(usize, Zeroizing<[u8; KEY_BYTES]>), SealError> {
        if is_erased(wrapped) {
            return Err(SealError::Erased);
        }
        for (place, generation) in self.generations.iter().enumerate() {
            if let Some(key) = generation.unwrap_key(wrapped).map(Zeroizing::new) {
                let key = key.as_slice().try_into().map_err(|_| SealError::Key)?;
                return Ok((place, Zeroizing::new(key)));
            }
        }
        Err(SealError::Key)
    }
}

impl Generation {
    fn new(bytes: [u8; KEY_BYTES]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let labelled = digest::Sha256::new()
            .chain(b"lienthong vault id")
            .chain(&*bytes)
            .finish();
        let source = Salt::new(HKDF_SHA256, b"lienthong vault v2").extract(&*bytes);
        Self {
            index: IndexKey::derive(&source),
            source,
            unsalted: aes(&bytes),
            id: hex::encode(&labelled[..8]),
        }
    }

    fn wrap_key(&self, fresh: &Fresh) -> Vec<u8> {
        let salt = &fresh.salt;
        let key = self.wrapping_key(salt);
        let bound = self.binding(salt);
        let mut wrapped = Vec::with_capacity(WRAPPED_BYTES);
        wrapped.push(SALTED);
        wrapped.extend_from_slice(salt);
        wrapped.extend_from_slice(&encrypt(
            &key,
            fresh.wrap_nonce,
            WRAP_LABEL,
            &bound,
            &*fresh.data_key,
        ));
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

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({}, REDACTED)", self.key_id())
    }
}

fn aes(key: &[u8; KEY_BYTES]) -> LessSafeKey {
    let key = UnboundKey::new(&AES_256_GCM, key).expect("32 bytes are an AES-256 key");
    LessSafeKey::new(key)
}

/// Everything random about one record, drawn at once: each draw costs the generator a reseed.
struct Fresh {
    data_key: Zeroizing<[u8; KEY_BYTES]>,
    salt: [u8; SALT_BYTES],
    wrap_nonce: [u8; NONCE_LEN],
    record_nonce: [u8; NONCE_LEN],
}

impl Fresh {
    fn draw() -> Self {
        const DRAWN: usize = KEY_BYTES + SALT_BYTES + 2 * NONCE_LEN;
        let drawn = Zeroizing::new(digest::random::<DRAWN>());
        let mut rest = drawn.as_slice();
        Self {
            data_key: Zeroizing::new(take(&mut rest)),
            salt: take(&mut rest),
            wrap_nonce: take(&mut rest),
            record_nonce: take(&mut rest),
        }
    }
}

/// The next `N` of the bytes that were drawn.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    let (next, left) = rest
        .split_first_chunk::<N>()
        .expect("as many bytes are drawn as are taken");
    *rest = left;
    *next
}

/// Every key that we encrypt with is used once.
fn encrypt(
    key: &LessSafeKey,
    nonce: [u8; NONCE_LEN],
    label: &[u8],
    bound: &[u8],
    plain: &[u8],
) -> Vec<u8> {
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
mod tests;
