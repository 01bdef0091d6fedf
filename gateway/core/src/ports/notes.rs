//! What is remembered of a partner beside messages and parcels: how far something that we keep up there has come.

use futures_util::future::BoxFuture;
use schemas::id::PartnerId;

use super::StoreError;

/// One thing that is remembered. It stands in the clear: nothing of anybody belongs in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What it is of, such as `follow/death`.
    pub name: String,
    /// How often it was written.
    pub version: u64,
    /// What it says.
    pub content: String,
}

/// Notes, each written only by whoever has seen it as it stands: of several replicas one.
pub trait Notes: Send + Sync + 'static {
    /// Everything that is remembered of a partner, by name.
    fn notes(&self, partner: &PartnerId) -> BoxFuture<'_, Result<Vec<Note>, StoreError>>;

    /// Writes a note whose `version` is the one that was seen, 0 where there was none; false where it is another by now.
    fn write(&self, partner: &PartnerId, note: Note) -> BoxFuture<'_, Result<bool, StoreError>>;
}
