//! Canonicalisation, behind a trait so that a test can put a liar in its place.

use uppsala::{Document, NodeId};

use super::Canonicalization;

/// What a canonicaliser is asked for: bytes. What they mean, which of them are signed and whether the
/// signature is good is decided beside it, about the very nodes that the profile has read.
pub(super) trait Engine {
    /// The canonical bytes of an element and everything below it but `without` and what is below that.
    fn canonical(
        &self,
        document: &Document<'_>,
        apex: NodeId,
        without: Option<NodeId>,
        method: &Canonicalization,
    ) -> Option<Vec<u8>>;
}
