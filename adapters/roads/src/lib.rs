//! The roads: how a message travels, whatever it says.
//!
//! In: `xml`, `jws`, `egw`, `dci` and `xroad` read an envelope without trust, from the sender itself or from its relay. Out:
//! `client` carries bytes to a partner, `direct` a signed document, `ngsp` calls
//! through the national platform, `vdxp` keeps the portal's session, `fetch` gets what stands at a
//! registered address, and `reach` judges whom any of them may call. The roads refuse to know what any
//! message means.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test stops where it fails"
    )
)]

pub mod bearer;
pub mod client;
pub mod dci;
pub mod direct;
pub mod egw;
pub mod fetch;
pub mod issuer;
pub mod jws;
pub mod media;
pub mod ngsp;
pub mod oauth;
pub mod reach;
pub mod sources;
pub mod vdxp;
pub mod way;
pub mod xml;
pub mod xroad;

#[cfg(test)]
mod testhead;
#[cfg(test)]
mod testserver;

use gateway_core::{Head, Road};
use schemas::id::PartnerId;

/// By which road a message came: a security server attests what it brings, and any other peer that is not
/// the sender can only be its relay.
#[must_use]
pub fn arrival(head: &Head, sender: &PartnerId) -> Road {
    match (head.attested(), head.peer.partner() == sender) {
        (Some(_), _) => Road::XRoad,
        (None, true) => Road::Direct,
        (None, false) => Road::Ngsp,
    }
}
