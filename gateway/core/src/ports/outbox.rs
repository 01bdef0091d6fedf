//! The outbox: what is put in, who may send it, and how that ended.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::PartnerId;

use super::{Access, StoreError};

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
    /// Why it did not arrive; none where it did, where nobody tried, or where other words are wanted.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Retry { reason, .. }
            | Self::Refused { reason, .. }
            | Self::Unknown { reason, .. }
            | Self::Quarantined { reason }
            | Self::Dead { reason } => Some(reason),
            Self::Delivered { .. } | Self::Untried { .. } | Self::Instead { .. } => None,
        }
    }

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

    /// The exact bytes about to be sent for these parcels, into the journal, before they are sent; and in the same
    /// commit whom they tell the partner of, into the access ledger. False, and nothing is written, where one of them is no longer held, or the lane is paused or the
    /// partner suspended by now: then nothing may be sent.
    fn sending(
        &self,
        partner: &PartnerId,
        holds: Vec<Hold>,
        bytes: Bytes,
        accesses: Vec<Access>,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Writes down how deliveries ended. A delivery counts whoever tells it; anything else only from
    /// whoever still holds the parcel.
    fn settle(&self, results: Vec<(Hold, Delivery)>) -> BoxFuture<'_, Result<(), StoreError>>;
}
