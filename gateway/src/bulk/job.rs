//! The worker that compares: whatever is complete is compared with our side, from its last checkpoint on.

use std::{
    collections::HashMap,
    fs, io,
    path::PathBuf,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use schemas::id::{MessageId, PartnerId};
use tax::reconcile::{Progress, Refusal};
use tokio::{runtime::Handle, sync::watch, time::Instant};

use super::{
    Bulks, Inner,
    case::{CASE, Case, OUTCOME, Outcome},
    ledger::NOTED,
    ours::Trouble,
    place::{KEY, Place},
};

/// The worker of one process; several share the work by the locks of the folders.
pub(crate) struct Job(pub(crate) Bulks);

impl Job {
    /// Works until `stop` turns true; what is under way stops at its next checkpoint.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let Self(Bulks(inner)) = self;
        loop {
            let (work, stops) = (Arc::clone(&inner), stop.clone());
            let runtime = Handle::current();
            let done = tokio::task::spawn_blocking(move || work.look(&runtime, &stops)).await;
            if done.is_err() {
                tracing::error!("the comparison of a month broke off");
            }
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = inner.wake.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }
}

impl Inner {
    /// Looks at every reconciliation once.
    fn look(&self, runtime: &Handle, stop: &watch::Receiver<bool>) {
        for (sender, manifest) in self.all(CASE) {
            if *stop.borrow() {
                return;
            }
            match self.case(&sender, &manifest) {
                Ok(Some(case)) => self.tend(&case, runtime, stop),
                Ok(None) => {}
                Err(error) => tracing::error!(%error, "a reconciliation cannot be opened"),
            }
        }
        self.room.measure();
    }

    /// The folders whose names begin so, by partner and manifest.
    pub(super) fn all(&self, kind: &str) -> Vec<(PartnerId, MessageId)> {
        let names = |dir: &std::path::Path| -> Vec<String> {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            entries
                .filter_map(|entry| entry.file_name().into_string().ok())
                .collect()
        };
        let mut all = Vec::new();
        for name in names(&self.root) {
            let Ok(sender) = PartnerId::parse(&name) else {
                continue;
            };
            for case in names(&self.root.join(&name)) {
                let manifest = case.strip_prefix(kind).map(MessageId::parse);
                all.extend(manifest.and_then(Result::ok).map(|id| (sender.clone(), id)));
            }
        }
        all
    }

    fn tend(&self, case: &Case, runtime: &Handle, stop: &watch::Receiver<bool>) {
        if !self.has_its_turn(case) {
            return;
        }
        let ended = match case.is_over() {
            true => self.told_and_swept(case, runtime, stop),
            false => self.compare(case, runtime, stop),
        };
        match ended {
            Ok(()) | Err(Trouble::Stopped) => {}
            Err(trouble) => {
                self.later(case);
                tracing::warn!(manifest = %case.manifest.id, %trouble, "a month waits for its comparison");
            }
        }
    }

    /// What went wrong a moment ago waits for its turn.
    pub(super) fn has_its_turn(&self, place: &Place) -> bool {
        let mut turns = self.turns();
        turns.retain(|_, turn| *turn > Instant::now());
        !turns.contains_key(&place.dir)
    }

    /// What went wrong now waits.
    pub(super) fn later(&self, place: &Place) {
        let turn = Instant::now() + AFTER_TROUBLE;
        self.turns().insert(place.dir.clone(), turn);
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<PathBuf, Instant>> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found goes into the ledger once; what was told for long enough goes away.
    fn told_and_swept(
        &self,
        case: &Case,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        let Some(outcome) = case.outcome()? else {
            return Ok(());
        };
        if outcome.refused.is_none() && !case.dir.join(NOTED).exists() {
            // another process has it
            let Some(_lock) = case.try_lock()? else {
                return Ok(());
            };
            self.note(case, runtime, stop)?;
        }
        Ok(self.sweep(case, &outcome)?)
    }

    /// What has been kept for long enough goes away; that it is over, and the key that says so, go last.
    pub(super) fn sweep(&self, place: &Place, outcome: &Outcome) -> io::Result<()> {
        if !self.is_older(outcome.at, self.keep) {
            return Ok(());
        }
        for entry in fs::read_dir(&place.dir)? {
            let entry = entry?;
            match entry.file_name().to_str() {
                Some(OUTCOME | KEY) => {}
                _ if entry.file_type()?.is_dir() => fs::remove_dir_all(entry.path())?,
                _ => fs::remove_file(entry.path())?,
            }
        }
        fs::remove_dir_all(&place.dir)
    }

    /// Whether something of then, seconds since 1970, is older than this.
    pub(super) fn is_older(&self, then: i64, most: Duration) -> bool {
        let age = self.clock.now().as_second().saturating_sub(then);
        u64::try_from(age).is_ok_and(|age| age > most.as_secs())
    }

    fn compare(
        &self,
        case: &Case,
        runtime: &Handle,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), Trouble> {
        if !case.standing()?.complete {
            return self.waited_for(case);
        }
        // another process has it
        let Some(lock) = case.try_lock()? else {
            return Ok(());
        };
        let mut engine = case.open(&lock)?;
        if !case.standing()?.ours_complete {
            self.take_ours(case, &mut engine, runtime, stop)?;
        }
        let refused = match engine.join(|_| !*stop.borrow()) {
            Ok(Progress::Paused) => return Err(Trouble::Stopped),
            Ok(Progress::Done) => None,
            Err(refusal @ (Refusal::RecordTwice | Refusal::GroupTooLarge)) => {
                Some(tax::bulk::fault(&refusal).reason().to_owned())
            }
            Err(other) => return Err(other.into()),
        };
        case.conclude(&Outcome {
            refused,
            at: self.clock.now().as_second(),
        })?;
        tracing::info!(manifest = %case.manifest.id, "a month is compared");
        self.note(case, runtime, stop)
    }

    /// A month that was announced and never sent whole is over when its time is: it counts no more as under way.
    fn waited_for(&self, case: &Case) -> Result<(), Trouble> {
        if !self.is_older(case.announced_at()?, self.wait) {
            return Ok(());
        }
        // a chunk is being taken
        let Some(_lock) = case.try_lock()? else {
            return Ok(());
        };
        // or was the last one, a moment ago
        if case.is_over() || case.standing()?.complete {
            return Ok(());
        }
        case.conclude(&Outcome {
            refused: Some(NOT_SENT.to_owned()),
            at: self.clock.now().as_second(),
        })?;
        tracing::warn!(manifest = %case.manifest.id, "a month was not sent whole in its time");
        Ok(())
    }
}

/// Why a month is refused that was not sent whole in its time.
const NOT_SENT: &str = "not-sent-in-time";
/// How often everything is looked at, beside when a chunk was taken.
const EVERY: Duration = Duration::from_secs(2);
/// How long one that went wrong waits.
const AFTER_TROUBLE: Duration = Duration::from_secs(30);
