//! Which numbers were given out under which key, noted outside the registry before they are given out.
//!
//! A registry that is restored from a backup has forgotten changes whose answers are out in the world. When
//! such a change comes again under its key it is made again, and gives the very numbers that it gave the first
//! time: nobody holds two. The file stands beside that of the highest numbers and is only appended to; a line
//! is on the disk before the commit that gives the number out.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::OpenError;
use crate::sql::{Sql, values};

/// The key of a change.
pub(super) type Key = [u8; 32];

/// The file, and what it says that the registry has forgotten.
#[derive(Default)]
pub(super) struct Given {
    /// None notes nothing.
    path: Option<PathBuf>,
    /// By key: counter and value, in the order in which they were taken.
    forgotten: HashMap<Key, Vec<(String, i64)>>,
    /// By number: the change that has it.
    owners: HashMap<(String, i64), Key>,
    unwritten: Vec<u8>,
    /// A file that is larger is kept and a new one begun.
    bytes_max: u64,
}

impl Given {
    /// What stands in the file. A last line that is torn was never on the disk whole, so its number was
    /// never given out.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let text = read(path)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            let file = OpenOptions::new().write(true).open(path);
            let cut = file.and_then(|file| file.set_len(whole as u64));
            cut.map_err(|error| OpenError::Marks(error.to_string()))?;
        }
        Ok(Self {
            path: Some(path.to_owned()),
            bytes_max: BYTES_MAX,
            ..Self::default()
        })
    }

    /// Looks from the newest line back for what the registry has forgotten, up to the first change that it
    /// knows: it holds everything before one that it holds.
    pub(super) fn compare(&mut self, sql: &Sql) -> Result<(), OpenError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let texts = [read(path)?, read(&before(path))?];
        let mut forgotten: Vec<(Key, String, i64)> = Vec::new();
        for line in texts.iter().flat_map(|text| text.lines().rev()) {
            let (key, counter, value) = parse(line)
                .ok_or_else(|| OpenError::Marks("a line is not `key value counter`".into()))?;
            let known: Option<i64> = sql.query_opt(
                "SELECT 1 FROM effects WHERE key = ?1",
                values![key],
                |row| row.get(0),
            )?;
            if known.is_some() {
                break;
            }
            forgotten.push((key, counter, value));
        }
        for (key, counter, value) in forgotten.into_iter().rev() {
            self.remember(key, counter, value);
        }
        if !self.forgotten.is_empty() {
            tracing::warn!(target: "lienthong::registry", changes = self.forgotten.len(),
                "changes were noted that the registry does not know; made again they get the same numbers");
        }
        Ok(())
    }

    /// A change that was tried twice gave out what it took last; and of two that took one number the first
    /// was never committed.
    fn remember(&mut self, key: Key, counter: String, value: i64) {
        let number = (counter, value);
        if let Some(first) = self.owners.insert(number.clone(), key) {
            let numbers = self.forgotten.entry(first).or_default();
            numbers.retain(|known| *known != number);
        }
        let numbers = self.forgotten.entry(key).or_default();
        numbers.retain(|(known, _)| *known != number.0);
        numbers.push(number);
    }

    /// The number that a change took from a counter whose name begins so, before it was forgotten.
    pub(super) fn again(&self, key: &Key, counter: &str) -> Option<(String, i64)> {
        let numbers = self.forgotten.get(key)?;
        let found = numbers.iter().find(|(name, _)| name.starts_with(counter));
        found.cloned()
    }

    /// Every number that a forgotten change has: counter and value.
    pub(super) fn numbers(&self) -> impl Iterator<Item = &(String, i64)> {
        self.owners.keys()
    }

    /// Takes note of numbers that a change is about to give out.
    pub(super) fn note(&mut self, key: &Key, minted: &[(String, i64)]) {
        if self.path.is_none() {
            return;
        }
        for (counter, value) in minted {
            let line = format!("{} {value} {counter}\n", hex(key));
            self.unwritten.extend_from_slice(line.as_bytes());
        }
    }

    /// Writes what was noted since the last time, and waits until it is on disk.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| !self.unwritten.is_empty()) else {
            return Ok(());
        };
        // by its name each time: a file that somebody moved away must not swallow what is noted
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        if bytes > self.bytes_max {
            // the one before is kept, an older one is not
            fs::rename(path, before(path))?;
            file = options.open(path)?;
        }
        let written = file.write_all(&self.unwritten);
        if let Err(error) = written.and_then(|()| file.sync_data()) {
            // half a line may be there, as where the disk is full: the next ones must not follow it
            file.set_len(if bytes > self.bytes_max { 0 } else { bytes })?;
            return Err(error);
        }
        if bytes == 0 || bytes > self.bytes_max {
            sync_names(path)?;
        }
        self.unwritten.clear();
        Ok(())
    }
}

fn sync_names(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Where it stands, beside the file of the highest numbers.
pub(super) fn path_of(marks: &Path) -> PathBuf {
    behind(marks, ".keys")
}

fn before(path: &Path) -> PathBuf {
    behind(path, ".before")
}

fn behind(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn read(path: &Path) -> Result<String, OpenError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(OpenError::Marks(error.to_string())),
    }
}

fn parse(line: &str) -> Option<(Key, String, i64)> {
    let mut words = line.splitn(3, ' ');
    let (key, value, counter) = (words.next()?, words.next()?, words.next()?);
    Some((unhex(key)?, counter.to_owned(), value.parse().ok()?))
}

fn hex(key: &Key) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Key> {
    let mut key = [0; 32];
    (text.len() == 64 && text.is_ascii()).then_some(())?;
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(key)
}

/// About 600,000 changes; two such files are read where a registry has forgotten so many.
const BYTES_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn with_effects(keys: &[Key]) -> Sql {
        let file = rusqlite::Connection::open_in_memory().unwrap();
        file.execute_batch("CREATE TABLE effects (key BLOB PRIMARY KEY)")
            .unwrap();
        for key in keys {
            file.execute("INSERT INTO effects VALUES (?1)", [key.as_slice()])
                .unwrap();
        }
        Sql::Lite(file)
    }

    fn noted(path: &Path, numbers: &[(u8, &str, i64)]) {
        let mut given = Given::open(path).unwrap();
        for (key, counter, value) in numbers {
            given.note(&[*key; 32], &[((*counter).to_owned(), *value)]);
        }
        given.write().unwrap();
    }

    #[test]
    fn what_the_registry_has_forgotten_is_given_again_and_what_it_knows_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks.keys");
        noted(
            &path,
            &[(1, "si", 1), (2, "si", 2), (3, "dossier:G:261122", 1)],
        );
        noted(&path, &[(4, "si", 3), (4, "si", 4)]);
        let mut given = Given::open(&path).unwrap();
        given.compare(&with_effects(&[[1; 32], [2; 32]])).unwrap();
        assert_eq!(given.again(&[1; 32], "si"), None);
        assert_eq!(given.again(&[2; 32], "si"), None);
        let dossier = Some(("dossier:G:261122".to_owned(), 1));
        assert_eq!(given.again(&[3; 32], "dossier:G:"), dossier);
        assert_eq!(given.again(&[3; 32], "si"), None);
        assert_eq!(given.again(&[4; 32], "si"), Some(("si".to_owned(), 4)));
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_any_other_keeps_the_registry_shut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks.keys");
        noted(&path, &[(1, "si", 1)]);
        let whole = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{whole}0202")).unwrap();
        noted(&path, &[(3, "si", 3)]);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
        let mut given = Given::open(&path).unwrap();
        given.compare(&with_effects(&[])).unwrap();
        assert_eq!(given.again(&[3; 32], "si"), Some(("si".to_owned(), 3)));

        fs::write(&path, format!("nonsense\n{whole}")).unwrap();
        let mut given = Given::open(&path).unwrap();
        let refused = given.compare(&with_effects(&[]));
        assert!(matches!(refused, Err(OpenError::Marks(_))));
    }

    #[test]
    fn a_number_that_two_changes_took_belongs_to_the_later_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks.keys");
        // the commit of the first failed, so its number was free
        noted(
            &path,
            &[(1, "si", 5), (2, "si", 5), (1, "si", 6), (3, "si", 7)],
        );
        noted(&path, &[(4, "si", 7)]);
        let mut given = Given::open(&path).unwrap();
        given.compare(&with_effects(&[])).unwrap();
        let si = |key: u8| given.again(&[key; 32], "si").map(|(_, value)| value);
        assert_eq!([1, 2, 3, 4].map(si), [Some(6), Some(5), None, Some(7)]);
    }

    #[test]
    fn a_full_file_is_kept_and_read_behind_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("marks.keys");
        noted(&path, &[(1, "si", 1)]);
        let mut given = Given::open(&path).unwrap();
        given.bytes_max = 10;
        given.note(&[2; 32], &[("si".to_owned(), 2)]);
        given.write().unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 100);
        let mut given = Given::open(&path).unwrap();
        given.compare(&with_effects(&[])).unwrap();
        assert!(given.again(&[1; 32], "si").is_some());
        assert!(given.again(&[2; 32], "si").is_some());
    }
}
