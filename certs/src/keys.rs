//! Keys, loaded once: signing keys from PEM, PKCS#12 or a PKCS#11 token, verifying keys from certificates.
//!
//! A key knows its kind; an algorithm named in a message is only ever compared with it.

mod algorithm;
mod jwk;
mod signing;
mod store;
mod token;
mod verifying;

pub use algorithm::{Algorithm, KeyKind};
pub use jwk::jwk;
pub use signing::{KeyError, SigningKey};
pub use store::{KeyLock, KeyStore, PemFile, Pkcs12File, SecretPlace, TokenStore};
pub use token::TokenLock;
pub use verifying::{SignatureError, VerifyingKey};
