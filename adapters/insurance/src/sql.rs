//! One way to speak SQL with two engines: SQLite in a file, PostgreSQL behind a url.
//!
//! A text is written once, in what both engines understand, with `?1` parameters; where they differ
//! stands in [`dialect`]. Everything here blocks: it runs on the registry's own threads. It refuses to
//! know what the tables mean.

pub(crate) mod dialect;
mod error;
mod lite;
mod postgres;
mod value;

pub use error::Error;
pub(crate) use lite::{fold_whole, open as open_file, open_read_only};
pub use postgres::{Address, AddressError};
pub(crate) use postgres::{Patience, Postgres};
pub(crate) use value::{Bind, Cell, Row, Value, values};

/// A connection to either engine.
pub(crate) enum Sql {
    /// A connection to a file.
    Lite(rusqlite::Connection),
    /// A session with a server, made again where it was lost between two transactions.
    Postgres(Box<Postgres>),
}

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Lite,
    Postgres,
}

impl Sql {
    pub(crate) fn engine(&self) -> Engine {
        match self {
            Self::Lite(_) => Engine::Lite,
            Self::Postgres(_) => Engine::Postgres,
        }
    }

    /// Runs a statement that gives no rows; gives the number of rows it changed.
    pub(crate) fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64, Error> {
        match self {
            Self::Lite(file) => lite::execute(file, text, values),
            Self::Postgres(server) => server.execute(text, values),
        }
    }

    /// The first row, where there is one.
    pub(crate) fn query_opt<T>(
        &self,
        text: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Self::Lite(file) => lite::query_opt(file, text, values, read),
            Self::Postgres(server) => server.query_opt(text, values, read),
        }
    }

    /// The first row, which has to be there.
    pub(crate) fn query_one<T>(
        &self,
        text: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.query_opt(text, values, read)?.ok_or(Error::NoRow)
    }

    /// Every row.
    pub(crate) fn query<T>(
        &self,
        text: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Lite(file) => lite::query(file, text, values, read),
            Self::Postgres(server) => server.query(text, values, read),
        }
    }

    /// Shows every row, one at a time: as many as there may be.
    pub(crate) fn each(
        &self,
        text: &str,
        values: &[Value<'_>],
        show: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::each(file, text, values, show),
            Self::Postgres(server) => server.each(text, values, show),
        }
    }

    /// Runs several statements without parameters.
    pub(crate) fn batch(&self, texts: &str) -> Result<(), Error> {
        match self {
            Self::Lite(file) => Ok(file.execute_batch(texts)?),
            Self::Postgres(server) => server.batch(texts),
        }
    }

    /// Begins a transaction that writes; on PostgreSQL `first` is run at once in it, such as a lock.
    pub(crate) fn begin(&self, first: &str) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::run(file, "BEGIN IMMEDIATE"),
            Self::Postgres(server) => server.begin(&format!("BEGIN; {first}")),
        }
    }

    /// Begins a transaction that reads, and sees everything as it stands now.
    pub(crate) fn snapshot(&self) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::run(file, "BEGIN"),
            Self::Postgres(server) => server.begin(dialect::SNAPSHOT),
        }
    }

    /// Commits; where this fails nobody knows whether it was done.
    pub(crate) fn commit(&self) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::run(file, "COMMIT"),
            Self::Postgres(server) => server.commit(),
        }
    }

    /// Folds a file's log back into it, as far as no reader stands before; a server sees to that itself.
    pub(crate) fn fold(&self) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::fold(file),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Closes later without folding the log back: after a failed sync a further fold would lose what was folded
    /// back before it.
    pub(crate) fn leave_log(&self) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::leave_log(file),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Takes folding out of this connection's commits, where its failure would be told to nobody.
    pub(crate) fn fold_by_hand(&self) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::fold_by_hand(file),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Undoes the transaction, where there still is one.
    pub(crate) fn rollback(&self) {
        match self {
            Self::Lite(file) if file.is_autocommit() => {}
            // it is undone by itself where this fails
            Self::Lite(file) => drop(lite::run(file, "ROLLBACK")),
            Self::Postgres(server) => server.rollback(),
        }
    }

    /// Marks a place to come back to.
    pub(crate) fn save(&self) -> Result<(), Error> {
        self.mark("SAVEPOINT command")
    }

    /// Keeps what was done since the mark.
    pub(crate) fn keep(&self) -> Result<(), Error> {
        self.mark("RELEASE SAVEPOINT command")
    }

    /// Undoes what was done since the mark.
    pub(crate) fn undo(&self) -> Result<(), Error> {
        match self {
            Self::Lite(file) => {
                lite::run(file, "ROLLBACK TO SAVEPOINT command")?;
                lite::run(file, "RELEASE SAVEPOINT command")
            }
            Self::Postgres(server) => server.undo(),
        }
    }

    /// Whether a transaction is under way and can still be committed.
    pub(crate) fn in_transaction(&self) -> bool {
        match self {
            // a full disk or a failed sync makes SQLite give up the transaction by itself
            Self::Lite(file) => !file.is_autocommit(),
            Self::Postgres(server) => server.in_transaction(),
        }
    }

    fn mark(&self, text: &str) -> Result<(), Error> {
        match self {
            Self::Lite(file) => lite::run(file, text),
            Self::Postgres(server) => server.batch(text),
        }
    }
}
