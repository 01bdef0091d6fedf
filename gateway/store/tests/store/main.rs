//! The store through its ports, over real files.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod bounds;
mod durability;
mod inbox;
mod outbox;
mod reads;
mod scene;
mod story;
mod verify;
