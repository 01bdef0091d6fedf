//! Partners' files are looked at again and again; a new snapshot takes the place of the old one whole.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use gateway_core::{Operation, partner::Partners};
use schemas::id::PartnerId;
use tokio::sync::watch;

use super::{Config, Delivery, Problem, Snapshot, stamp::Stamps};

/// The registrations in force, swapped whole.
#[derive(Debug)]
pub struct Watched {
    config: Config,
    operations: Vec<&'static Operation>,
    current: Arc<ArcSwap<Partners>>,
    deliveries: BTreeMap<PartnerId, Delivery>,
    /// The files of the last reading, good or not, as they looked to it.
    seen: Mutex<Stamps>,
}

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
        Self {
            operations,
            deliveries: snapshot.deliveries.clone(),
            current: Arc::new(ArcSwap::new(Arc::clone(&snapshot.partners))),
            seen: Mutex::new(snapshot.stamps.clone()),
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
    ///
    /// What was not good is read again when any file that it named has changed or appeared.
    pub fn look(&self) -> Reload {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.again(&self.config.partners) == *seen {
            return Reload::Same;
        }
        match Snapshot::read(&self.config, &self.operations) {
            Ok(snapshot) => {
                *seen = snapshot.stamps;
                self.current.store(snapshot.partners);
                Reload::Swapped
            }
            Err((problems, stamps)) => {
                *seen = stamps;
                Reload::Kept(problems)
            }
        }
    }

    /// Looks again and again until `stop` turns true.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        let period = Duration::from_secs(self.config.reload_seconds);
        again(period, stop, move || tell(&self.look())).await;
    }
}

/// A look that panics is told and does not end the looking.
async fn again(
    period: Duration,
    mut stop: watch::Receiver<bool>,
    look: impl Fn() + Send + Sync + 'static,
) {
    let look = Arc::new(look);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(period) => {}
        }
        let look = Arc::clone(&look);
        if tokio::task::spawn_blocking(move || look()).await.is_err() {
            tracing::error!("a look at the partners' files has failed; the next one follows");
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_look_that_panics_does_not_end_the_looking() {
        let (stop, stopped) = watch::channel(false);
        let looks = AtomicUsize::new(0);
        let look = move || match looks.fetch_add(1, Ordering::Relaxed) {
            0 => panic!("the first look fails"),
            _ => stop.send_replace(true),
        };
        let looking = again(Duration::from_millis(1), stopped, move || {
            look();
        });
        tokio::time::timeout(Duration::from_secs(30), looking)
            .await
            .expect("a second look stops it");
    }
}
