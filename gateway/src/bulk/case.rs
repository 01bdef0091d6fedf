//! One reconciliation in its folder: its key, its manifest, its lock, and what became of it.

use std::{
    fs, io,
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
    wire::tax_records::Party,
};
use serde::{Deserialize, Serialize};
use tax::{
    compare::{Disclosed, Rules, Tolerance},
    reconcile::{Folder, Manifest, Reconciliation, Refusal, Standing, Terms},
};

use super::{
    Covered, Inner, disk,
    place::{Lock, Place},
};

/// A reconciliation.
pub(super) struct Case {
    place: Place,
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
        if self.open_of(&of_sender) >= self.open_max {
            return Err(Fault::new(FaultCode::Overloaded, "reconciliations-open")
                .retry_after(Duration::from_secs(600)));
        }
        let name = key_name(&sender, &manifest.id);
        match Place::make(&self.vault, &name, &dir, (ASKED, asked)) {
            // somebody else was quicker
            Err(_) if dir.exists() => self.same(&sender, manifest),
            made => made.map_err(disk),
        }
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
            .filter(|entry| {
                entry
                    .file_name()
                    .as_encoded_bytes()
                    .starts_with(CASE.as_bytes())
            })
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
        let Some(sealed) = Place::key(&dir).map_err(disk)? else {
            return Ok(None);
        };
        let open = |sealed: &[u8]| self.unlock(&dir, &key_name(sender, manifest), sealed);
        self.opened.get(&dir, sealed, open).map(Some)
    }

    fn unlock(&self, dir: &Path, name: &str, sealed: &[u8]) -> Result<Case, Fault> {
        let place = Place::open(&self.vault, name, dir, sealed).map_err(disk)?;
        let asked: Asked = place
            .get(ASKED)
            .map_err(disk)?
            .ok_or_else(|| disk("a folder without its manifest"))?;
        Ok(Case {
            manifest: Manifest::stored(asked.manifest.as_bytes()).map_err(disk)?,
            place,
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

impl Deref for Case {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.place
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
        self.get(OUTCOME)
    }

    pub(super) fn conclude(&self, outcome: &Outcome) -> io::Result<()> {
        self.put(OUTCOME, outcome)
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
}

fn key_name(sender: &PartnerId, manifest: &MessageId) -> String {
    format!("bulk key\0{sender}\0{manifest}")
}

/// Before a manifest's id in the name of its folder.
pub(super) const CASE: &str = "m-";
pub(super) const OUTCOME: &str = "outcome";
const ASKED: &str = "asked";
/// Findings on a page: an answer stays below what its reader takes in one message.
const PAGE_FINDINGS: u64 = 500;
const CHECKPOINT_EVERY: u64 = 100_000;
