//! What the disk and its user say to each other: a line of JSON each, an answer to each question. The first
//! answer is to no question: whether the disk is mounted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is asked; `N` is how a file is named.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Ask<N = String> {
    /// Put this file on the disk.
    Load(PathBuf),
    /// Cut the power; the dice are of this seed.
    Cut(u64),
    Unsynced,
    /// Let a call fail, or none any more.
    Fail(Option<Trap<N>>),
    Sprung,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Done,
    /// Why it was not done.
    Failed(String),
    /// Bytes, and syncs so far.
    Unsynced(u64, u64),
    Sprung(bool),
}

/// A call that is to fail.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Trap<N = &'static str> {
    /// What kind of call.
    pub call: Call,
    /// Of this file, by its name; else of any.
    pub file: Option<N>,
    /// Which one: 1 is the next.
    pub nth: u64,
    /// `EIO` or `ENOSPC`.
    pub full: bool,
}

/// A call that may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// Bytes of a file.
    Write,
    /// A file made durable.
    Sync,
    /// The folder's names made durable.
    FolderSync,
}
