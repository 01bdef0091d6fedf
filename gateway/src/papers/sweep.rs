//! What no dossier claims goes away, and what was kept for long enough.

use std::{fs, time::Duration};

use gateway_store::Rewrapped;
use jiff::Timestamp;
use schemas::{
    fault::Fault,
    id::{MessageId, PartnerId},
};
use tokio::sync::watch;

use super::{
    Inner, PROMISE, Papers, WHOLE,
    claim::{CLAIM, Claim},
    file::Paper,
    is_promise,
};
use crate::bulk::{disk, rewrap_file};

impl Papers {
    /// Looks at everything now and then until `stop` turns true.
    pub(crate) async fn sweep(self, mut stop: watch::Receiver<bool>) {
        loop {
            let stops = stop.clone();
            let swept = self.aside(move |inner| inner.sweep(&stops)).await;
            if let Err(fault) = swept {
                tracing::error!(note = fault.note(), "files of dossiers were not swept");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }
}

impl Papers {
    /// Brings the key of every file and every announcement under the newest generation of the store's key.
    ///
    /// # Errors
    /// The folder.
    pub(crate) fn rewrap(&self) -> Result<Rewrapped, Fault> {
        let mut done = Rewrapped::default();
        for (sender, name) in self.0.all()? {
            let rewrapped = match self.0.listed(&sender, &name) {
                Ok(None) => {
                    if is_promise(&name) {
                        let path = self.0.root.join(sender.as_str()).join(&name);
                        rewrap_file(&path, &self.0.cover(), &mut done);
                    }
                    continue;
                }
                Ok(Some(paper)) => match paper.lock()? {
                    Some(lock) => self.0.rewrap(&paper, &lock),
                    None => continue,
                },
                Err(fault) => Err(fault),
            };
            done.seen += 1;
            match rewrapped {
                Ok(changed) => done.changed += u64::from(changed),
                Err(_) => done.stuck += 1,
            }
        }
        Ok(done)
    }
}

impl Papers {
    /// The files of a sender's that one of these cases or dossiers claims, in the order in which they were first claimed. It opens all
    /// of that sender's, as each sweep does: for persons who look, not for messages.
    ///
    /// # Errors
    /// The folder.
    pub(crate) async fn of_cases(
        &self,
        sender: &PartnerId,
        codes: Vec<String>,
    ) -> Result<Vec<Lies>, Fault> {
        let sender = sender.clone();
        self.aside(move |inner| inner.of_cases(&sender, &codes))
            .await
    }
}

/// A file that is kept.
pub(crate) struct Lies {
    /// When its bytes came.
    pub(crate) at: Timestamp,
    /// What it is.
    pub(crate) media_type: String,
    /// How long it is.
    pub(crate) bytes: u64,
    /// Its folder, which its digest names.
    pub(super) folder: String,
}

impl Inner {
    fn of_cases(&self, sender: &PartnerId, codes: &[String]) -> Result<Vec<Lies>, Fault> {
        let folder = self.root.join(sender.as_str());
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for name in names(&folder)? {
            let Some(paper) = self.listed(sender, &name)? else {
                continue;
            };
            let claims = claims(&paper)?.into_iter();
            let theirs = claims.filter(|claim| {
                claim
                    .dossier
                    .as_ref()
                    .is_some_and(|one| codes.contains(one))
            });
            if let (Some(claimed), Some(found)) =
                (theirs.map(|claim| claim.at).min(), paper.found()?)
            {
                let file = Lies {
                    at: Timestamp::from_second(paper.at).map_err(disk)?,
                    media_type: found.media_type,
                    bytes: found.bytes,
                    folder: name,
                };
                all.push((claimed, file));
            }
        }
        // one that comes later stands behind: a number that was shown is the same file's as long as all are kept
        all.sort_by(|(one, file), (other, its)| {
            (one, file.at, file.bytes, &file.folder).cmp(&(other, its.at, its.bytes, &its.folder))
        });
        Ok(all.into_iter().map(|(_, file)| file).collect())
    }

    /// Everything that lies here, by its sender.
    fn all(&self) -> Result<Vec<(PartnerId, String)>, Fault> {
        let mut all = Vec::new();
        for sender in names(&self.root)? {
            let Ok(sender) = PartnerId::parse(&sender) else {
                continue;
            };
            let of_sender = names(&self.root.join(sender.as_str()))?;
            all.extend(of_sender.into_iter().map(|name| (sender.clone(), name)));
        }
        Ok(all)
    }

    fn sweep(&self, stop: &watch::Receiver<bool>) -> Result<(), Fault> {
        for (sender, name) in self.all()? {
            if *stop.borrow() {
                return Ok(());
            }
            if let Err(fault) = self.tend(&sender, &name) {
                tracing::error!(note = fault.note(), "a file of a dossier cannot be opened");
            }
        }
        self.room.measure();
        Ok(())
    }

    fn tend(&self, sender: &PartnerId, name: &str) -> Result<(), Fault> {
        if let Some(paper) = self.listed(sender, name)? {
            return self.tend_file(&paper);
        }
        let path = self.root.join(sender.as_str()).join(name);
        let over = match self.promised_at(sender, name)? {
            Some(at) => self.age(at) > self.wait,
            None => self.is_old(&path, DRAFT_TIME)?,
        };
        match over {
            true if path.is_dir() => fs::remove_dir_all(&path).map_err(disk),
            true => fs::remove_file(&path).map_err(disk),
            false => Ok(()),
        }
    }

    /// When an announcement was taken; none of whatever is no announcement, or no whole one.
    fn promised_at(&self, sender: &PartnerId, name: &str) -> Result<Option<i64>, Fault> {
        let id = name.strip_prefix(PROMISE);
        let id = id.and_then(|id| MessageId::parse(id.strip_suffix(WHOLE)?).ok());
        let promise = id.map(|id| self.promise(sender, &id)).transpose()?;
        Ok(promise.flatten().map(|promise| promise.at))
    }

    fn tend_file(&self, paper: &Paper) -> Result<(), Fault> {
        let Some(lock) = paper.lock()? else {
            return Ok(());
        };
        let claims = claims(paper)?;
        let over = match claims.iter().map(|claim| claim.at).max() {
            Some(last) => self.age(last) > self.keep,
            None => self.age(paper.at) > self.wait,
        };
        match over {
            true => paper.erase(&lock),
            false => Ok(()),
        }
    }

    /// How long ago an instant was, seconds since 1970; nothing of one to come.
    pub(super) fn age(&self, at: i64) -> Duration {
        let age = self.clock.now().as_second().saturating_sub(at);
        Duration::from_secs(u64::try_from(age).unwrap_or(0))
    }

    fn is_old(&self, path: &std::path::Path, than: Duration) -> Result<bool, Fault> {
        let written = fs::metadata(path).and_then(|file| file.modified());
        let since = written
            .map_err(disk)?
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        Ok(self.age(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)) > than)
    }
}

fn claims(paper: &Paper) -> Result<Vec<Claim>, Fault> {
    let names = names(&paper.dir)?;
    // one that is not whole has an ending
    let marks = names
        .iter()
        .filter(|name| name.starts_with(CLAIM) && !name.contains('.'));
    marks
        .filter_map(|mark| paper.get(mark).transpose())
        .collect()
}

fn names(folder: &std::path::Path) -> Result<Vec<String>, Fault> {
    let entries = fs::read_dir(folder).map_err(disk)?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}

const EVERY: Duration = Duration::from_secs(2);
/// What is not whole after so long has no writer any more: no upload may take as long.
const DRAFT_TIME: Duration = Duration::from_secs(3_600);
