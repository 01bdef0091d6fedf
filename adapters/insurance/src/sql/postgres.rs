//! PostgreSQL: one session with a server, spoken to from one thread.
//!
//! A session that was lost between two transactions is made again; one that was lost inside a
//! transaction never is, since nobody knows what became of it. No statement is waited for longer than
//! the session's patience, and none that fails repeats what stands in a row.

mod address;

use std::cell::{Cell as Slot, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, TryStreamExt as _};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, timeout};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

use super::{Error, Row, Value, dialect};
pub use address::{Address, AddressError};

/// A session, made when it is first needed.
pub(crate) struct Postgres {
    /// None only while it is dropped.
    runtime: Option<Runtime>,
    address: Address,
    patience: Patience,
    session: RefCell<Option<Session>>,
    stage: Slot<Stage>,
    refused_until: Slot<Option<Instant>>,
}

/// How long to wait for a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as a caller would.
    Call,
    /// As long as it takes: migrations, seeding.
    Endless,
}

struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

/// Where the session is in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Idle,
    Sound,
    /// A statement failed: only undoing leads on.
    Failed,
}

impl Postgres {
    /// A session that is not made yet.
    pub(crate) fn new(address: Address, patience: Patience) -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self {
            runtime: Some(runtime),
            address,
            patience,
            session: RefCell::new(None),
            stage: Slot::new(Stage::Idle),
            refused_until: Slot::new(None),
        })
    }

    pub(super) fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<u64, Error> {
        self.ask(async |session| {
            let statement = session.prepare(text).await?;
            session
                .client
                .execute(&statement, &parameters(values))
                .await
        })
    }

    pub(super) fn query_opt<T>(
        &self,
        text: &str,
        values: &[Value<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let rows = self.rows(text, values)?;
        rows.first()
            .map(|row| read(&Row::Postgres(row)))
            .transpose()
    }

    pub(super) fn query<T>(
        &self,
        text: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.rows(text, values)?;
        rows.iter().map(|row| read(&Row::Postgres(row))).collect()
    }

    /// Rows as they come, so that as many as there may be fit; only inside a transaction.
    pub(super) fn each(
        &self,
        text: &str,
        values: &[Value<'_>],
        mut show: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let stream = self.ask(async |session| {
            let statement = session.prepare(text).await?;
            session
                .client
                .query_raw(&statement, parameters(values))
                .await
        })?;
        let mut stream = pin!(stream);
        while let Some(row) = self.wait(stream.try_next())?? {
            show(&Row::Postgres(&row))?;
        }
        Ok(())
    }

    pub(super) fn batch(&self, texts: &str) -> Result<(), Error> {
        self.ask(async |session| session.client.batch_execute(texts).await)
    }

    /// Sends rows in PostgreSQL's text format into a table: `COPY … FROM STDIN`.
    pub(crate) fn copy(&self, text: &str, rows: Vec<u8>) -> Result<(), Error> {
        let rows = Bytes::from(rows);
        self.ask(async |session| {
            let sink = session.client.copy_in::<_, Bytes>(text).await?;
            let mut sink = pin!(sink);
            sink.send(rows.clone()).await?;
            sink.finish().await.map(drop)
        })
    }

    pub(super) fn begin(&self, texts: &str) -> Result<(), Error> {
        self.rollback();
        let begun = self.batch(texts);
        if begun.is_err() {
            // BEGIN may be done where what followed it failed: the session must not stay in there
            self.stage.set(Stage::Failed);
            self.rollback();
            return begun;
        }
        self.stage.set(Stage::Sound);
        Ok(())
    }

    /// A transaction that failed inside would be undone by COMMIT without a word.
    pub(super) fn commit(&self) -> Result<(), Error> {
        if self.stage.get() != Stage::Sound {
            self.rollback();
            return Err(Error::Lost);
        }
        let done = self.batch("COMMIT");
        self.stage.set(Stage::Idle);
        done
    }

    pub(super) fn rollback(&self) {
        let open = self.stage.replace(Stage::Idle) != Stage::Idle;
        if open && self.session.borrow().is_some() && self.batch("ROLLBACK").is_err() {
            self.session.replace(None);
        }
    }

    pub(super) fn undo(&self) -> Result<(), Error> {
        self.batch("ROLLBACK TO SAVEPOINT command; RELEASE SAVEPOINT command")?;
        self.stage.set(Stage::Sound);
        Ok(())
    }

    pub(super) fn in_transaction(&self) -> bool {
        self.stage.get() == Stage::Sound && self.session.borrow().is_some()
    }

    fn rows(&self, text: &str, values: &[Value<'_>]) -> Result<Vec<tokio_postgres::Row>, Error> {
        self.ask(async |session| {
            let statement = session.prepare(text).await?;
            session.client.query(&statement, &parameters(values)).await
        })
    }

    /// Asks once, and once more in a new session where the old one had ended before a transaction.
    fn ask<T>(
        &self,
        work: impl AsyncFn(&mut Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let used = self.session.borrow().is_some();
        match self.ask_once(&work) {
            Err(Error::Postgres(_))
                if used && self.stage.get() == Stage::Idle && self.session.borrow().is_none() =>
            {
                self.ask_once(&work)
            }
            done => done,
        }
    }

    fn ask_once<T>(
        &self,
        work: &impl AsyncFn(&mut Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let mut slot = self.session.borrow_mut();
        let session = match &mut *slot {
            Some(session) => session,
            None if self.stage.get() != Stage::Idle => return Err(Error::Lost),
            none => none.insert(self.connect()?),
        };
        let answer = self.wait(work(session));
        let over = match &answer {
            Ok(Ok(_)) => return answer?.map_err(Error::from),
            Ok(Err(error)) => super::error::ends_session(error),
            Err(_) => true,
        };
        if over {
            *slot = None;
        }
        if self.stage.get() == Stage::Sound {
            self.stage.set(Stage::Failed);
        }
        answer?.map_err(Error::from)
    }

    fn connect(&self) -> Result<Session, Error> {
        if self
            .refused_until
            .get()
            .is_some_and(|until| Instant::now() < until)
        {
            return Err(Error::Unreachable);
        }
        let settings = match self.patience {
            Patience::Call => format!("{SETTINGS}; {BOUNDS}"),
            Patience::Endless => SETTINGS.to_owned(),
        };
        let connecting = async {
            let config = self.address.config();
            let client = match self.address.tls() {
                Some(tls) => {
                    let (client, connection) = config.connect(tls.clone()).await?;
                    tokio::spawn(connection);
                    client
                }
                None => {
                    let (client, connection) = config.connect(NoTls).await?;
                    tokio::spawn(connection);
                    client
                }
            };
            client.batch_execute(&settings).await?;
            Ok::<_, tokio_postgres::Error>(client)
        };
        let connected = self.wait(connecting).and_then(|made| Ok(made?));
        self.refused_until.set(match connected {
            Ok(_) => None,
            Err(_) => Some(Instant::now() + PAUSE),
        });
        Ok(Session {
            client: connected?,
            statements: HashMap::new(),
        })
    }

    fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        let runtime = self.runtime.as_ref().ok_or(Error::Lost)?;
        match self.patience {
            Patience::Endless => Ok(runtime.block_on(work)),
            Patience::Call => runtime
                .block_on(async { timeout(ANSWER_MAX, work).await })
                .map_err(|_| Error::TimedOut(ANSWER_MAX.as_millis())),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // the usual way waits, which a caller's runtime forbids
            runtime.shutdown_background();
        }
    }
}

impl Session {
    /// Prepares a text once in a session.
    async fn prepare(&mut self, text: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.statements.get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(&dialect::numbered(text)).await?;
        self.statements.insert(text.to_owned(), statement.clone());
        Ok(statement)
    }
}

type Parameter<'a> = &'a (dyn ToSql + Sync + 'a);

fn parameters<'a>(values: &'a [Value<'a>]) -> Vec<Parameter<'a>> {
    values.iter().map(|value| value as Parameter<'a>).collect()
}

/// The registry's own name space, so that the database may hold other things too.
const SETTINGS: &str = "SET search_path = registry; SET client_min_messages = warning";
/// A gateway that stops in the middle must not hold the registry's lock for as long as others wait for it.
const BOUNDS: &str = "SET statement_timeout = '10s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '4s'";
/// Above the server's own bound, so that this is only a server that says nothing at all.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// After a refused connection, before the next.
const PAUSE: Duration = Duration::from_millis(250);
