//! What was opened lately is opened once, however many chunks come for it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What lies in folders, by the sealed key of each: another key is another folder in the same place.
pub(super) struct Opened<T>(Mutex<Folders<T>>);

type Folders<T> = HashMap<PathBuf, (Vec<u8>, Arc<T>)>;

impl<T> Opened<T> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// What lies in a folder under this key; opened where it is not open yet.
    pub(super) fn get<E>(
        &self,
        dir: &Path,
        key: Vec<u8>,
        open: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if let Some((known, value)) = self.lock().get(dir)
            && *known == key
        {
            return Ok(Arc::clone(value));
        }
        // not under the lock: the disk may take its time
        let value = Arc::new(open(&key)?);
        let mut all = self.lock();
        if all.len() >= OPENED_MAX {
            all.clear();
        }
        all.insert(dir.to_owned(), (key, Arc::clone(&value)));
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, Folders<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Some 200 KB each where a manifest is as long as it may be.
const OPENED_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_opened_once_and_anew_under_another_key() {
        let opened = Opened::new();
        let dir = Path::new("m-one");
        let get = |key: &[u8], value: u32| {
            let got = opened.get(dir, key.to_vec(), |_| Ok::<_, ()>(value));
            *got.unwrap()
        };
        assert_eq!(get(b"key", 1), 1);
        assert_eq!(get(b"key", 2), 1, "opened a second time");
        assert_eq!(get(b"other", 3), 3, "the folder of before");
        assert_eq!(
            opened.get(dir, b"third".to_vec(), |_| Err("damaged")),
            Err("damaged")
        );
        assert_eq!(get(b"other", 4), 3, "what cannot be opened changes nothing");
    }

    #[test]
    fn no_more_are_kept_than_there_is_room_for() {
        let opened = Opened::new();
        for nth in 0..10 * OPENED_MAX {
            let dir = PathBuf::from(format!("m-{nth}"));
            opened.get(&dir, Vec::new(), |_| Ok::<_, ()>(nth)).unwrap();
            assert!(opened.lock().len() <= OPENED_MAX);
        }
    }
}
