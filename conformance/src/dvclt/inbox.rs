//! The inter-linked public service software as the one that is told: its own server takes the states of cases.
//!
//! It takes `CapNhatTrangThai` (the status message of one-stop systems; that we send it is own profile) over mutual TLS
//! from our gateway's certificate or from a platform's, proves our signature, judges every member by its own reading,
//! and keeps what each dossier was told, in order. It answers in plain text, in the words of the real one. What the
//! gateway should not have said is a violation.

mod check;
mod server;
mod table;

use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use schemas::id::PartnerId;

pub use crate::listener::Serving;
pub use table::{Dossier, Told};

use crate::call::Trouble;
use crate::identity::Identity;
use crate::state::Memory;
use table::Table;

/// Where states are posted.
pub const PATH: &str = "/dvclt/v1/CapNhatTrangThai";

/// The simulated software's intake of states.
#[derive(Debug)]
pub struct Inbox {
    identity: Identity,
    memory: Memory<Table>,
    mischief: Mutex<Mischief>,
    /// Who else may bring states: the signature says whose they are.
    carrier: OnceLock<PartnerId>,
}

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many states are taken, and the replies never sent.
    pub drop_replies: u32,
    /// So many states get HTTP 500 and are not looked at.
    pub server_errors: u32,
    /// So many states are answered as of a dossier that is not there yet, and not taken.
    pub not_yet_known: u32,
    /// So many states are taken and answered in words that nobody can read.
    pub mumble: u32,
    /// So many states are not looked at and answered in words that repeat all that was sent.
    pub echoes: u32,
    /// Every reply waits so long.
    pub delay: Duration,
}

impl Mischief {
    fn take(&mut self, counter: fn(&mut Self) -> &mut u32) -> bool {
        let left = counter(self);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }
}

impl Inbox {
    /// Opens the software's folder; what it was told outlives the process.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            memory: Memory::open(&folder.join("inbox.json"), Table::default)?,
            mischief: Mutex::default(),
            carrier: OnceLock::new(),
        }))
    }

    /// Stands behind a platform from now on, which brings what the gateway says; the first one stays.
    pub fn stand_behind(&self, carrier: PartnerId) {
        let _ = self.carrier.set(carrier);
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What a dossier of a module (`LTKS`, `LTKT`) was told; none where it never was.
    pub fn dossier(&self, module: &str, case_id: &str) -> Option<Dossier> {
        let key = format!("{module}-{case_id}");
        self.memory.read(|table| table.dossiers.get(&key).cloned())
    }

    /// How many dossiers it was told of.
    pub fn dossiers(&self) -> usize {
        self.memory.read(|table| table.dossiers.len())
    }

    /// Hands the result of a dossier to the citizen: no state of it is taken from now on.
    pub fn hand_out(&self, module: &str, case_id: &str) -> Result<(), Trouble> {
        let key = format!("{module}-{case_id}");
        Ok(self.memory.change(|table| {
            table.dossiers.entry(key.clone()).or_default().handed_out = true;
        })?)
    }

    /// Everything that the gateway said and should not have said, oldest first; never personal data.
    pub fn violations(&self) -> Vec<String> {
        self.memory.read(|table| table.violations.clone())
    }

    fn took(&self, counter: fn(&mut Mischief) -> &mut u32) -> bool {
        let mut mischief = self.mischief.lock().unwrap_or_else(PoisonError::into_inner);
        mischief.take(counter)
    }

    fn delay(&self) -> Duration {
        let mischief = self.mischief.lock().unwrap_or_else(PoisonError::into_inner);
        mischief.delay
    }
}

#[cfg(test)]
mod tests;
