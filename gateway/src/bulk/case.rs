//! One reconciliation in its folder: its key, its manifest, its lock, and what became of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use certs::{digest, seal::Vault};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
    wire::tax_records::Party,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tax::{
    compare::{Disclosed, Rules, Tolerance},
    reconcile::{Cover as _, Folder, Manifest, Reconciliation, Refusal, Standing, Terms},
};

use super::{Covered, Inner, disk};

/// A reconciliation.
pub(super) struct Case {
    pub(super) dir: PathBuf,
    pub(super) cover: Covered,
    pub(super) manifest: Manifest,
    pub(super) asked: Asked,
}

/// Under which rule and for what the registry is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) sender: String,
    pub(super) rule: String,
    pub(super) purpose: String,
    /// The day after which a discrepancy that nobody settled expires.
    pub(super) due_on: String,
    /// When the manifest was taken, seconds since 1970; absent in folders of before, whose files tell it.
    #[serde(default)]
    pub(super) at: Option<i64>,
    /// How far the sides may differ, as the config had it then; absent in folders of before, which overlook nothing.
    #[serde(default)]
    pub(super) tolerance: Option<Tolerance>,
    /// The manifest's text.
    pub(super) manifest: String,
}

impl Asked {
    pub(super) fn tolerance(&self) -> Tolerance {
        self.tolerance.unwrap_or(Tolerance::STRICT)
    }
}

/// What became of a reconciliation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Why it was refused; none where every page is written.
    pub(super) refused: Option<String>,
    /// When, seconds since 1970.
    pub(super) at: i64,
}

/// The right to change a folder; it ends with the process.
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Inner {
    /// Takes a manifest: a folder of its own, whole or not at all. The same manifest again changes nothing.
    pub(super) fn announce(&self, asked: &Asked, manifest: &Manifest) -> Result<(), Fault> {
        let unjudged = |error: &dyn ToString| {
            let fault = Fault::new(FaultCode::Invalid, "month-not-judged").field("Period");
            fault.log(error.to_string())
        };
        Rules::of(manifest.period, &[asked.tolerance()]).map_err(|error| unjudged(&error))?;
        let sender = PartnerId::parse(&asked.sender).map_err(disk)?;
        let dir = self.dir(&sender, &manifest.id);
        if dir.exists() {
            return self.same(&sender, manifest);
        }
        let of_sender = self.root.join(sender.as_str());
        fs::create_dir_all(&of_sender).map_err(disk)?;
        if self.open_of(&of_sender) >= self.open_max {
            return Err(Fault::new(FaultCode::Overloaded, "reconciliations-open")
                .retry_after(Duration::from_secs(600)));
        }
        let draft = of_sender.join(format!(".{}", hex::encode(digest::random::<8>())));
        let made = self.make(&draft, &sender, asked, manifest).and_then(|()| {
            fs::rename(&draft, &dir)?;
            File::open(&of_sender)?.sync_all()
        });
        if made.is_err() {
            let _ = fs::remove_dir_all(&draft);
        }
        match made {
            // somebody else was quicker
            Err(_) if dir.exists() => self.same(&sender, manifest),
            made => made.map_err(disk),
        }
    }

    fn make(
        &self,
        draft: &Path,
        sender: &PartnerId,
        asked: &Asked,
        manifest: &Manifest,
    ) -> io::Result<()> {
        fs::create_dir_all(draft)?;
        let key = hex::encode(digest::random::<32>());
        let sealed = self
            .vault
            .seal(&key_name(sender, &manifest.id), 0, key.as_bytes())?;
        write(&draft.join(KEY), &sealed)?;
        let cover = cover(&key)?;
        let text = serde_json::to_vec(asked)?;
        write(&draft.join(ASKED), &cover.seal(ASKED, 0, &text)?)
    }

    fn same(&self, sender: &PartnerId, manifest: &Manifest) -> Result<(), Fault> {
        match self.case(sender, &manifest.id)? {
            Some(case) if case.manifest == *manifest => Ok(()),
            _ => Err(Fault::new(FaultCode::Conflict, "same-id-other-content")),
        }
    }

    /// Reconciliations of a sender that have no outcome yet.
    fn open_of(&self, of_sender: &Path) -> usize {
        let entries = fs::read_dir(of_sender).into_iter().flatten().flatten();
        entries
            .filter(|entry| !entry.path().join(OUTCOME).exists())
            .count()
    }

    /// A reconciliation by its sender and manifest.
    pub(super) fn case(
        &self,
        sender: &PartnerId,
        manifest: &MessageId,
    ) -> Result<Option<Arc<Case>>, Fault> {
        let dir = self.dir(sender, manifest);
        let sealed = match fs::read(dir.join(KEY)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(disk)?,
        };
        let open = |sealed: &[u8]| self.unlock(&dir, &key_name(sender, manifest), sealed);
        self.opened.get(&dir, sealed, open).map(Some)
    }

    fn unlock(&self, dir: &Path, name: &str, sealed: &[u8]) -> Result<Case, Fault> {
        let key = self.vault.open(name, 0, sealed.to_vec()).map_err(disk)?;
        let cover = cover(std::str::from_utf8(&key).map_err(disk)?).map_err(disk)?;
        let asked: Asked = small(dir, &cover, ASKED)
            .map_err(disk)?
            .ok_or_else(|| disk("a folder without its manifest"))?;
        Ok(Case {
            manifest: Manifest::stored(asked.manifest.as_bytes()).map_err(disk)?,
            dir: dir.to_owned(),
            cover,
            asked,
        })
    }

    /// Ids are of letters, digits and `._-`; a prefix keeps `..` from being a folder.
    fn dir(&self, sender: &PartnerId, manifest: &MessageId) -> PathBuf {
        self.root
            .join(sender.as_str())
            .join(format!("{CASE}{manifest}"))
    }
}

impl Case {
    pub(super) fn standing(&self) -> Result<Standing, Refusal> {
        Standing::of(&self.work()?, Party::Si)
    }

    /// When its manifest was taken, seconds since 1970.
    pub(super) fn announced_at(&self) -> io::Result<i64> {
        if let Some(at) = self.asked.at {
            return Ok(at);
        }
        let written = fs::metadata(self.dir.join(ASKED))?.modified()?;
        let since = written.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    /// It has an outcome; nothing is taken any more.
    pub(super) fn is_over(&self) -> bool {
        self.dir.join(OUTCOME).exists()
    }

    pub(super) fn outcome(&self) -> io::Result<Option<Outcome>> {
        small(&self.dir, &self.cover, OUTCOME)
    }

    pub(super) fn conclude(&self, outcome: &Outcome) -> io::Result<()> {
        self.put(OUTCOME, outcome)
    }

    /// Writes a small file, whole or not at all.
    pub(super) fn put(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_vec(value)?;
        write(&self.dir.join(name), &self.cover.seal(name, 0, &text)?)
    }

    /// Reads a small file back, where it is there.
    pub(super) fn get<T: DeserializeOwned>(&self, name: &str) -> io::Result<Option<T>> {
        small(&self.dir, &self.cover, name)
    }

    /// The folder of the engine.
    pub(super) fn work(&self) -> io::Result<Folder<Covered>> {
        Folder::open(self.dir.join("work"), self.cover.clone())
    }

    /// The engine, to change something; whoever opens it holds the lock.
    pub(super) fn open(&self, _lock: &Lock) -> Result<Reconciliation<Covered>, Refusal> {
        let rules = Rules::of(self.manifest.period, &[self.asked.tolerance()]);
        let terms = Terms {
            us: Party::Si,
            kind: self.manifest.kind,
            period: self.manifest.period,
            rules: rules.map_err(|_| Refusal::Folder)?,
            // the permit of whoever asks for a page says which values are told
            disclosed: Disclosed::ALL,
            page_findings: PAGE_FINDINGS,
            checkpoint_every: CHECKPOINT_EVERY,
            records_max: u64::MAX,
            runs_max: 64,
        };
        Reconciliation::open(self.work()?, terms)
    }

    /// The lock where nobody holds it.
    pub(super) fn try_lock(&self) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.dir.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// The lock, waited for as long as a chunk before this one may take.
    pub(super) fn lock(&self) -> Result<Lock, Fault> {
        for _ in 0..LOCK_TRIES {
            if let Some(lock) = self.try_lock().map_err(disk)? {
                return Ok(lock);
            }
            thread::park_timeout(LOCK_EVERY);
        }
        Err(Fault::new(FaultCode::InProgress, "reconciliation").retry_after(Duration::from_secs(1)))
    }

    /// Where the bytes of a chunk lie.
    pub(super) fn blob(&self, number: u32) -> PathBuf {
        self.dir.join(blob_name(number))
    }
}

/// The name of a chunk's bytes, which each of its blocks is bound to.
pub(super) fn blob_name(number: u32) -> String {
    format!("chunk-{number:06}")
}

fn key_name(sender: &PartnerId, manifest: &MessageId) -> String {
    format!("bulk key\0{sender}\0{manifest}")
}

fn cover(key: &str) -> io::Result<Covered> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(key, &mut bytes).map_err(io::Error::other)?;
    Ok(Covered(Arc::new(Vault::from_bytes(bytes))))
}

fn small<T: DeserializeOwned>(dir: &Path, cover: &Covered, name: &str) -> io::Result<Option<T>> {
    let sealed = match fs::read(dir.join(name)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let text = cover.open(name, 0, sealed)?;
    Ok(Some(serde_json::from_slice(&text)?))
}

/// A file, whole or not at all, and on the disk.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Before a manifest's id in the name of its folder.
pub(super) const CASE: &str = "m-";
pub(super) const OUTCOME: &str = "outcome";
pub(super) const KEY: &str = "key";
const ASKED: &str = "asked";
const LOCK: &str = "lock";
/// Findings on a page: an answer stays below what its reader takes in one message.
const PAGE_FINDINGS: u64 = 500;
const CHECKPOINT_EVERY: u64 = 100_000;
const LOCK_TRIES: u32 = 400;
const LOCK_EVERY: Duration = Duration::from_millis(25);
