//! How many bytes may lie in a folder, and how many are on their way in.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use schemas::fault::{Fault, FaultCode};

/// The room of one folder.
#[derive(Debug)]
pub(crate) struct Room {
    folder: PathBuf,
    bytes_max: u64,
    lying: AtomicU64,
    coming: AtomicU64,
}

impl Room {
    /// The room of a folder that may hold so many bytes.
    pub(crate) fn of(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        Ok(Self {
            lying: AtomicU64::new(size(folder)?),
            coming: AtomicU64::default(),
            folder: folder.to_owned(),
            bytes_max,
        })
    }

    /// Room for so many bytes more, until the guard is dropped or kept.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: u64) -> Result<Reserved, Fault> {
        let coming = self.coming.fetch_add(bytes, Ordering::AcqRel) + bytes;
        let reserved = Reserved {
            room: Arc::clone(self),
            bytes,
        };
        let lying = self.lying.load(Ordering::Acquire);
        match lying.saturating_add(coming) <= self.bytes_max {
            true => Ok(reserved),
            false => Err(Fault::new(FaultCode::Overloaded, "spool-full")
                .retry_after(Duration::from_secs(60))),
        }
    }

    /// Counts anew what lies in the folder.
    pub(crate) fn measure(&self) {
        if let Ok(bytes) = size(&self.folder) {
            self.lying.store(bytes, Ordering::Release);
        }
    }
}

/// Room that bytes on their way in take.
pub(crate) struct Reserved {
    room: Arc<Room>,
    bytes: u64,
}

impl Reserved {
    /// The bytes lie in their folder now.
    pub(crate) fn keep(self) {
        self.room.lying.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.room.coming.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// All bytes below a folder. What goes away while it is counted is not counted.
fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type() {
            Ok(kind) if kind.is_dir() => size(&entry.path()).unwrap_or(0),
            Ok(_) => entry.metadata().map_or(0, |file| file.len()),
            Err(_) => 0,
        };
    }
    Ok(bytes)
}
