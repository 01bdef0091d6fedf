//! A file system that forgets: what was not synced when the power is cut is gone, be it content, size
//! or the entry in the directory. One flat folder, in memory, over FUSE.
//!
//! A sync of a file keeps its content and size; a sync of the folder keeps names. At a cut either
//! nothing more is kept, or each unsynced 512-byte sector by a throw of the dice, as a real disk does, and all
//! names or none.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fuser::{
    BackgroundSession, BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate,
    ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request,
    TimeOrNow, WriteFlags,
};

use super::random::Random;

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

#[derive(Default)]
struct Disk {
    trap: Option<Trap>,
    sprung: bool,
    names: BTreeMap<OsString, u64>,
    kept_names: BTreeMap<OsString, u64>,
    files: BTreeMap<u64, File>,
    newest: u64,
    syncs: u64,
    handles: u64,
}

#[derive(Default)]
struct File {
    now: Vec<u8>,
    kept: Vec<u8>,
    /// Who has it open, and the error that each is still to be told.
    open: BTreeMap<u64, Option<Errno>>,
    /// Sectors that differ, by number.
    dirty: BTreeSet<u64>,
    mode: u16,
}

impl Disk {
    fn make(&mut self, name: &OsStr, mode: u32) -> u64 {
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

    /// A new way into a file.
    fn open(&mut self, number: u64) -> Option<FileHandle> {
        self.handles += 1;
        self.files.get_mut(&number)?.open.insert(self.handles, None);
        Some(FileHandle(self.handles))
    }

    /// Whether this call is the one that fails, and how.
    fn step_on(&mut self, call: Call, number: u64) -> Option<Errno> {
        let trap = self.trap.as_ref().filter(|trap| trap.call == call)?;
        if let Some(name) = trap.file
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

    fn cut(&mut self, random: &mut Random) {
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
    fn write(&mut self, offset: u64, data: &[u8]) {
        let (from, to) = (index(offset), index(offset) + data.len());
        if to > self.now.len() {
            self.resize(to);
        }
        self.now[from..to].copy_from_slice(data);
        self.touch(from, to);
    }

    fn resize(&mut self, length: usize) {
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
    fn failed(&mut self, handle: FileHandle, trapped: Option<Errno>) -> Option<Errno> {
        if let Some(error) = trapped {
            self.dirty.clear();
            self.open.values_mut().for_each(|owed| *owed = Some(error));
        }
        self.open.get_mut(&handle.0)?.take()
    }

    fn sync(&mut self) {
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

    fn attr(&self, number: u64) -> FileAttr {
        attr(
            number,
            self.now.len() as u64,
            FileType::RegularFile,
            self.mode,
        )
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn attr(number: u64, size: u64, kind: FileType, perm: u16) -> FileAttr {
    FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(SECTOR),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm,
        nlink: 1,
        uid: rustix::process::getuid().as_raw(),
        gid: rustix::process::getgid().as_raw(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

/// What the kernel sees of a disk.
struct View(Arc<Mutex<Disk>>);

impl View {
    fn file<R>(&self, number: INodeNo, turn: impl FnOnce(&mut File) -> R) -> Result<R, Errno> {
        let mut disk = disk(&self.0);
        let file = disk.files.get_mut(&number.0);
        file.map(turn).ok_or(Errno::ENOENT)
    }
}

impl Filesystem for View {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = disk(&self.0);
        let found = disk.names.get(name).copied();
        match found.and_then(|number| Some((number, disk.files.get(&number)?))) {
            Some((number, file)) => reply.entry(&TTL, &file.attr(number), Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        if ino == INodeNo::ROOT {
            return reply.attr(&TTL, &attr(ino.0, 0, FileType::Directory, 0o700));
        }
        match self.file(ino, |file| file.attr(ino.0)) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changed = self.file(ino, |file| {
            if let Some(size) = size {
                file.resize(index(size));
            }
            if let Some(mode) = mode {
                file.mode = u16::try_from(mode & 0o777).unwrap_or(file.mode);
            }
            file.attr(ino.0)
        });
        match changed {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let mut disk = disk(&self.0);
        let number = disk.make(name, mode);
        let attr = disk.files[&number].attr(number);
        match disk.open(number) {
            Some(handle) => {
                reply.created(&TTL, &attr, Generation(0), handle, FopenFlags::empty());
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match disk(&self.0).open(ino.0) {
            Some(handle) => reply.opened(handle, FopenFlags::empty()),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        fh: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        // a file whose name is gone may be gone with it
        let _ = self.file(ino, |file| file.open.remove(&fh.0));
        reply.ok();
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        match disk(&self.0).names.remove(name) {
            Some(_) => reply.ok(),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let mut disk = disk(&self.0);
        match disk.names.remove(name) {
            Some(number) => {
                disk.names.insert(newname.to_owned(), number);
                reply.ok();
            }
            None => reply.error(Errno::ENOENT),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.file(ino, |file| {
            let from = index(offset).min(file.now.len());
            let to = from.saturating_add(size as usize).min(file.now.len());
            file.now[from..to].to_vec()
        });
        match read {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let trapped = disk(&self.0).step_on(Call::Write, ino.0);
        if let Some(error) = trapped {
            return reply.error(error);
        }
        match self.file(ino, |file| file.write(offset, data)) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    fn fsync(&self, _: &Request, ino: INodeNo, fh: FileHandle, _: bool, reply: ReplyEmpty) {
        let trapped = {
            let mut disk = disk(&self.0);
            disk.syncs += 1;
            disk.step_on(Call::Sync, ino.0)
        };
        if let Ok(Some(error)) = self.file(ino, |file| file.failed(fh, trapped)) {
            return reply.error(error);
        }
        // the bench's own proof that it would see a loss: a disk that lies about its syncs
        if std::env::var_os("LIENTHONG_TORTURE_LYING_DISK").is_some() {
            return reply.ok();
        }
        match self.file(ino, File::sync) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(error),
        }
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let mut disk = disk(&self.0);
        if let Some(error) = disk.step_on(Call::FolderSync, ino.0) {
            return reply.error(error);
        }
        disk.kept_names = disk.names.clone();
        reply.ok();
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let names = disk(&self.0).names.clone();
        let entries = names.into_iter().zip(1_u64..);
        for ((name, number), nth) in entries.skip(index(offset)) {
            if reply.add(INodeNo(number), nth, FileType::RegularFile, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let blocks = 1 << 24; // 64 GiB of 4 KiB
        reply.statfs(blocks, blocks, blocks, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}

/// What a disk writes whole or not at all, bytes.
const SECTOR: u64 = 512;
const TTL: Duration = Duration::from_secs(1);

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
