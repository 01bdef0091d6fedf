//! What an operator may ask of the outbox, and decide about it.

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::PartnerId;

use super::{Adoption, Class, StoreError};
use crate::head::Evidence;

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
    /// Ends a partner for good: nothing of it is taken in and nothing goes out, and nobody undoes it.
    RetirePartner(PartnerId),
    /// One operation of a partner is stopped, both ways.
    SuspendOperation(PartnerId, String),
    /// Undoes that.
    ResumeOperation(PartnerId, String),
    /// A schedule of a partner's does nothing more when its time comes.
    PauseSchedule(PartnerId, String),
    /// Undoes that.
    ResumeSchedule(PartnerId, String),
    /// A schedule of a partner's is begun before its time; the id of what is begun.
    StartSchedule(PartnerId, String),
    /// A department is asked, or its answer looked at again; the question's id.
    AskTax(PartnerId, String),
    /// Terms of a partner come into force.
    Adopt(Adoption),
    /// Somebody looked up who has asked about a person; the person's keyed digest.
    LookUp(String),
    /// Something that an operator asked for and whose role does not allow it.
    Denied(String),
    /// A dead or poison parcel tries again, from the beginning.
    Replay(String),
    /// A waiting, dead or poison parcel is given up for ever; those behind it may go.
    Cancel(String),
    /// A message that recovery gave up is taken up again.
    Recover(Evidence),
    /// The store was put back from a backup of this instant: nothing goes out and nothing is changed
    /// until a person releases it.
    Restore(Timestamp),
    /// Ends [`Recovering`].
    Release,
    /// What was said in one message (its evidence id), or to and by a partner (its id), is not erased
    /// until the hold is lifted: it wins over retention and erasure.
    Hold(String),
    /// Lifts a hold.
    Unhold(String),
    /// The keys of one message, its answer and its parcels are destroyed for ever.
    Erase {
        /// Its evidence id.
        evidence: Evidence,
        /// The article that allows or demands it, 1 to 200 bytes; it is told in clear, so it names nobody.
        law: String,
    },
    /// One message leaves the house as a container that verifies without us.
    Export(Evidence),
    /// The clock is right and was ahead before: messages are judged by it again.
    AcceptClock,
    /// Something was done in the tax ledger, which stands behind the insurance contract.
    Ledger {
        /// What.
        step: LedgerStep,
        /// A discrepancy's id, or the ledger's name.
        of: String,
        /// The key under which the ledger has it.
        key: [u8; 32],
    },
}

/// What an operator does in the tax ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LedgerStep {
    /// Says that it is otherwise.
    Dispute,
    /// Closes one.
    Settle,
    /// Has all open ones looked at again.
    Recheck,
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
            Self::RetirePartner(_) => "retire-partner",
            Self::SuspendOperation(..) => "suspend-operation",
            Self::ResumeOperation(..) => "resume-operation",
            Self::PauseSchedule(..) => "pause-schedule",
            Self::ResumeSchedule(..) => "resume-schedule",
            Self::StartSchedule(..) => "start-schedule",
            Self::AskTax(..) => "ask-tax",
            Self::Adopt(_) => "adopt-terms",
            Self::LookUp(_) => "look-up-person",
            Self::Denied(_) => "denied",
            Self::Replay(_) => "replay",
            Self::Cancel(_) => "cancel",
            Self::Recover(_) => "recover",
            Self::Restore(_) => "restore",
            Self::Release => "release",
            Self::Hold(_) => "hold",
            Self::Unhold(_) => "unhold",
            Self::Erase { .. } => "erase",
            Self::Export(_) => "export",
            Self::AcceptClock => "accept-clock",
            Self::Ledger { step, .. } => match step {
                LedgerStep::Dispute => "dispute-discrepancy",
                LedgerStep::Settle => "settle-discrepancy",
                LedgerStep::Recheck => "recheck-ledger",
            },
        }
    }

    /// What it is done to: a partner's or a parcel's or an evidence id, a partner and an operation, run or question with a
    /// slash between them, a person's keyed digest, what was denied, a discrepancy and the key of its step with a slash
    /// between them, or [`THE_STORE`].
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::PauseLane(partner)
            | Self::ResumeLane(partner)
            | Self::SuspendPartner(partner)
            | Self::ResumePartner(partner)
            | Self::RetirePartner(partner) => partner.as_str().to_owned(),
            Self::SuspendOperation(partner, operation)
            | Self::ResumeOperation(partner, operation)
            | Self::StartSchedule(partner, operation)
            | Self::AskTax(partner, operation) => format!("{partner}/{operation}"),
            Self::PauseSchedule(partner, name) | Self::ResumeSchedule(partner, name) => {
                format!("{partner}/{}", schedule_order(name))
            }
            Self::Adopt(adoption) => adoption.partner.as_str().to_owned(),
            Self::Replay(target)
            | Self::Cancel(target)
            | Self::LookUp(target)
            | Self::Denied(target)
            | Self::Hold(target)
            | Self::Unhold(target) => target.clone(),
            Self::Recover(evidence) | Self::Erase { evidence, .. } | Self::Export(evidence) => {
                evidence.to_string()
            }
            Self::Restore(_) | Self::Release | Self::AcceptClock => THE_STORE.to_owned(),
            Self::Ledger { of, key, .. } => {
                let (high, low) = key.split_at(16);
                let half = |half: &[u8]| half.first_chunk().copied().map_or(0, u128::from_be_bytes);
                format!("{of}/{:032x}{:032x}", half(high), half(low))
            }
        }
    }
}

/// The operation's place in a standing order, where what is stopped is a schedule: no operation has such a name.
#[must_use]
pub fn schedule_order(name: &str) -> String {
    format!("schedule:{name}")
}

/// What is done to the store as a whole.
pub const THE_STORE: &str = "the-store";

/// A store that was put back from a backup and that nobody has released yet: it answers reads and what it
/// knows, and neither changes nor sends anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovering {
    /// Everything that was acknowledged before this instant is there.
    pub cut: Timestamp,
    /// Who put it back, when and why.
    pub act: ActStory,
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
    /// The partner, for good.
    Retired = 3,
    /// One operation of the partner.
    Operation = 4,
}

/// A standing order of an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whom it concerns.
    pub partner: PartnerId,
    /// What it stops.
    pub stop: Stop,
    /// Which operation, where it stops one.
    pub operation: Option<String>,
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
        self.0
            .iter()
            .any(|order| order.partner == *partner && order.stop != Stop::Operation)
    }

    /// Whoever is suspended altogether, for a time or for good.
    pub fn suspended(&self) -> impl Iterator<Item = &PartnerId> {
        let stopped = self.0.iter().filter(|order| order.stops_the_partner());
        stopped.map(|order| &order.partner)
    }

    /// The operations that are stopped, each with its partner.
    pub fn operations(&self) -> impl Iterator<Item = (&PartnerId, &str)> {
        let stopped = self.0.iter().filter(|order| order.stop == Stop::Operation);
        stopped.filter_map(|order| Some((&order.partner, order.operation.as_deref()?)))
    }

    /// Whether this schedule of a partner's is paused.
    #[must_use]
    pub fn pauses(&self, partner: &PartnerId, schedule: &str) -> bool {
        let order = schedule_order(schedule);
        self.operations()
            .any(|(of, operation)| of == partner && operation == order)
    }

    /// Whether this partner's registration has ended for good.
    #[must_use]
    pub fn retired(&self, partner: &PartnerId) -> bool {
        self.0
            .iter()
            .any(|order| order.partner == *partner && order.stop == Stop::Retired)
    }

    /// Whether this partner is suspended altogether.
    #[must_use]
    pub fn suspends(&self, partner: &PartnerId) -> bool {
        self.0
            .iter()
            .any(|order| order.partner == *partner && order.stops_the_partner())
    }
}

impl Order {
    fn stops_the_partner(&self) -> bool {
        matches!(self.stop, Stop::Partner | Stop::Retired)
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

    /// Whether the store is [`Recovering`]; each replica asks every second.
    fn recovering(&self) -> BoxFuture<'_, Result<Option<Recovering>, StoreError>>;

    /// The newest acts of anybody about anything, newest first, at most 1,000.
    fn acts(&self, max: usize) -> BoxFuture<'_, Result<Vec<ActStory>, StoreError>>;

    /// The newest act of this deed, by its word, on a target that begins so, however many others came after it; none where
    /// there was none.
    fn newest_act(
        &self,
        deed: &'static str,
        target_begins: &str,
    ) -> BoxFuture<'_, Result<Option<ActStory>, StoreError>>;
}
