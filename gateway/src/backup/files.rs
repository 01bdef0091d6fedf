//! Files: digested while they are copied, on the disk before they are counted, in place by one rename.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use gateway_core::seal::Sha256;

use super::BackupError;

/// The size of a file and its SHA-256 in hex.
pub(super) fn digest(path: &Path) -> Result<(u64, String), BackupError> {
    pass_on(path, |_| Ok(()))
}

/// Copies a file to a place where there is none, and waits until it is on the disk; gives size and digest.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(u64, String), BackupError> {
    let mut target = create(to)?;
    let told = pass_on(from, |bytes| target.write_all(bytes))?;
    target.sync_all().map_err(BackupError::at(to))?;
    Ok(told)
}

/// Writes a new file, mode 0600, and waits until it is on the disk.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<(), BackupError> {
    let mut file = create(path)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(BackupError::at(path))
}

/// Makes a folder of mode 0700.
pub(super) fn folder(path: &Path) -> Result<(), BackupError> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(BackupError::at(path))
}

/// Waits until the names in a folder are on the disk.
pub(super) fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(BackupError::at(path))
}

/// The folder that a file stands in.
pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// The same name with something behind it.
pub(super) fn behind(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// A folder of ours that goes, with all that is in it, unless it is kept.
pub(super) struct Workshop(Option<PathBuf>);

impl Workshop {
    pub(super) fn make(path: PathBuf) -> Result<Self, BackupError> {
        folder(&path)?;
        Ok(Self(Some(path)))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.as_deref().unwrap_or(Path::new("."))
    }

    /// It has another name by now.
    pub(super) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let gone = self.0.take().map(fs::remove_dir_all);
        if let Some(Err(error)) = gone {
            tracing::warn!(%error, "a folder of unfinished work is left behind");
        }
    }
}

fn create(path: &Path) -> Result<File, BackupError> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(0o600).open(path);
    file.map_err(BackupError::at(path))
}

fn pass_on(
    path: &Path,
    mut to: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(u64, String), BackupError> {
    let mut read = || {
        let mut file = File::open(path)?;
        let (mut buffer, mut hash, mut size) = (vec![0; 1 << 20], Sha256::new(), 0);
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok((size, hex::encode(hash.finish())));
            }
            to(&buffer[..count])?;
            hash = hash.chain(&buffer[..count]);
            size += count as u64;
        }
    };
    read().map_err(BackupError::at(path))
}
