//! Inbox, journal and outbox on SQLite: what is acknowledged is committed, and what is committed can be
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

mod anchor;
mod headroom;
mod health;
mod inbox;
mod journal;
mod meta;
mod migrate;
mod open;
mod outbox;
mod ports;
mod reader;
mod refusals;
mod story;
mod verify;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::ports::{Clock, StoreError};
use gateway_core::seal::Vault;

pub use open::{OpenError, StoreParams};
pub use verify::{Broken, Verified, What, verify};

use crate::headroom::Headroom;
use crate::health::Health;
use crate::reader::Readers;
use crate::writer::{Terms, Writer, WriterParts};

/// The embedded store. Cheap to clone; the last clone closes the file and waits for it.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    // Readers go first: whoever closes the file last folds the log back into it.
    readers: Readers,
    writer: Writer,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    path: PathBuf,
}

impl Store {
    /// Opens or makes the file, and starts one writer thread and the readers.
    ///
    /// Where the journal contradicts its sealed head the store opens read-only: [`Store::halted`] says
    /// why, every write is refused, and [`verify`] names the record.
    pub fn open(params: StoreParams) -> Result<Self, OpenError> {
        let health = Arc::new(Health::default());
        let opened = open::open(&params, &health)?;
        let readers = Readers::start(opened.readers, params.queue_max, Arc::clone(&health))?;
        let parts = WriterParts {
            conn: opened.conn,
            head: opened.head,
            head_file: opened.head_file,
            headroom: Headroom::new(&params.path, params.headroom_bytes),
            terms: Terms {
                writer: params.writer,
                lease_micros: micros(params.lease),
                refusals_per_minute_max: params.refusals_per_minute_max,
            },
            vault: Arc::clone(&params.vault),
            clock: Arc::clone(&params.clock),
            health: Arc::clone(&health),
        };
        Ok(Self(Arc::new(Inner {
            readers,
            writer: Writer::start(parts, params.queue_max)?,
            vault: params.vault,
            clock: params.clock,
            health,
            path: params.path,
        })))
    }

    /// Why nothing is written any more until the store is opened again; none while it writes.
    #[must_use]
    pub fn halted(&self) -> Option<&str> {
        self.0.health.halted()
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Verifies the journal as it stands, on the calling thread and beside the running writer; see
    /// [`verify()`].
    pub fn verify(&self) -> Result<Verified, Broken> {
        verify(&self.0.path, &self.0.vault)
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
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

/// A duration in microseconds; one too long to say is for ever.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
