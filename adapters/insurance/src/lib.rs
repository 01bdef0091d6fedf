//! The insurance contract `insurance.v1`: the embedded registry, its server and its client.
//!
//! The registry keeps people, employers, cards, births and dossiers in one SQLite file or on PostgreSQL
//! and enforces the rules of the domain; the server is the generated tonic server over it; the client calls either
//! that server in this process or any server of the contract over mutual TLS.
//!
//! This package refuses to know partners' words, roads, signatures and who may ask: it is told by a
//! [`Context`](schemas::proto::insurance::Context) who asks, and keeps to the rows of that sender.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that cannot set up its scene should stop there"
    )
)]

pub mod client;
pub mod registry;
pub mod seed;
pub mod server;
pub mod sql;

pub use client::{Insurance, Limits, RemoteParams};
pub use registry::{Clock, Params, Place, Population, Registry};
