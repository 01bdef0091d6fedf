//! What the kernel sees of the disk, over FUSE.

use std::{
    ffi::OsStr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::{
    disk::{Disk, File, SECTOR, index, locked},
    words::Call,
};

/// What the kernel sees of a disk.
pub(super) struct View(pub(super) Arc<Mutex<Disk>>);

impl View {
    fn file<R>(&self, number: INodeNo, turn: impl FnOnce(&mut File) -> R) -> Result<R, Errno> {
        let mut disk = locked(&self.0);
        let file = disk.files.get_mut(&number.0);
        file.map(turn).ok_or(Errno::ENOENT)
    }
}

impl Filesystem for View {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let disk = locked(&self.0);
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
        let mut disk = locked(&self.0);
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
        match locked(&self.0).open(ino.0) {
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
        match locked(&self.0).names.remove(name) {
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
        let mut disk = locked(&self.0);
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
        let trapped = locked(&self.0).step_on(Call::Write, ino.0);
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
            let mut disk = locked(&self.0);
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
        let mut disk = locked(&self.0);
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
        let names = locked(&self.0).names.clone();
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

impl File {
    fn attr(&self, number: u64) -> FileAttr {
        attr(
            number,
            self.now.len() as u64,
            FileType::RegularFile,
            self.mode,
        )
    }
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

const TTL: Duration = Duration::from_secs(1);
