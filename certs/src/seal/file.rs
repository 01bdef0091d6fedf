//! The file that holds a vault's key: its generations, a line each, the newest last.
//!
//! The lines stand there as they are, or locked as a whole by a key that stays in a token: then whoever has the file, or a
//! copy of the disk, has nothing without the token. The lock is opened once, when the file is read; records are sealed
//! here, since a token signs some hundreds of times a second and a gateway wraps thousands of keys.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::{Zeroize as _, Zeroizing};

use super::index::IndexKey;
use super::{Generation, KEY_BYTES, SealError, Vault};
use crate::digest;
use crate::keys::KeyLock;

/// Each opening of an old record tries the newer generations first.
const GENERATIONS_MAX: usize = 16;
/// Each look-up of a person makes a digest for each.
const FORGOTTEN_MAX: usize = 256;
/// How a locked file begins; the rest is hex.
const LOCKED: &str = "locked ";
/// What a lock is bound to.
const PURPOSE: &[u8] = b"lienthong vault key file v1";

/// A vault's key file.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
    lock: Option<Arc<dyn KeyLock>>,
}

impl KeyFile {
    /// The file at this path, as it is; nothing is read yet.
    pub fn at(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, lock: None }
    }

    /// The same, locked: a plain file is refused from now on.
    #[must_use]
    pub fn locked_by(mut self, lock: Arc<dyn KeyLock>) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Locks the plain file that is there, in one step. False where it is locked already and opens.
    pub fn lock(&self) -> Result<bool, SealError> {
        match self.open() {
            Ok(_) => Ok(false),
            Err(SealError::NotLocked) => {
                let text = Self::at(&self.path).read()?;
                vault(&text)?;
                self.replace(&text)?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }

    /// Writes the lines as they are again, for a move to another token.
    pub fn unlock(&self) -> Result<(), SealError> {
        let text = self.read()?;
        vault(&text)?;
        Self::at(&self.path).replace(&text)
    }

    /// Reads the file, or makes one (64 hex digits, mode 0600) where there is none.
    pub fn open_or_create(&self) -> Result<Vault, SealError> {
        match self.open() {
            Err(SealError::File(error)) if error.kind() == io::ErrorKind::NotFound => {
                self.create()?;
                self.open()
            }
            other => other,
        }
    }

    /// Reads an existing file that [`is_exposed`] does not object to.
    pub fn open(&self) -> Result<Vault, SealError> {
        vault(&self.read()?)
    }

    /// Adds a fresh generation at the end of the file, in one step; whoever opens the file from then on seals
    /// under it. What runs goes on under the one before.
    pub fn add_generation(&self) -> Result<(), SealError> {
        let text = self.read()?;
        if vault(&text)?.generations() == GENERATIONS_MAX {
            return Err(SealError::BadKeyFile);
        }
        let mut text = Zeroizing::new(text.trim_end().to_owned());
        text.push('\n');
        text.push_str(&fresh_line());
        self.replace(&text)
    }

    /// Takes every generation but the newest out of the file, and leaves the keys of their indexes. What was not
    /// re-wrapped before never opens again; whoever was indexed is still found.
    pub fn forget_older(&self) -> Result<(), SealError> {
        let text = self.read()?;
        let vault = vault(&text)?;
        let is_generation = |line: &&str| IndexKey::read(line.trim()).is_none();
        let newest = text.lines().rfind(is_generation);
        let newest = newest.ok_or(SealError::BadKeyFile)?;
        let indexes = vault.forgotten.iter().rev();
        let indexes = indexes.chain(vault.generations.iter().skip(1).rev().map(|old| &old.index));
        if indexes.clone().count() > FORGOTTEN_MAX {
            return Err(SealError::BadKeyFile);
        }
        let mut kept = Zeroizing::new(String::with_capacity(
            text.len() + 128 * vault.generations(),
        ));
        for index in indexes {
            kept.push_str(&index.line());
            kept.push('\n');
        }
        kept.push_str(newest);
        kept.push('\n');
        self.replace(&kept)
    }

    fn read(&self) -> Result<Zeroizing<String>, SealError> {
        let mode = fs::metadata(&self.path)?.permissions().mode();
        if is_exposed(mode) {
            return Err(SealError::KeyFileExposed);
        }
        let text = Zeroizing::new(fs::read_to_string(&self.path)?);
        match (text.strip_prefix(LOCKED), &self.lock) {
            (None, None) => Ok(text),
            (None, Some(_)) => Err(SealError::NotLocked),
            (Some(_), None) => Err(SealError::Locked),
            (Some(digits), Some(lock)) => {
                let locked = hex::decode(digits.trim_end()).map_err(|_| SealError::BadKeyFile)?;
                let plain = lock.unlock(PURPOSE, &locked)?;
                let text = std::str::from_utf8(&plain).map_err(|_| SealError::BadKeyFile)?;
                Ok(Zeroizing::new(text.to_owned()))
            }
        }
    }

    /// What stands in the file for these lines.
    fn written(&self, text: &str) -> Result<Zeroizing<String>, SealError> {
        let Some(lock) = &self.lock else {
            return Ok(Zeroizing::new(text.to_owned()));
        };
        let locked = lock.lock(PURPOSE, text.as_bytes())?;
        Ok(Zeroizing::new(format!("{LOCKED}{}\n", hex::encode(locked))))
    }

    fn create(&self) -> Result<(), SealError> {
        let text = self.written(&fresh_line())?;
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // the name too: a key that a power cut takes away takes every record sealed since with it
        self.sync_name()
    }

    /// Beside it first, so that a power cut leaves the old file or the new one.
    fn replace(&self, text: &str) -> Result<(), SealError> {
        let text = self.written(text)?;
        let mode = fs::metadata(&self.path)?.permissions().mode() & 0o777;
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        self.sync_name()
    }

    fn sync_name(&self) -> Result<(), SealError> {
        let folder = self.path.parent();
        let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
        Ok(fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?)
    }
}

/// Whether a private file of this mode is open to more than its owner and readers of its group.
///
/// The group may read, since that is how a kubelet hands a secret to a pod that has a group of its own.
pub const fn is_exposed(mode: u32) -> bool {
    mode & 0o027 != 0
}

fn fresh_line() -> Zeroizing<String> {
    let key = Zeroizing::new(digest::random::<KEY_BYTES>());
    let mut line = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    line.push_str(&Zeroizing::new(hex::encode(*key)));
    line.push('\n');
    line
}

fn vault(text: &str) -> Result<Vault, SealError> {
    let (mut generations, mut forgotten) = (Vec::new(), Vec::new());
    for line in text.lines().rev() {
        if let Some(index) = IndexKey::read(line.trim()) {
            forgotten.push(index.ok_or(SealError::BadKeyFile)?);
            continue;
        }
        let mut bytes = [0; KEY_BYTES];
        hex::decode_to_slice(line.trim(), &mut bytes).map_err(|_| SealError::BadKeyFile)?;
        generations.push(Generation::new(bytes));
        bytes.zeroize();
    }
    match (generations.len(), forgotten.len()) {
        (1..=GENERATIONS_MAX, ..=FORGOTTEN_MAX) => Ok(Vault {
            generations,
            forgotten,
        }),
        _ => Err(SealError::BadKeyFile),
    }
}
