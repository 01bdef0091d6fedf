//! The limits and choices of the profile.

use crate::keys::Algorithm;

/// What a signed document may look like; `Profile::default()` is ours (inline XML: 1 MiB, 20,000 elements).
#[derive(Clone, Debug)]
pub struct Profile {
    /// Largest document, in bytes.
    pub bytes_max: usize,
    /// Deepest nesting of elements.
    pub depth_max: u32,
    /// Most elements.
    pub elements_max: usize,
    /// Most attributes and namespace declarations of one element.
    pub attributes_max: usize,
    /// Accepted signature algorithms; the sender's key must fit too.
    pub algorithms: Vec<Algorithm>,
    /// What must be signed.
    pub signed: Signed,
    /// Whether Canonical XML 1.0 is accepted beside the exclusive one, as old edXML has it.
    pub inclusive: bool,
    /// Danger: whether RSA PKCS#1 v1.5 with SHA-1 and SHA-1 digests are accepted; for named partners alone.
    pub danger_sha1: bool,
}

/// The one thing that a message type lets its signature be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The root element.
    Root,
    /// The one child of the root with this name; the signature is the last child of it or of the root.
    Element {
        /// Its namespace.
        namespace: &'static str,
        /// Its local name.
        name: &'static str,
    },
    /// The one child of the root with this name, by its id; the signature stands alone in another child, the last.
    Beside {
        /// The namespace of both; empty for none.
        namespace: &'static str,
        /// The signed element's local name.
        name: &'static str,
        /// The local name of the element that holds the signature.
        holder: &'static str,
    },
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            bytes_max: 1 << 20,
            depth_max: 64,
            elements_max: 20_000,
            attributes_max: 64,
            algorithms: Algorithm::ALL.to_vec(),
            signed: Signed::Root,
            inclusive: false,
            danger_sha1: false,
        }
    }
}
