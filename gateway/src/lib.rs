//! The gateway itself: config, listeners, the stack, delivery, and what operators need.
//!
//! Package `gateway` puts the rooms of `gateway-core` between real sockets and a real store. It refuses
//! to know any partner's words (adapters), any crypto library (certs) and any SQL (store).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that cannot set up its scene should stop there"
    )
)]

pub mod config; // gateway.toml and partners/*.toml, every problem with its line
pub mod metrics; // what Prometheus sees
pub mod telemetry; // logs, one event a line
