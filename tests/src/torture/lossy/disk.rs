//! What is on the disk: files and names, each as it is now and as it would be after a cut.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    sync::{Mutex, MutexGuard, PoisonError},
};

use fuser::{Errno, FileHandle, INodeNo};

use super::words::{Call, Trap};
use crate::torture::random::Random;

/// What is on it, and what would be after a cut.
#[derive(Default)]
pub(super) struct Disk {
    pub(super) trap: Option<Trap<String>>,
    pub(super) sprung: bool,
    pub(super) names: BTreeMap<OsString, u64>,
    pub(super) kept_names: BTreeMap<OsString, u64>,
    pub(super) files: BTreeMap<u64, File>,
    newest: u64,
    pub(super) syncs: u64,
    handles: u64,
}

#[derive(Default)]
pub(super) struct File {
    pub(super) now: Vec<u8>,
    pub(super) kept: Vec<u8>,
    /// Who has it open, and the error that each is still to be told.
    pub(super) open: BTreeMap<u64, Option<Errno>>,
    /// Sectors that differ, by number.
    pub(super) dirty: BTreeSet<u64>,
    pub(super) mode: u16,
}

impl Disk {
    pub(super) fn make(&mut self, name: &OsStr, mode: u32) -> u64 {
        self.newest += 1;
        let number = self.newest + INodeNo::ROOT.0;
        let file = File {
            mode: u16::try_from(mode & 0o777).unwrap_or(0o600),
            ..File::default()
        };
        self.files.insert(number, file);
        self.names.insert(name.to_owned(), number);
        number
    }

    /// A file as if it had always been there.
    pub(super) fn load(&mut self, name: &OsStr, content: &[u8]) {
        let number = self.make(name, 0o600);
        if let Some(file) = self.files.get_mut(&number) {
            (file.now, file.kept) = (content.to_vec(), content.to_vec());
        }
        self.kept_names = self.names.clone();
    }

    /// Bytes written and not synced.
    pub(super) fn unsynced(&self) -> u64 {
        let sectors: usize = self.files.values().map(|file| file.dirty.len()).sum();
        sectors as u64 * SECTOR
    }

    /// A new way into a file.
    pub(super) fn open(&mut self, number: u64) -> Option<FileHandle> {
        self.handles += 1;
        self.files.get_mut(&number)?.open.insert(self.handles, None);
        Some(FileHandle(self.handles))
    }

    /// Whether this call is the one that fails, and how.
    pub(super) fn step_on(&mut self, call: Call, number: u64) -> Option<Errno> {
        let trap = self.trap.as_ref().filter(|trap| trap.call == call)?;
        if let Some(name) = &trap.file
            && self.names.get(OsStr::new(name)) != Some(&number)
        {
            return None;
        }
        let trap = self.trap.as_mut()?;
        trap.nth = trap.nth.saturating_sub(1);
        if trap.nth > 0 {
            return None;
        }
        let full = trap.full;
        (self.trap, self.sprung) = (None, true);
        Some(if full { Errno::ENOSPC } else { Errno::EIO })
    }

    pub(super) fn cut(&mut self, random: &mut Random) {
        let gentle = random.percent(50);
        // names are a file system's own log, which it writes as a whole when it likes
        if gentle && random.percent(50) {
            self.kept_names = self.names.clone();
        }
        self.names = self.kept_names.clone();
        self.files.values_mut().for_each(|file| file.open.clear());
        let there: BTreeSet<u64> = self.names.values().copied().collect();
        self.files.retain(|number, _| there.contains(number));
        for file in self.files.values_mut() {
            file.cut(gentle.then_some(&mut *random));
        }
    }
}

impl File {
    pub(super) fn write(&mut self, offset: u64, data: &[u8]) {
        let (from, to) = (index(offset), index(offset) + data.len());
        if to > self.now.len() {
            self.resize(to);
        }
        self.now[from..to].copy_from_slice(data);
        self.touch(from, to);
    }

    pub(super) fn resize(&mut self, length: usize) {
        let before = self.now.len();
        self.now.resize(length, 0);
        self.touch(before.min(length), before.max(length));
    }

    fn touch(&mut self, from: usize, to: usize) {
        if from < to {
            let (first, last) = (from as u64 / SECTOR, (to as u64 - 1) / SECTOR);
            self.dirty.extend(first..=last);
        }
    }

    /// A sync that fails, or one after it of somebody who has not been told.
    pub(super) fn failed(&mut self, handle: FileHandle, trapped: Option<Errno>) -> Option<Errno> {
        if let Some(error) = trapped {
            self.dirty.clear();
            self.open.values_mut().for_each(|owed| *owed = Some(error));
        }
        self.open.get_mut(&handle.0)?.take()
    }

    pub(super) fn sync(&mut self) {
        self.kept.resize(self.now.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.keep(sector);
        }
    }

    fn keep(&mut self, sector: u64) {
        let from = index(sector * SECTOR);
        let to = (from + index(SECTOR))
            .min(self.now.len())
            .min(self.kept.len());
        if from < to {
            self.kept[from..to].copy_from_slice(&self.now[from..to]);
        }
    }

    /// What is left of it; with dice, some of what was not synced is.
    fn cut(&mut self, dice: Option<&mut Random>) {
        let dirty = std::mem::take(&mut self.dirty);
        if let Some(random) = dice {
            if random.percent(50) {
                self.kept.resize(self.now.len(), 0);
            }
            for sector in dirty {
                if random.percent(50) {
                    self.keep(sector);
                }
            }
        }
        self.now.clone_from(&self.kept);
    }
}

pub(super) fn locked(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// What a disk writes whole or not at all, bytes.
pub(super) const SECTOR: u64 = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(synced: &[u8], then: &[u8]) -> Disk {
        let mut disk = Disk::default();
        let number = disk.make(OsStr::new("a"), 0o600);
        disk.kept_names = disk.names.clone();
        let file = disk.files.get_mut(&number).unwrap();
        file.write(0, synced);
        file.sync();
        file.write(synced.len() as u64, then);
        disk
    }

    fn seed_that(gentle: bool) -> Random {
        let seeds = (0..).map(|seed| Random::of(seed, &[]));
        let mut seeds = seeds.filter(|random| random.clone().percent(50) == gentle);
        seeds.next().unwrap()
    }

    #[test]
    fn what_was_synced_survives_the_cut_and_what_was_not_does_not() {
        let mut disk = written(&[7; 700], &[9; 5_000]);
        disk.cut(&mut seed_that(false));
        let file = disk.files.values().next().unwrap();
        assert_eq!(file.now, [7; 700]);
    }

    #[test]
    fn with_dice_a_sector_is_kept_whole_or_not_at_all() {
        for seed in 0..200 {
            let mut disk = written(&[7; 512], &[9; 5_120]);
            disk.cut(&mut Random::of(seed, &[]));
            let file = disk.files.values().next().unwrap();
            assert_eq!(file.now[..512], [7; 512]);
            for sector in file.now[512..].chunks(512) {
                assert!(sector == [9; 512] || sector == [0; 512], "seed {seed}");
            }
        }
    }

    #[test]
    fn a_name_that_was_not_synced_is_gone_and_a_removed_one_is_back() {
        let mut disk = written(b"old", b"");
        disk.names.clear();
        disk.make(OsStr::new("b"), 0o600);
        disk.cut(&mut seed_that(false));
        let names: Vec<_> = disk.names.keys().collect();
        assert_eq!(names, ["a"]);
    }
}
