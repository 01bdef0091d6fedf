//! A folder under a key of its own, which the store's key wraps: small files that are written whole, the bytes of chunks in
//! sealed blocks, and the lock of whoever changes it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use certs::{digest, seal::Vault};
use schemas::fault::{Fault, FaultCode};
use serde::{Serialize, de::DeserializeOwned};
use tax::reconcile::Cover as _;

use super::{Covered, disk};

/// A folder and what covers everything in it.
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) cover: Covered,
}

/// The right to change a folder; it ends with the process.
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Place {
    /// Makes a folder with a fresh key and its first file, whole or not at all.
    pub(super) fn make(
        vault: &Covered,
        key_name: &str,
        dir: &Path,
        (name, first): (&str, &impl Serialize),
    ) -> io::Result<()> {
        let parent = dir.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(parent)?;
        let draft = parent.join(format!(".{}", hex::encode(digest::random::<8>())));
        let key = hex::encode(digest::random::<32>());
        let filled = || -> io::Result<()> {
            fs::create_dir(&draft)?;
            write(&draft.join(KEY), &vault.seal(key_name, 0, key.as_bytes())?)?;
            let place = Self {
                dir: draft.clone(),
                cover: cover(&key)?,
            };
            place.put(name, first)?;
            fs::rename(&draft, dir)?;
            File::open(parent)?.sync_all()
        };
        let made = filled();
        if made.is_err() {
            let _ = fs::remove_dir_all(&draft);
        }
        made
    }

    /// The sealed key of a folder; none where there is no such folder.
    pub(super) fn key(dir: &Path) -> io::Result<Option<Vec<u8>>> {
        match fs::read(dir.join(KEY)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => read.map(Some),
        }
    }

    /// Opens a folder by its sealed key.
    pub(super) fn open(
        vault: &Covered,
        key_name: &str,
        dir: &Path,
        sealed: &[u8],
    ) -> io::Result<Self> {
        let key = vault.open(key_name, 0, sealed.to_vec())?;
        Ok(Self {
            dir: dir.to_owned(),
            cover: cover(std::str::from_utf8(&key).map_err(io::Error::other)?)?,
        })
    }

    /// Writes a small file, whole or not at all.
    pub(super) fn put(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(value)?;
        write(&self.dir.join(name), &self.cover.seal(name, 0, &text)?)
    }

    /// Reads a small file back, where it is there.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        let sealed = match fs::read(self.dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let text = self.cover.open(name, 0, sealed)?;
        Ok(Some(serde_json::from_slice(&text)?))
    }

    /// The lock where nobody holds it.
    pub(super) fn try_lock(&self) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.dir.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock, waited for as long as a chunk before this one may take.
    pub(super) fn lock(&self) -> Result<Lock, Fault> {
        for _ in 0..LOCK_TRIES {
            if let Some(lock) = self.try_lock().map_err(disk)? {
                return Ok(lock);
            }
            thread::park_timeout(LOCK_EVERY);
        }
        Err(Fault::new(FaultCode::InProgress, "reconciliation").retry_after(Duration::from_secs(1)))
    }

    /// Where the bytes of a chunk lie.
    pub(super) fn blob(&self, number: u32) -> PathBuf {
        self.dir.join(blob_name(number))
    }
}

/// The name of a chunk's bytes, which each of its blocks is bound to.
pub(super) fn blob_name(number: u32) -> String {
    format!("chunk-{number:06}")
}

fn cover(key: &str) -> io::Result<Covered> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(key, &mut bytes).map_err(io::Error::other)?;
    Ok(Covered(Arc::new(Vault::from_bytes(bytes))))
}

/// A file, whole or not at all, and on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// The name of a folder's sealed key.
pub(super) const KEY: &str = "key";
const LOCK: &str = "lock";
const LOCK_TRIES: u32 = 400;
const LOCK_EVERY: Duration = Duration::from_millis(25);
