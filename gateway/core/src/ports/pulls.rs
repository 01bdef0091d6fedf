//! Reconciliation: what a partner says it holds of a time, beside what we told it and took from it then.
//!
//! A pull is a parcel of the partner's lane, named after its window. Its answer is kept as its receipt;
//! what follows from it is one judgement, committed once whoever comes to it.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use schemas::id::{MessageId, PartnerId};

use super::{ActStory, Acted, Parcel, ParcelState, StoreError};

/// From an instant up to, and not including, a later one; both on a whole second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    from: i64,
    until: i64,
}

impl Window {
    /// The window between these seconds since 1970; none where there is no time between them, or they
    /// are no instants.
    #[must_use]
    pub fn between(from: i64, until: i64) -> Option<Self> {
        let instants = [from, until].map(Timestamp::from_second);
        (from < until && instants.iter().all(Result::is_ok)).then_some(Self { from, until })
    }

    /// Its first instant.
    #[must_use]
    pub fn from(&self) -> Timestamp {
        Timestamp::from_second(self.from).unwrap_or(Timestamp::MIN)
    }

    /// The first instant after it.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        Timestamp::from_second(self.until).unwrap_or(Timestamp::MAX)
    }

    /// Whether this instant lies in it.
    #[must_use]
    pub fn holds(&self, at: Timestamp) -> bool {
        (self.from()..self.until()).contains(&at)
    }

    /// Both halves; none where it is one second long.
    #[must_use]
    pub fn halves(&self) -> Option<[Self; 2]> {
        let middle = self.from + (self.until - self.from) / 2;
        Some([
            Self::between(self.from, middle)?,
            Self::between(middle, self.until)?,
        ])
    }
}

/// One pull: whom it asks, and about which time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pull {
    /// The partner.
    pub partner: PartnerId,
    /// The time it asks about.
    pub window: Window,
}

impl Pull {
    /// Its name, and that of its parcel: the same window has it on every replica.
    #[must_use]
    pub fn id(&self) -> String {
        let Window { from, until } = self.window;
        format!("pull.{}.{from}-{until}", self.partner)
    }
}

/// A parcel that the partner has receipted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
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
    /// The journal record of the receipt.
    pub receipt: u64,
    /// When the receipt was written down.
    pub at: Timestamp,
    /// How often it was put in again because the partner had lost it.
    pub healed: u32,
}

/// What a partner was told about the subjects of a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Telling {
    /// Everything it ever receipted of the subjects that it receipted something of in the window, each
    /// subject in its order.
    pub told: Vec<Told>,
    /// There are more subjects than were asked for.
    pub more: bool,
}

/// What a partner receipted of some kinds of parcels in a window.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipted {
    /// Ids and when their receipts were written down, the oldest first: as many as were asked for.
    pub parcels: Vec<(String, Timestamp)>,
    /// How many they are in all.
    pub total: u64,
}

/// A pull that has its answer and no judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// Which.
    pub pull: Pull,
    /// The content of its parcel: what was asked.
    pub asked: Bytes,
    /// The partner's words.
    pub answer: Bytes,
}

/// A parcel that is put in again, as it was, because the partner has lost what it receipted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The parcel's id.
    pub id: String,
    /// The receipt that is no longer true; another one by now, and nothing is done.
    pub receipt: u64,
}

/// What was found in one answer, and what is done about it: all of it or nothing, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Which pull.
    pub pull: Pull,
    /// Parcels of the window that were compared.
    pub compared: u32,
    /// Parcels that are put in again, each subject from the first that was lost to its end.
    pub again: Vec<Again>,
    /// Lost parcels that are not put in again: they were, too often.
    pub given_up: u32,
    /// Messages that the partner says it sent and that never came.
    pub never_came: u32,
    /// The same in words, with the ids; sealed at rest.
    pub words: String,
    /// Pulls that are planned instead, where one answer could not hold the window.
    pub instead: Vec<(Pull, Parcel)>,
    /// Parcels that ask the partner for what never came; one that is known already is not put in again.
    pub wanted: Vec<Parcel>,
}

/// A partner's wish to be told again, one message of its.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The effect's key: the same wish again, by whoever carries it out, does nothing more.
    pub key: [u8; 32],
    /// Whose.
    pub partner: PartnerId,
    /// Of which kinds of parcels.
    pub kinds: &'static [&'static str],
    /// The parcels.
    pub ids: Vec<MessageId>,
}

/// What came of a partner's wish to be told again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resent {
    /// So many parcels go again; what is on its way goes anyhow.
    Again(u32),
    /// The wish of this key was fulfilled before.
    Already,
    /// This is none that the partner was ever told.
    Unknown(String),
    /// This one was lost too often: a matter for a person.
    TooOften(String),
    /// One of their subject is being sent, or was receipted meanwhile: the same a moment later.
    NotNow(&'static str),
}

/// A pull as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullStory {
    /// Which.
    pub pull: Pull,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// Where its parcel stands.
    pub state: ParcelState,
    /// How often it was asked.
    pub attempts: u32,
    /// The last reason word of its parcel.
    pub reason: Option<String>,
    /// What was found, where it was judged.
    pub found: Option<Found>,
}

/// A pull and its judgement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullFile {
    /// How it stands.
    pub story: PullStory,
    /// What was found, in words; none before it was judged.
    pub judgement: Option<ActStory>,
}

/// What a judgement found, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// The record of the judgement in the journal.
    pub journal: u64,
    /// Parcels that were compared.
    pub compared: u64,
    /// Parcels that were put in again.
    pub again: u64,
    /// Lost parcels that were not put in again.
    pub given_up: u64,
    /// Messages that never came.
    pub never_came: u64,
    /// Pulls planned instead.
    pub instead: u64,
}

/// The store's part of reconciliation.
pub trait PullBook: Send + Sync + 'static {
    /// Until when windows of this partner are planned; none where none ever was.
    fn planned(&self, partner: &PartnerId) -> BoxFuture<'_, Result<Option<Timestamp>, StoreError>>;

    /// What the partner was told about the subjects of this window, at most `subjects_max` of them.
    fn telling(
        &self,
        pull: &Pull,
        subjects_max: usize,
    ) -> BoxFuture<'_, Result<Telling, StoreError>>;

    /// Plans pulls, each once however many replicas come to it; gives how many were new. Durable when
    /// it resolves.
    fn plan(&self, pulls: Vec<(Pull, Parcel)>) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Pulls of this partner that wait for their judgement, the oldest window first.
    fn answered(
        &self,
        partner: &PartnerId,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<Answered>, StoreError>>;

    /// Those of these ids under which nothing of this sender was ever taken in.
    fn never_came(
        &self,
        sender: &PartnerId,
        ids: Vec<MessageId>,
    ) -> BoxFuture<'_, Result<Vec<MessageId>, StoreError>>;

    /// Writes a judgement down and does what it says, in one commit. `AlreadySo` where it was judged
    /// before; `NotNow` (`being-sent`, `moved`) where what it was based on has changed meanwhile.
    fn judge(&self, judgement: Judgement) -> BoxFuture<'_, Result<Acted, StoreError>>;

    /// What the partner of this pull receipted in its window of parcels of these kinds: the oldest `max`, and how many they
    /// are in all, however many others were receipted then. What was erased is not among them.
    fn receipted(
        &self,
        pull: &Pull,
        kinds: &'static [&'static str],
        max: usize,
    ) -> BoxFuture<'_, Result<Receipted, StoreError>>;

    /// Puts parcels of these kinds in again that the partner has receipted and asks for, each subject from the first of them
    /// on; each an act, and one for the wish with its key, all of it or nothing, once. What was put in again `lost_max` times
    /// is not.
    fn resend(&self, wish: Wish, lost_max: u32) -> BoxFuture<'_, Result<Resent, StoreError>>;

    /// Pulls, the newest window first, at most 1,000.
    fn pulls(
        &self,
        partner: Option<&PartnerId>,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<PullStory>, StoreError>>;

    /// One pull, and its judgement in words; none where it is unknown.
    fn pull(&self, id: &str) -> BoxFuture<'_, Result<Option<PullFile>, StoreError>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_begins_at_its_first_second_and_ends_before_its_last() {
        let window = Window::between(100, 160).unwrap();
        let at = |second, nanos| Timestamp::new(second, nanos).unwrap();
        for (instant, inside) in [
            (at(99, 999_999_999), false),
            (at(100, 0), true),
            (at(159, 999_999_999), true),
            (at(160, 0), false),
        ] {
            assert_eq!(window.holds(instant), inside, "{instant}");
        }
        assert_eq!(Window::between(160, 160), None);
        assert_eq!(Window::between(0, i64::MAX), None);
    }

    #[test]
    fn halves_meet_and_one_second_has_none() {
        let [first, second] = Window::between(100, 103).unwrap().halves().unwrap();
        assert_eq!(first, Window::between(100, 101).unwrap());
        assert_eq!(second, Window::between(101, 103).unwrap());
        assert_eq!(first.halves(), None);
    }
}
