//! How files looked when they were read, so that the next look notices what has changed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::snapshot::partner_files;

/// Every file that a reading named, there or not, as it looked just before it was read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Stamps(BTreeMap<PathBuf, Option<Look>>);

/// Which file it is, when content or mode last changed (seconds, nanoseconds), and its length.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    changed: (i64, i64),
    length: u64,
}

impl Stamps {
    /// Notes a file that is about to be read; the first note stays.
    pub(super) fn note(&mut self, file: &Path) {
        if !self.0.contains_key(file) {
            self.0.insert(file.to_owned(), look(file));
        }
    }

    /// The same files as they look now, and those that are new in the partners' folder.
    pub(super) fn again(&self, partners: &Path) -> Self {
        let mut now = Self::default();
        let there = partner_files(partners).unwrap_or_default();
        for file in self.0.keys().chain(&there) {
            now.note(file);
        }
        now
    }
}

fn look(file: &Path) -> Option<Look> {
    let data = fs::metadata(file).ok()?;
    Some(Look {
        device: data.dev(),
        inode: data.ino(),
        changed: (data.ctime(), data.ctime_nsec()),
        length: data.len(),
    })
}
