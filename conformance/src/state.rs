//! An agency's memory: one JSON file, replaced as a whole and synced before anything depends on it; or, where there is
//! much of it, rows in an append log.
//!
//! Each counterpart keeps a type of its own in it; the [`Ledger`] inside remembers every message by its
//! id and content digest, so that a restarted agency never reuses an id for other content.

pub(crate) mod rows;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Most messages that a ledger remembers; the oldest answered ones go first.
pub const LEDGER_ROWS_MAX: usize = 5_000;

/// Why a memory could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read or written.
    #[error("{0}: {1}")]
    File(String, #[source] std::io::Error),
    /// The file is not what this agency wrote.
    #[error("{0}: {1}")]
    Form(String, #[source] serde_json::Error),
    /// The id was used before for another content.
    #[error("message id {0} was used before for another content")]
    IdReused(String),
}

/// A value of type `T` that lives in a file.
#[derive(Debug)]
pub struct Memory<T> {
    path: PathBuf,
    value: Mutex<T>,
}

impl<T: Serialize + DeserializeOwned + Clone> Memory<T> {
    /// Reads the file, or starts with `fresh` and writes it.
    pub fn open(path: &Path, fresh: impl FnOnce() -> T) -> Result<Self, Error> {
        let value = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| Error::Form(path.display().to_string(), error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let value = fresh();
                write(path, &value)?;
                value
            }
            Err(error) => return Err(Error::File(path.display().to_string(), error)),
        };
        Ok(Self {
            path: path.to_owned(),
            value: Mutex::new(value),
        })
    }

    /// Looks at the value.
    pub fn read<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the value; the change counts only once it is synced to disk.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        let mut value = self.lock();
        let mut next = value.clone();
        let result = change(&mut next);
        write(&self.path, &next)?;
        *value = next;
        Ok(result)
    }

    /// A panic while the value was looked at cannot have left it half changed.
    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let failed = |error| Error::File(path.display().to_string(), error);
    let text = serde_json::to_vec_pretty(value)
        .map_err(|error| Error::Form(path.display().to_string(), error))?;
    replace(path, &text).map_err(failed)
}

/// Puts a file in the place of another, synced.
fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// Every message that an agency sent, by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// How many numbers were drawn.
    pub counter: u64,
    /// Messages by id.
    pub sent: BTreeMap<String, Sent>,
}

/// One sent message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The number drawn for it, rising with time.
    pub number: u64,
    /// Operation.
    pub operation: String,
    /// Hex content digest.
    pub digest: String,
    /// When it was sent last, RFC 3339.
    pub sent_at: String,
    /// What came back, once something proven did.
    pub answered: Option<Answered>,
}

/// What came back for one message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// The gateway's evidence id.
    pub evidence: Option<String>,
    /// `ok` or the fault code.
    pub outcome: String,
    /// SHA-256 of the answer's body, hex.
    pub body_sha256: String,
}

impl Ledger {
    /// Draws the next number; no number is drawn twice.
    pub fn draw(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Notes that a message goes out; the same id may go out again with the same content only.
    pub fn sending(
        &mut self,
        id: &str,
        operation: &str,
        digest: &str,
        at: &str,
    ) -> Result<(), Error> {
        let number = self.draw();
        if let Some(before) = self.sent.get_mut(id) {
            if before.digest != digest {
                return Err(Error::IdReused(id.to_owned()));
            }
            before.sent_at = at.to_owned();
            return Ok(());
        }
        self.make_room();
        let sent = Sent {
            number,
            operation: operation.to_owned(),
            digest: digest.to_owned(),
            sent_at: at.to_owned(),
            answered: None,
        };
        self.sent.insert(id.to_owned(), sent);
        Ok(())
    }

    /// Notes what came back for a message that went out.
    pub fn answered(&mut self, id: &str, answer: Answered) {
        if let Some(sent) = self.sent.get_mut(id) {
            sent.answered = Some(answer);
        }
    }

    fn make_room(&mut self) {
        if self.sent.len() < LEDGER_ROWS_MAX {
            return;
        }
        let oldest = self
            .sent
            .iter()
            .min_by_key(|(_, sent)| (sent.answered.is_none(), sent.number))
            .map(|(id, _)| id.clone());
        if let Some(id) = oldest {
            self.sent.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_changed_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let memory = Memory::open(&path, Ledger::default).unwrap();
        memory
            .change(|ledger| ledger.sending("tax-00000001", "tax.ping", "aa", "now"))
            .unwrap()
            .unwrap();
        let again = Memory::<Ledger>::open(&path, || unreachable!()).unwrap();
        assert_eq!(again.read(Ledger::clone), memory.read(Ledger::clone));
        assert_eq!(again.change(Ledger::draw).unwrap(), 2);
    }

    #[test]
    fn an_id_is_never_reused_for_another_content() {
        let mut ledger = Ledger::default();
        ledger.sending("id-00000", "op", "aa", "t1").unwrap();
        ledger.sending("id-00000", "op", "aa", "t2").unwrap();
        let refused = ledger.sending("id-00000", "op", "bb", "t3");
        assert!(matches!(refused, Err(Error::IdReused(_))));
        assert_eq!(ledger.sent["id-00000"].sent_at, "t2");
    }

    #[test]
    fn a_full_ledger_forgets_the_oldest_answered_message_first() {
        let mut ledger = Ledger::default();
        for number in 0..LEDGER_ROWS_MAX {
            ledger
                .sending(&format!("id-{number:06}"), "op", "aa", "t")
                .unwrap();
        }
        let answer = Answered {
            evidence: None,
            outcome: "ok".into(),
            body_sha256: "00".into(),
        };
        ledger.answered("id-000007", answer);
        ledger.sending("id-fresh", "op", "aa", "t").unwrap();
        assert_eq!(ledger.sent.len(), LEDGER_ROWS_MAX);
        assert!(!ledger.sent.contains_key("id-000007"));
    }

    #[test]
    fn a_damaged_file_is_refused_and_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        fs::write(&path, "{").unwrap();
        assert!(matches!(
            Memory::open(&path, Ledger::default),
            Err(Error::Form(..))
        ));
        assert_eq!(fs::read(&path).unwrap(), b"{");
    }
}
