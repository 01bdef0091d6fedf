//! The reference counterparts (simulated agencies) and the black-box rules of the gateway.
//!
//! Everything here stands on the partners' side of the wire: it has an agency's certificate, key and
//! memory, builds messages from the published facts and judges what comes back by its own reading of
//! them. It refuses to know the pipeline, its store and its registry; it may import only the facts
//! (`schemas`) and the cryptography (`certs`).
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test that cannot set up its scene should stop there"
    )
)]

pub mod authorisation; // an authorisation server that gives access tokens
pub mod authority; // a development authority's time-stamps, OCSP and list, by the openssl command
pub mod call; // what is sent and what came back, whatever the words
pub mod client; // HTTPS as a partner speaks it, and exact bytes over TLS
pub mod crvs; // a civil registry that speaks DCI
pub mod dvclt; // the inter-linked public service software of the civil registry
pub mod flow; // the report of one played flow
pub mod hospital; // a hospital that tells of births and deaths
pub mod identity; // an agency's folder
pub mod landmarks; // the synthetic people that an agency may speak about
pub mod ngsp; // the national platform between agencies
pub mod opencrvs; // an OpenCRVS that tells by webhooks
pub mod payment; // the payment platform
pub mod population; // the national population database
pub mod portal; // the National Public Service Portal
pub mod rules; // one black-box rule per file
pub mod runner; // runs the rules and prints what came of it
pub mod security_server; // an X-Road security server that brings others' messages
pub mod state; // an agency's memory
pub mod tax; // the tax department, asking
pub mod taxpayer; // the tax department, asked

mod clock;
mod desk;
mod jws;
mod listener;
mod xml;
