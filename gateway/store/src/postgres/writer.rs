//! The writer on PostgreSQL: one thread, one session, many commands per commit.
//!
//! A command's future resolves after the COMMIT that holds it has returned, with synchronous_commit on.
//! What a batch has to know of the inbox is asked for in the round trip that begins its transaction, and
//! what it writes there and in the journal goes out in the one that ends it.
//!
//! A command that is refused before it has written anything is refused alone. When a row fails, or
//! another transaction is met again, the batch is rolled back, parted and its halves are run by
//! themselves, so that only the bad one is refused in the end. When the connection ends while
//! a commit is under way nobody knows its outcome: the callers are told that it is unavailable, and what
//! may have been claimed is given back as soon as there is a connection again.

use std::sync::Arc;
use std::time::Instant;

use gateway_core::ports::{Clock, StoreError};
use gateway_core::seal::Vault;
use tokio::sync::mpsc;

use super::ahead::{Ahead, Manner, Questions};
use super::chain::{ADVANCE, Hold, Refused, take};
use super::partitions::Cover;
use super::patience::Patience;
use super::pending::{self, Pending};
use super::{Session, Target, migrate};
use crate::health::Health;
use crate::inbox;
use crate::journal::Head;
use crate::sql::{Connection, Error, ToValue as _, Value};
use crate::writer::{BATCH_MAX, Job, RowError, Terms, Turn, gather, resolve};
use crate::{OpenError, anchor, recovering};

/// What the writer thread works with.
pub(crate) struct WriterParts {
    pub(crate) target: Target,
    pub(crate) terms: Terms,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Arc<Health>,
}

/// The writer, connected.
pub(crate) struct Writer {
    parts: WriterParts,
    conn: Option<(Connection, Hold)>,
    head: Head,
    cover: Cover,
    /// Evidence of claims that nobody in this process acts upon any more: of a commit whose outcome is
    /// unknown, or that could not be answered or given back.
    doubtful: Vec<[u8; 16]>,
}

/// How a batch failed.
enum Failure {
    /// One row did.
    Row(StoreError),
    /// It met another transaction, or waited for its locks as long as one may: again, or by halves.
    Again(StoreError, Manner),
    /// The database did, or the way to it.
    Batch(StoreError),
}

impl Writer {
    /// Connects, migrates and takes the chain. A chain that contradicts itself halts the writing.
    pub(crate) fn open(parts: WriterParts) -> Result<Self, OpenError> {
        let patience = Patience::of(&parts.target);
        patience.over("migrate", || bring_up(&parts.target))?;
        let taken = patience.over("take-chain", || begin_writing(&parts));
        let mut writer = Self {
            parts,
            conn: None,
            head: Head::genesis(""),
            cover: Cover::default(),
            doubtful: Vec::new(),
        };
        match taken {
            Ok((conn, hold, head)) => {
                writer.head = head;
                writer.conn = Some((conn, hold));
            }
            Err(Refused::InUse) => return Err(OpenError::InUse),
            Err(Refused::OtherKey) => return Err(OpenError::OtherKey),
            Err(Refused::Broken(why)) => writer.parts.health.halt(why),
            Err(Refused::Sql(error)) => return Err(error.into()),
        }
        Ok(writer)
    }

    /// Serves until nobody can ask any more.
    pub(crate) fn run(mut self, mut jobs: mpsc::Receiver<Box<dyn Job>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while gather(&mut jobs, &mut batch) {
            let batch = std::mem::take(&mut batch);
            if let Err(error) = self.serve(batch) {
                // Whoever waits behind a database that does not answer has waited long enough.
                let mut waiting = Vec::new();
                while let Ok(job) = jobs.try_recv() {
                    waiting.push(job);
                }
                self.turn_away(waiting, &error);
            }
        }
    }

    /// Fails where the database could not be reached.
    fn serve(&mut self, batch: Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let ready = self.parts.health.writable().and_then(|()| self.connected());
        if let Err(error) = ready {
            self.turn_away(batch, &error);
            return Err(error);
        }
        let now = self.parts.clock.now().as_microsecond();
        let until = Instant::now() + self.parts.target.statement_timeout;
        self.serve_part(batch, now, until)
    }

    /// Commits these, or parts them where one of them fails or somebody is in their way; what is left when
    /// the time is over is told to come again.
    fn serve_part(
        &mut self,
        mut batch: Vec<Box<dyn Job>>,
        now: i64,
        until: Instant,
    ) -> Result<(), StoreError> {
        batch.retain(|job| job.is_wanted());
        if batch.is_empty() {
            return Ok(());
        }
        let outcome = self.commit(&mut batch, now, until);
        let one_of_them = matches!(outcome, Err(Failure::Row(_) | Failure::Again(..)));
        if one_of_them && batch.len() > 1 {
            if Instant::now() >= until {
                // Nobody knows which: its error is not the others'.
                resolve(batch, &Err(StoreError::Busy));
                return Ok(());
            }
            let rest = batch.split_off(batch.len() / 2);
            if let Err(error) = self.serve_part(batch, now, until) {
                self.turn_away(rest, &error);
                return Err(error);
            }
            return self.serve_part(rest, now, until);
        }
        let outcome = outcome.map_err(told);
        let unreachable = self.unreachable(outcome.clone());
        match &unreachable {
            Err(error) => self.turn_away(batch, error),
            Ok(()) => resolve(batch, &outcome),
        }
        unreachable
    }

    /// The database is not there: what these would have closed or given back is nobody's any more.
    fn turn_away(&mut self, batch: Vec<Box<dyn Job>>, error: &StoreError) {
        let room = DOUBTFUL_MAX.saturating_sub(self.doubtful.len());
        let left = batch.iter().filter_map(|job| job.leaves());
        self.doubtful.extend(left.take(room));
        resolve(batch, &Err(error.clone()));
    }

    fn unreachable(&self, outcome: Result<(), StoreError>) -> Result<(), StoreError> {
        if self.conn.is_some() { Ok(()) } else { outcome }
    }

    /// A session that holds the chain; made again where the last one is lost.
    fn connected(&mut self) -> Result<(), StoreError> {
        if self.conn.is_some() {
            return Ok(());
        }
        let unavailable = |error: Error| StoreError::Unavailable(error.to_string());
        let conn = self.parts.target.connect().map_err(unavailable)?;
        let conn = Connection::Postgres(conn);
        let known = Some(self.head).filter(|head| *head != Head::genesis(""));
        let mut taken = take(&conn, &self.parts.terms.writer, &self.parts.vault, known);
        if matches!(taken, Err(Refused::InUse))
            && self.end_own_before(&conn).map_err(unavailable)?
        {
            taken = take(&conn, &self.parts.terms.writer, &self.parts.vault, known);
        }
        match taken {
            Ok((hold, head)) => {
                self.head = head;
                self.give_back(&conn).map_err(unavailable)?;
                self.conn = Some((conn, hold));
                tracing::info!("the database is connected again");
                Ok(())
            }
            Err(Refused::Sql(error)) => Err(unavailable(error)),
            Err(Refused::InUse) => Err(StoreError::Unavailable(
                "another session still holds this writer's chain".into(),
            )),
            Err(Refused::OtherKey) => {
                self.halt("the head does not open with the vault's key".into())
            }
            Err(Refused::Broken(why)) => self.halt(why),
        }
    }

    /// The server may not have noticed that this process's last session is lost: ends it. Names hold a
    /// random part, so nobody else's session is met.
    fn end_own_before(&self, conn: &Connection) -> crate::sql::Result<bool> {
        let ended = conn
            .prepare_cached(END_OWN)?
            .query_map([&self.parts.target.name], |row| row.get::<bool>(0))?
            .count();
        if ended > 0 {
            std::thread::park_timeout(self.parts.target.connect_timeout / 10);
        }
        Ok(ended > 0)
    }

    fn halt(&self, why: String) -> Result<(), StoreError> {
        self.parts.health.halt(why);
        self.parts.health.writable()
    }

    /// Their callers were told to ask again: they must not wait for the lease.
    fn give_back(&mut self, conn: &Connection) -> crate::sql::Result<()> {
        if self.doubtful.is_empty() {
            return Ok(());
        }
        let now = self.parts.clock.now().as_microsecond();
        let all: Vec<&[u8]> = self.doubtful.iter().map(<[u8; 16]>::as_slice).collect();
        conn.prepare_cached(GIVE_BACK)?.execute([
            &Value::Blobs(&all) as &dyn crate::sql::ToValue,
            &now,
            &self.parts.terms.writer.as_str(),
        ])?;
        self.doubtful.clear();
        Ok(())
    }

    /// Whoever meets another transaction sees what it did at the next try, or passes by what it holds: a whole
    /// batch is tried once more, a command alone a few times.
    fn commit(
        &mut self,
        batch: &mut [Box<dyn Job>],
        now: i64,
        until: Instant,
    ) -> Result<(), Failure> {
        let (mut met, mut manner) = (0, Manner::Wait);
        let again_max = if batch.len() > 1 { 1 } else { AGAIN_MAX };
        loop {
            let before = self.head;
            let outcome = self.attempt(batch, now, manner);
            if outcome.is_err() {
                self.head = before;
            }
            match outcome {
                Err(Failure::Again(_, next)) if met < again_max && Instant::now() < until => {
                    (met, manner) = (met + 1, next);
                }
                outcome => return outcome,
            }
        }
    }

    fn attempt(
        &mut self,
        batch: &mut [Box<dyn Job>],
        now: i64,
        manner: Manner,
    ) -> Result<(), Failure> {
        let Some((conn, hold)) = self.conn.take() else {
            return Err(Failure::Batch(StoreError::Unavailable(
                "not connected".into(),
            )));
        };
        let outcome = self.attempt_on(&conn, hold, batch, (now, manner));
        let Connection::Postgres(session) = &conn else {
            return outcome;
        };
        if outcome.is_err() && session.is_open() && session.batch("ROLLBACK").is_err() {
            return outcome;
        }
        if session.is_open() {
            self.conn = Some((conn, hold));
        } else {
            self.doubtful
                .extend(batch.iter().filter_map(|job| job.claims()));
        }
        outcome
    }

    fn attempt_on(
        &mut self,
        conn: &Connection,
        hold: Hold,
        batch: &mut [Box<dyn Job>],
        (now, manner): (i64, Manner),
    ) -> Result<(), Failure> {
        let Connection::Postgres(session) = conn else {
            return Err(Failure::Batch(StoreError::Unavailable(
                "not PostgreSQL".into(),
            )));
        };
        session.begin_turn();
        self.cover.reach(conn, session, now).map_err(failed)?;
        let before = self.head;
        let asked = Questions::of(batch.iter().filter_map(|job| job.asks()), manner);
        let Some(mut ahead) = hold.begin(session, &before, &asked).map_err(failed)? else {
            self.parts
                .health
                .halt("another process writes this chain".into());
            return Err(Failure::Batch(StoreError::Unavailable("read-only".into())));
        };
        if batch.iter().any(|job| job.moves_parcels()) {
            session.batch(LOCK_OUTBOX).map_err(failed)?;
        }
        let mut pending = Pending::default();
        // First those that were asked for: the others go to the inbox themselves.
        let (asking, others): (Vec<_>, Vec<_>) =
            batch.iter_mut().partition(|job| job.asks().is_some());
        for job in asking {
            self.run_one(conn, job.as_mut(), &mut pending, Some(&mut ahead), now)?;
        }
        if !others.is_empty() && ahead.waits() {
            let writer = &self.parts.terms.writer;
            ahead.flush(session, writer).map_err(failed)?;
        }
        for job in others {
            self.run_one(conn, job.as_mut(), &mut pending, None, now)?;
        }
        gateway_core::faultpoint!("store-commit-before");
        let committed = self.finish(session, hold, &before, (pending, ahead), now);
        gateway_core::faultpoint!("store-commit-after");
        committed.map_err(failed)
    }

    /// A refusal before anything was written is this command's alone.
    fn run_one(
        &mut self,
        conn: &Connection,
        job: &mut dyn Job,
        pending: &mut Pending,
        ahead: Option<&mut Ahead>,
        now: i64,
    ) -> Result<(), Failure> {
        let state = |head: Head| match conn {
            Connection::Postgres(session) => (head, session.writes()),
            Connection::Sqlite(_) => (head, 0),
        };
        let before = state(self.head);
        let mut turn = Turn {
            conn,
            head: &mut self.head,
            now,
            terms: &self.parts.terms,
            pending: Some(pending),
            ahead,
        };
        match job.run(&mut turn) {
            Err(RowError::Refused(refusal)) if state(self.head) == before => {
                job.refuse(refusal);
                Ok(())
            }
            outcome => outcome.map_err(row_failed),
        }
    }

    /// Everything that was appended, the inbox, the new head and COMMIT, in one round trip.
    fn finish(
        &self,
        session: &Session,
        hold: Hold,
        before: &Head,
        (pending, mut ahead): (Pending, Ahead),
        now: i64,
    ) -> crate::sql::Result<()> {
        let grew = self.head != *before;
        let anchor = anchor::seal(&self.parts.vault, &self.parts.terms.writer, &self.head);
        let head = [
            hold.id.value(),
            self.head.seq.value(),
            self.head.hash.value(),
            anchor.value(),
        ];
        ahead.written(&self.parts.terms.writer, |inbox| {
            let with = |rows: &[Value<'_>], told: &[Value<'_>]| {
                let mut last = Vec::with_capacity(6);
                if grew {
                    last.push((ADVANCE, head.as_slice()));
                }
                if !pending.is_empty() {
                    last.push((pending::INSERT, rows));
                }
                if pending.tells() {
                    last.push((pending::TELL, told));
                }
                last.extend_from_slice(inbox);
                session.commit_with(&last)
            };
            pending.with(now, |rows| pending.with_told(now, |told| with(rows, told)))
        })
    }
}

/// Connects, takes the chain and lets go what an earlier process of this writer held.
fn begin_writing(parts: &WriterParts) -> Result<(Connection, Hold, Head), Refused> {
    let conn = Connection::Postgres(parts.target.connect()?);
    let mut tries = 0;
    let (hold, head) = loop {
        match take(&conn, &parts.terms.writer, &parts.vault, None) {
            // A predecessor that was killed a moment ago may still be seen.
            Err(Refused::InUse) if tries < IN_USE_TRIES => {
                tries += 1;
                std::thread::park_timeout(parts.target.connect_timeout / 4);
            }
            taken => break taken?,
        }
    };
    let now = parts.clock.now().as_microsecond();
    inbox::let_go(&conn, &parts.terms.writer, now)?;
    parts.terms.fence.set(recovering::gaps(&conn)?);
    Ok((conn, hold, head))
}

/// On a session of its own, since it may take its time.
fn bring_up(target: &Target) -> Result<(), OpenError> {
    let session = target.connect()?;
    session.take_time(MIGRATION_MAX)?;
    let conn = Connection::Postgres(session);
    migrate::up(&conn, None)?;
    Ok(())
}

/// Whoever only met others is told that the store is busy: the same message succeeds a moment later.
fn told(failure: Failure) -> StoreError {
    match failure {
        Failure::Row(error) | Failure::Batch(error) => error,
        Failure::Again(error, _) => {
            tracing::warn!(%error, "a command met other transactions again and again");
            StoreError::Busy
        }
    }
}

fn row_failed(error: RowError) -> Failure {
    match error {
        RowError::Refused(error) => Failure::Row(error),
        RowError::Sql(error) => failed(error),
    }
}

/// Whose fault it is, by the class of the server's code.
fn failed(error: Error) -> Failure {
    let told = error.told();
    let Error::Postgres(cause) = &error else {
        return match error {
            Error::Sqlite(_) | Error::NoRows | Error::Shape(..) => Failure::Row(told),
            _ => Failure::Batch(told),
        };
    };
    let Some(code) = cause.code().map(|code| code.code().to_owned()) else {
        // Not the server's word: a parameter that cannot be sent, or the connection.
        return if cause.is_closed() {
            Failure::Batch(told)
        } else {
            Failure::Row(told)
        };
    };
    match code.as_str() {
        // Serialization, deadlock, unique: another transaction was there, and its work is seen now.
        "40001" | "40P01" | "23505" => Failure::Again(told, Manner::Wait),
        // Lock not available: somebody stays where they are.
        "55P03" => Failure::Again(told, Manner::PassBy),
        code if ["22", "23", "54"].contains(&&code[..2]) => Failure::Row(told),
        _ => Failure::Batch(told),
    }
}

/// More than these wait for the end of their leases.
const DOUBTFUL_MAX: usize = 100_000;
const AGAIN_MAX: u32 = 3;
const IN_USE_TRIES: u32 = 12;
const MIGRATION_MAX: std::time::Duration = std::time::Duration::from_secs(600);
/// Who may go first in a subject changes only under this lock, so that two replicas never each see half.
const LOCK_OUTBOX: &str = "SELECT pg_advisory_xact_lock(1280603759)";
const END_OWN: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
    WHERE application_name = ?1 AND pid <> pg_backend_pid()";
const GIVE_BACK: &str = "UPDATE inbox i SET owner = NULL, leased_until = ?2 FROM journal j \
    WHERE j.evidence = ANY(?1::bytea[]) AND j.kind = 1 AND i.request = j.seq AND i.answer IS NULL \
    AND i.owner = ?3";
