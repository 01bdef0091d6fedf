//! XML signatures (XML-DSig 1.1, enveloped, SHA-2) and XAdES-B in our own strict profile.
//!
//! What is proven is not the document but the canonical bytes of the signed element without the
//! signature; [`ProvenXml::canonical`] is the only thing that callers may read on. What we emit is
//! canonical by construction and signed without a tree.

mod c14n;
mod digest;
mod engine;
mod error;
mod names;
mod prescan;
mod profile;
mod reference;
mod sign;
mod structure;
mod tree;
mod verify;
mod xades;

pub use c14n::Canonicalization;
pub use error::XmlSigError;
pub use profile::{Profile, Signed};
pub use sign::{SignError, SigningCertificate, sign_beside, sign_enveloped, sign_xades};
pub use verify::{ProvenXml, ReferenceForm, canonical_form, unsigned_element, verify};
