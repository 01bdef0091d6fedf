//! A file system that forgets: what was not synced when the power is cut is gone, be it content, size
//! or the entry in the directory. One flat folder, in memory, over FUSE.
//!
//! A sync of a file keeps its content and size; a sync of the folder keeps names. At a cut either
//! nothing more is kept, or each unsynced 512-byte sector by a throw of the dice, as a real disk does, and all
//! names or none.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use fuser::{BackgroundSession, MountOption};

use self::{
    disk::{Disk, SECTOR},
    view::View,
};
use super::random::Random;

mod disk; // what is on it, and what would be after a cut
mod view; // what the kernel sees of it

/// A mounted folder whose power can be cut.
pub struct Lossy {
    disk: Arc<Mutex<Disk>>,
    mounted: Option<BackgroundSession>,
    at: PathBuf,
}

impl Lossy {
    /// Mounts an empty disk there.
    ///
    /// # Errors
    /// Where this user may not mount, or the machine has no FUSE.
    pub fn mount(at: &Path) -> io::Result<Self> {
        let mut lossy = Self {
            disk: Arc::default(),
            mounted: None,
            at: at.to_owned(),
        };
        fs::create_dir_all(at)?;
        lossy.plug_in()?;
        Ok(lossy)
    }

    /// Puts a file on the disk as if it had always been there.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn load(&self, file: &Path) -> io::Result<()> {
        let name = file.file_name().unwrap_or_default();
        let content = fs::read(file)?;
        let mut disk = disk(&self.disk);
        let number = disk.make(name, 0o600);
        if let Some(file) = disk.files.get_mut(&number) {
            (file.now, file.kept) = (content.clone(), content);
        }
        disk.kept_names = disk.names.clone();
        Ok(())
    }

    /// Cuts the power. Whoever used the disk must be dead.
    ///
    /// # Errors
    /// Where the disk cannot be taken away or mounted again.
    pub fn cut(&mut self, random: &mut Random) -> io::Result<()> {
        self.unplug()?;
        disk(&self.disk).cut(random);
        self.plug_in()
    }

    /// Bytes written and not synced at this moment, and syncs so far.
    #[must_use]
    pub fn unsynced(&self) -> (u64, u64) {
        let disk = disk(&self.disk);
        let sectors: usize = disk.files.values().map(|file| file.dirty.len()).sum();
        (sectors as u64 * SECTOR, disk.syncs)
    }

    /// From now on the nth call of this kind fails; nothing of it reaches the disk. What a failed sync should
    /// have kept is not tried again, and whoever else has the file open is told once too, as Linux does.
    pub fn fail(&self, trap: Option<Trap>) {
        let mut disk = disk(&self.disk);
        (disk.trap, disk.sprung) = (trap, false);
    }

    /// Whether the call that was to fail has failed.
    #[must_use]
    pub fn sprung(&self) -> bool {
        disk(&self.disk).sprung
    }

    fn plug_in(&mut self) -> io::Result<()> {
        let mut config = fuser::Config::default();
        config.mount_options = vec![MountOption::FSName("lossy".to_owned())];
        let view = View(Arc::clone(&self.disk));
        self.mounted = Some(fuser::spawn_mount(view, &self.at, &config)?);
        Ok(())
    }

    fn unplug(&mut self) -> io::Result<()> {
        match self.mounted.take() {
            // the reading thread may see the end of its connection as an error
            Some(mounted) => match mounted.umount_and_join() {
                Err(error) if error.kind() != io::ErrorKind::ConnectionAborted => Err(error),
                _ => Ok(()),
            },
            None => Ok(()),
        }
    }
}

impl Drop for Lossy {
    fn drop(&mut self) {
        let _ = self.unplug();
    }
}

fn disk(disk: &Mutex<Disk>) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is to fail.
#[derive(Debug, Clone, Copy)]
pub struct Trap {
    /// What kind of call.
    pub call: Call,
    /// Of this file, by its name; else of any.
    pub file: Option<&'static str>,
    /// Which one: 1 is the next.
    pub nth: u64,
    /// `EIO` or `ENOSPC`.
    pub full: bool,
}

/// A call that may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Bytes of a file.
    Write,
    /// A file made durable.
    Sync,
    /// The folder's names made durable.
    FolderSync,
}
