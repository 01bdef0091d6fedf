//! What all hosts of a run share: time, dice, the ledgers and the list of events.

use std::{
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use gateway_core::ports::Clock;
use jiff::Timestamp;
use tempfile::TempDir;

use super::{Bend, agency, insurance};
use crate::torture::{
    office::{Book, STATES},
    random::Random,
};

/// Dossiers that a call of a life of the gateway is on its way with, and what should not have been.
#[derive(Default)]
struct OnTheWay {
    dossiers: Vec<(u64, String)>,
    twice: Vec<String>,
}

/// One call of the portal, from its first byte to its end, or that of whoever made it.
pub(super) struct Underway {
    world: Arc<World>,
    dossiers: Vec<(u64, String)>,
}

impl Drop for Underway {
    fn drop(&mut self) {
        let mut all = self.world.on_the_way.lock().unwrap();
        for dossier in &self.dossiers {
            if let Some(at) = all.dossiers.iter().position(|one| one == dossier) {
                all.dossiers.swap_remove(at);
            }
        }
    }
}

/// A host's life.
pub(super) type Life = Pin<Box<dyn Future<Output = turmoil::Result>>>;

/// Everything outside the hosts.
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) bend: Bend,
    pub(super) clock: Arc<SimClock>,
    pub(super) folder: PathBuf,
    pub(super) agency: Mutex<agency::Ledger>,
    pub(super) insurance: Mutex<insurance::Ledger>,
    pub(super) portal: Mutex<Book>,
    /// Parcels that have not come to their end, as the gateway has counted them last.
    pub(super) waiting: AtomicU64,
    kills: AtomicU64,
    on_the_way: Mutex<OnTheWay>,
    dice: Mutex<BTreeMap<&'static str, Random>>,
    events: Mutex<Vec<String>>,
}

impl World {
    pub(super) fn new(seed: u64, bend: Bend, folder: &Path) -> Arc<Self> {
        let mut letters = Random::of(seed, &[1]);
        let agency = agency::Ledger::new(4 + letters.below(4));
        Arc::new(Self {
            seed,
            bend,
            clock: Arc::default(),
            folder: folder.to_owned(),
            agency: Mutex::new(agency),
            insurance: Mutex::default(),
            portal: Mutex::default(),
            waiting: AtomicU64::new(u64::MAX),
            kills: AtomicU64::new(0),
            on_the_way: Mutex::default(),
            dice: Mutex::default(),
            events: Mutex::default(),
        })
    }

    /// A number below this bound, from a stream of its own for each purpose.
    pub(super) fn below(&self, purpose: &'static str, bound: u64) -> u64 {
        let mut dice = self.dice.lock().unwrap();
        let path: Vec<u64> = purpose.bytes().map(u64::from).collect();
        let stream = dice.entry(purpose);
        stream
            .or_insert_with(|| Random::of(self.seed, &path))
            .below(bound)
    }

    pub(super) fn percent(&self, purpose: &'static str, cases: u64) -> bool {
        self.below(purpose, 100) < cases
    }

    /// Waits as long as something of this purpose takes: mostly not at all, sometimes long.
    pub(super) async fn pause(&self, purpose: &'static str) {
        let wait = match self.below(purpose, 100) {
            0..80 => return,
            80..97 => self.below(purpose, 60),
            _ => self.below(purpose, 1_500),
        };
        tokio::time::sleep(Duration::from_millis(wait)).await;
    }

    /// Writes an event down. Nothing that is random in itself may stand in it.
    pub(super) fn note(&self, what: impl AsRef<str>) {
        let at = self.clock.millis();
        let mut events = self.events.lock().unwrap();
        events.push(format!("{at:>7} {}", what.as_ref()));
    }

    pub(super) fn killed(&self) {
        self.kills.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn kills(&self) -> u64 {
        self.kills.load(Ordering::Relaxed)
    }

    /// A call with these dossiers leaves the gateway: no other call of the same life may have one of them.
    pub(super) fn underway(self: &Arc<Self>, codes: impl Iterator<Item = String>) -> Underway {
        let life = self.kills();
        let mut all = self.on_the_way.lock().unwrap();
        let mut dossiers: Vec<_> = codes.map(|code| (life, code)).collect();
        dossiers.sort();
        dossiers.dedup();
        for dossier in &dossiers {
            if all.dossiers.contains(dossier) {
                let told = format!("{}: two calls were on their way at once", dossier.1);
                all.twice.push(told);
            }
        }
        all.dossiers.extend(dossiers.iter().cloned());
        Underway {
            world: Arc::clone(self),
            dossiers,
        }
    }

    /// Dossiers that two calls had at once.
    pub(super) fn twice_underway(&self) -> Vec<String> {
        self.on_the_way.lock().unwrap().twice.clone()
    }

    pub(super) fn trace(&self) -> (Vec<String>, String) {
        let events = self.events.lock().unwrap().clone();
        let digest = certs::digest::sha256_hex(events.join("\n").as_bytes());
        (events, digest)
    }

    /// Every message answered, every dossier at its last state, the portal told of all of it, and no
    /// parcel on its way.
    pub(super) fn is_over(&self) -> bool {
        // asked at every tick: what is cheap to know goes first
        if self.waiting.load(Ordering::Relaxed) != 0 || !self.agency.lock().unwrap().is_over() {
            return false;
        }
        let Some(dossiers) = self.insurance.lock().unwrap().finished() else {
            return false;
        };
        let told = |code: &String| {
            let portal = self.portal.lock().unwrap();
            portal
                .files
                .get(code)
                .is_some_and(|file| file.states == STATES)
        };
        dossiers.iter().all(told)
    }

    /// What is missing, for a run that does not end.
    pub(super) fn left(&self) -> String {
        let agency = self.agency.lock().unwrap();
        let insurance = self.insurance.lock().unwrap();
        let portal = self.portal.lock().unwrap();
        let told = portal.files.values().filter(|file| file.states == STATES);
        format!(
            "{} of {} messages answered, {} effects, {} changes not fetched, {} dossiers told to the end, {} parcels left",
            agency.told.len(),
            agency.letters,
            insurance.effects.len(),
            insurance.not_fetched(),
            told.count(),
            self.waiting.load(Ordering::Relaxed),
        )
    }
}

/// Virtual time: the store's threads see it too.
#[derive(Debug, Default)]
pub(super) struct SimClock(AtomicI64);

impl SimClock {
    pub(super) fn set(&self, elapsed: Duration) {
        let micros = i64::try_from(elapsed.as_micros()).unwrap();
        self.0.fetch_max(micros, Ordering::SeqCst);
    }

    /// Milliseconds since the beginning.
    pub(super) fn millis(&self) -> i64 {
        if let Some(elapsed) = turmoil::sim_elapsed() {
            self.set(elapsed);
        }
        self.0.load(Ordering::SeqCst) / 1_000
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        BEGIN + jiff::SignedDuration::from_millis(self.millis())
    }
}

/// A folder in memory where there is one: a sync costs nothing there.
pub(super) fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory)
            .or_else(|_| tempfile::tempdir())
            .unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

/// 22 November 2026, 05:00 UTC.
pub(super) const BEGIN: Timestamp = Timestamp::constant(1_795_323_600, 0);
