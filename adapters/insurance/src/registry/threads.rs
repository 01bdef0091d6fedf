//! The threads that SQL runs on: one writer that commits many commands at once, and the readers.
//!
//! A command runs in its own savepoint, so a bad one never fails its neighbours; nobody is answered
//! before the shared commit. A command whose caller has gone is not run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::Error;

/// Handles on the queues; the threads end when the last is dropped.
pub(super) struct Threads {
    writer: SyncSender<Command>,
    readers: SyncSender<Query>,
}

type Query = Box<dyn FnOnce(&Connection) + Send>;
type Command = Box<dyn FnOnce(&Connection) -> Settled + Send>;

/// What a command came to: whether its savepoint is kept, and how to answer once the commit is known.
struct Settled {
    keep: bool,
    answer: Box<dyn FnOnce(bool)>,
}

impl Threads {
    pub(super) fn start(
        writer: Connection,
        readers: Vec<Connection>,
        queue_max: usize,
        batch_max: usize,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = sync_channel(queue_max);
        thread::Builder::new()
            .name("registry-write".into())
            .spawn(move || write_all(writer, &inbox, batch_max.max(1)))?;
        let (queries, inbox) = sync_channel(queue_max);
        let inbox = Arc::new(Mutex::new(inbox));
        for connection in readers {
            let inbox = Arc::clone(&inbox);
            thread::Builder::new()
                .name("registry-read".into())
                .spawn(move || read_all(&connection, &inbox))?;
        }
        Ok(Self {
            writer: commands,
            readers: queries,
        })
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let query: Query = Box::new(move |connection| {
            if !reply.is_closed() {
                let _ = reply.send(guarded(name, || work(connection)));
            }
        });
        self.readers.try_send(query).map_err(refused)?;
        answer.await.unwrap_or(Err(Error::Unanswered))
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let command: Command = Box::new(move |savepoint| {
            if reply.is_closed() {
                return Settled {
                    keep: false,
                    answer: Box::new(|_| ()),
                };
            }
            let done = guarded(name, || work(savepoint));
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
        self.writer.try_send(command).map_err(refused)?;
        answer.await.unwrap_or(Err(Error::Unanswered))
    }
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

fn read_all(connection: &Connection, inbox: &Mutex<Receiver<Query>>) {
    loop {
        let query = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match query {
            Ok(query) => query(connection),
            Err(_) => return,
        }
    }
}

fn write_all(mut connection: Connection, inbox: &Receiver<Command>, batch_max: usize) {
    while let Ok(first) = inbox.recv() {
        let mut batch = vec![first];
        batch.extend(inbox.try_iter().take(batch_max - 1));
        commit(&mut connection, batch);
    }
}

/// One transaction for the whole batch. Where it cannot begin, the dropped commands tell their callers.
fn commit(connection: &mut Connection, batch: Vec<Command>) {
    let mut transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate)
    {
        Ok(transaction) => transaction,
        Err(error) => {
            return tracing::error!(target: "lienthong::registry", %error, "no transaction");
        }
    };
    let mut answers = Vec::with_capacity(batch.len());
    let mut sound = true;
    for command in batch {
        sound = sound && step(&mut transaction, command, &mut answers);
    }
    let committed = match sound {
        true => transaction
            .commit()
            .inspect_err(
                |error| tracing::error!(target: "lienthong::registry", %error, "commit failed"),
            )
            .is_ok(),
        false => false, // dropped unfinished, it rolls back
    };
    for answer in answers {
        answer(committed);
    }
}

/// Runs one command in its savepoint; false where the transaction itself is broken.
fn step(
    transaction: &mut Transaction<'_>,
    command: Command,
    answers: &mut Vec<Box<dyn FnOnce(bool)>>,
) -> bool {
    let Ok(savepoint) = transaction.savepoint() else {
        return false;
    };
    let settled = command(&savepoint);
    answers.push(settled.answer);
    let done = match settled.keep {
        true => savepoint.commit(),
        false => savepoint.finish(), // rolls back to where it began
    };
    // a full disk or a failed sync makes SQLite give up the transaction by itself
    done.is_ok() && !transaction.is_autocommit()
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    use schemas::fault::{Fault, FaultCode};

    use super::*;

    fn threads(queue_max: usize) -> (Threads, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a INTEGER PRIMARY KEY)")
            .unwrap();
        let reader = Connection::open(&path).unwrap();
        (
            Threads::start(writer, vec![reader], queue_max, 16).unwrap(),
            folder,
        )
    }

    fn insert(a: i64) -> impl FnOnce(&Connection) -> Result<(), Error> + Send + 'static {
        move |sql| {
            sql.execute("INSERT INTO t (a) VALUES (?1)", [a])?;
            Ok(())
        }
    }

    /// Polls once; true where there is no answer yet.
    async fn waits<F: Future>(mut call: Pin<&mut F>) -> bool {
        poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await
    }

    async fn rows(threads: &Threads) -> i64 {
        let count =
            |sql: &Connection| Ok(sql.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?);
        threads.read("count", count).await.unwrap()
    }

    #[tokio::test]
    async fn a_bad_command_is_undone_alone_and_its_neighbours_are_kept() {
        let (threads, _folder) = threads(64);
        let refuse = |sql: &Connection| -> Result<(), Error> {
            sql.execute("INSERT INTO t (a) VALUES (99)", [])?;
            Err(Fault::new(FaultCode::RuleRefused, "test").into())
        };
        let panics = |_: &Connection| -> Result<(), Error> { panic!("a bug") };
        let (first, refused, twice, bug, last) = tokio::join!(
            threads.write("first", insert(1)),
            threads.write("refused", refuse),
            threads.write("twice", insert(1)),
            threads.write("bug", panics),
            threads.write("last", insert(2)),
        );
        assert!(first.is_ok() && last.is_ok());
        assert!(matches!(refused, Err(Error::Refused(_))));
        assert!(matches!(twice, Err(Error::Sqlite(_))));
        assert!(matches!(bug, Err(Error::Corrupt(_))));
        assert_eq!(rows(&threads).await, 2);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let (threads, _folder) = threads(1);
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let (started, running) = oneshot::channel();
        let hold = threads.write("hold", move |_| {
            let _ = started.send(());
            let _ = wait.recv();
            Ok(())
        });
        let hold = std::pin::pin!(hold);
        let crowd = async {
            running.await.unwrap();
            let queued = threads.write("queued", insert(1));
            let mut queued = std::pin::pin!(queued);
            assert!(waits(queued.as_mut()).await);
            assert!(matches!(
                threads.write("refused", insert(2)).await,
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
        let hold = threads.write("hold", move |_| Ok(wait.recv().is_ok()));
        let mut hold = Box::pin(hold);
        assert!(waits(hold.as_mut()).await);
        {
            let gone = threads.write("gone", insert(1));
            let mut gone = std::pin::pin!(gone);
            assert!(waits(gone.as_mut()).await);
        }
        release.send(()).unwrap();
        assert!(hold.await.unwrap());
        assert_eq!(rows(&threads).await, 0);
    }
}
