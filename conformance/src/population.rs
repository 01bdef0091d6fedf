//! The national population database: its own people behind its own server, which is asked whether it knows somebody.
//!
//! It takes `XacMinhThongTinNhanThan` (SOAP, own profile where the facts are silent) over mutual TLS from our gateway's
//! certificate or from a platform's, proves our signature, judges every element by its own reading, and answers signed
//! and bound to the question. Of a person it tells far more than anybody asked for, as the real one does. The same id
//! with other content is a violation, and so is whatever else the gateway should not have said.

mod server;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use schemas::id::PartnerId;
use serde::{Deserialize, Serialize};

pub use crate::listener::Serving;

use crate::call::Trouble;
use crate::identity::Identity;
use crate::state::Memory;

/// Where questions are posted.
pub const PATH: &str = "/qldc/v1/XacMinhThongTinNhanThan";
/// The partner id that it is registered under.
pub const PARTNER: &str = "population";
/// Who we are to it (`MaTichHop`, `MaDVC`, `MaCanBo`): made up.
pub const TERMS: [&str; 3] = ["VSS-99", "2.000986", "LIEN-THONG-99"];

/// The simulated database.
#[derive(Debug)]
pub struct Database {
    identity: Identity,
    memory: Memory<Book>,
    mischief: Mutex<Mischief>,
    /// Who else may bring questions: the signature says whose they are.
    carrier: OnceLock<PartnerId>,
}

/// What has to outlive the process.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Book {
    /// By number.
    people: BTreeMap<String, Person>,
    /// Every question that came, by its id.
    asked: BTreeMap<String, Asked>,
    violations: Vec<String>,
}

/// Somebody whom it knows.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Family, middle and given name.
    pub name: String,
    /// 1 male, 2 female, 3 undetermined.
    pub sex: u8,
    /// `yyyyMMdd`, or the year alone.
    pub born: String,
    /// The mother's number; empty where it is not known.
    pub mother: String,
    /// The father's.
    pub father: String,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person")
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    /// Hex content digest.
    digest: String,
    /// How often it came.
    times: u32,
}

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many questions get HTTP 503 and are not looked at.
    pub unavailable: u32,
    /// So many questions are answered, and the replies never sent.
    pub drop_replies: u32,
    /// So many answers are SOAP faults.
    pub faults: u32,
    /// So many answers have no signature.
    pub unsigned: u32,
    /// So many answers are signed by a key that nobody registered.
    pub another_key: u32,
    /// So many answers are changed after they were signed.
    pub flip_a_byte: u32,
    /// So many answers are bound to the question of another id.
    pub another_id: u32,
    /// So many answers are bound to a question of other content.
    pub another_digest: u32,
    /// So many answers are about somebody else.
    pub another_person: u32,
    /// So many answers have a document type with an entity before them.
    pub doctype: u32,
    /// So many answers are longer than anybody reads.
    pub too_large: u32,
    /// Every reply waits so long.
    pub delay: Duration,
}

impl Database {
    /// Opens the database's folder; whom it knows outlives the process.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            memory: Memory::open(&folder.join("population.json"), Book::default)?,
            mischief: Mutex::default(),
            carrier: OnceLock::new(),
        }))
    }

    /// Stands behind a platform from now on, which brings what the gateway says; the first one stays.
    pub fn stand_behind(&self, carrier: PartnerId) {
        let _ = self.carrier.set(carrier);
    }

    /// Learns of somebody, or better of them.
    pub fn learn(&self, number: &str, person: Person) -> Result<(), Trouble> {
        let learnt = self
            .memory
            .change(|book| book.people.insert(number.to_owned(), person.clone()));
        Ok(learnt.map(drop)?)
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How many different questions came, and how often one did.
    pub fn asked(&self) -> (usize, u32) {
        self.memory.read(|book| {
            let times = book.asked.values().map(|one| one.times);
            (book.asked.len(), times.sum())
        })
    }

    /// Everything that the gateway said and should not have said, oldest first; never personal data.
    pub fn violations(&self) -> Vec<String> {
        self.memory.read(|book| book.violations.clone())
    }

    fn took(&self, counter: fn(&mut Mischief) -> &mut u32) -> bool {
        let mut mischief = self.mischief.lock().unwrap_or_else(PoisonError::into_inner);
        let left = counter(&mut mischief);
        let any = *left > 0;
        *left = left.saturating_sub(1);
        any
    }

    fn delay(&self) -> Duration {
        let mischief = self.mischief.lock().unwrap_or_else(PoisonError::into_inner);
        mischief.delay
    }
}

#[cfg(test)]
mod tests;
