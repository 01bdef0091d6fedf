//! A copy of a store's file, taken while a gateway writes to it.
//!
//! SQLite's online backup copies one committed state of the file in one step: every page as it stood when the
//! step began, the gateway's writer goes on meanwhile. The copy is a file without side files; beside it stands
//! a head file that names its own last record. It refuses to know where copies are kept.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gateway_core::seal::Vault;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::anchor::HeadFile;
use crate::verify::{Broken, Verified, verify};
use crate::{OpenError, anchor, migrate};

/// What a copy holds; it was verified record by record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copied {
    /// The newest migration in it.
    pub schema: u32,
    /// Its journal.
    pub journal: Verified,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The store is not one that this build can read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The file system refuses.
    #[error("the copy: {0}")]
    File(#[from] io::Error),
    /// SQLite refuses.
    #[error("the copy: {0}")]
    Sql(#[from] rusqlite::Error),
    /// SQLite finds the copy damaged.
    #[error("the copy is damaged: {0}")]
    Damaged(String),
    /// Its journal does not hold.
    #[error("the copy's journal does not hold: {0}")]
    Broken(#[from] Broken),
}

/// Copies the file at `from`, which may be in use, to `to`, which must not be there, with a head file beside
/// it; both are on the disk and verified when this returns.
pub fn copy(from: &Path, to: &Path, vault: &Vault) -> Result<Copied, CopyError> {
    let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    source.busy_timeout(BUSY_MAX)?;
    let schema = migrate::version(&source)?;
    private(to)?.sync_all()?;
    let mut target = Connection::open(to)?;
    all_pages(&source, &mut target)?;
    // A file of its own, that nobody has to open for writing to read it.
    target.execute_batch("PRAGMA journal_mode = DELETE")?;
    let found: String = target.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found != "ok" {
        return Err(CopyError::Damaged(found));
    }
    let anchor: Vec<u8> = target.query_row("SELECT anchor FROM head", [], |row| row.get(0))?;
    target.close().map_err(|(_, error)| error)?;
    let mut head = private(&anchor::path_of(to))?;
    head.write_all(&anchor)?;
    head.sync_all()?;
    File::open(to)?.sync_all()?;
    let journal = verify(to, vault)?;
    Ok(Copied { schema, journal })
}

/// Where the head file of a database stands: it belongs to every copy.
#[must_use]
pub fn head_file_of(database: &Path) -> PathBuf {
    anchor::path_of(database)
}

/// A store that no gateway can open while this is held.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock ends with it")] HeadFile);

/// Keeps gateways out of the file at this path; none where there is nothing to keep them out of.
///
/// # Errors
/// [`OpenError::InUse`] where one has it open.
pub fn hold(path: &Path) -> Result<Option<Held>, OpenError> {
    match anchor::path_of(path).exists() {
        true => Ok(Some(Held(crate::open::lock(path)?))),
        false => Ok(None),
    }
}

/// In one step, so that no commit of the gateway's makes it begin again.
fn all_pages(source: &Connection, target: &mut Connection) -> Result<(), CopyError> {
    let backup = Backup::new(source, target)?;
    for _ in 0..BUSY_TRIES {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ => std::thread::park_timeout(BUSY_WAIT),
        }
    }
    Err(CopyError::Damaged("the store stays locked".into()))
}

fn private(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(path)
}

const BUSY_MAX: Duration = Duration::from_secs(5);
const BUSY_WAIT: Duration = Duration::from_millis(100);
const BUSY_TRIES: usize = 100;
