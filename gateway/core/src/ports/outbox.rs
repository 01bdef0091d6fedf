//! The outbox and what an operator may ask of it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::PartnerId;

use super::StoreError;
use crate::head::Evidence;

/// Which subjects of a lane go first. Order within a subject comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// Somebody waits for it: a newborn's card.
    Urgent = 0,
    /// Everything else.
    #[default]
    Normal = 1,
    /// May wait behind all others: mass statements.
    Bulk = 2,
}

impl Class {
    /// All, in the order in which they go.
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Normal, Self::Bulk];

    /// The word in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Normal => "normal",
            Self::Bulk => "bulk",
        }
    }

    /// The class with this number on disk.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|class| *class as i64 == code)
    }
}

/// Something that has to be sent to a partner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Unique for ever: the change or callback it comes from. The same one again is ignored.
    pub id: String,
    /// To whom.
    pub partner: PartnerId,
    /// Order is kept within (partner, subject).
    pub subject: String,
    /// Position within the subject; lower goes first.
    pub sequence: u64,
    /// What kind of message it becomes, such as `portal.dossier`.
    pub kind: &'static str,
    /// The canonical content, opaque to the store (sealed at rest).
    pub content: Bytes,
    /// Which subjects go first. No part of what makes it the same parcel.
    pub class: Class,
    /// The legal time limit of the procedure; none: the config's. No part of what makes it the same.
    pub due: Option<Timestamp>,
}

/// The right to say how one try of a parcel ended: the parcel and the number of its lease. Whoever
/// has a lower number than the parcel's newest lease has lost it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The parcel's id.
    pub id: String,
    /// Which lease of it this is: [`Leased::attempts`].
    pub turn: u32,
}

/// The words that a parcel was last sent in, alone, with an outcome that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The exact bytes, as recorded before they were sent.
    pub body: Bytes,
    /// When they were recorded.
    pub at: Timestamp,
}

/// A parcel leased for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The parcel's id.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: u64,
    /// Its kind.
    pub kind: String,
    /// Its content, opened.
    pub content: Bytes,
    /// Its class.
    pub class: Class,
    /// The legal time limit of its procedure.
    pub due: Option<Timestamp>,
    /// How often it was leased before; never goes down, so it names this lease.
    pub attempts: u32,
    /// Tries in a row that the partner refused with the reason in `reason`.
    pub refusals: u32,
    /// Leases in a row that ended without a word: whoever had it died of it, or with it.
    pub lost: u32,
    /// The reason word of the last try; none where it was never tried.
    pub reason: Option<String>,
    /// Where the last try's outcome is unknown and it went alone: its words then.
    pub said: Option<Said>,
    /// When it was put in, or last replayed by a person; the time to give up is counted from here.
    pub put_at: Timestamp,
}

impl Leased {
    /// The right to say how this try ended.
    #[must_use]
    pub fn hold(&self) -> Hold {
        Hold {
            id: self.id.clone(),
            turn: self.attempts,
        }
    }
}

/// What the partner gave us for a delivery, kept as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The partner's own words, exactly as received (bounded).
    pub bytes: Bytes,
    /// What they are worth.
    pub proof: ReceiptProof,
}

/// What a receipt is worth, by road.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceiptProof {
    /// The partner's signature over it was verified, and the digest inside is that of what was sent.
    Signed {
        /// The key that signed.
        key: String,
        /// SHA-256 of what was sent.
        digest: [u8; 32],
    },
    /// Not signed: it came over a connection to whoever held this certificate.
    Plain {
        /// SHA-256 of the peer's certificate; none where the road had no TLS (tests).
        certificate: Option<[u8; 32]>,
    },
}

impl Receipt {
    /// An unsigned one.
    #[must_use]
    pub fn plain(bytes: Bytes, certificate: Option<[u8; 32]>) -> Self {
        Self {
            bytes,
            proof: ReceiptProof::Plain { certificate },
        }
    }
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// The partner has it.
    Delivered {
        /// The evidence.
        receipt: Receipt,
    },
    /// The partner surely did not take it, for a reason that has nothing to do with the parcel: not
    /// reached, busy, our account. Try again after this wait.
    Retry {
        /// How long to wait.
        after: Duration,
        /// The stable reason word.
        reason: &'static str,
    },
    /// The partner read it and says no to this parcel; asked again it may say yes. So many of these in
    /// a row with one reason and it is quarantined.
    Refused {
        /// How long to wait.
        after: Duration,
        /// The stable reason word.
        reason: &'static str,
    },
    /// It was leased and not tried: back as it was. What was tried before is told from what was not by
    /// [`Leased::reason`].
    Untried {
        /// How long to wait.
        after: Duration,
    },
    /// Nobody knows whether the partner has it: asked again with the same id. Never counted against
    /// the parcel, and never given up before its time limit.
    Unknown {
        /// How long to wait.
        after: Duration,
        /// The stable reason word.
        reason: &'static str,
    },
    /// The partner wants the same said in these other words. They are not recorded yet: the worker
    /// permits, records and sends them once, and a store that is told so sends the parcel again.
    Instead {
        /// The exact body, without credentials.
        body: Bytes,
        /// The stable reason word.
        reason: &'static str,
    },
    /// Set aside without an end: it was refused, or broke its worker, too often. Needs a person.
    Quarantined {
        /// The stable reason word.
        reason: &'static str,
    },
    /// Its time is over. Never again without a person.
    Dead {
        /// The stable reason word.
        reason: &'static str,
    },
}

impl Delivery {
    /// The word for counters and lists.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delivered { .. } => "delivered",
            Self::Retry { .. } => "retry",
            Self::Refused { .. } => "refused",
            Self::Untried { .. } => "untried",
            Self::Unknown { .. } => "unknown",
            Self::Instead { .. } => "instead",
            Self::Quarantined { .. } => "quarantined",
            Self::Dead { .. } => "dead",
        }
    }
}

/// Parcels on their way out. Claimed by state, never by a cursor.
pub trait Outbox: Send + Sync + 'static {
    /// Puts parcels in; one that is known, the same in id, partner, subject, sequence, kind and content,
    /// is ignored. One that is not the one known under its id is set aside: kept in quarantine as
    /// `<id>~<8 hex digits of its digest>` with the reason `id-conflict`; the ids of those are given
    /// back, and all others are in. Durable when it resolves.
    fn put(&self, parcels: Vec<Parcel>) -> BoxFuture<'_, Result<Vec<String>, StoreError>>;

    /// Leases up to `max` due parcels of one partner, urgent subjects first (by the class of what stands
    /// at a subject's front), then the longest due, lowest sequence of each subject first, never a
    /// subject's positions out of order: a parcel is due only when all before it in its subject are done
    /// (those leased in the same call count, in order). None while the lane is paused or the partner
    /// suspended.
    fn lease(
        &self,
        partner: &PartnerId,
        max: usize,
        lease: Duration,
    ) -> BoxFuture<'_, Result<Vec<Leased>, StoreError>>;

    /// The exact bytes about to be sent for these parcels, into the journal, before they are sent.
    /// False, and nothing is written, where one of them is no longer held, or the lane is paused or the
    /// partner suspended by now: then nothing may be sent.
    fn sending(
        &self,
        partner: &PartnerId,
        holds: Vec<Hold>,
        bytes: Bytes,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Writes down how deliveries ended. A delivery counts whoever tells it; anything else only from
    /// whoever still holds the parcel.
    fn settle(&self, results: Vec<(Hold, Delivery)>) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Where a parcel stands. The numbers are written to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParcelState {
    /// Due now or later.
    Waiting = 0,
    /// Somebody is sending it.
    Leased = 1,
    /// The partner has it.
    Done = 2,
    /// Its time is over; needs a person.
    Dead = 3,
    /// In quarantine; needs a person.
    Poison = 4,
    /// Cancelled by a person.
    Cancelled = 5,
}

impl ParcelState {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::Waiting,
        Self::Leased,
        Self::Done,
        Self::Dead,
        Self::Poison,
        Self::Cancelled,
    ];

    /// The word in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Poison => "poison",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state that this word names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state with this number on disk.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| *state as i64 == code)
    }
}

/// What the outbox remembers of one parcel, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelStory {
    /// The parcel's id.
    pub id: String,
    /// To whom.
    pub partner: PartnerId,
    /// Its subject.
    pub subject: String,
    /// Its position within the subject.
    pub sequence: u64,
    /// Its kind.
    pub kind: String,
    /// Its class.
    pub class: Class,
    /// Where it stands.
    pub state: ParcelState,
    /// How often it was tried.
    pub attempts: u32,
    /// The last reason word: of a dead or poison one the cause.
    pub reason: Option<String>,
    /// When it was put in.
    pub put_at: Timestamp,
    /// Waiting: its next try. Leased: the end of the lease. Else when it came to stand so.
    pub due_at: Timestamp,
    /// The legal time limit of its procedure.
    pub due: Option<Timestamp>,
    /// Who leases it.
    pub owner: Option<String>,
    /// The journal record of the bytes last sent.
    pub sending: Option<u64>,
    /// The journal record of the receipt.
    pub receipt: Option<u64>,
    /// The message it came from.
    pub cause: Option<Evidence>,
}

/// One parcel and everything that persons did about it, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParcelFile {
    /// The parcel.
    pub story: ParcelStory,
    /// How many parcels of its subject wait behind it.
    pub behind: u64,
    /// Acts that named it.
    pub acts: Vec<ActStory>,
}

/// Which parcels to list; all that is none means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParcelFilter {
    /// Of this partner.
    pub partner: Option<PartnerId>,
    /// Standing so; none: everything that is neither done nor cancelled.
    pub state: Option<ParcelState>,
    /// Of this subject.
    pub subject: Option<String>,
    /// At most so many, at most 1,000.
    pub max: usize,
    /// Only what was put in before the parcel of this id: the last one of the page before.
    pub before: Option<String>,
}

/// What an operator does about the way out, or about a partner as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Nothing more goes out to this partner; what it sends is still answered.
    PauseLane(PartnerId),
    /// Undoes a pause.
    ResumeLane(PartnerId),
    /// Nothing goes out to this partner and nothing of it is taken in.
    SuspendPartner(PartnerId),
    /// Undoes a suspension.
    ResumePartner(PartnerId),
    /// A dead or poison parcel tries again, from the beginning.
    Replay(String),
    /// A waiting, dead or poison parcel is given up for ever; those behind it may go.
    Cancel(String),
    /// A message that recovery gave up is taken up again.
    Recover(Evidence),
}

impl Deed {
    /// The word in lists and on disk.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::PauseLane(_) => "pause-lane",
            Self::ResumeLane(_) => "resume-lane",
            Self::SuspendPartner(_) => "suspend-partner",
            Self::ResumePartner(_) => "resume-partner",
            Self::Replay(_) => "replay",
            Self::Cancel(_) => "cancel",
            Self::Recover(_) => "recover",
        }
    }

    /// What it is done to: a partner's or a parcel's or an evidence id.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::PauseLane(partner)
            | Self::ResumeLane(partner)
            | Self::SuspendPartner(partner)
            | Self::ResumePartner(partner) => partner.as_str().to_owned(),
            Self::Replay(parcel) | Self::Cancel(parcel) => parcel.clone(),
            Self::Recover(evidence) => evidence.to_string(),
        }
    }
}

/// One act of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who: a name that the operators' side vouches for, 1 to 200 bytes.
    pub who: String,
    /// Why, in their words, 1 to 2,000 bytes. Sealed at rest.
    pub why: String,
    /// What.
    pub deed: Deed,
}

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acted {
    /// Done, and a record of its own kind is in the journal.
    Done,
    /// It stood so already; nothing was written.
    AlreadySo,
    /// Nobody knows what it names.
    NotFound,
    /// It cannot be done as things stand: the reason word.
    NotNow(&'static str),
}

/// An act as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActStory {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// Why.
    pub why: String,
    /// [`Deed::word`].
    pub deed: String,
    /// [`Deed::target`].
    pub target: String,
    /// Its record in the journal.
    pub journal: u64,
}

/// What an order stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// The lane: nothing goes out.
    Lane = 1,
    /// The partner: nothing goes out and nothing comes in.
    Partner = 2,
}

/// A standing order of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whom it concerns.
    pub partner: PartnerId,
    /// What it stops.
    pub stop: Stop,
    /// The act that gave it.
    pub act: ActStory,
}

/// All standing orders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders(pub Vec<Order>);

impl Orders {
    /// Whether nothing may go out to this partner.
    #[must_use]
    pub fn holds_lane(&self, partner: &PartnerId) -> bool {
        self.0.iter().any(|order| order.partner == *partner)
    }

    /// Whoever is suspended altogether.
    pub fn suspended(&self) -> impl Iterator<Item = &PartnerId> {
        let stopped = self.0.iter().filter(|order| order.stop == Stop::Partner);
        stopped.map(|order| &order.partner)
    }

    /// Whether this partner is suspended altogether.
    #[must_use]
    pub fn suspends(&self, partner: &PartnerId) -> bool {
        self.0
            .iter()
            .any(|order| order.partner == *partner && order.stop == Stop::Partner)
    }
}

/// What operators ask of the store. Each act is durable when its future resolves, and stands in the
/// journal under who did it and why.
pub trait Office: Send + Sync + 'static {
    /// Parcels, the newest first.
    fn list(&self, filter: ParcelFilter) -> BoxFuture<'_, Result<Vec<ParcelStory>, StoreError>>;

    /// One parcel and what was done about it; none where it is unknown.
    fn show(&self, parcel: &str) -> BoxFuture<'_, Result<Option<ParcelFile>, StoreError>>;

    /// Does it, or says why not.
    fn act(&self, act: Act) -> BoxFuture<'_, Result<Acted, StoreError>>;

    /// The standing orders; each replica reads them every second.
    fn orders(&self) -> BoxFuture<'_, Result<Orders, StoreError>>;

    /// The newest acts of anybody about anything, newest first, at most 1,000.
    fn acts(&self, max: usize) -> BoxFuture<'_, Result<Vec<ActStory>, StoreError>>;
}
