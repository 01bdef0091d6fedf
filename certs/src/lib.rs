//! Identity, TLS, signatures, tokens and sealed records: the only package that names a crypto library.
//!
//! It knows keys, certificates and bytes. It refuses to know partners, operations, messages in flight
//! and what any signed content means: who may sign what is decided by its callers.
//!
//! Every refusal is a small error with a stable `reason()`; no error carries key material or content.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that cannot set up its scene should stop there"
    )
)]

pub mod asic;
pub mod dci;
pub mod digest;
pub mod evidence;
pub mod hub;
pub mod jws;
pub mod jwt;
pub mod keys;
pub mod merkle;
pub mod password;
pub mod pki;
pub mod revocation;
pub mod seal;
pub mod tls;
pub mod tsp;
pub mod xmldsig;
