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

use super::{Config, Delivery, HubAccess, Problem, Snapshot, snapshot::Source, stamp::Stamps};
use crate::registrar::{Refused, Registrar};

/// The registrations in force, swapped whole.
pub struct Watched {
    config: Config,
    operations: Vec<&'static Operation>,
    current: Arc<ArcSwap<Partners>>,
    deliveries: BTreeMap<PartnerId, Delivery>,
    webhooks: BTreeMap<PartnerId, HubAccess>,
    /// How long agreements keep what they permit.
    kept: Arc<ArcSwap<BTreeMap<String, Duration>>>,
    /// The files of the last reading, good or not, as they looked to it.
    seen: Mutex<Stamps>,
    /// What the first reading found, where officers sign for it.
    first: Vec<Source>,
    /// Who says what comes into force; nobody where there are no officers.
    registrar: Option<Registrar>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched")
            .field("config", &self.config.file())
            .finish_non_exhaustive()
    }
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
            webhooks: snapshot.webhooks.clone(),
            kept: Arc::new(ArcSwap::new(Arc::clone(&snapshot.kept))),
            current: Arc::new(ArcSwap::new(Arc::clone(&snapshot.partners))),
            seen: Mutex::new(snapshot.stamps.clone()),
            first: snapshot.sources.clone(),
            registrar: None,
            config,
        }
    }

    /// The same, once what the files say has come into force; from now on nothing else is loaded.
    ///
    /// # Errors
    /// What loosens and is not signed, and a store that cannot be asked.
    pub(crate) async fn guarded(self, registrar: Registrar) -> Result<Self, Vec<Problem>> {
        let admitted = registrar.admit(&self.first).await;
        admitted.map_err(|refused| refused.problems(&self.config))?;
        if !self.is_unchanged() {
            let place = self.config.place();
            let what = "partners' files were changed while they were judged";
            return Err(vec![place.error("partners", what, "start again")]);
        }
        let registrar = Some(registrar);
        Ok(Self { registrar, ..self })
    }

    /// Whether all files look as they did when they were read.
    fn is_unchanged(&self) -> bool {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.again(&self.config.partners) == *seen
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

    /// Where we subscribe to webhooks, as of the start as well.
    #[must_use]
    pub fn webhooks(&self) -> &BTreeMap<PartnerId, HubAccess> {
        &self.webhooks
    }

    /// How long what each agreement permits is kept, by its number; it changes with the files.
    #[must_use]
    pub fn kept(&self) -> Arc<ArcSwap<BTreeMap<String, Duration>>> {
        Arc::clone(&self.kept)
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
            Ok(snapshot) => match self.admit(&snapshot) {
                Ok(()) => {
                    *seen = snapshot.stamps;
                    self.kept.store(snapshot.kept);
                    self.current.store(snapshot.partners);
                    Reload::Swapped
                }
                Err(refused) => {
                    // a store that cannot be asked is asked again; files are read again when they change
                    *seen = match &refused {
                        Refused::Files(_) => snapshot.stamps,
                        Refused::Store(_) => Stamps::default(),
                    };
                    Reload::Kept(refused.problems(&self.config))
                }
            },
            Err((problems, stamps)) => {
                *seen = stamps;
                Reload::Kept(problems)
            }
        }
    }

    /// Waits for the registrar's word; what was changed since it was read is read again first.
    fn admit(&self, snapshot: &Snapshot) -> Result<(), Refused> {
        let Some(registrar) = &self.registrar else {
            return Ok(());
        };
        let admitted =
            tokio::runtime::Handle::current().block_on(registrar.admit(&snapshot.sources));
        let unchanged = || snapshot.stamps.again(&self.config.partners) == snapshot.stamps;
        match admitted {
            Ok(()) if !unchanged() => Err(Refused::Store("files changed meanwhile".to_owned())),
            admitted => admitted,
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
