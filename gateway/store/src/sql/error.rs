//! What can go wrong at a database, whichever it is.

use gateway_core::ports::StoreError;

/// Of a look-up or a statement.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{}", told_of(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// The database did not answer in time.
    #[error("the database did not answer within {0} ms")]
    Late(u128),
    /// There is no connection.
    #[error("{0}")]
    Gone(String),
    #[error("no such row")]
    NoRows,
    /// A column does not have its shape.
    #[error("column {0} does not have its shape: {1}")]
    Shape(usize, String),
}

impl Error {
    /// A number that stands for nothing.
    pub(crate) fn out_of_range(column: usize, number: i64) -> Self {
        Self::Shape(column, format!("{number} is out of range"))
    }

    /// SQLite's code, where it is SQLite's error.
    pub(crate) fn sqlite_code(&self) -> Option<rusqlite::ErrorCode> {
        match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            _ => None,
        }
    }

    /// What the callers of the store are told: a misshapen row is corruption, anything else may pass.
    pub(crate) fn told(&self) -> StoreError {
        match self {
            Self::Sqlite(error) => crate::health::told(error),
            Self::Shape(..) | Self::NoRows => StoreError::Corrupt(self.to_string()),
            Self::Postgres(_) | Self::Late(_) | Self::Gone(_) => {
                StoreError::Unavailable(self.to_string())
            }
        }
    }
}

/// The server's own message without its detail, which may quote a row.
fn told_of(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => {
            let cause = std::error::Error::source(error);
            cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
        }
    }
}
