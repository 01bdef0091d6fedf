//! Why an engine did not do it. PostgreSQL's details repeat the row, so they are left out.

use std::fmt;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// SQLite refused.
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused, or the session with it ended.
    #[error("PostgreSQL: {0}")]
    Postgres(#[source] Quiet),
    /// PostgreSQL gave no answer in time; the session was given up.
    #[error("PostgreSQL gave no answer within {0} ms")]
    TimedOut(u128),
    /// The session ended inside a transaction, which is undone unless it was being committed.
    #[error("the session with PostgreSQL was lost")]
    Lost,
    /// The server cannot be reached; asked again after a moment.
    #[error("PostgreSQL could not be reached a moment ago")]
    Unreachable,
    /// A row that has to be there is not.
    #[error("a row that has to be there is not")]
    NoRow,
    /// A column has another type than the program expects.
    #[error("column {0} is not what the program expects")]
    Column(usize),
    /// The thread for it could not be made.
    #[error("no thread for the database: {0}")]
    Thread(#[from] std::io::Error),
}

impl Error {
    /// Whether a write or a sync of a file failed, so that nobody knows what is on the disk. A full disk is none.
    pub(crate) fn is_of_the_disk(&self) -> bool {
        let Self::Sqlite(error) = self else {
            return false;
        };
        error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure)
    }
}

/// An error of PostgreSQL's driver that never says what stands in a row.
pub struct Quiet(pub(super) tokio_postgres::Error);

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(Quiet(error))
    }
}

/// Whether nothing more can be asked in this session: it ended, or its server may no longer write.
pub(super) fn ends_session(error: &tokio_postgres::Error) -> bool {
    match error.as_db_error() {
        None => true,
        Some(told) => {
            let state = told.code().code();
            told.severity() == "FATAL" || state.starts_with("57P") || state == READ_ONLY
        }
    }
}

impl Quiet {
    /// The five characters of SQLSTATE, where the server spoke.
    #[must_use]
    pub fn state(&self) -> Option<&str> {
        self.0.code().map(tokio_postgres::error::SqlState::code)
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(told) = self.0.as_db_error() else {
            return write!(to, "{}", self.0);
        };
        write!(to, "{} {}", told.code().code(), told.message())?;
        match told.constraint() {
            Some(constraint) => write!(to, " ({constraint})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Quiet {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, to)
    }
}

impl std::error::Error for Quiet {}

/// read_only_sql_transaction: the server was a primary and is a standby now.
const READ_ONLY: &str = "25006";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_or_sync_is_of_the_disk_and_a_full_one_is_not() {
        let refused = |code| {
            Error::Sqlite(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(code),
                None,
            ))
        };
        for (code, of_the_disk) in [
            (rusqlite::ffi::SQLITE_IOERR_FSYNC, true),
            (rusqlite::ffi::SQLITE_IOERR_WRITE, true),
            (rusqlite::ffi::SQLITE_FULL, false),
            (rusqlite::ffi::SQLITE_BUSY, false),
            (rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, false),
        ] {
            assert_eq!(refused(code).is_of_the_disk(), of_the_disk, "{code}");
        }
        assert!(!Error::NoRow.is_of_the_disk());
    }
}
