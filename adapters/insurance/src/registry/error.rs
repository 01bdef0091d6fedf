//! Why the registry did not do it, and how each reason is told to the caller.

use schemas::fault::{Fault, FaultCode};

/// Why a file or database could not be opened as a registry.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The organisation's groups are too long for a dossier code.
    #[error("the organisation cannot stand in a dossier code: groups of at most three characters")]
    OrganId,
    /// It is a database of something else.
    #[error("the database is not a registry of this program")]
    NotARegistry,
    /// It was written by a newer version.
    #[error("the registry has schema version {found}, this program knows up to {known}")]
    UnknownVersion {
        /// The version in the file.
        found: i64,
        /// The newest version of this build.
        known: i64,
    },
    /// It holds the other population.
    #[error("the registry holds a {found} population, the configuration says {wanted}")]
    Population {
        /// The word in the file.
        found: String,
        /// The word in the configuration.
        wanted: &'static str,
    },
    /// The database has not been brought to the schema of this program.
    #[error(
        "the registry has schema version {found}, this program needs {known}: run `lienthong migrate --registry`"
    )]
    NotMigrated {
        /// The version in the database; 0 where there is none.
        found: i64,
        /// The newest version of this build.
        known: i64,
    },
    /// There are people, and the schema would go with them.
    #[error("the registry holds people: it is not taken apart")]
    NotEmpty,
    /// The server may lose what it has acknowledged.
    #[error("the server runs with synchronous_commit = off: what it acknowledges can be lost")]
    NotDurable,
    /// The file beside the registry that says which numbers were given out.
    #[error("the file of given numbers: {0}")]
    Marks(String),
    /// The engine refused.
    #[error(transparent)]
    Storage(#[from] crate::sql::Error),
    /// The file system refused.
    #[error("the registry's file: {0}")]
    Io(#[from] std::io::Error),
}

/// Why a call on an open registry failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule of the domain refuses, for good; nothing was changed.
    #[error("refused: {0}")]
    Refused(#[from] Fault),
    /// The queue is full; nothing was done.
    #[error("the registry's queue is full")]
    Busy,
    /// The threads are gone or the commit failed: the outcome is unknown, the same key asks again.
    #[error("the registry did not answer")]
    Unanswered,
    /// The engine failed; the change was undone.
    #[error(transparent)]
    Storage(#[from] crate::sql::Error),
    /// What is stored contradicts itself.
    #[error("the registry is corrupt: {0}")]
    Corrupt(&'static str),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Storage(error.into())
    }
}

impl Error {
    /// A refusal with its stable word and the contract's field that is wrong.
    pub(super) fn refused(code: FaultCode, reason: &'static str, field: &'static str) -> Self {
        Self::Refused(Fault::new(code, reason).field(field))
    }

    /// The fault that the caller gets; what went wrong inside goes into its note.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        let unavailable =
            |reason: &'static str| Fault::new(FaultCode::InsuranceUnavailable, reason);
        match self {
            Self::Refused(fault) => fault,
            Self::Busy => unavailable("busy"),
            Self::Unanswered => unavailable("unanswered"),
            Self::Storage(error) => unavailable("storage").log(error.to_string()),
            Self::Corrupt(what) => unavailable("corrupt").log(what),
        }
    }
}
