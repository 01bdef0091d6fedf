//! The keeper: makes the journal's partitions ahead and detaches old ones, every hour, off the writer's
//! way. Of several replicas one does it. In each it also looks whether this build still understands the
//! schema: a newer one may have migrated it while this process ran.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_core::ports::Clock;
use gateway_core::seal::Vault;

use super::partitions::{Cover, detach};
use super::{Target, migrate};
use crate::health::Health;
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
        health: Arc<Health>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new().name("store-keeper".into());
        let look = target.schema_check;
        let thread = thread.spawn(move || {
            let mut tidied = Instant::now();
            while stopped.recv_timeout(look) == Err(RecvTimeoutError::Timeout) {
                look_at_schema(&target, &health);
                if tidied.elapsed() < EVERY {
                    continue;
                }
                tidied = Instant::now();
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

/// A schema that this build does not understand stops the writing, and so the readiness.
fn look_at_schema(target: &Target, health: &Health) {
    let standing = target
        .connect()
        .and_then(|session| migrate::standing(&Connection::Postgres(session)));
    match standing {
        Ok(found) if health.writable().is_ok() => {
            if let Err(why) = migrate::understood(found) {
                health.halt(why);
            }
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the schema's version was not read"),
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
    let gone = match keep {
        None => Vec::new(),
        Some(keep) => detach(&conn, session, vault, now, keep)?,
    };
    // The server may take a moment to see that this session has ended: the next round need not wait for it.
    session.batch("SELECT pg_advisory_unlock(1280601963)")?;
    Ok(gone)
}

const EVERY: Duration = Duration::from_secs(3600);
const ROUND_MAX: Duration = Duration::from_secs(600);
