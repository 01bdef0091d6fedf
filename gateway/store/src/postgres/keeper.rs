//! The keeper: makes the journal's partitions ahead and detaches old ones, every hour, off the writer's
//! way. Of several replicas one does it.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gateway_core::ports::Clock;
use gateway_core::seal::Vault;

use super::Target;
use super::partitions::{Cover, detach};
use crate::sql::{Connection, Result};

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(
        target: Target,
        keep: Option<Duration>,
        vault: Arc<Vault>,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("store-keeper".into());
        let thread = thread.spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                let now = clock.now().as_microsecond();
                if let Err(error) = tidy(&target, keep, &vault, now) {
                    tracing::warn!(%error, "the journal's partitions were not looked after");
                }
            }
        })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One round; gives the names of what was detached.
pub(crate) fn tidy(
    target: &Target,
    keep: Option<Duration>,
    vault: &Vault,
    now: i64,
) -> Result<Vec<String>> {
    let session = target.connect()?;
    session.take_time(ROUND_MAX)?;
    let conn = Connection::Postgres(session);
    let Connection::Postgres(session) = &conn else {
        return Ok(Vec::new());
    };
    let sql = "SELECT pg_try_advisory_lock(1280601963)";
    if !conn.query_row(sql, [], |row| row.get::<bool>(0))? {
        return Ok(Vec::new());
    }
    Cover::default().reach(&conn, session, now)?;
    match keep {
        None => Ok(Vec::new()),
        Some(keep) => detach(&conn, session, vault, now, keep),
    }
}

const EVERY: Duration = Duration::from_secs(3600);
const ROUND_MAX: Duration = Duration::from_secs(600);
