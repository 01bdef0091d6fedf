//! Signing without a tree.

use crate::keys::{KeyError, SigningKey};

/// Why a document was not signed; both are mistakes of the program, not of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The bytes do not end with the root's end tag, or the id has characters that we never emit.
    #[error("the document is not one root element in our emitted form")]
    NotOurForm,
    /// The key's algorithm has no place in our XML profile.
    #[error("the key's algorithm is not part of the XML profile")]
    AlgorithmRefused,
    /// The key refused to sign.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Signs the exclusive-canonical bytes of a root element (without signature) and gives the signed document.
pub fn sign_enveloped(
    canonical_root: &[u8],
    root_id: &str,
    key: &SigningKey,
    certificate_der: Option<&[u8]>,
) -> Result<Vec<u8>, SignError> {
    let _ = (canonical_root, root_id, key, certificate_der);
    todo!()
}
