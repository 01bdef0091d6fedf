//! Inbox, journal and outbox, on SQLite or PostgreSQL: what is acknowledged is committed, and what is committed can be
//! shown to be what was committed.
//!
//! It knows senders, ids, digests and sealed bytes. It refuses to know what a message means, whether it
//! may be acted upon and how a parcel travels.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test stops where it fails"
    )
)]

mod access;
mod anchor;
mod backup;
mod checkpoint;
mod dossier;
mod erasure;
mod headroom;
mod health;
mod inbox;
mod journal;
mod meta;
mod migrate;
mod notes;
mod open;
mod outbox;
mod ports;
mod postgres;
mod reader;
mod recovering;
mod refusals;
mod retention;
mod rewrap;
mod schema;
mod signed;
mod sql;
mod story;
mod time_mark;
mod verify;
mod writer;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::ports::{Clock, StoreError};
use gateway_core::seal::Vault;

pub use backup::{Copied, CopyError, Held, copy, head_file_of, hold};
pub use dossier::{Covered, Dossier, Exported, Gone, bound_to, chained_hash, dossier, told};
pub use open::{Engine, OpenError, StoreParams};
pub use postgres::PostgresParams;
pub use postgres::backup::{heads, restore_point};
pub use retention::Retention;
pub use rewrap::{Rewrapped, rewrap};
pub use schema::{Schema, Step, schema};
pub use signed::{Checkpoint, CheckpointCensus, SignedCheckpoint};
pub use verify::{Broken, Verified, What, Witnesses, verify, verify_all, verify_beside};

use crate::headroom::Headroom;
use crate::health::Health;
use crate::postgres::Target;
use crate::postgres::keeper::Keeper;
use crate::reader::{Readers, Source};
use crate::recovering::Fence;
use crate::writer::{Terms, Writer, WriterParts};

/// The store, on either engine. Cheap to clone; the last clone closes it and waits for what was begun.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    // Readers go first: whoever closes a file last folds the log back into it.
    readers: Readers,
    writer: Writer,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    fence: Arc<Fence>,
    engine: Engine,
    name: String,
    _keeper: Option<Keeper>,
}

impl Store {
    /// Opens or makes the file or the tables, and starts one writer thread and the readers.
    ///
    /// Where the journal contradicts its sealed head the store opens read-only: [`Store::halted`] says
    /// why, every write is refused, and [`verify`] names the record.
    pub fn open(params: StoreParams) -> Result<Self, OpenError> {
        match params.engine.clone() {
            Engine::Sqlite(path) => Self::open_file(params, &path),
            Engine::Postgres(database) => Self::open_database(params, &database),
        }
    }

    fn open_file(params: StoreParams, path: &Path) -> Result<Self, OpenError> {
        let health = Arc::new(Health::default());
        let opened = open::open(path, &params, &health)?;
        let queue_max = params.queue_max;
        let readers = Readers::start(opened.readers, queue_max, Arc::clone(&health), None)?;
        let terms = params.terms();
        let fence = Arc::clone(&terms.fence);
        fence.set(recovering::gaps(&opened.conn)?);
        let parts = WriterParts {
            checkpoints: opened.checkpoints,
            conn: opened.conn,
            head: opened.head,
            head_file: opened.head_file,
            headroom: Headroom::new(path, params.headroom_bytes),
            terms,
            vault: Arc::clone(&params.vault),
            clock: Arc::clone(&params.clock),
            health: Arc::clone(&health),
        };
        let writer = Writer::start(parts, queue_max)?;
        Ok(Self::made(params, readers, writer, health, fence, None))
    }

    fn open_database(params: StoreParams, database: &PostgresParams) -> Result<Self, OpenError> {
        let health = Arc::new(Health::default());
        let target = |role: &str| {
            let role = format!("{role} {}", params.writer);
            Target::new(database, &role).map_err(OpenError::Url)
        };
        let terms = params.terms();
        let fence = Arc::clone(&terms.fence);
        let parts = postgres::writer::WriterParts {
            target: target(&own_role())?,
            terms,
            vault: Arc::clone(&params.vault),
            clock: Arc::clone(&params.clock),
            health: Arc::clone(&health),
        };
        // The caller's thread may drive a runtime; the sessions bring their own.
        let opened = std::thread::spawn(move || postgres::writer::Writer::open(parts)).join();
        let opened = opened.map_err(|_| OpenError::Database("it panicked".into()))??;
        let patience = database.connect_timeout.max(database.statement_timeout);
        let patience = patience + patience / 8;
        let queue_max = params.queue_max;
        let sources = (0..params.readers.max(1))
            .map(|_| Ok(Source::Made(target("reader")?, None)))
            .collect::<Result<_, OpenError>>()?;
        let readers = Readers::start(sources, queue_max, Arc::clone(&health), Some(patience))?;
        let writer = Writer::start_on(opened, queue_max, Arc::clone(&health), patience)?;
        let keeper = Keeper::start(
            target("keeper")?,
            database.keep,
            Arc::clone(&params.vault),
            Arc::clone(&params.clock),
            Arc::clone(&health),
        )?;
        Ok(Self::made(
            params,
            readers,
            writer,
            health,
            fence,
            Some(keeper),
        ))
    }

    fn made(
        params: StoreParams,
        readers: Readers,
        writer: Writer,
        health: Arc<Health>,
        fence: Arc<Fence>,
        keeper: Option<Keeper>,
    ) -> Self {
        Self(Arc::new(Inner {
            readers,
            writer,
            vault: params.vault,
            clock: params.clock,
            health,
            fence,
            engine: params.engine,
            name: params.writer,
            _keeper: keeper,
        }))
    }

    /// Why nothing is written any more until the store is opened again; none while it writes.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.0.health.halted()
    }

    /// Verifies this writer's journal as it stands, on the calling thread and beside the running writer;
    /// see [`verify_all`].
    pub fn verify(&self) -> Result<Verified, Broken> {
        let alone = Witnesses::default();
        let chains = verify::chains(&self.0.engine, &self.0.vault, Some(&self.0.name), &alone)?;
        chains.into_iter().next().ok_or_else(Broken::no_chain)
    }

    /// Makes the journal's partitions ahead and detaches those whose last record is older than `keep`; gives
    /// the names of what was detached. The keeper does it every hour; a file has no partitions.
    pub fn tidy(&self, keep: Duration) -> Result<Vec<String>, StoreError> {
        let Engine::Postgres(database) = &self.0.engine else {
            return Ok(Vec::new());
        };
        let target = Target::new(database, "keeper").map_err(StoreError::Unavailable)?;
        let now = self.now();
        // A session brings a runtime of its own, and the caller's thread may drive one already.
        std::thread::scope(|scope| {
            let round =
                scope.spawn(|| postgres::keeper::tidy(&target, Some(keep), &self.0.vault, now));
            let gone = || StoreError::Unavailable("the keeper panicked".into());
            round
                .join()
                .map_err(|_| gone())?
                .map_err(|error| error.told())
        })
    }

    /// Refusals that were counted but not kept, over all partners.
    pub async fn refusals_not_kept(&self) -> Result<u64, StoreError> {
        let (_, overflow) = self.0.readers.read(refusals::totals).await?;
        Ok(overflow.unsigned_abs())
    }

    fn now(&self) -> i64 {
        self.0.clock.now().as_microsecond()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("engine", &self.0.engine)
            .finish_non_exhaustive()
    }
}

/// The writer's sessions of this very process: the end of a version 7 id is random.
fn own_role() -> String {
    let id = gateway_core::head::Evidence::fresh().to_string();
    format!("writer {}", &id[id.len().saturating_sub(12)..])
}

impl StoreParams {
    fn terms(&self) -> Terms {
        Terms {
            writer: self.writer.clone(),
            // One that is over as it begins would be taken twice in one batch.
            lease_micros: micros(self.lease).max(1),
            refusals_per_minute_max: self.refusals_per_minute_max,
            fence: Arc::default(),
        }
    }
}

/// A duration in microseconds; one too long to say is for ever.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
