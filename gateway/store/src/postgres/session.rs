//! One session with the server, driven from the thread that uses it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::Instant;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use crate::sql::{Error, Result, Value, in_postgres};

/// A connection and its prepared statements. After an answer that came too late nothing more is asked of
/// it: nobody knows what it is doing.
pub(crate) struct Session {
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    patience: Cell<Duration>,
    deadline: Cell<Option<Instant>>,
    lost: Cell<bool>,
    /// Statements that may have written something.
    writes: Cell<u64>,
    /// Whether the server has warned that what it commits may be nowhere else.
    alone: Arc<AtomicBool>,
    // Last: it drives the connection, and ends it when it goes.
    runtime: Runtime,
}

impl Session {
    pub(super) fn new(
        runtime: Runtime,
        client: Client,
        patience: Duration,
        alone: Arc<AtomicBool>,
    ) -> Self {
        Self {
            client,
            statements: RefCell::default(),
            patience: Cell::new(patience),
            deadline: Cell::new(None),
            lost: Cell::new(false),
            writes: Cell::new(0),
            alone,
            runtime,
        }
    }

    /// Whether it can still be used.
    pub(crate) fn is_open(&self) -> bool {
        !self.lost.get() && !self.client.is_closed()
    }

    /// From now on all statements together may take this long.
    pub(crate) fn begin_turn(&self) {
        self.deadline
            .set(Some(Instant::now() + self.patience.get()));
    }

    /// For work that takes its time: migrations, verifying.
    pub(crate) fn take_time(&self, patience: Duration) -> Result<()> {
        self.patience.set(patience);
        self.begin_turn();
        self.batch(&format!(
            "SET statement_timeout = {0}; SET lock_timeout = {0}; \
            SET idle_in_transaction_session_timeout = 0",
            patience.as_millis()
        ))
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement> {
        if !sql.starts_with("SELECT") {
            self.writes.set(self.writes.get() + 1);
        }
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let made = self.run(self.client.prepare(&in_postgres(sql)))?;
        self.statements
            .borrow_mut()
            .insert(sql.to_owned(), made.clone());
        Ok(made)
    }

    pub(crate) fn execute(&self, statement: &Statement, values: &[Value<'_>]) -> Result<usize> {
        let params = as_params(values);
        let changed = self.run(self.client.execute(statement, &params))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(crate) fn query(&self, statement: &Statement, values: &[Value<'_>]) -> Result<Vec<Row>> {
        let params = as_params(values);
        self.run(self.client.query(statement, &params))
    }

    /// Statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<()> {
        self.run(self.client.batch_execute(sql))
    }

    /// How many statements may have written something so far: unchanged where none has.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.get()
    }

    /// Begins a transaction and asks the first questions, in one round trip; gives each one's rows.
    pub(crate) fn begin(&self, first: &[(&str, &[Value<'_>])]) -> Result<Vec<Vec<Row>>> {
        let prepared = self.prepare_all(first)?;
        self.run(async {
            let begin = self.client.batch_execute("BEGIN");
            let all = prepared
                .iter()
                .map(|(statement, params)| self.client.query(statement, params));
            let all = futures_util::future::try_join_all(all);
            let ((), rows) = futures_util::future::try_join(begin, all).await?;
            Ok(rows)
        })
    }

    fn prepare_all<'v>(
        &self,
        all: &'v [(&str, &'v [Value<'v>])],
    ) -> Result<Vec<(Statement, Vec<&'v (dyn ToSql + Sync)>)>> {
        let prepare =
            |(sql, values): &(&str, &'v [Value<'v>])| Ok((self.prepare(sql)?, as_params(values)));
        all.iter().map(prepare).collect()
    }

    /// Runs the last statements of a transaction and commits it, in one round trip. None of them may be
    /// one whose count of rows decides.
    pub(crate) fn commit_with(&self, last: &[(&str, &[Value<'_>])]) -> Result<()> {
        let prepared = self.prepare_all(last)?;
        self.alone.store(false, Ordering::SeqCst);
        self.run(async {
            let all = prepared
                .iter()
                .map(|(statement, params)| self.client.execute(statement, params));
            let all = futures_util::future::try_join_all(all);
            let commit = self.client.batch_execute("COMMIT");
            futures_util::future::try_join(all, commit)
                .await
                .map(|_| ())
        })?;
        self.is_everywhere()
    }

    /// A wait for the synchronous standby that was cancelled ends in a commit that looks like any other,
    /// but for a warning: whoever is told so could see it lost at a fail-over.
    fn is_everywhere(&self) -> Result<()> {
        if self.alone.swap(false, Ordering::SeqCst) {
            self.lost.set(true);
            let why = "the commit was not confirmed by the standby";
            return Err(Error::Gone(why.into()));
        }
        Ok(())
    }

    fn run<T>(
        &self,
        work: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        if self.lost.get() {
            return Err(Error::Gone("the connection to the database is lost".into()));
        }
        let patience = self.patience.get();
        let outcome = self.runtime.block_on(async {
            let by = self
                .deadline
                .get()
                .unwrap_or_else(|| Instant::now() + patience);
            tokio::time::timeout_at(by, work).await
        });
        match outcome {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => {
                if error.as_db_error().is_none() && (error.is_closed() || self.client.is_closed()) {
                    self.lost.set(true);
                }
                Err(Error::Postgres(error))
            }
            Err(_) => {
                self.lost.set(true);
                Err(Error::Late(patience.as_millis()))
            }
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(..)")
    }
}

fn as_params<'a>(values: &'a [Value<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}
