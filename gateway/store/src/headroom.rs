//! Room on the disk: what is taken in must still be answerable, so claims stop before the disk is full.

use std::path::{Path, PathBuf};

/// Looks at the free space of the store's file system, at most once a second.
#[derive(Debug)]
pub(crate) struct Headroom {
    folder: PathBuf,
    bytes_min: u64,
    checked_at: Option<i64>,
    sufficed: bool,
    minute: i64,
}

impl Headroom {
    pub(crate) fn new(database: &Path, bytes_min: u64) -> Self {
        let folder = crate::open::folder_of(database);
        Self {
            folder,
            bytes_min,
            checked_at: None,
            sufficed: true,
            minute: 0,
        }
    }

    /// Whether more than the headroom is free. A file system that cannot say is not held against it.
    pub(crate) fn suffices(&mut self, now: i64) -> bool {
        let due = self.checked_at.is_none_or(|at| now.abs_diff(at) >= SECOND);
        if due {
            self.checked_at = Some(now);
            let before = self.sufficed;
            self.sufficed = self.measure();
            if before != self.sufficed {
                tracing::warn!(sufficient = self.sufficed, "journal headroom");
            }
        }
        self.sufficed
    }

    /// Whether another minute has begun since the last time it said so.
    pub(crate) fn minute_passed(&mut self, now: i64) -> bool {
        let minute = now.div_euclid(60 * 1_000_000);
        std::mem::replace(&mut self.minute, minute) != minute
    }

    fn measure(&self) -> bool {
        match rustix::fs::statvfs(&self.folder) {
            Ok(space) => space.f_bavail.saturating_mul(space.f_frsize) > self.bytes_min,
            Err(error) => {
                tracing::warn!(%error, "the free space cannot be told");
                true
            }
        }
    }
}

const SECOND: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_room_than_any_disk_has_never_suffices_and_none_always_does() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("store.sqlite");
        assert!(!Headroom::new(&database, u64::MAX).suffices(0));
        assert!(Headroom::new(&database, 0).suffices(0));
    }

    #[test]
    fn the_disk_is_asked_again_after_a_second_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let mut headroom = Headroom::new(&folder.path().join("x"), 0);
        assert!(headroom.suffices(0));
        headroom.bytes_min = u64::MAX;
        assert!(headroom.suffices(999_999));
        assert!(!headroom.suffices(1_000_000));
    }
}
