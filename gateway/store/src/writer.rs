//! The writer: one thread, one connection, many commands per commit.
//!
//! A command's future resolves after the COMMIT that holds it has returned, and with synchronous=FULL that
//! is after the fsync. A batch first runs plain; when a row fails, all of it is rolled back and run
//! again with a savepoint around every command, so that only the bad row is refused.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_core::head::Evidence;
use gateway_core::ports::{Clock, StoreError};
use gateway_core::seal::Vault;
use rusqlite::ErrorCode;
use tokio::sync::{mpsc, oneshot};

use crate::anchor::{self, HeadFile};
use crate::checkpoint::Checkpoints;
use crate::headroom::Headroom;
use crate::health::Health;
use crate::inbox::Release;
use crate::journal::{self, Head};
use crate::postgres;
use crate::postgres::ahead::{Ahead, Asks};
use crate::postgres::pending::Pending;
use crate::recovering::Fence;
use crate::sql::{self, Connection};

/// What a command sees while it runs, inside the transaction.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) head: &'a mut Head,
    /// Microseconds since 1970, the same for the whole batch.
    pub(crate) now: i64,
    pub(crate) terms: &'a Terms,
    /// On PostgreSQL records wait here for the end of the transaction.
    pub(crate) pending: Option<&'a mut Pending>,
    /// On PostgreSQL what the batch was told of the inbox beforehand, and writes there at its end.
    pub(crate) ahead: Option<&'a mut Ahead>,
}

impl Turn<'_> {
    /// The number of the request that bears this evidence, also where it was appended a moment ago.
    pub(crate) fn request_of(&mut self, evidence: &[u8; 16]) -> sql::Result<Option<i64>> {
        self.write_out(|pending| pending.has(evidence))?;
        journal::request_of(self.conn, evidence)
    }

    /// Before the inbox is asked or changed directly: what waits for it is written, and what was known of
    /// it is known no more.
    pub(crate) fn go_to_the_inbox(&mut self) -> sql::Result<()> {
        if let (Some(ahead), Connection::Postgres(session)) = (self.ahead.take(), self.conn) {
            ahead.flush(session, &self.terms.writer)?;
        }
        Ok(())
    }

    /// Writes what waits, where it is needed now.
    pub(crate) fn write_out(&mut self, needed: impl FnOnce(&Pending) -> bool) -> sql::Result<()> {
        match (self.pending.as_deref_mut(), self.conn) {
            (Some(pending), Connection::Postgres(session)) if needed(pending) => {
                pending.flush(session, self.now)
            }
            _ => Ok(()),
        }
    }
}

/// What the commands have to know of the configuration.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) writer: String,
    pub(crate) lease_micros: i64,
    pub(crate) refusals_per_minute_max: u32,
    /// Whether nothing may be begun or sent, and what may be forgotten.
    pub(crate) fence: Arc<Fence>,
}

/// Why one command could not be done.
#[derive(Debug)]
pub(crate) enum RowError {
    Sql(sql::Error),
    Refused(StoreError),
}

impl From<sql::Error> for RowError {
    fn from(error: sql::Error) -> Self {
        Self::Sql(error)
    }
}

impl RowError {
    /// "It could not write; nothing was changed", with the reason.
    pub(crate) fn refused(reason: &str) -> Self {
        Self::Refused(StoreError::Unavailable(reason.into()))
    }
}

/// One thing to write. It may run twice, so it only reads, computes and writes rows.
pub(crate) trait Command: Send + 'static {
    type Out: Send + 'static;

    /// Whether it takes in something new, and so needs room on the disk for what follows from it.
    const TAKES_IN: bool = false;

    /// Whether it is run though nobody waits for it.
    const UNASKED: bool = false;

    /// Whether it changes which parcels there are or who goes first.
    fn moves_parcels(&self) -> bool {
        false
    }

    /// The evidence that it claims, so that a claim of which nobody heard can be given back.
    fn claims(&self) -> Option<[u8; 16]> {
        None
    }

    /// The evidence whose claim nobody acts upon any more where this could not be written.
    fn leaves(&self) -> Option<[u8; 16]> {
        None
    }

    /// Whether it has claimed, where this came of it.
    fn has_claimed(_: &Self::Out) -> bool {
        false
    }

    /// What it will ask of the inbox, where that is all that it asks; nothing where it goes there itself.
    fn asks(&self) -> Option<Asks<'_>> {
        None
    }

    fn run(&self, turn: &mut Turn<'_>) -> Result<Self::Out, RowError>;
}

/// A command on its way, its kind forgotten.
pub(crate) trait Job: Send {
    fn takes_in(&self) -> bool;
    fn moves_parcels(&self) -> bool;
    fn claims(&self) -> Option<[u8; 16]>;
    fn leaves(&self) -> Option<[u8; 16]>;
    fn asks(&self) -> Option<Asks<'_>>;
    /// Whether it is to be run: anybody still waits for it, or it is run all the same.
    fn is_wanted(&self) -> bool;
    fn run(&mut self, turn: &mut Turn<'_>) -> Result<(), RowError>;
    fn refuse(&mut self, error: StoreError);
    fn resolve(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Ticket<C: Command> {
    command: C,
    out: Option<Result<C::Out, StoreError>>,
    reply: oneshot::Sender<Reply<C>>,
    /// The way back in, for the claim that nobody hears of.
    jobs: mpsc::WeakSender<Box<dyn Job>>,
}

/// What became of a command. Whoever drops it without having taken it out never heard of it.
struct Reply<C: Command> {
    out: Option<Result<C::Out, StoreError>>,
    unheard: Option<Unheard>,
}

impl<C: Command> Reply<C> {
    fn heard(mut self) -> Result<C::Out, StoreError> {
        if let Some(unheard) = &mut self.unheard {
            unheard.0 = None;
        }
        self.out.take().unwrap_or_else(|| Err(gone()))
    }
}

/// A claim whose caller may have gone: unless it is heard of, it is given back at once, so that it does
/// not stand in the way of the same message until its lease ends.
struct Unheard(Option<(mpsc::WeakSender<Box<dyn Job>>, Evidence)>);

impl Drop for Unheard {
    fn drop(&mut self) {
        let Some((jobs, evidence)) = self.0.take() else {
            return;
        };
        if let Some(jobs) = jobs.upgrade() {
            // Where the queue is full its lease gives it back.
            let _ = jobs.try_send(ticket(Release(evidence), &jobs).0);
        }
    }
}

type Answer<C> = oneshot::Receiver<Reply<C>>;

/// A command ready to be queued, and where its answer comes.
fn ticket<C: Command>(command: C, jobs: &mpsc::Sender<Box<dyn Job>>) -> (Box<dyn Job>, Answer<C>) {
    let (reply, answer) = oneshot::channel();
    let ticket = Ticket {
        command,
        out: None,
        reply,
        jobs: jobs.downgrade(),
    };
    (Box::new(ticket), answer)
}

impl<C: Command> Job for Ticket<C> {
    fn takes_in(&self) -> bool {
        C::TAKES_IN
    }

    fn moves_parcels(&self) -> bool {
        self.command.moves_parcels()
    }

    fn claims(&self) -> Option<[u8; 16]> {
        self.command.claims()
    }

    fn leaves(&self) -> Option<[u8; 16]> {
        self.command.leaves()
    }

    fn asks(&self) -> Option<Asks<'_>> {
        self.command.asks()
    }

    fn is_wanted(&self) -> bool {
        C::UNASKED || !self.reply.is_closed()
    }

    fn run(&mut self, turn: &mut Turn<'_>) -> Result<(), RowError> {
        self.out = Some(Ok(self.command.run(turn)?));
        Ok(())
    }

    fn refuse(&mut self, error: StoreError) {
        self.out = Some(Err(error));
    }

    fn resolve(self: Box<Self>, committed: Result<(), StoreError>) {
        let never_ran = || Err(StoreError::Unavailable("it was not run".into()));
        let Self {
            command,
            out,
            reply,
            jobs,
        } = *self;
        let out = committed.and_then(|()| out.unwrap_or_else(never_ran));
        let claimed = matches!(&out, Ok(out) if C::has_claimed(out));
        let evidence = command.claims().filter(|_| claimed);
        let unheard = evidence.map(|bytes| Unheard(Some((jobs, Evidence::from_bytes(bytes)))));
        let out = Some(out);
        // Whoever asked may have gone; what was committed stays committed.
        let _ = reply.send(Reply { out, unheard });
    }
}

/// The way into the writer thread.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    health: Arc<Health>,
    /// How long a caller waits at most; for ever where the store is in this process.
    patience: Option<Duration>,
}

/// What the writer thread works with.
pub(crate) struct WriterParts {
    // Before the connection: whoever closes a file last folds the log back into it.
    pub(crate) checkpoints: Checkpoints,
    pub(crate) conn: Connection,
    pub(crate) head: Head,
    pub(crate) head_file: HeadFile,
    pub(crate) terms: Terms,
    pub(crate) headroom: Headroom,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Arc<Health>,
}

impl Writer {
    /// Starts the thread with a queue of at most `queue_max` commands.
    pub(crate) fn start(parts: WriterParts, queue_max: usize) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(queue_max.max(1));
        let health = Arc::clone(&parts.health);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || parts.run(receiver))?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
            health,
            patience: None,
        })
    }

    /// The same over PostgreSQL.
    pub(crate) fn start_on(
        writer: postgres::writer::Writer,
        queue_max: usize,
        health: Arc<Health>,
        patience: Duration,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(queue_max.max(1));
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writer.run(receiver))?;
        Ok(Self {
            jobs: Some(sender),
            thread: Some(thread),
            health,
            patience: Some(patience),
        })
    }

    /// Runs a command; resolves when it is durable or has been refused.
    pub(crate) async fn submit<C: Command>(&self, command: C) -> Result<C::Out, StoreError> {
        self.health.writable()?;
        let jobs = self.jobs.as_ref().ok_or_else(gone)?;
        let (ticket, answer) = ticket(command, jobs);
        jobs.try_send(ticket).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        let heard = |reply: Result<Reply<C>, _>| reply.map_or_else(|_| Err(gone()), Reply::heard);
        let out = match self.patience {
            None => heard(answer.await),
            Some(patience) => match tokio::time::timeout(patience, answer).await {
                Ok(answer) => heard(answer),
                Err(_) => Err(StoreError::Unavailable(
                    "the database does not answer".into(),
                )),
            },
        };
        out.map_err(|error| self.health.note(error))
    }
}

impl Drop for Writer {
    /// Lets the queue run out and waits for the thread, so that the file is closed when this returns.
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Waits for the next batch; false once nobody can ask any more.
///
/// Whoever is ready to run goes first: on an idle machine that is nobody and costs nothing, and the busier the
/// machine is the more commands share the next commit.
pub(crate) fn gather(
    jobs: &mut mpsc::Receiver<Box<dyn Job>>,
    batch: &mut Vec<Box<dyn Job>>,
) -> bool {
    if jobs.blocking_recv_many(batch, BATCH_MAX) == 0 {
        return false;
    }
    std::thread::yield_now();
    while batch.len() < BATCH_MAX
        && let Ok(job) = jobs.try_recv()
    {
        batch.push(job);
    }
    true
}

/// How a whole batch failed.
enum Failure {
    /// One row did; run again with savepoints.
    Row,
    /// The transaction did.
    Batch(StoreError),
}

impl WriterParts {
    fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while gather(&mut jobs, &mut batch) {
            self.serve(std::mem::take(&mut batch));
        }
        if let Err(error) = self.head_file.sync() {
            tracing::warn!(%error, "the journal's head file could not be synced");
        }
        if let Connection::Sqlite(conn) = &self.conn {
            self.checkpoints.close(conn);
        }
    }

    fn serve(&mut self, batch: Vec<Box<dyn Job>>) {
        if let Err(error) = self.health.writable() {
            return resolve(batch, &Err(error));
        }
        let now = self.clock.now().as_microsecond();
        let roomy = self.headroom.suffices(now);
        let (mut batch, turned_away): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|job| roomy || !job.takes_in());
        resolve(
            turned_away,
            &Err(StoreError::Unavailable("journal headroom".into())),
        );
        let committed = self.commit(&mut batch, now);
        resolve(batch, &committed);
        if let Connection::Sqlite(conn) = &self.conn {
            self.checkpoints.finish(conn);
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Job>], now: i64) -> Result<(), StoreError> {
        let before = self.head;
        let outcome = match self.attempt(batch, now, run_plain) {
            Err(Failure::Row) => {
                self.undo(before);
                self.attempt(batch, now, run_guarded)
            }
            outcome => outcome,
        };
        match outcome {
            Ok(anchor) => {
                if let Some(anchor) = anchor {
                    self.refresh_head_file(&anchor, now);
                }
                Ok(())
            }
            Err(failure) => {
                self.undo(before);
                Err(match failure {
                    Failure::Batch(error) => error,
                    Failure::Row => {
                        StoreError::Unavailable("a row failed outside its savepoint".into())
                    }
                })
            }
        }
    }

    /// Gives the new anchor, where the journal grew.
    fn attempt(
        &mut self,
        batch: &mut [Box<dyn Job>],
        now: i64,
        run: fn(&mut dyn Job, &mut Turn<'_>) -> Result<(), RowError>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let before = self.head;
        self.execute("BEGIN IMMEDIATE")?;
        for job in batch.iter_mut() {
            let mut turn = Turn {
                conn: &self.conn,
                head: &mut self.head,
                now,
                terms: &self.terms,
                pending: None,
                ahead: None,
            };
            if let Err(error) = run(job.as_mut(), &mut turn) {
                return Err(self.row_failed(&error));
            }
        }
        let anchor = (self.head != before)
            .then(|| self.write_anchor())
            .transpose()
            .map_err(|error| self.batch_failed(&error))?;
        self.health
            .injected()
            .map_err(|error| self.batch_failed(&error.into()))?;
        gateway_core::faultpoint!("store-commit-before");
        let committed = self.execute("COMMIT");
        gateway_core::faultpoint!("store-commit-after");
        committed.map(|()| anchor)
    }

    fn execute(&self, sql: &str) -> Result<(), Failure> {
        let done = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]));
        done.map(|_| ()).map_err(|error| self.batch_failed(&error))
    }

    fn write_anchor(&self) -> sql::Result<Vec<u8>> {
        let anchor = anchor::seal(&self.vault, &self.terms.writer, &self.head);
        self.conn
            .prepare_cached("UPDATE head SET anchor = ?1 WHERE one = 1")?
            .execute([anchor.clone()])?;
        Ok(anchor)
    }

    /// Also sends what is about to be told to the callers; a stale file is found by `verify` at worst
    /// as an anchor one commit old.
    fn refresh_head_file(&mut self, anchor: &[u8], now: i64) {
        let synced = self.headroom.minute_passed(now);
        let written = self.head_file.write(anchor);
        if let Err(error) = written.and_then(|()| {
            if synced {
                self.head_file.sync()
            } else {
                Ok(())
            }
        }) {
            tracing::error!(%error, "the journal's head file could not be written");
        }
    }

    fn undo(&mut self, before: Head) {
        self.head = before;
        if self.conn.is_autocommit() {
            return;
        }
        if let Err(error) = self.conn.execute_batch("ROLLBACK") {
            self.health
                .halt(format!("a failed batch could not be undone: {error}"));
        }
    }

    fn row_failed(&self, error: &RowError) -> Failure {
        match error {
            RowError::Refused(_) => Failure::Row,
            RowError::Sql(error) if self.conn.is_autocommit() || breaks_batch(error) => {
                self.batch_failed(error)
            }
            RowError::Sql(_) => Failure::Row,
        }
    }

    /// After a failed write or sync nobody knows what is on the disk: no more writes until reopened.
    fn batch_failed(&self, error: &sql::Error) -> Failure {
        if halts(error) {
            self.health.halt(format!("a write failed: {error}"));
        }
        Failure::Batch(StoreError::Unavailable(format!(
            "the batch was not committed: {error}"
        )))
    }
}

fn run_plain(job: &mut dyn Job, turn: &mut Turn<'_>) -> Result<(), RowError> {
    job.run(turn)
}

/// Runs one command in its own savepoint; a bad row is refused, and only it.
fn run_guarded(job: &mut dyn Job, turn: &mut Turn<'_>) -> Result<(), RowError> {
    let before = *turn.head;
    turn.conn.prepare_cached("SAVEPOINT command")?.execute([])?;
    let refusal = match job.run(turn) {
        Ok(()) => None,
        Err(RowError::Sql(error)) if turn.conn.is_autocommit() || breaks_batch(&error) => {
            return Err(RowError::Sql(error));
        }
        Err(RowError::Sql(error)) => Some(error.told()),
        Err(RowError::Refused(error)) => Some(error),
    };
    if let Some(error) = refusal {
        turn.conn
            .prepare_cached("ROLLBACK TO command")?
            .execute([])?;
        *turn.head = before;
        job.refuse(error);
    }
    turn.conn.prepare_cached("RELEASE command")?.execute([])?;
    Ok(())
}

pub(crate) fn resolve(batch: Vec<Box<dyn Job>>, committed: &Result<(), StoreError>) {
    for job in batch {
        job.resolve(committed.clone());
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writer has gone".into())
}

/// Errors of the store, not of one row.
fn breaks_batch(error: &sql::Error) -> bool {
    let whole = [
        ErrorCode::DiskFull,
        ErrorCode::OutOfMemory,
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::OperationInterrupted,
    ];
    halts(error)
        || error
            .sqlite_code()
            .is_some_and(|code| whole.contains(&code))
}

/// Errors after which what is on the disk is unknown. A full disk is not one: SQLite tells it before
/// the commit, and the next batch may try again.
fn halts(error: &sql::Error) -> bool {
    let unknown = [
        ErrorCode::SystemIoFailure,
        ErrorCode::DatabaseCorrupt,
        ErrorCode::NotADatabase,
        ErrorCode::ReadOnly,
        ErrorCode::CannotOpen,
        ErrorCode::FileLockingProtocolFailed,
        ErrorCode::NoLargeFileSupport,
        ErrorCode::PermissionDenied,
    ];
    error
        .sqlite_code()
        .is_some_and(|code| unknown.contains(&code))
}

pub(crate) const BATCH_MAX: usize = 512;

#[cfg(test)]
mod tests;
