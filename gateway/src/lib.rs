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

pub mod admin; // the operators' listener
pub mod backup; // a copy under load, and the way back
#[cfg(feature = "sandbox")]
pub mod bench; // figures of this machine
mod bulk; // whole months, chunk by chunk
pub mod check; // what can be known of a config before a port opens
pub mod cli; // the command line
pub mod clock; // a clock that goes back makes nothing young again
mod clocks; // the law's time for births
pub mod config; // gateway.toml and partners/*.toml, every problem with its line
pub mod container; // one message, with what proves it, in a file that stands alone
pub mod deliver; // the way out, one worker per partner
mod documents; // what every registered peer may read
pub mod ends; // when the certificates in use end
pub mod evidence; // checkpoints, time-stamps, retention
pub mod feed; // the insurance database's changes, into the outbox
mod follow; // what we subscribe to at registries
pub mod gateway; // one gateway, started and drained
pub mod keys; // our keys, anchors and lists, read again while running
pub mod metrics; // what Prometheus sees
pub mod orders;
mod papers; // files of dossiers, encrypted and searched
mod payments; // what operators have stopped
mod population; // a birth asks the national population database first
mod pull; // what registries told and never came
pub mod reconcile; // what a partner lost or never sent
pub mod recover; // messages whose holder died after T1
mod registrar; // which terms of partners are in force
pub mod registry_server; // the insurance contract for others, over mutual TLS
pub mod revocation;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod schedules; // what authorities have taken back, fetched and asked for
pub mod serve; // room 1: sockets
pub mod signals; // when to stop
pub mod stack; // the eight rooms in one place
mod subscriptions; // notices that nobody wants any more
pub mod tally; // limits that all replicas share
pub mod telemetry; // logs, one event a line
mod webhooks; // our subscriptions at an OpenCRVS, and its challenge
pub mod wiring; // where the packages meet // everything on one machine, with simulated agencies
