//! Rows in an append log: for a counterpart that keeps many things, where a change costs what it touches.
//!
//! One line of JSON for each change, synced before the change counts: every row that it touched as it stands then, `null`
//! where it is gone. A line that was cut off never counted, and goes when the log is opened. A log that is mostly
//! history is written anew at that time.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Error;

/// Rows by key, and what those that a change touched were before it.
#[derive(Debug, Clone)]
pub(crate) struct Rows<V> {
    now: BTreeMap<String, V>,
    before: BTreeMap<String, Option<V>>,
}

impl<V> Default for Rows<V> {
    fn default() -> Self {
        Self {
            now: BTreeMap::new(),
            before: BTreeMap::new(),
        }
    }
}

impl<V: Clone> Rows<V> {
    /// The row of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&V> {
        self.now.get(key)
    }

    /// Every row, by its key.
    pub(crate) fn all(&self) -> &BTreeMap<String, V> {
        &self.now
    }

    /// The rows whose keys begin so, by their keys.
    pub(crate) fn beginning<'a>(&'a self, with: &'a str) -> impl Iterator<Item = &'a V> {
        let from = self.now.range(with.to_owned()..);
        from.take_while(move |(key, _)| key.starts_with(with))
            .map(|(_, row)| row)
    }

    /// Puts a row in, or in another's place.
    pub(crate) fn put(&mut self, key: &str, row: V) {
        self.touch(key);
        self.now.insert(key.to_owned(), row);
    }

    /// The row of this key, to be changed.
    pub(crate) fn edit(&mut self, key: &str) -> Option<&mut V> {
        if self.now.contains_key(key) {
            self.touch(key);
        }
        self.now.get_mut(key)
    }

    /// Takes a row away.
    pub(crate) fn remove(&mut self, key: &str) {
        if self.now.contains_key(key) {
            self.touch(key);
            self.now.remove(key);
        }
    }

    /// All rows are again what they were before the change.
    pub(crate) fn undo(&mut self) {
        for (key, row) in std::mem::take(&mut self.before) {
            match row {
                Some(row) => self.now.insert(key, row),
                None => self.now.remove(&key),
            };
        }
    }

    fn touch(&mut self, key: &str) {
        if !self.before.contains_key(key) {
            let row = self.now.get(key).cloned();
            self.before.insert(key.to_owned(), row);
        }
    }
}

impl<V: Clone> Rows<V> {
    /// Puts a row behind the last one; for rows that have no key of their own and of which none goes.
    pub(crate) fn push(&mut self, row: V) {
        let key = format!("{:09}", self.now.len() + 1);
        self.put(&key, row);
    }
}

/// What a log does with rows of any type. A row is never written as `null`.
pub(crate) trait Table {
    /// The rows that the change touched, as they stand now.
    fn touched(&self) -> Result<Written, serde_json::Error>;
    /// All rows.
    fn whole(&self) -> Result<Written, serde_json::Error>;
    /// Takes in what was written.
    fn read(&mut self, written: Written) -> Result<(), serde_json::Error>;
    /// The change counts.
    fn settle(&mut self);
    /// It does not.
    fn undo(&mut self);
}

/// Rows on their way into a line or out of it.
pub(crate) type Written = BTreeMap<String, Value>;

impl<V: Clone + Serialize + DeserializeOwned> Table for Rows<V> {
    fn touched(&self) -> Result<Written, serde_json::Error> {
        let keys = self.before.keys();
        keys.map(|key| Ok((key.clone(), serde_json::to_value(self.now.get(key))?)))
            .collect()
    }

    fn whole(&self) -> Result<Written, serde_json::Error> {
        let rows = self.now.iter();
        rows.map(|(key, row)| Ok((key.clone(), serde_json::to_value(row)?)))
            .collect()
    }

    fn read(&mut self, written: Written) -> Result<(), serde_json::Error> {
        for (key, row) in written {
            match serde_json::from_value::<Option<V>>(row)? {
                Some(row) => self.now.insert(key, row),
                None => self.now.remove(&key),
            };
        }
        Ok(())
    }

    fn settle(&mut self) {
        self.before.clear();
    }

    fn undo(&mut self) {
        Self::undo(self);
    }
}

/// A value whose rows lie in tables.
pub(crate) trait Tables: Default {
    /// Each table under its name.
    fn tables(&mut self) -> Vec<(&'static str, &mut dyn Table)>;
}

/// A value of type `T` that lives in a log.
#[derive(Debug)]
pub(crate) struct Log<T> {
    inner: Mutex<Inner<T>>,
}

#[derive(Debug)]
struct Inner<T> {
    value: T,
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// One change, as it is written: rows by table and key.
type Line = BTreeMap<String, Written>;

impl<T: Tables> Log<T> {
    /// Reads the log, or starts an empty one.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error| Error::File(path.display().to_string(), error);
        let form = |error| Error::Form(path.display().to_string(), error);
        let mut file = open(path).map_err(failed)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n');
        text.truncate(whole.map_or(0, |last| last + 1));
        file.set_len(text.len() as u64).map_err(failed)?;
        let (mut value, mut written) = (T::default(), 0_usize);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let mut line: Line = serde_json::from_slice(line).map_err(form)?;
            written += line.values().map(BTreeMap::len).sum::<usize>();
            for (name, table) in value.tables() {
                table
                    .read(line.remove(name).unwrap_or_default())
                    .map_err(form)?;
            }
        }
        let rows = line_of(&mut value, |table| table.whole()).map_err(form)?;
        let mut bytes = text.len() as u64;
        if written > HISTORY_MAX + 2 * rows.values().map(BTreeMap::len).sum::<usize>() {
            bytes = write_anew(path, &rows)?;
            file = open(path).map_err(failed)?;
        }
        Ok(Self {
            inner: Mutex::new(Inner {
                value,
                path: path.to_owned(),
                file,
                bytes,
            }),
        })
    }

    /// Looks at the value.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Changes the value; the change counts only once it is synced to disk.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let mut inner = self.lock();
        let result = change(&mut inner.value);
        let written = inner.write();
        for (_, table) in inner.value.tables() {
            match &written {
                Ok(()) => table.settle(),
                Err(_) => table.undo(),
            }
        }
        written.map(|()| result)
    }

    /// Where a change panicked, its rows are what they were before it.
    fn lock(&self) -> MutexGuard<'_, Inner<T>> {
        self.inner.lock().unwrap_or_else(|poisoned| {
            let mut inner = PoisonError::into_inner(poisoned);
            for (_, table) in inner.value.tables() {
                table.undo();
            }
            inner
        })
    }
}

impl<T: Tables> Inner<T> {
    fn write(&mut self) -> Result<(), Error> {
        let form = |error| Error::Form(self.path.display().to_string(), error);
        let line = line_of(&mut self.value, |table| table.touched()).map_err(form)?;
        if line.is_empty() {
            return Ok(());
        }
        let mut text = serde_json::to_vec(&line).map_err(form)?;
        text.push(b'\n');
        let written = self.file.write_all(&text);
        match written.and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.bytes += text.len() as u64;
                Ok(())
            }
            Err(error) => {
                // what stays of the line would stand before the next one
                let _ = self.file.set_len(self.bytes);
                Err(Error::File(self.path.display().to_string(), error))
            }
        }
    }
}

/// One line of all tables' rows; tables without any are left out.
fn line_of<T: Tables>(
    value: &mut T,
    of: impl Fn(&dyn Table) -> Result<Written, serde_json::Error>,
) -> Result<Line, serde_json::Error> {
    let mut line = Line::new();
    for (name, table) in value.tables() {
        let rows = of(table)?;
        if !rows.is_empty() {
            line.insert(name.to_owned(), rows);
        }
    }
    Ok(line)
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    options.open(path)
}

/// The rows as one line in place of the whole log; says how long it is.
fn write_anew(path: &Path, rows: &Line) -> Result<u64, Error> {
    let text =
        serde_json::to_vec(rows).map_err(|error| Error::Form(path.display().to_string(), error))?;
    let text = [&text[..], b"\n"].concat();
    super::replace(path, &text).map_err(|error| Error::File(path.display().to_string(), error))?;
    Ok(text.len() as u64)
}

/// Rows that a log may hold beside twice those that stand.
const HISTORY_MAX: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct Book {
        names: Rows<String>,
        counts: Rows<u32>,
    }

    impl Tables for Book {
        fn tables(&mut self) -> Vec<(&'static str, &mut dyn Table)> {
            vec![("names", &mut self.names), ("counts", &mut self.counts)]
        }
    }

    fn book(path: &Path) -> Log<Book> {
        Log::open(path).unwrap()
    }

    fn standing(log: &Log<Book>) -> (Vec<String>, Vec<u32>) {
        log.read(|book| {
            (
                book.names.all().values().cloned().collect(),
                book.counts.all().values().copied().collect(),
            )
        })
    }

    fn count(log: &Log<Book>, key: &str, count: u32) {
        log.change(|book| book.counts.put(key, count)).unwrap();
    }

    #[test]
    fn what_was_changed_is_there_after_a_restart_and_a_change_writes_what_it_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.log");
        let log = book(&path);
        for nth in 0..100 {
            count(&log, &format!("{nth:03}"), nth);
        }
        let before = fs::metadata(&path).unwrap().len();
        log.change(|book| {
            book.names.push("an".to_owned());
            *book.counts.edit("007").unwrap() += 1_000;
            book.counts.remove("008");
        })
        .unwrap();
        let grown = fs::metadata(&path).unwrap().len() - before;
        assert!(grown < 100, "{grown} bytes");
        let (names, counts) = standing(&book(&path));
        assert_eq!(
            (names, counts.len(), counts[7]),
            (vec!["an".into()], 99, 1_007)
        );
        assert_eq!(standing(&log).1, counts);
    }

    #[test]
    fn a_line_that_was_cut_off_never_counted_and_the_next_one_stands_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.log");
        count(&book(&path), "a", 1);
        let text = fs::read(&path).unwrap();
        for cut in 1..text.len() {
            fs::write(&path, [&text[..], &text[..cut]].concat()).unwrap();
            let log = book(&path);
            assert_eq!(standing(&log).1, [1]);
            count(&log, "b", 2);
            assert_eq!(standing(&book(&path)).1, [1, 2], "cut at {cut}");
        }
    }

    #[test]
    fn a_log_that_is_mostly_history_is_written_anew_and_says_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.log");
        let log = book(&path);
        for nth in 0..1_100 {
            count(&log, "a", nth);
        }
        let long = fs::metadata(&path).unwrap().len();
        let log = book(&path);
        let short = fs::metadata(&path).unwrap().len();
        assert!(short < 100 && long > 10_000, "{long} to {short} bytes");
        count(&log, "b", 7);
        assert_eq!(standing(&book(&path)).1, [1_099, 7]);
    }

    #[test]
    fn a_damaged_log_is_refused_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.log");
        fs::write(&path, "{\n").unwrap();
        assert!(matches!(Log::<Book>::open(&path), Err(Error::Form(..))));
        assert_eq!(fs::read(&path).unwrap(), b"{\n");
    }

    #[test]
    fn a_change_that_panics_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.log");
        let log = book(&path);
        count(&log, "a", 1);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            log.change(|book| {
                book.counts.put("a", 2);
                panic!("half-way");
            })
        }));
        assert!(caught.is_err());
        assert_eq!(standing(&log).1, [1]);
        count(&log, "b", 3);
        assert_eq!(standing(&book(&path)).1, [1, 3]);
    }
}
