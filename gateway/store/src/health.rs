//! Whether the store may write. Once halted it stays read-only until it is opened again.

use std::sync::OnceLock;
#[cfg(test)]
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_core::ports::StoreError;
use rusqlite::ErrorCode;

/// Shared by writer, readers and callers.
#[derive(Debug, Default)]
pub(crate) struct Health {
    halted: OnceLock<String>,
    #[cfg(test)]
    pub(crate) fail_next_commit: AtomicBool,
}

impl Health {
    /// Stops all writing; the first reason is kept.
    pub(crate) fn halt(&self, reason: String) {
        tracing::error!(reason, "the store is read-only until it is opened again");
        let _ = self.halted.set(reason);
    }

    /// The reason for which nothing is written any more.
    pub(crate) fn halted(&self) -> Option<&str> {
        self.halted.get().map(String::as_str)
    }

    pub(crate) fn writable(&self) -> Result<(), StoreError> {
        match self.halted() {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable(format!("read-only: {reason}"))),
        }
    }

    /// Corruption stops the acceptance of messages; reads go on.
    pub(crate) fn note(&self, error: StoreError) -> StoreError {
        if let StoreError::Corrupt(what) = &error {
            self.halt(what.clone());
        }
        error
    }

    /// The sync error that a test ordered for the next commit.
    #[cfg(test)]
    pub(crate) fn injected(&self) -> rusqlite::Result<()> {
        use rusqlite::ffi;
        if self.fail_next_commit.swap(false, Ordering::SeqCst) {
            let error = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
            return Err(rusqlite::Error::SqliteFailure(error, None));
        }
        Ok(())
    }

    #[cfg(not(test))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "the twin for tests can fail"
    )]
    pub(crate) fn injected(&self) -> rusqlite::Result<()> {
        Ok(())
    }
}

/// A row that does not have its shape is corruption; anything else may pass.
pub(crate) fn told(error: &rusqlite::Error) -> StoreError {
    use rusqlite::Error as Sql;
    let misshapen = matches!(
        error,
        Sql::FromSqlConversionFailure(..)
            | Sql::IntegralValueOutOfRange(..)
            | Sql::InvalidColumnType(..)
            | Sql::Utf8Error(..)
    );
    let corrupt = matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    );
    if misshapen || corrupt {
        StoreError::Corrupt(error.to_string())
    } else {
        StoreError::Unavailable(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misshapen_row_is_corruption_and_a_busy_file_is_not() {
        let misshapen = rusqlite::Error::IntegralValueOutOfRange(1, 77);
        assert!(matches!(told(&misshapen), StoreError::Corrupt(_)));
        let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        let busy = rusqlite::Error::SqliteFailure(busy, None);
        assert!(matches!(told(&busy), StoreError::Unavailable(_)));
    }

    #[test]
    fn corruption_halts_and_the_first_reason_is_kept() {
        let health = Health::default();
        health.note(StoreError::Busy);
        health.writable().unwrap();
        health.note(StoreError::Corrupt("first".into()));
        health.note(StoreError::Corrupt("second".into()));
        assert_eq!(health.halted(), Some("first"));
        assert!(matches!(health.writable(), Err(StoreError::Unavailable(_))));
    }
}
