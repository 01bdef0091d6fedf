//! Reconciliation in a partner's words: how a pull is asked, and what its answer says.

use bytes::Bytes;
use jiff::Timestamp;
use schemas::id::MessageId;

use crate::ports::{Parcel, Pull, Telling, Told};

/// A partner's words for reconciliation, where its protocol has any. Pure: the lane asks, the store keeps.
pub trait Pulls: Send + Sync + 'static {
    /// Subjects that one call can ask about.
    fn subjects_max(&self) -> usize;

    /// The parcel that asks about a window and about the subjects that the partner was told of in it.
    fn parcel(&self, pull: &Pull, telling: &Telling) -> Parcel;

    /// Reads an answer; `asked` is the content of the parcel that asked.
    ///
    /// # Errors
    /// A stable word where it cannot be read.
    fn read(&self, asked: &Bytes, answer: &Bytes) -> Result<Box<dyn Held>, &'static str>;

    /// The parcel that asks for messages that the partner sent and that never came; none where its protocol has no words
    /// for that.
    fn wanted(&self, _pull: &Pull, _never_came: &[MessageId]) -> Option<Parcel> {
        None
    }
}

/// What the partner says that it holds.
pub trait Held: Send {
    /// Whether one call could not hold it all: the window is asked again in halves.
    fn more(&self) -> bool;

    /// Whether the partner still holds what this parcel told it; none where it was not asked about it.
    fn has(&self, told: &Told) -> Option<bool>;

    /// The messages that it says it sent us in the window, and when.
    fn sent(&self) -> Vec<(MessageId, Timestamp)>;
}
