//! What partners said to what was put in for them.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{ParcelStory, StoreError};

/// A parcel, and the partner's own words where it has given any.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The parcel.
    pub story: ParcelStory,
    /// Its receipt, as received; none where there is none, or its key was destroyed.
    pub receipt: Option<Bytes>,
}

/// Receipts, by the parcel that they are for.
pub trait Receipts: Send + Sync + 'static {
    /// One parcel as it stands; none where nobody knows it.
    fn heard(&self, parcel: &str) -> BoxFuture<'_, Result<Option<Heard>, StoreError>>;
}
