//! The readers: a few threads with a connection each, for look-ups that must not wait for the writer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use gateway_core::ports::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::health::{Health, told};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The way into the reader threads.
#[derive(Debug)]
pub(crate) struct Readers {
    lanes: Vec<SyncSender<Job>>,
    threads: Vec<JoinHandle<()>>,
    next: AtomicUsize,
    health: Arc<Health>,
}

impl Readers {
    /// One thread per connection, each with a queue of its own.
    pub(crate) fn start(
        connections: Vec<Connection>,
        queue_max: usize,
        health: Arc<Health>,
    ) -> std::io::Result<Self> {
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for conn in connections {
            let (sender, receiver) = sync_channel(queue_max.max(1));
            let builder = std::thread::Builder::new().name("store-reader".into());
            threads.push(builder.spawn(move || serve(&conn, &receiver))?);
            lanes.push(sender);
        }
        Ok(Self {
            lanes,
            threads,
            next: AtomicUsize::new(0),
            health,
        })
    }

    /// Runs one look-up.
    pub(crate) async fn read<T, F>(&self, look_up: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.enqueue(Box::new(move |conn| {
            // Whoever asked may have gone.
            let _ = reply.send(look_up(conn));
        }))?;
        match answer.await {
            Ok(found) => found.map_err(|error| self.health.note(told(&error))),
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

fn serve(conn: &Connection, jobs: &Receiver<Job>) {
    while let Ok(job) = jobs.recv() {
        job(conn);
    }
}
