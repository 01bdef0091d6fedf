//! Backup and restore: a copy of the message store, of the embedded registry and of the files of messages, taken while the gateway
//! works, and the way back into a gateway that stands in Recovering.
//!
//! Two databases and never one transaction, so the order decides. The store is copied first and the registry
//! after it: what the copied store calls answered, the copied registry has done. What the registry did in between
//! is done once more under the same key when its message comes again, and so not done twice; what its feed
//! handed over in between is handed out again under the same ids. The other order would keep answers to
//! what the registry never did.
//!
//! It refuses to know the tables of either.

mod files;
mod manifest;
mod papers;
mod put_back;
mod server;
mod take;

use std::path::PathBuf;

pub use manifest::{Backup, Chain, FileLine, Manifest, RegistryPart, RestorePoint, StorePart};
pub use put_back::{Asked, PutBack, put_back};
pub use server::{Server, Until};
pub use take::take;

/// Why there is no backup, or why it was not put back. Nothing was changed, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The file system refuses.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] std::io::Error),
    /// Something stands where the backup should go.
    #[error("{0} is there already: name a folder that is not there yet")]
    There(PathBuf),
    /// The folder holds no backup, or not one of this format.
    #[error("{0} is no backup: {1}")]
    NotABackup(PathBuf, String),
    /// The manifest is not what this sealing key sealed.
    #[error(
        "the manifest does not open: it was changed, or it was made under another sealing key than [store] names"
    )]
    Seal,
    /// A file is not what the manifest says.
    #[error("{name} is not what was backed up: {what}")]
    Changed {
        /// The file, inside the backup.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is a store where it would be put back.
    #[error(
        "{0} is there: a restore overwrites nothing. Say --replace to have it set aside, or name another path in the config"
    )]
    Occupied(PathBuf),
    /// The config cannot take this backup.
    #[error("{0}")]
    Config(String),
    /// The store refuses.
    #[error("the store: {0}")]
    Store(String),
    /// PostgreSQL, or one of its programs, refuses or is not here.
    #[error("PostgreSQL: {0}")]
    Server(String),
    /// The registry refuses.
    #[error("the registry: {0}")]
    Registry(String),
}

impl BackupError {
    /// At this file.
    pub(crate) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |error| Self::File(path, error)
    }
}
