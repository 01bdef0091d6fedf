//! The store through its ports, over real files. What is not about files runs on PostgreSQL too, in
//! `tests/postgres`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod backup;
mod bounds;
mod durability;
mod engine;
mod evidence;
mod inbox;
mod ledger;
mod notes;
mod office;
mod outbox;
mod pulls;
mod reads;
mod recovering;
mod remember;
mod scene;
mod story;
mod verify;
