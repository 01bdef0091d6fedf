//! Canonicalisation by the library underneath, behind a trait so that it can be swapped.

use bergshamra::c14n::C14nMode;
use bergshamra::xml::NodeSet;
use bergshamra::xml::nodeset::{NodeIdSet, NodeSetType};
use uppsala::{Document, NodeId};

/// What an XML signature library is asked for: bytes. What they mean, which of them are signed and
/// whether the signature is good is decided beside it, about the very nodes that the profile has read.
pub(super) trait Engine {
    /// The exclusive-canonical bytes of the document without `excluded` and everything below it.
    fn canonical_without(&self, document: &Document<'_>, excluded: NodeId) -> Option<Vec<u8>>;

    /// The exclusive-canonical bytes of one element and everything below it.
    fn canonical_of(&self, document: &Document<'_>, element: NodeId) -> Option<Vec<u8>>;
}

/// bergshamra.
pub(super) struct Bergshamra;

impl Engine for Bergshamra {
    fn canonical_without(&self, document: &Document<'_>, excluded: NodeId) -> Option<Vec<u8>> {
        let hidden = NodeSet::from_ids(below(document, excluded), NodeSetType::Invert);
        canonical(document, &hidden)
    }

    fn canonical_of(&self, document: &Document<'_>, element: NodeId) -> Option<Vec<u8>> {
        let shown = NodeSet::from_ids(below(document, element), NodeSetType::Normal);
        canonical(document, &shown)
    }
}

/// A node and everything below it.
fn below(document: &Document<'_>, node: NodeId) -> NodeIdSet {
    let mut ids = NodeIdSet::default();
    ids.insert(node.index());
    ids.extend(
        document
            .descendants(node)
            .into_iter()
            .map(|node| node.index()),
    );
    ids
}

fn canonical(document: &Document<'_>, visible: &NodeSet) -> Option<Vec<u8>> {
    let mode = C14nMode::Exclusive;
    bergshamra::c14n::canonicalize_doc::<&str>(document, mode, Some(visible), &[]).ok()
}
