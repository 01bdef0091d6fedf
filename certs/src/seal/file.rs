//! The file that holds a vault's key: its generations, a line each, the newest last.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::{Zeroize as _, Zeroizing};

use super::index::IndexKey;
use super::{Generation, KEY_BYTES, SealError, Vault};
use crate::digest;

/// Each opening of an old record tries the newer generations first.
const GENERATIONS_MAX: usize = 16;
/// Each look-up of a person makes a digest for each.
const FORGOTTEN_MAX: usize = 256;

/// A vault's key file.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

impl KeyFile {
    /// The file at this path; nothing is read yet.
    pub fn at(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path }
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
        Ok(Zeroizing::new(fs::read_to_string(&self.path)?))
    }

    fn create(&self) -> Result<(), SealError> {
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&self.path)?;
        file.write_all(fresh_line().as_bytes())?;
        file.sync_all()?;
        // the name too: a key that a power cut takes away takes every record sealed since with it
        self.sync_name()
    }

    /// Beside it first, so that a power cut leaves the old file or the new one.
    fn replace(&self, text: &str) -> Result<(), SealError> {
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
