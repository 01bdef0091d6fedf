//! Partners' files are looked at again and again; a new snapshot takes the place of the old one whole.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use gateway_core::{Operation, partner::Partners};
use schemas::id::PartnerId;
use tokio::sync::watch;

use super::{Config, Delivery, Problem, Snapshot, snapshot::partner_files};

/// The registrations in force, swapped whole.
#[derive(Debug)]
pub struct Watched {
    config: Config,
    operations: Vec<&'static Operation>,
    current: Arc<ArcSwap<Partners>>,
    deliveries: BTreeMap<PartnerId, Delivery>,
    seen: Mutex<Seen>,
}

/// The files of the snapshot in force, and how they looked at the last look.
#[derive(Debug)]
struct Seen {
    files: Vec<PathBuf>,
    stamp: Stamp,
}

/// What tells a changed set of files: each name, its modification time and its length.
type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// What one look at the files found.
#[derive(Debug)]
pub enum Reload {
    /// Nothing has changed.
    Same,
    /// A new snapshot is in force.
    Swapped,
    /// The new files have problems; the old snapshot stays in force.
    Kept(Vec<Problem>),
}

impl Watched {
    /// Reads the partners' files for the first time.
    ///
    /// # Errors
    /// Every problem of every file.
    pub fn load(config: &Config, operations: &[&'static Operation]) -> Result<Self, Vec<Problem>> {
        let snapshot = Snapshot::load(config, operations)?;
        Ok(Self::new(config.clone(), operations.to_vec(), &snapshot))
    }

    /// Begins with a snapshot that is already loaded.
    #[must_use]
    pub fn new(config: Config, operations: Vec<&'static Operation>, snapshot: &Snapshot) -> Self {
        let stamp = stamp(&config, &snapshot.files);
        Self {
            operations,
            deliveries: snapshot.deliveries.clone(),
            current: Arc::new(ArcSwap::new(Arc::clone(&snapshot.partners))),
            seen: Mutex::new(Seen {
                files: snapshot.files.clone(),
                stamp,
            }),
            config,
        }
    }

    /// The handle that the stages read.
    #[must_use]
    pub fn partners(&self) -> Arc<ArcSwap<Partners>> {
        Arc::clone(&self.current)
    }

    /// Where callbacks go, as of the start: a changed address takes effect with the next start.
    #[must_use]
    pub fn deliveries(&self) -> &BTreeMap<PartnerId, Delivery> {
        &self.deliveries
    }

    /// The registrations in force.
    #[must_use]
    pub fn current(&self) -> Arc<Partners> {
        self.current.load_full()
    }

    /// Looks at the files once; blocks for as long as reading them takes.
    pub fn look(&self) -> Reload {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = stamp(&self.config, &seen.files);
        if seen.stamp == fresh {
            return Reload::Same;
        }
        seen.stamp = fresh;
        match Snapshot::load(&self.config, &self.operations) {
            Ok(snapshot) => {
                seen.stamp = stamp(&self.config, &snapshot.files);
                seen.files = snapshot.files;
                self.current.store(snapshot.partners);
                Reload::Swapped
            }
            Err(problems) => Reload::Kept(problems),
        }
    }

    /// Looks again and again until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let period = Duration::from_secs(self.config.reload_seconds);
        let watched = Arc::new(self);
        loop {
            tokio::select! {
                _ = stop.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(period) => {}
            }
            let watched = Arc::clone(&watched);
            match tokio::task::spawn_blocking(move || watched.look()).await {
                Ok(reload) => tell(&reload),
                Err(_) => return, // the runtime is going down
            }
        }
    }
}

fn tell(reload: &Reload) {
    match reload {
        Reload::Same => {}
        Reload::Swapped => tracing::info!("partners reloaded"),
        Reload::Kept(problems) => {
            for problem in problems {
                tracing::error!(
                    file = %problem.file.display(),
                    line = problem.line,
                    what = ?problem.what,
                    cure = ?problem.cure,
                    "partners not reloaded; the old ones stay in force"
                );
            }
        }
    }
}

/// The partners' folder and the files of the last good snapshot: a new file counts as a change too.
fn stamp(config: &Config, known: &[PathBuf]) -> Stamp {
    let mut files = partner_files(&config.partners).unwrap_or_default();
    files.extend(known.iter().cloned());
    files.sort();
    files.dedup();
    files.into_iter().map(stamp_of).collect()
}

fn stamp_of(file: PathBuf) -> (PathBuf, Option<SystemTime>, u64) {
    let metadata = std::fs::metadata(&file).ok();
    let modified = metadata
        .as_ref()
        .and_then(|metadata| metadata.modified().ok());
    (
        file,
        modified,
        metadata.map_or(0, |metadata| metadata.len()),
    )
}
