//! The house in one process: a whole gateway over real sockets and real certificates, partners that
//! speak to it, and everything that a test may want to see of it.
//!
//! It knows every package and is known by none. Messages are built here by hand where that is simple,
//! so that a mistake of the gateway's own writers cannot hide itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a scene that cannot be set up ends the test there"
)]

pub mod client; // HTTP over mutual TLS, exact bytes, and what came back
pub mod clock;
pub mod department; // time that a test can turn
pub mod far; // the insurance database on the far side of a socket
pub mod house; // a gateway with its folder, its people and its partners
pub mod message; // messages of every partner, good until a test bends them
#[path = "../support/pg.rs"]
#[allow(missing_docs, reason = "its own words are on what is used")]
pub mod pg; // a PostgreSQL cluster of one's own
pub mod relay; // a TCP relay that can be told to lose what comes back
pub mod simulation; // a whole exchange in virtual time, from one seed
pub mod tape; // everything that is logged, as data
pub mod tool; // foreign commands, or why they were not run
pub mod torture; // real processes, killed and cut off, and three ledgers compared
