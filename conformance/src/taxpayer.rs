//! The tax department as the one that is asked: its own register of taxpayers and incomes behind its own server.
//!
//! It takes `urn:vn:lienthong:taxpayer:v1` (own profile) over mutual TLS from our gateway's certificate, proves our
//! signature, judges every element by its own reading, and answers signed and bound to the question. The same id with
//! the same content has the same answer, whatever was lost in between. What the gateway should not have said is a
//! violation.

mod compare;
mod json;
mod month;
mod notice;
mod question;
mod server;
mod truth;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use schemas::id::PartnerId;
use schemas::wire::tax_records::Record;
use serde::{Deserialize, Serialize};

pub use crate::listener::Serving;
pub use compare::Finding;
pub use month::{SentChunk, SentMonth, Unpack};
pub use notice::{MonthWanted, Notice, PersonTold};
pub use truth::{Employer, Paid, Person, Truth};

use crate::call::Trouble;
use crate::clock;
use crate::identity::Identity;
use crate::landmarks::Landmarks;
use crate::state::Memory;

/// Where questions are posted.
pub const PATH: &str = "/taxpayer/v1/messages";

/// The simulated department's register.
#[derive(Debug)]
pub struct Register {
    identity: Identity,
    memory: Memory<Book>,
    truth: Mutex<Truth>,
    mischief: Mutex<Mischief>,
    /// Who else may bring questions: the signature says whose they are.
    carrier: OnceLock<PartnerId>,
    /// For how long the last call said that its answer is waited for.
    within: Mutex<Option<Duration>>,
    /// Its rows of a month, by kind and period: what a month of the insurance side is compared with.
    declared: Mutex<BTreeMap<(String, String), Vec<Record<'static>>>>,
    /// How packed chunks are opened.
    unpack: OnceLock<Unpack>,
    /// What it said last about a month, for a reply that comes twice.
    last: Mutex<Option<(Vec<u8>, Option<String>)>>,
}

/// What has to outlive the process: every question that was answered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Book {
    answered: BTreeMap<String, Answered>,
    violations: Vec<String>,
    /// What we were told unasked, by the id of its message.
    #[serde(default)]
    notices: BTreeMap<String, Notice>,
    /// What we were told of corrected persons, by the id of its message.
    #[serde(default)]
    persons: BTreeMap<String, PersonTold>,
    /// What we told unasked, and when, RFC 3339, by the id of its message.
    #[serde(default)]
    sent: BTreeMap<String, String>,
    /// Which of that was wanted again, in the order asked.
    #[serde(default)]
    wanted: Vec<String>,
    /// Months that we are to send, oldest first.
    #[serde(default)]
    months: Vec<MonthWanted>,
    /// Months of the insurance side, by manifest.
    #[serde(default)]
    ours: BTreeMap<String, SentMonth>,
}

/// One question, by its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Answered {
    /// Hex content digest of the question.
    digest: String,
    /// The body element of its answer.
    body: String,
    /// How often it came.
    times: u32,
}

/// What can be made to go wrong; counters go down by one each time they are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// So many questions are answered, and the replies never sent.
    pub drop_replies: u32,
    /// So many questions get HTTP 500 and are not looked at.
    pub server_errors: u32,
    /// So many answers are bound to the question of another id.
    pub another_id: u32,
    /// So many answers are bound to a question of other content.
    pub another_digest: u32,
    /// So many answers are about somebody else.
    pub another_subject: u32,
    /// So many answers are signed by a key that nobody registered.
    pub another_key: u32,
    /// So many answers are changed after they were signed.
    pub flip_a_byte: u32,
    /// So many notices are refused for good.
    pub refuse_notices: u32,
    /// So many answers tell a field more than was asked for.
    pub tell_more: u32,
    /// So many answers about several have their lines in another order.
    pub swap_lines: u32,
    /// So many answers about several have a line less.
    pub lose_a_line: u32,
    /// Every answer in XML is at least so many bytes long: blanks stand behind it.
    pub at_least_bytes: usize,
    /// So many pages of a result bear another chain.
    pub another_chain: u32,
    /// So many are told as another page.
    pub another_page: u32,
    /// So many are of another manifest.
    pub another_manifest: u32,
    /// So many have more findings than a page has.
    pub too_many_findings: u32,
    /// So many times the page that was told before comes once more.
    pub repeat_page: u32,
    /// So many questions about a month are answered before it is compared.
    pub compare_polls: u32,
    /// So many chunks are receipted with another number of records.
    pub another_receipt: u32,
    /// Results say that one more was found than their pages have.
    pub misstate_found: bool,
    /// Their summary counts another category.
    pub misstate_summary: bool,
    /// Their summary says that so many of this category were found, whatever the pages have.
    pub misstate_count: Option<(&'static str, u64)>,
    /// Findings on a page; 500 where none is set.
    pub page_findings: usize,
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

impl Register {
    /// Opens the department's folder; it knows nobody until it is told the truth.
    pub fn open(folder: &Path) -> Result<Arc<Self>, Trouble> {
        Ok(Arc::new(Self {
            identity: Identity::load(folder)?,
            memory: Memory::open(&folder.join("taxpayer.json"), Book::default)?,
            truth: Mutex::default(),
            mischief: Mutex::default(),
            carrier: OnceLock::new(),
            within: Mutex::default(),
            declared: Mutex::default(),
            unpack: OnceLock::new(),
            last: Mutex::default(),
        }))
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Stands behind a platform from now on, which brings what the gateway says; the first one stays.
    pub fn stand_behind(&self, carrier: PartnerId) {
        let _ = self.carrier.set(carrier);
    }

    /// Replaces what it knows.
    pub fn learn(&self, truth: Truth) {
        *self.truth.lock().unwrap_or_else(PoisonError::into_inner) = truth;
    }

    /// Learns of everybody in `landmarks.json` of its folder: each employer is a taxpayer that works and paid every
    /// person in the newest closed month.
    pub fn learn_landmarks(&self) -> Result<(), Trouble> {
        self.learn(Truth::of(&Landmarks::read(&self.identity.folder)?));
        Ok(())
    }

    /// For how long the last call said that its answer is waited for; none where it did not say.
    pub fn asked_within(&self) -> Option<Duration> {
        *self.within.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what goes wrong from now on.
    pub fn misbehave(&self, set: impl FnOnce(&mut Mischief)) {
        set(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How often a question came; 0 where it never did.
    pub fn times(&self, id: &str) -> u32 {
        self.memory
            .read(|book| book.answered.get(id).map_or(0, |one| one.times))
    }

    /// Every notice that is held, by the id of its message.
    pub fn notices(&self) -> BTreeMap<String, Notice> {
        self.memory.read(|book| book.notices.clone())
    }

    /// What it was told of corrected persons, by the id of its message.
    pub fn persons(&self) -> BTreeMap<String, PersonTold> {
        self.memory.read(|book| book.persons.clone())
    }

    /// Loses a notice as a database that was put back does: as if it had never come. False where it is not held.
    pub fn forget_notice(&self, id: &str) -> bool {
        let forgotten = self.memory.change(|book| {
            book.answered.remove(id);
            let person = book.persons.remove(id).is_some();
            book.notices.remove(id).is_some() || person
        });
        forgotten.unwrap_or(false)
    }

    /// Writes down that a notice was sent, whatever became of it on its way.
    pub fn has_sent(&self, id: &str, at: jiff::Timestamp) {
        let at = clock::rfc3339(at);
        let _ = self
            .memory
            .change(|book| book.sent.insert(id.to_owned(), at));
    }

    /// Notices that it was asked to send again, in the order asked; one that was asked for twice stands there twice.
    pub fn wanted(&self) -> Vec<String> {
        self.memory.read(|book| book.wanted.clone())
    }

    /// Months that it was asked to send, oldest first.
    pub fn months(&self) -> Vec<MonthWanted> {
        self.memory.read(|book| book.months.clone())
    }

    /// Everything that the gateway said and should not have said, oldest first.
    pub fn violations(&self) -> Vec<String> {
        self.memory.read(|book| book.violations.clone())
    }

    fn knobs<R>(&self, turn: impl FnOnce(&mut Mischief) -> R) -> R {
        turn(&mut self.mischief.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn knows<R>(&self, look: impl FnOnce(&Truth) -> R) -> R {
        look(&self.truth.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
