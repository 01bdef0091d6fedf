//! The library underneath, behind a trait so that it can be swapped.

use bergshamra::c14n::C14nMode;
use bergshamra::xml::NodeSet;
use bergshamra::xml::nodeset::{NodeIdSet, NodeSetType};
use bergshamra::{DsigContext, KeysManager, VerifyResult};
use uppsala::{Document, NodeId};

use crate::keys::VerifyingKey;

/// What an XML signature library is asked for; our profile has been checked before.
pub(super) trait Engine {
    /// The exclusive-canonical bytes of the document without `excluded` and everything below it.
    fn canonical_without(&self, document: &Document<'_>, excluded: NodeId) -> Option<Vec<u8>>;

    /// Checks the document's signature with `key` and no other.
    fn verify(&self, document: &Document<'_>, text: &str, key: &VerifyingKey) -> Verdict;
}

/// What the library found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The signature is good: which element it is and which references it covers (`None`: `URI=""`).
    Valid {
        signature: NodeId,
        references: Vec<Option<NodeId>>,
    },
    /// The signature is not good.
    Invalid,
}

/// bergshamra, with hardened defaults, trusted keys only.
pub(super) struct Bergshamra;

impl Engine for Bergshamra {
    fn canonical_without(&self, document: &Document<'_>, excluded: NodeId) -> Option<Vec<u8>> {
        let mut hidden = NodeIdSet::default();
        hidden.insert(excluded.index());
        hidden.extend(
            document
                .descendants(excluded)
                .into_iter()
                .map(|node| node.index()),
        );
        let visible = NodeSet::from_ids(hidden, NodeSetType::Invert);
        bergshamra::c14n::canonicalize_doc::<&str>(
            document,
            C14nMode::Exclusive,
            Some(&visible),
            &[],
        )
        .ok()
    }

    fn verify(&self, document: &Document<'_>, text: &str, key: &VerifyingKey) -> Verdict {
        let Some(trusted) = key.engine_key() else {
            return Verdict::Invalid;
        };
        let mut keys = KeysManager::new();
        keys.add_key(trusted.clone());
        let context = DsigContext::new(keys);
        let verified =
            bergshamra::dsig::verify::verify_document_with_source(&context, document, Some(text));
        match verified {
            Ok(VerifyResult::Valid {
                signature_node,
                references,
                ..
            }) if references.iter().all(|reference| reference.digest_verified) => {
                let references = references.iter().map(|one| one.resolved_node).collect();
                Verdict::Valid {
                    signature: signature_node,
                    references,
                }
            }
            _ => Verdict::Invalid,
        }
    }
}
