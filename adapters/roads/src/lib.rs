//! The roads: how a message travels, whatever it says.
//!
//! In: `direct` and `ngsp` read an envelope without trust. Out: `client` carries bytes to a partner and
//! `vdxp` keeps the portal's session. The roads refuse to know what any message means.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test stops where it fails"
    )
)]

pub mod client;
pub mod jws;
pub mod vdxp;

#[cfg(test)]
mod testserver;
