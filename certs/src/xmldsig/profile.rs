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
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            bytes_max: 1 << 20,
            depth_max: 64,
            elements_max: 20_000,
            attributes_max: 64,
            algorithms: vec![Algorithm::Es256, Algorithm::Ps256, Algorithm::Rs256],
        }
    }
}
