//! The threads of one key: signatures that take long, or that wait for a device, are made here and
//! never on an async worker.
//!
//! The queue is bounded, and a full one says so at once. Whoever has given up waiting, or whose time is
//! over, is not signed for. The threads end when the last holder of the key has gone.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use async_channel::{Receiver, Sender, TrySendError};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout_at},
};

/// The bounds of one key's threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolParams {
    /// Threads; a token's key gets no more than the token has sessions.
    pub threads: usize,
    /// Signatures that may wait.
    pub queue: usize,
}

impl Default for PoolParams {
    fn default() -> Self {
        Self {
            threads: 2,
            queue: 256,
        }
    }
}

/// Why a piece of work has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undone {
    /// The queue is full.
    Full,
    /// Its time was over.
    Late,
    /// It panicked.
    Failed,
}

/// How long a piece of work waited and took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) wait: Duration,
    pub(super) work: Duration,
}

type Job = Box<dyn FnOnce() + Send>;

pub(super) struct Pool {
    jobs: Sender<Job>,
}

impl Pool {
    pub(super) fn start(name: &str, params: PoolParams) -> io::Result<Self> {
        let (jobs, waiting) = async_channel::bounded(params.queue.max(1));
        for _ in 0..params.threads.max(1) {
            let waiting = waiting.clone();
            thread::Builder::new()
                .name(format!("sign {name}"))
                .spawn(move || serve(&waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Does `work` on one of the threads, unless `until` passes first.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        until: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<(T, Times), Undone> {
        let (reply, answer) = oneshot::channel();
        let queued = Instant::now();
        let job = move || {
            let begun = Instant::now();
            if reply.is_closed() || begun >= until {
                return;
            }
            let done = work();
            let times = Times {
                wait: begun - queued,
                work: begun.elapsed(),
            };
            let _ = reply.send((done, times));
        };
        self.jobs
            .try_send(Box::new(job))
            .map_err(|error| match error {
                TrySendError::Full(_) => Undone::Full,
                TrySendError::Closed(_) => Undone::Failed,
            })?;
        match timeout_at(until, answer).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(_)) if Instant::now() < until => Err(Undone::Failed),
            Ok(Err(_)) | Err(_) => Err(Undone::Late),
        }
    }
}

fn serve(waiting: &Receiver<Job>) {
    while let Ok(job) = waiting.recv_blocking() {
        // its waiter learns of it by the silence; the thread goes on
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn pool(threads: usize, queue: usize) -> Arc<Pool> {
        Arc::new(Pool::start("test", PoolParams { threads, queue }).unwrap())
    }

    /// One thread that stands still until the sender is dropped.
    async fn busy(pool: &Arc<Pool>) -> mpsc::Sender<()> {
        let (go, gate) = mpsc::channel::<()>();
        let (entered, inside) = oneshot::channel();
        let held = Arc::clone(pool);
        let hold = move || {
            let _ = entered.send(());
            let _ = gate.recv();
        };
        tokio::spawn(async move { held.run(Instant::now() + LONG, hold).await.map(|_| ()) });
        inside.await.unwrap();
        go
    }

    #[tokio::test]
    async fn work_is_done_on_a_thread_of_the_key_and_timed() {
        let pool = pool(2, 4);
        let name = || thread::current().name().map(str::to_owned);
        let (name, times) = pool.run(Instant::now() + LONG, name).await.unwrap();
        assert_eq!(name.as_deref(), Some("sign test"));
        assert!(times.wait < LONG && times.work < LONG);
    }

    #[tokio::test]
    async fn a_full_queue_says_so_at_once() {
        let pool = pool(1, 1);
        let go = busy(&pool).await;
        let waiting = Arc::clone(&pool);
        let queued = tokio::spawn(async move { waiting.run(Instant::now() + LONG, || 7).await });
        while pool.jobs.try_send(Box::new(|| ())).is_ok() {
            tokio::task::yield_now().await;
        }
        let refused = pool.run(Instant::now() + LONG, || 8).await;
        assert_eq!(refused.unwrap_err(), Undone::Full);
        drop(go);
        // what was queued behind the busy thread is done, unless the filling above took its place
        if let Ok((seven, _)) = queued.await.unwrap() {
            assert_eq!(seven, 7);
        }
        // the filling is still there for a moment
        let nine = loop {
            match pool.run(Instant::now() + LONG, || 9).await {
                Ok((nine, _)) => break nine,
                Err(Undone::Full) => tokio::task::yield_now().await,
                Err(other) => panic!("{other:?}"),
            }
        };
        assert_eq!(nine, 9);
    }

    #[tokio::test]
    async fn whoever_gave_up_or_is_late_is_not_worked_for() {
        let pool = pool(1, 4);
        let go = busy(&pool).await;
        let done = Arc::new(AtomicUsize::new(0));
        let count = |done: &Arc<AtomicUsize>| {
            let done = Arc::clone(done);
            move || done.fetch_add(1, Ordering::SeqCst)
        };
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(
            pool.run(soon, count(&done)).await.unwrap_err(),
            Undone::Late
        );
        let (left, work) = (Arc::clone(&pool), count(&done));
        let gone = tokio::spawn(async move { left.run(Instant::now() + LONG, work).await.is_ok() });
        tokio::task::yield_now().await;
        gone.abort();
        let _ = gone.await;
        drop(go);
        let (before, _) = pool.run(Instant::now() + LONG, count(&done)).await.unwrap();
        assert_eq!(before, 0, "only the last one was worked for");
    }

    #[tokio::test]
    async fn a_panic_ends_one_piece_of_work_and_no_thread() {
        let pool = pool(1, 4);
        #[expect(clippy::panic, reason = "the panic is the scene")]
        let broken = pool
            .run(Instant::now() + LONG, || -> u8 { panic!("scene") })
            .await;
        assert_eq!(broken.unwrap_err(), Undone::Failed);
        assert_eq!(pool.run(Instant::now() + LONG, || 1).await.unwrap().0, 1);
    }
}
