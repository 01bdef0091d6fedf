//! What partners said to what was put in for them.

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{ParcelStory, StoreError};
use crate::head::Evidence;

/// A parcel, and the partner's own words where it has given any.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The parcel.
    pub story: ParcelStory,
    /// Its receipt, as received; none where there is none, or its key was destroyed.
    pub receipt: Option<Bytes>,
}

/// By what a parcel is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParcelName {
    /// Its id.
    Id(String),
    /// The message that it came from; of several the first.
    Cause(Evidence),
}

/// A parcel and what it holds.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The parcel.
    pub story: ParcelStory,
    /// Its content, opened; none where its key was destroyed.
    pub content: Option<Bytes>,
}

/// Receipts, by the parcel that they are for.
pub trait Receipts: Send + Sync + 'static {
    /// One parcel as it stands; none where nobody knows it.
    fn heard(&self, parcel: &str) -> BoxFuture<'_, Result<Option<Heard>, StoreError>>;

    /// One parcel with its content; none where nobody knows it.
    fn kept(&self, name: ParcelName) -> BoxFuture<'_, Result<Option<Kept>, StoreError>>;
}
