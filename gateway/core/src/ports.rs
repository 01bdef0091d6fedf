//! What the pipeline needs from outside, as small traits: a clock, the message log, the outbox, sight.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

use crate::head::Evidence;

mod ledger;
mod notes;
mod office;
mod outbox;
mod pulls;
mod ratchet;
mod receipts;
mod tokens;

pub use ledger::{
    Access, AccessStory, Adoption, Asker, InForce, Ledger, LookUp, Person, PersonNumber,
    Registrations, Whom,
};
pub use notes::{Note, Notes};
pub use office::{
    Act, ActStory, Acted, Deed, LedgerStep, Office, Order, Orders, ParcelFile, ParcelFilter,
    ParcelState, ParcelStory, Recovering, Stop, THE_STORE, schedule_order,
};
pub use outbox::{Class, Delivery, Hold, Leased, Outbox, Parcel, Receipt, ReceiptProof, Said};
pub use pulls::{
    Again, Answered, Found, Judgement, Pull, PullBook, PullFile, PullStory, Receipted, Resent,
    Telling, Told, Window, Wish,
};
pub use ratchet::{Ratchet, TimeBook, TimeMark};
pub use receipts::{Heard, Kept, ParcelName, Receipts};
pub use tokens::{KeysUnavailable, NoTokens, Tokens};

/// Time, passed in so that tests can turn it.
pub trait Clock: Send + Sync + 'static {
    /// Now, on the wall.
    fn now(&self) -> Timestamp;

    /// The latest time that was ever seen, where that is remembered: a message's age is judged by it, so
    /// that a clock that goes back makes nothing young again.
    fn reached(&self) -> Timestamp {
        self.now()
    }
}

/// The machine's own clock; the only place that reads it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everybody else takes"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Why the store could not do it. The message for the log holds no personal data.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It could not write; nothing was changed.
    #[error("the store cannot write: {0}")]
    Unavailable(String),
    /// Its queue is full.
    #[error("the store's queue is full")]
    Busy,
    /// What it holds contradicts itself.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
}

/// Everything about a message that is committed before it is acted upon.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name here.
    pub evidence: Evidence,
    /// The proven sender.
    pub sender: PartnerId,
    /// The id under which it is remembered.
    pub id: MessageId,
    /// Operation name.
    pub operation: &'static str,
    /// Content digest.
    pub digest: [u8; 32],
    /// When it arrived.
    pub received_at: Timestamp,
    /// When the sender sent it.
    pub sent_at: Timestamp,
    /// Whether its time lies in the sender's window; an unknown id must be fresh.
    pub fresh: bool,
    /// The partner or relay that carried it.
    pub peer: PartnerId,
    /// SHA-256 of the peer's certificate.
    pub peer_certificate: [u8; 32],
    /// How it travelled.
    pub road: &'static str,
    /// The path it came in by.
    pub path: String,
    /// The kind of proof.
    pub proof: &'static str,
    /// Agreement number and operation that permitted it.
    pub rule: String,
    /// The purpose.
    pub purpose: String,
    /// Names of the fields disclosed, comma separated.
    pub fields: String,
    /// Media type as received.
    pub content_type: String,
    /// The detached signature beside the body, where there is one.
    pub signature: Option<String>,
    /// What the security server that brought it attested, as the rooms wrote it.
    pub attested: Option<String>,
    /// The exact bytes received.
    pub body: Bytes,
}

/// A committed answer, ready to be written to any connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The request's name here.
    pub evidence: Evidence,
    /// HTTP status.
    pub status: u16,
    /// Media type.
    pub content_type: String,
    /// The detached signature beside the body, where there is one.
    pub signature: Option<String>,
    /// The fault code, where it refuses for good.
    pub fault: Option<String>,
    /// The exact bytes.
    pub body: Bytes,
}

/// What the log says of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// Never seen: it is ours to act upon until the lease ends.
    New,
    /// Seen with the same content: its answer.
    Same(StoredAnswer),
    /// Seen with other content.
    Conflict,
    /// Seen, and somebody is acting upon it.
    InProgress,
    /// Never seen, and too old to begin with.
    Stale,
    /// Not answered as far as this store knows, which was put back from a backup and may have forgotten:
    /// nothing is begun until a person has released it.
    Recovering,
}

/// What the log knows of an id before anything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Unknown,
    /// Its answer.
    Same(StoredAnswer),
    /// Other content.
    Conflict,
    /// Claimed, not answered.
    InProgress,
}

/// A refusal in the verify or permit room: bounded, without a body.
#[derive(Debug, Clone)]
pub struct RefusalNote {
    /// The refused message's name here.
    pub evidence: Evidence,
    /// When.
    pub at: Timestamp,
    /// The room.
    pub room: &'static str,
    /// Who held the other end.
    pub peer: PartnerId,
    /// The claimed sender, where the envelope was read.
    pub sender: Option<PartnerId>,
    /// The fault code.
    pub code: &'static str,
    /// The stable reason word.
    pub reason: &'static str,
}

/// Inbox and journal: who said what, and what was answered. Every write is durable when its future
/// resolves.
pub trait MessageLog: Send + Sync + 'static {
    /// What is known of (sender, id) with this content digest.
    fn known(
        &self,
        sender: &PartnerId,
        id: &MessageId,
        digest: &[u8; 32],
    ) -> BoxFuture<'_, Result<Known, StoreError>>;

    /// T1: claims the message and appends its exact bytes to the journal, or says why not.
    /// An expired claim of the same content is taken over as `New`: the row takes the new entry's
    /// evidence (which may be the old one), and `story` finds it by either.
    fn claim(&self, entry: Entry) -> BoxFuture<'_, Result<Claimed, StoreError>>;

    /// T2: the signed answer, its journal record, done, the outbox rows, and the rows of the access ledger.
    fn commit(
        &self,
        entry: Evidence,
        answer: StoredAnswer,
        parcels: Vec<Parcel>,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// A read: request, answer and the rows of the access ledger in one durable write. `New` where it was
    /// written.
    fn record(
        &self,
        entry: Entry,
        answer: StoredAnswer,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<Claimed, StoreError>>;

    /// Gives a claim back after an unknown outcome, so that the next try may take it at once; its turn
    /// in `unfinished` comes as it would have come.
    fn release(&self, evidence: Evidence) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Keeps a refusal of the verify or permit room.
    fn refuse(&self, note: RefusalNote) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Claims that nobody holds any more, the longest due first, with everything needed to act again.
    /// Each call puts those it gives out behind the others: one has its next turn after
    /// min(2^n, 300) seconds, n counting its turns before. That is a place in the queue and no lease:
    /// a claim of the same content is granted `New` meanwhile, under its own evidence or another.
    fn unfinished(&self, max: usize) -> BoxFuture<'_, Result<Vec<Unfinished>, StoreError>>;

    /// Takes a claim that nobody holds out of `unfinished` until a person or its sender takes it up again
    /// (a claim of the same content is granted `New` as before, and ends it); false where somebody
    /// holds it or it was answered.
    fn quarantine(
        &self,
        evidence: Evidence,
        reason: &'static str,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// All that is kept about an evidence id or a message id, newest first, at most 20.
    fn story(&self, id: &str) -> BoxFuture<'_, Result<Vec<Story>, StoreError>>;

    /// Counts for the status page.
    fn census(&self) -> BoxFuture<'_, Result<Census, StoreError>>;
}

/// A claimed message whose holder has gone.
#[derive(Debug, Clone)]
pub struct Unfinished {
    /// Its name here.
    pub evidence: Evidence,
    /// The path it came in by.
    pub path: String,
    /// The partner or relay that carried it.
    pub peer: PartnerId,
    /// SHA-256 of the peer's certificate.
    pub peer_certificate: [u8; 32],
    /// When it arrived.
    pub received_at: Timestamp,
    /// Media type as received.
    pub content_type: String,
    /// The detached signature beside the body.
    pub signature: Option<String>,
    /// What the security server that brought it attested, as the rooms wrote it.
    pub attested: Option<String>,
    /// The exact bytes.
    pub body: Bytes,
    /// How often in a row it was handed out before and never given back: each time its holder died.
    pub lost: u32,
}

/// What the store remembers of one message, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Its name here.
    pub evidence: Evidence,
    /// The sender; of a refusal, the claimed one.
    pub sender: Option<PartnerId>,
    /// The message id; none in a refusal.
    pub id: Option<MessageId>,
    /// Operation name.
    pub operation: Option<String>,
    /// Who carried it.
    pub peer: PartnerId,
    /// The road.
    pub road: Option<String>,
    /// The kind of proof.
    pub proof: Option<String>,
    /// The permit's rule.
    pub rule: Option<String>,
    /// The purpose.
    pub purpose: Option<String>,
    /// Names of disclosed fields.
    pub fields: Option<String>,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// The answer's HTTP status.
    pub status: Option<u16>,
    /// The fault code of a refusal.
    pub fault: Option<String>,
    /// The refusal's reason word.
    pub reason: Option<String>,
    /// The room that refused.
    pub room: Option<String>,
    /// Until when somebody holds the claim.
    pub leased_until: Option<Timestamp>,
    /// Why recovery has given it up, where it has.
    pub quarantined: Option<String>,
    /// Journal sequence numbers of request and answer.
    pub journal: Vec<u64>,
    /// Parcels in the outbox that came from it.
    pub parcels: Vec<ParcelStory>,
    /// What persons did about it, oldest first.
    pub acts: Vec<ActStory>,
}

/// Counts for the status page and the metrics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Records in the journal.
    pub journal_records: u64,
    /// Claims without an answer.
    pub in_progress: u64,
    /// Claims that recovery has given up; they need a person.
    pub quarantined: u64,
    /// Refusals kept.
    pub refusals: u64,
    /// Per partner: waiting parcels, dead parcels, arrival of the oldest waiting one.
    pub lanes: Vec<LaneCensus>,
    /// Why the store no longer writes, for an operator; none while it does.
    pub halted: Option<String>,
}

/// One lane's counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneCensus {
    /// The partner.
    pub partner: PartnerId,
    /// Parcels waiting or leased.
    pub waiting: u64,
    /// Parcels whose time is over; they need a person.
    pub dead: u64,
    /// Parcels in quarantine; they need a person.
    pub poison: u64,
    /// When the oldest waiting one was put in.
    pub oldest: Option<Timestamp>,
}

/// Where the rooms report what they did and how long it took. No personal data, bounded labels.
pub trait Sight: Send + Sync + 'static {
    /// One passage through one room.
    fn room(&self, room: &'static str, route: &'static str, outcome: &'static str, took: Duration);
    /// One refusal.
    fn refused(&self, room: &'static str, partner: &str, code: &'static str);
    /// One answered message.
    fn answered(&self, partner: &str, operation: &'static str, outcome: &'static str);
    /// One try to sign with our key `kid`: how long it waited for its turn, how long it took.
    fn signed(&self, _kid: &str, _wait: Duration, _work: Duration) {}
}

/// Sees nothing; for tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blind;

impl Sight for Blind {
    fn room(&self, _: &'static str, _: &'static str, _: &'static str, _: Duration) {}
    fn refused(&self, _: &'static str, _: &str, _: &'static str) {}
    fn answered(&self, _: &str, _: &'static str, _: &'static str) {}
}
