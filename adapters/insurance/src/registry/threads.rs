//! The threads that SQL runs on: writers that commit many commands at once, and the readers.
//!
//! A command runs in its own savepoint, so a bad one never fails its neighbours; nobody is answered
//! before the shared commit. A command whose caller has gone is not run. A commit whose outcome nobody
//! knows is told as unanswered: the same key asks again. After a failed write or sync of a file nobody knows what is
//! on the disk, and a second sync that succeeds says nothing about the first: the writer ends, and with it every
//! change, until somebody has looked and started the registry again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use super::Error;
use crate::sql::{self, Sql};

/// Handles on the queues; the threads end when the last is dropped.
pub(super) struct Threads {
    business: SyncSender<Command>,
    feed: SyncSender<Command>,
    readers: async_channel::Sender<Query>,
    halted: Arc<AtomicBool>,
}

/// Who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Desk {
    /// What changes the business: one command after the other, in all gateways together.
    Business,
    /// The change feed's leases, which PostgreSQL lets several gateways take at once.
    Feed,
}

/// The connections, and what a writer does besides.
pub(super) struct Hands {
    pub(super) business: Sql,
    /// A writer of its own for the feed; a file has one writer for both.
    pub(super) feed: Option<Sql>,
    pub(super) readers: Vec<Sql>,
    /// Run on a server as each transaction of the business begins.
    pub(super) lock: String,
    /// Run before each commit; where it fails nothing is committed.
    pub(super) before_commit: Box<dyn Fn() -> std::io::Result<()> + Send>,
}

type Query = Box<dyn FnOnce(&Sql) + Send>;
type Command = Box<dyn FnOnce(&Sql) -> Settled + Send>;

/// What a command came to: whether its savepoint is kept, and how to answer once the commit is known.
struct Settled {
    keep: bool,
    answer: Box<dyn FnOnce(bool)>,
}

impl Threads {
    pub(super) fn start(hands: Hands, queue_max: usize, batch_max: usize) -> std::io::Result<Self> {
        let Hands {
            business,
            feed,
            readers,
            lock,
            before_commit,
        } = hands;
        let halted = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            sql: business,
            lock,
            before_commit,
            halted: Arc::clone(&halted),
        };
        let business = start_writer("registry-write", writer, queue_max, batch_max)?;
        let feed = match feed {
            // one command a time: two gateways that take rows in another order never wait for each other
            Some(sql) => {
                let writer = Writer::plain(sql, Arc::clone(&halted));
                start_writer("registry-feed", writer, queue_max, 1)?
            }
            None => business.clone(),
        };
        let (queries, inbox) = async_channel::bounded(queue_max.max(1));
        for connection in readers {
            let inbox = inbox.clone();
            thread::Builder::new()
                .name("registry-read".into())
                .spawn(move || read_all(&connection, &inbox))?;
        }
        Ok(Self {
            business,
            feed,
            readers: queries,
            halted,
        })
    }

    /// Whether a file has failed, so that nothing changes any more until the registry is started again.
    pub(super) fn halted(&self) -> bool {
        self.halted.load(Ordering::Acquire)
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Sql) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let query: Query = Box::new(move |connection| {
            if !reply.is_closed() {
                let _ = reply.send(guarded(name, || work(connection)));
            }
        });
        self.readers.try_send(query).map_err(|error| match error {
            async_channel::TrySendError::Full(_) => Error::Busy,
            async_channel::TrySendError::Closed(_) => Error::Unanswered,
        })?;
        answer.await.unwrap_or(Err(Error::Unanswered))
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        desk: Desk,
        name: &'static str,
        work: impl FnOnce(&Sql) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let command: Command = Box::new(move |sql| {
            if reply.is_closed() {
                return Settled {
                    keep: false,
                    answer: Box::new(|_| ()),
                };
            }
            let done = guarded(name, || work(sql));
            let keep = done.is_ok();
            let answer = Box::new(move |committed: bool| {
                let _ = reply.send(if committed {
                    done
                } else {
                    Err(Error::Unanswered)
                });
            });
            Settled { keep, answer }
        });
        let writer = match desk {
            Desk::Business => &self.business,
            Desk::Feed => &self.feed,
        };
        writer.try_send(command).map_err(refused)?;
        answer.await.unwrap_or(Err(Error::Unanswered))
    }
}

fn start_writer(
    name: &str,
    writer: Writer,
    queue_max: usize,
    batch_max: usize,
) -> std::io::Result<SyncSender<Command>> {
    let (commands, inbox) = sync_channel(queue_max);
    thread::Builder::new()
        .name(name.into())
        .spawn(move || writer.write_all(&inbox, batch_max.max(1)))?;
    Ok(commands)
}

fn refused<T>(error: TrySendError<T>) -> Error {
    match error {
        TrySendError::Full(_) => Error::Busy,
        TrySendError::Disconnected(_) => Error::Unanswered,
    }
}

/// Runs one piece of work; a bug in it costs its caller an answer, not everybody the thread.
fn guarded<T>(name: &'static str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let done =
        catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Error::Corrupt("the work panicked")));
    match &done {
        Ok(_) | Err(Error::Refused(_)) => {}
        Err(error) => {
            tracing::error!(target: "lienthong::registry", work = name, %error, "registry work failed")
        }
    }
    done
}

fn read_all(connection: &Sql, inbox: &async_channel::Receiver<Query>) {
    while let Some(query) = next(inbox) {
        query(connection);
    }
}

/// The next look-up. Before it sleeps it lets whoever is ready to run go first: on a busy machine the next
/// look-up comes of that, and nobody needs to wake this thread for it.
fn next(inbox: &async_channel::Receiver<Query>) -> Option<Query> {
    if let Ok(query) = inbox.try_recv() {
        return Some(query);
    }
    thread::yield_now();
    inbox.recv_blocking().ok()
}

/// A writer's connection and what it does besides.
struct Writer {
    sql: Sql,
    lock: String,
    before_commit: Box<dyn Fn() -> std::io::Result<()> + Send>,
    halted: Arc<AtomicBool>,
}

impl Writer {
    fn plain(sql: Sql, halted: Arc<AtomicBool>) -> Self {
        Self {
            sql,
            lock: String::new(),
            before_commit: Box::new(|| Ok(())),
            halted,
        }
    }

    fn write_all(&self, inbox: &Receiver<Command>, batch_max: usize) {
        let mut unfolded = 0;
        while let Ok(first) = inbox.recv() {
            let mut batch = vec![first];
            // whoever is ready to run goes first: the busier the machine, the more share a commit
            thread::yield_now();
            batch.extend(inbox.try_iter().take(batch_max - 1));
            unfolded += batch.len();
            let mut done = self.commit(batch);
            if done.is_ok() && unfolded >= COMMANDS_A_FOLD {
                unfolded = 0;
                done = self.sql.fold().or_else(only_io);
            }
            if let Err(error) = done {
                tracing::error!(target: "lienthong::registry", %error, "the registry's file failed: no change until it is started again");
                self.halted.store(true, Ordering::Release);
                if let Err(error) = self.sql.leave_log() {
                    tracing::error!(target: "lienthong::registry", %error, "the log could not be left as it is");
                }
                return;
            }
        }
    }

    /// One transaction for the whole batch. Where it cannot begin, the dropped commands tell their callers.
    ///
    /// An error where nobody knows any more what is on the disk.
    fn commit(&self, batch: Vec<Command>) -> Result<(), sql::Error> {
        if let Err(error) = self.sql.begin(&self.lock) {
            tracing::error!(target: "lienthong::registry", %error, "no transaction");
            return only_io(error);
        }
        let mut answers = Vec::with_capacity(batch.len());
        let mut sound = true;
        for command in batch {
            sound = sound && self.step(command, &mut answers);
        }
        #[cfg(feature = "faultpoints")]
        gateway_core::faultpoint!("registry-commit-before");
        let finished = match sound {
            true => self.finish(),
            false => Ok(false),
        };
        let committed = matches!(finished, Ok(true));
        #[cfg(feature = "faultpoints")]
        gateway_core::faultpoint!("registry-commit-after");
        if !committed {
            self.sql.rollback();
        }
        let done = finished.map(drop).or_else(only_io);
        // whoever is told has to find it so
        self.halted.fetch_or(done.is_err(), Ordering::AcqRel);
        for answer in answers {
            answer(committed);
        }
        done
    }

    /// Runs one command in its savepoint; false where the transaction itself is broken.
    fn step(&self, command: Command, answers: &mut Vec<Box<dyn FnOnce(bool)>>) -> bool {
        if self.sql.save().is_err() {
            return false;
        }
        let settled = command(&self.sql);
        answers.push(settled.answer);
        let done = match settled.keep {
            true => self.sql.keep(),
            false => self.sql.undo(),
        };
        done.is_ok() && self.sql.in_transaction()
    }

    /// False where it may not be committed.
    fn finish(&self) -> Result<bool, sql::Error> {
        if let Err(error) = (self.before_commit)() {
            tracing::error!(target: "lienthong::registry", %error, "given numbers could not be noted");
            return Ok(false);
        }
        let committed = self.sql.commit();
        if let Err(error) = &committed {
            tracing::error!(target: "lienthong::registry", %error, "commit failed");
        }
        committed.map(|()| true)
    }
}

/// What is no failure of the disk under a file may be tried again.
fn only_io(error: sql::Error) -> Result<(), sql::Error> {
    match error.is_of_the_disk() {
        true => Err(error),
        false => Ok(()),
    }
}

/// Commands between two times that a file's log is folded back into it: some thousand pages of it.
const COMMANDS_A_FOLD: usize = 512;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    use rusqlite::Connection;
    use schemas::fault::{Fault, FaultCode};

    use super::*;
    use crate::sql::values;

    fn threads(queue_max: usize) -> (Threads, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER PRIMARY KEY)")
            .unwrap();
        let reader = Connection::open(&path).unwrap();
        let hands = Hands {
            business: Sql::Lite(writer),
            feed: None,
            readers: vec![Sql::Lite(reader)],
            lock: String::new(),
            before_commit: Box::new(|| Ok(())),
        };
        (Threads::start(hands, queue_max, 16).unwrap(), folder)
    }

    fn insert(a: i64) -> impl FnOnce(&Sql) -> Result<(), Error> + Send + 'static {
        move |sql| {
            sql.execute("INSERT INTO t (a) VALUES (?1)", values![a])?;
            Ok(())
        }
    }

    /// Polls once; true where there is no answer yet.
    async fn waits<F: Future>(mut call: Pin<&mut F>) -> bool {
        poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await
    }

    async fn rows(threads: &Threads) -> i64 {
        let count = |sql: &Sql| Ok(sql.query_one("SELECT count(*) FROM t", &[], |row| row.get(0))?);
        threads.read("count", count).await.unwrap()
    }

    #[tokio::test]
    async fn a_bad_command_is_undone_alone_and_its_neighbours_are_kept() {
        let (threads, _folder) = threads(64);
        let refuse = |sql: &Sql| -> Result<(), Error> {
            sql.execute("INSERT INTO t (a) VALUES (99)", &[])?;
            Err(Fault::new(FaultCode::RuleRefused, "test").into())
        };
        let panics = |_: &Sql| -> Result<(), Error> { panic!("a bug") };
        let (first, refused, twice, bug, last) = tokio::join!(
            threads.write(Desk::Business, "first", insert(1)),
            threads.write(Desk::Business, "refused", refuse),
            threads.write(Desk::Business, "twice", insert(1)),
            threads.write(Desk::Business, "bug", panics),
            threads.write(Desk::Business, "last", insert(2)),
        );
        assert!(first.is_ok() && last.is_ok());
        assert!(matches!(refused, Err(Error::Refused(_))));
        assert!(matches!(twice, Err(Error::Storage(_))));
        assert!(matches!(bug, Err(Error::Corrupt(_))));
        assert_eq!(rows(&threads).await, 2);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (threads, _folder) = threads(1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let hold = threads.write(Desk::Business, "hold", move |_| {
            let _ = started.send(());
            let _ = wait.recv();
            Ok(())
        });
        let hold = std::pin::pin!(hold);
        let crowd = async {
            running.await.unwrap();
            let queued = threads.write(Desk::Business, "queued", insert(1));
            let mut queued = std::pin::pin!(queued);
            assert!(waits(queued.as_mut()).await);
            assert!(matches!(
                threads.write(Desk::Business, "refused", insert(2)).await,
                Err(Error::Busy)
            ));
            release.send(()).unwrap();
            queued.await.unwrap();
        };
        let (held, ()) = tokio::join!(hold, crowd);
        held.unwrap();
        assert_eq!(rows(&threads).await, 1);
    }

    #[tokio::test]
    async fn a_command_whose_caller_has_gone_is_not_run() {
        let (threads, _folder) = threads(8);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let hold = threads.write(Desk::Business, "hold", move |_| Ok(wait.recv().is_ok()));
        let mut hold = Box::pin(hold);
        assert!(waits(hold.as_mut()).await);
        {
            let gone = threads.write(Desk::Business, "gone", insert(1));
            let mut gone = std::pin::pin!(gone);
            assert!(waits(gone.as_mut()).await);
        }
        release.send(()).unwrap();
        assert!(hold.await.unwrap());
        assert_eq!(rows(&threads).await, 0);
    }
}
