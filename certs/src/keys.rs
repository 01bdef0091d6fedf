//! Keys, loaded once: signing keys from PEM or PKCS#12, verifying keys from certificates.
//!
//! A key knows its kind; an algorithm named in a message is only ever compared with it.

mod algorithm;
mod signing;
mod verifying;

pub use algorithm::{Algorithm, KeyKind};
pub use signing::{KeyError, SigningKey};
pub use verifying::{SignatureError, VerifyingKey};
