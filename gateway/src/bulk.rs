//! A whole month in bulk: where manifests and chunks lie, who takes them, and the worker that compares; and our own month on
//! its way to a department.
//!
//! One folder for each manifest, everything in it encrypted under a key of its own, which the store's key wraps. Whoever
//! changes a folder holds its lock, which ends with the process that holds it; what is acknowledged is on the disk, so
//! that any process that sees the folder goes on where another died. The folder is not in the store: replicas need one
//! that they all see.

mod case;
mod cover;
mod desk;
mod job;
mod ledger;
mod opened;
mod ours;
mod place;
mod rewrap;
mod room;
mod sent;
mod spool;
mod told;

use std::{
    collections::HashMap,
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use certs::seal::Vault;
use gateway_core::ports::Clock;
use insurance::Insurance;
use schemas::fault::{Fault, FaultCode};
use tax::compare::Tolerance;
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

use crate::config;

use case::Case;
use opened::Opened;
use sent::Sent;

pub(crate) use cover::Covered;
pub(crate) use job::Job;
pub(crate) use place::write;
pub(crate) use rewrap::{rewrap, rewrap_file};
pub(crate) use room::Room;
pub(crate) use sent::{Post, SentJob, Terms};
pub(crate) use spool::{Known, Target, Writing, aside, blocks};

/// Every reconciliation that is under way or kept.
#[derive(Clone)]
pub(crate) struct Bulks(Arc<Inner>);

struct Inner {
    root: PathBuf,
    /// The store's key, under which each folder's own lies.
    vault: Covered,
    open_max: usize,
    keep: Duration,
    /// For so long the chunks of a manifest are waited for.
    wait: Duration,
    /// Days after which a discrepancy that nobody settled expires.
    due: u32,
    /// How far two sides may differ, by date; kept with each reconciliation as it is announced.
    tolerances: Vec<Tolerance>,
    room: Arc<Room>,
    opened: Opened<Case>,
    sent: Opened<Sent>,
    /// Records of one chunk of ours.
    chunk_records: usize,
    /// One chunk at a time is unpacked and read: that is what its memory is bounded by.
    readers: Semaphore,
    /// What went wrong is tried again later, and not at every look.
    later: Mutex<HashMap<PathBuf, Instant>>,
    /// Something may have become complete.
    wake: Notify,
    /// A month of ours is to be sent.
    begun: Notify,
    insurance: Insurance,
    /// How long the registry may take for one batch.
    patience: Duration,
    clock: Arc<dyn Clock>,
}

impl Bulks {
    /// Opens the folder that the config names, which is made where it is not.
    ///
    /// # Errors
    /// The folder or the key.
    pub(crate) fn open(
        bulk: &config::Bulk,
        vault: Vault,
        insurance: Insurance,
        patience: Duration,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&bulk.path)?;
        let room = Arc::new(Room::of(&bulk.path, bulk.bytes_max)?);
        Ok(Self(Arc::new(Inner {
            root: bulk.path.clone(),
            vault: Covered(Arc::new(vault)),
            open_max: bulk.open,
            due: bulk.due_days,
            tolerances: tolerances(&bulk.tolerances),
            keep: Duration::from_secs(u64::from(bulk.keep_days) * 24 * 3_600),
            wait: Duration::from_secs(u64::from(bulk.wait_hours) * 3_600),
            opened: Opened::new(),
            sent: Opened::new(),
            chunk_records: bulk.chunk_records,
            room,
            readers: Semaphore::new(1),
            later: Mutex::default(),
            wake: Notify::new(),
            begun: Notify::new(),
            insurance,
            patience,
            clock,
        })))
    }

    /// Runs what waits for the disk where it holds up nobody.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|_| Err(Fault::new(FaultCode::Internal, "bulk-task")))
    }
}

/// The config's rows; before the first of them nothing is overlooked but rounding.
fn tolerances(rows: &[config::ToleranceLine]) -> Vec<Tolerance> {
    let rows = rows.iter().map(|row| Tolerance {
        valid_from: row.valid_from,
        count: row.count,
        count_bp: row.count_bp,
        fund_vnd: row.fund_vnd,
        fund_bp: row.fund_bp,
        base_vnd: row.base_vnd,
        base_bp: row.base_bp,
        name_score: row.name_score,
        address_score: row.address_score,
    });
    // of two of one day the later one counts
    std::iter::once(Tolerance::STRICT).chain(rows).collect()
}

/// A failure of the disk, told to nobody outside.
pub(crate) fn disk(error: impl std::fmt::Display) -> Fault {
    Fault::new(FaultCode::Internal, "spool").log(error.to_string())
}
