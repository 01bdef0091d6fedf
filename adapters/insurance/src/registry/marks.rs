//! The highest number of every counter, noted outside the registry before the number is given out.
//!
//! A registry that is restored from a backup has forgotten the numbers it gave out since. The file is not
//! part of the backup, so the counters start above what it says. It is written before the commit that gives
//! a number out: where that commit fails a number may be left out, never given twice. Beside it stands
//! [`given`], which knows the numbers of each change.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::OpenError;
use super::given::{self, Given, Key};
use crate::sql::{Sql, values};

/// What was given out, and the file that says so.
pub(super) struct Marks {
    path: Option<PathBuf>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    highest: BTreeMap<String, i64>,
    unwritten: bool,
    given: Given,
}

impl Marks {
    /// Reads the file, where there is one; a file that cannot be read is refused, since nobody knows then
    /// what was given out.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let highest = match path.map(fs::read_to_string) {
            None => BTreeMap::new(),
            Some(Ok(text)) => parse(&text).ok_or_else(|| {
                OpenError::Marks(
                    "a line is not `counter value`: nobody knows what was given out".into(),
                )
            })?,
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Some(Err(error)) => return Err(OpenError::Marks(error.to_string())),
        };
        let given = match path {
            Some(path) => Given::open(&given::path_of(path))?,
            None => Given::default(),
        };
        Ok(Self {
            path: path.map(Path::to_owned),
            state: Mutex::new(State {
                highest,
                unwritten: false,
                given,
            }),
        })
    }

    /// Lifts the registry's counters to what was given out, also to what a change took whose number was noted
    /// and whose counter was not: a kill may come between the two.
    pub(super) fn raise(&self, sql: &Sql) -> Result<(), OpenError> {
        let mut state = self.state();
        let State { highest, given, .. } = &mut *state;
        given.compare(sql)?;
        for (name, value) in given.numbers() {
            let known = highest.entry(name.clone()).or_default();
            *known = (*known).max(*value);
        }
        for (name, value) in highest {
            let raised = sql.execute(
                "INSERT INTO counters (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counters.value < excluded.value",
                values![name, *value],
            )?;
            if raised > 0 {
                tracing::warn!(target: "lienthong::registry", counter = name, value,
                    "the registry had forgotten numbers that were given out; it goes on above them");
            }
        }
        Ok(())
    }

    /// The number that a forgotten change took from a counter whose name begins so.
    pub(super) fn again(&self, key: &Key, counter: &str) -> Option<(String, i64)> {
        self.state().given.again(key, counter)
    }

    /// Takes note of numbers that are about to be given out, and of the change that gives them.
    pub(super) fn given(&self, key: Option<Key>, minted: Vec<(String, i64)>) {
        if self.path.is_none() || minted.is_empty() {
            return;
        }
        let mut state = self.state();
        if let Some(key) = key {
            state.given.note(&key, &minted);
        }
        for (name, value) in minted {
            let highest = state.highest.entry(name).or_default();
            *highest = (*highest).max(value);
        }
        state.unwritten = true;
    }

    /// Writes what was noted since the last time, and waits until it is on disk.
    pub(super) fn write(&self) -> io::Result<()> {
        let mut state = self.state();
        let Some(path) = self.path.as_ref().filter(|_| state.unwritten) else {
            return Ok(());
        };
        forget_old(&mut state.highest);
        let lines: Vec<String> = state
            .highest
            .iter()
            .map(|(name, value)| format!("{name} {value}\n"))
            .collect();
        replace(path, lines.concat().as_bytes())?;
        state.given.write()?;
        state.unwritten = false;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parse(text: &str) -> Option<BTreeMap<String, i64>> {
    let line = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((
            name.to_owned(),
            value.parse().ok().filter(|value| *value > 0)?,
        ))
    };
    text.lines().map(line).collect()
}

/// Dossier codes count within a day; the last days are enough, since no backup restores tomorrow.
fn forget_old(highest: &mut BTreeMap<String, i64>) {
    while highest.len() > COUNTERS_MAX {
        let Some(oldest) = highest.keys().find(|name| name.contains(':')).cloned() else {
            return;
        };
        highest.remove(&oldest);
    }
}

/// Puts a file in another's place, so that there is a whole one at any time.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let next = path.with_extension("next");
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&next)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    match path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        Some(folder) => File::open(folder)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

const COUNTERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_noted_is_read_again_and_never_goes_down() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("given");
        let marks = Marks::open(Some(&path)).unwrap();
        marks.given(None, vec![("si".into(), 7), ("si".into(), 5)]);
        marks.write().unwrap();
        let again = Marks::open(Some(&path)).unwrap();
        assert_eq!(
            again.state().highest,
            BTreeMap::from([("si".to_owned(), 7)])
        );
    }

    #[test]
    fn counters_start_above_what_a_change_took_though_the_highest_was_not_noted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("given");
        let line = format!("{} 12 si\n", "0a".repeat(32));
        fs::write(given::path_of(&path), line).unwrap();
        fs::write(&path, "si 11\n").unwrap();
        let file = rusqlite::Connection::open_in_memory().unwrap();
        file.execute_batch(
            "CREATE TABLE effects (key BLOB PRIMARY KEY);
             CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER);",
        )
        .unwrap();
        let sql = Sql::Lite(file);
        let marks = Marks::open(Some(&path)).unwrap();
        marks.raise(&sql).unwrap();
        let value: i64 = sql
            .query_one("SELECT value FROM counters WHERE name = 'si'", &[], |row| {
                row.get(0)
            })
            .unwrap();
        assert_eq!(value, 12);
    }

    #[test]
    fn a_file_that_is_not_understood_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("given");
        fs::write(&path, "si many\n").unwrap();
        assert!(matches!(Marks::open(Some(&path)), Err(OpenError::Marks(_))));
    }

    #[test]
    fn old_days_are_forgotten_and_people_are_not() {
        let day = |day: i64| (format!("dossier:G99:26{day:04}"), day);
        let mut highest: BTreeMap<_, _> = (1..100).map(day).collect();
        highest.insert("si".into(), 12);
        forget_old(&mut highest);
        assert_eq!(highest.len(), COUNTERS_MAX);
        assert!(highest.contains_key("si") && highest.contains_key("dossier:G99:260099"));
    }
}
