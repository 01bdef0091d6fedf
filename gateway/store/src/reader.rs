//! The readers: a few threads with a connection each, for look-ups that must not wait for the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_core::ports::StoreError;
use tokio::sync::oneshot;

use crate::health::Health;
use crate::postgres::Target;
use crate::sql::{self, Connection};

type Job = Box<dyn FnOnce(sql::Result<&Connection>) + Send>;

/// The way into the reader threads.
#[derive(Debug)]
pub(crate) struct Readers {
    lanes: Vec<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
    health: Arc<Health>,
    /// How long a caller waits at most; for ever where the store is in this process.
    patience: Option<Duration>,
}

/// Where a reader has its connection from.
pub(crate) enum Source {
    /// Opened once.
    Kept(Connection),
    /// Made when it is needed, and again where it was lost.
    Made(Target, Option<Connection>),
}

impl Readers {
    /// One thread per source, each with a queue of its own.
    pub(crate) fn start(
        sources: Vec<Source>,
        queue_max: usize,
        health: Arc<Health>,
        patience: Option<Duration>,
    ) -> std::io::Result<Self> {
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for mut source in sources {
            let (sender, receiver) = sync_channel(queue_max.max(1));
            let builder = std::thread::Builder::new().name("store-reader".into());
            threads.push(builder.spawn(move || serve(&mut source, &receiver))?);
            lanes.push(sender);
        }
        Ok(Self {
            lanes,
            threads,
            next: AtomicUsize::new(0),
            health,
            patience,
        })
    }

    /// Runs one look-up.
    pub(crate) async fn read<T, F>(&self, look_up: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> sql::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Box::new(move |conn| {
            if !reply.is_closed() {
                // Whoever asked may have gone.
                let _ = reply.send(conn.and_then(look_up));
            }
        }))?;
        let answer = match self.patience {
            None => answer.await,
            Some(patience) => match tokio::time::timeout(patience, answer).await {
                Ok(answer) => answer,
                Err(_) => {
                    return Err(StoreError::Unavailable(
                        "the database does not answer".into(),
                    ));
                }
            },
        };
        match answer {
            Ok(found) => found.map_err(|error| self.health.note(error.told())),
            Err(_) => Err(StoreError::Unavailable("the reader has gone".into())),
        }
    }

    fn enqueue(&self, mut job: Job) -> Result<(), StoreError> {
        let start = self.next.fetch_add(1, Ordering::Relaxed);
        for offset in 0..self.lanes.len() {
            let lane = &self.lanes[start.wrapping_add(offset) % self.lanes.len()];
            match lane.try_send(job) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back) | TrySendError::Disconnected(back)) => job = back,
            }
        }
        Err(StoreError::Busy)
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.lanes.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Source {
    /// The connection, made where there is none.
    fn conn(&mut self) -> sql::Result<&Connection> {
        match self {
            Self::Kept(conn) => Ok(conn),
            Self::Made(target, conn) => {
                if let Some(Connection::Postgres(session)) = conn
                    && !session.is_open()
                {
                    *conn = None;
                }
                let conn = match conn.take() {
                    Some(kept) => conn.insert(kept),
                    None => conn.insert(Connection::Postgres(target.connect()?)),
                };
                if let Connection::Postgres(session) = conn {
                    session.begin_turn();
                }
                Ok(conn)
            }
        }
    }
}

fn serve(source: &mut Source, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job(source.conn());
    }
}
