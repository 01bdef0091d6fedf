//! Where a reconciliation lies: small files written whole, and runs that grow by blocks. What is told is on disk.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{Refusal, state::Join};

/// How bytes are covered before they lie on a disk, and found again. `file` and `at` are bound, so that no block can
/// stand for another.
pub trait Cover {
    /// Covers one block.
    ///
    /// # Errors
    /// Where no key is at hand.
    fn seal(&self, file: &str, at: u64, plain: &[u8]) -> io::Result<Vec<u8>>;

    /// Uncovers one block.
    ///
    /// # Errors
    /// Another block than was covered, or no key.
    fn open(&self, file: &str, at: u64, sealed: Vec<u8>) -> io::Result<Vec<u8>>;
}

/// No cover: for synthetic people only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plain;

impl Cover for Plain {
    fn seal(&self, _file: &str, _at: u64, plain: &[u8]) -> io::Result<Vec<u8>> {
        Ok(plain.to_vec())
    }

    fn open(&self, _file: &str, _at: u64, sealed: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(sealed)
    }
}

/// A folder of one reconciliation.
#[derive(Debug)]
pub struct Folder<C> {
    root: PathBuf,
    cover: C,
}

impl<C: Cover> Folder<C> {
    /// Opens a folder, which is made where it is not.
    ///
    /// # Errors
    /// The disk.
    pub fn open(root: impl Into<PathBuf>, cover: C) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        Ok(Self { root, cover })
    }

    pub(super) fn read_state(&self) -> Result<Option<Vec<u8>>, Refusal> {
        match self.read(STATE) {
            Ok(text) => Ok(Some(text)),
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    pub(super) fn write_state(&self, text: &[u8]) -> io::Result<()> {
        self.write(STATE, text)
    }

    /// A small file, whole or not at all.
    pub(super) fn write(&self, name: &str, plain: &[u8]) -> io::Result<()> {
        let sealed = self.cover.seal(name, 0, plain)?;
        let draft = self.path(&format!("{name}{DRAFT}"));
        let mut file = create(&draft)?;
        file.write_all(&sealed)?;
        file.sync_all()?;
        fs::rename(&draft, self.path(name))?;
        File::open(&self.root)?.sync_all()
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Refusal> {
        let sealed = fs::read(self.path(name))?;
        Ok(self.cover.open(name, 0, sealed)?)
    }

    /// Removes what no state names: drafts, runs of chunks that were never acknowledged, pages after the last checkpoint.
    pub(super) fn tidy(&self, wanted: &[String]) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name();
            if !wanted.iter().any(|one| name == one.as_str()) && name != STATE {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Removes the unfinished pages of earlier checkpoints.
    pub(super) fn forget_partial(&self, join: &Join) -> io::Result<()> {
        let Some(earlier) = join.partial.checked_sub(1) else {
            return Ok(());
        };
        match fs::remove_file(self.path(&super::page::partial(earlier))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Cuts a run to its acknowledged length and opens it for more.
    pub(super) fn grow(&self, name: &str, from: u64) -> io::Result<Growing<'_, C>> {
        let path = self.path(name);
        let mut file = match from {
            0 => create(&path)?,
            _ => OpenOptions::new().write(true).open(&path)?,
        };
        file.set_len(from)?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Growing {
            cover: &self.cover,
            name: name.to_owned(),
            file,
            at: from,
        })
    }

    pub(super) fn blocks(&self, name: &str, from: u64) -> io::Result<Blocks<'_, C>> {
        let mut file = File::open(self.path(name))?;
        file.seek(SeekFrom::Start(from))?;
        Ok(Blocks {
            cover: &self.cover,
            name: name.to_owned(),
            file,
            at: from,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// A run that grows by blocks.
pub(super) struct Growing<'a, C> {
    cover: &'a C,
    name: String,
    file: File,
    at: u64,
}

impl<C: Cover> Growing<'_, C> {
    pub(super) fn block(&mut self, plain: &[u8]) -> io::Result<()> {
        let sealed = self.cover.seal(&self.name, self.at, plain)?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(&sealed)?;
        self.at += HEAD_BYTES + u64::from(length);
        Ok(())
    }

    /// Its length, on disk.
    pub(super) fn finish(self) -> io::Result<u64> {
        self.file.sync_all()?;
        Ok(self.at)
    }
}

/// The blocks of a run, one after the other.
pub(super) struct Blocks<'a, C> {
    cover: &'a C,
    name: String,
    file: File,
    at: u64,
}

impl<C: Cover> Blocks<'_, C> {
    /// Where the next block begins.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// The next block, or nothing at `end`.
    pub(super) fn next(&mut self, end: u64) -> io::Result<Option<Vec<u8>>> {
        if self.at >= end {
            return Ok(None);
        }
        let mut head = [0; 4];
        self.file.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head);
        let mut sealed = Vec::new();
        (&mut self.file)
            .take(u64::from(length))
            .read_to_end(&mut sealed)?;
        let plain = self.cover.open(&self.name, self.at, sealed)?;
        self.at += HEAD_BYTES + u64::from(length);
        Ok(Some(plain))
    }
}

/// A file that only its owner reads.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

const STATE: &str = "state.json";
const DRAFT: &str = ".new";
const HEAD_BYTES: u64 = 4;
