//! The same store through the same ports on PostgreSQL, and what only several replicas can show.
//!
//! Without Debian's package the first test that needs a server ends this program and says so.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test stops where it fails; the scene has more than this engine needs"
)]

mod chains;
mod edits;
mod engine;
#[path = "../../../../tests/support/pg.rs"]
mod pg;
mod schema;
mod trouble;

#[path = "../store/evidence.rs"]
mod evidence;
#[path = "../store/inbox.rs"]
mod inbox;
#[path = "../store/ledger.rs"]
mod ledger;
#[path = "../store/notes.rs"]
mod notes;
#[path = "../store/office.rs"]
mod office;
#[path = "../store/outbox.rs"]
mod outbox;
#[path = "../store/pulls.rs"]
mod pulls;
#[path = "../store/reads.rs"]
mod reads;
#[path = "../store/recovering.rs"]
mod recovering;
#[path = "../store/remember.rs"]
mod remember;
#[path = "../store/scene.rs"]
mod scene;
#[path = "../store/story.rs"]
mod story;
