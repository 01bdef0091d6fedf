//! Whether the store may write. Once halted it stays read-only until it is opened again.

use std::sync::OnceLock;
#[cfg(test)]
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_core::ports::StoreError;

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
