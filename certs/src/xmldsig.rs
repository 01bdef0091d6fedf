//! XML signatures (XML-DSig 1.1, enveloped, exclusive C14N, SHA-256) in our own strict profile.
//!
//! What is proven is not the document but the exclusive-canonical bytes of its root without the
//! signature; [`ProvenXml::canonical`] is the only thing that callers may read on. What we emit is
//! canonical by construction and signed without a tree.

mod engine;
mod error;
mod prescan;
mod profile;
mod sign;
mod structure;
mod verify;

pub use error::XmlSigError;
pub use profile::Profile;
pub use sign::{SignError, sign_enveloped};
pub use verify::{ProvenXml, ReferenceForm, verify};
