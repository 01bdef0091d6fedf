//! The files of dossiers and of civil status cases: where they lie, encrypted, who searches them, and when they go away.
//!
//! One folder for each sender, in it a folder for each file and one small file for each announcement. A file's folder is
//! named by a keyed hash of its SHA-256, so that nobody without the store's key learns from the disk which documents
//! are there, and its blocks lie under a data key of its own, which the store's key wraps, as the journal's records do. No part of a
//! path comes from a name that somebody sent. Whoever judges, claims or erases a file holds its folder's lock, which ends with the
//! process; what is acknowledged is on the disk, so any process that sees the folder goes on where another died.

mod claim;
mod file;
mod judge;
mod read;
mod scan;
mod spool;
mod sweep;

use std::{fs, io, path::PathBuf, sync::Arc, time::Duration};

use certs::{digest, seal::Vault};
use futures_util::future::BoxFuture;
use gateway_core::{
    Context,
    bulk::{Announced, Bulk, ChunkName, Place, Ticket, no_manifest},
    ports::Clock,
};
use jiff::Timestamp;
use portal::papers::{Announcement, Content, Files, Kept, Kind, Papers as Keeps};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, PartnerId},
};
use serde::{Deserialize, Serialize};
use tax::reconcile::Cover as _;
use tokio::sync::Semaphore;

use crate::{
    bulk::{Covered, Room, aside, disk, write},
    config,
};

pub(crate) use file::KEY;
pub(crate) use read::Blocks;
pub use scan::Scanner;
pub(crate) use sweep::Lies;

/// The files of dossiers that are awaited or kept.
#[derive(Clone)]
pub(crate) struct Papers(Arc<Inner>);

struct Inner {
    root: PathBuf,
    vault: Arc<Vault>,
    room: Arc<Room>,
    file_bytes_max: u64,
    open_max: usize,
    wait: Duration,
    keep: Duration,
    scanner: Option<Scanner>,
    scan_time: Duration,
    /// So many files are read and searched at a time.
    judges: Semaphore,
    clock: Arc<dyn Clock>,
}

/// An announcement as it lies on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Promise {
    /// When it was taken, seconds since 1970.
    at: i64,
    files: Vec<Promised>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Promised {
    media_type: String,
    sha256: String,
    bytes: u64,
}

impl Promised {
    fn kind(&self) -> Result<Kind, Fault> {
        Kind::of_media_type(&self.media_type).ok_or_else(|| disk("an announcement of no type"))
    }

    fn announced(&self) -> Result<Announced, Fault> {
        let sha256 = gateway_core::bulk::unhex(&self.sha256);
        Ok(Announced {
            sha256: sha256.ok_or_else(|| disk("an announcement without a digest"))?,
            bytes: self.bytes,
        })
    }
}

impl Papers {
    /// Opens the folder that the config names, which is made where it is not.
    ///
    /// # Errors
    /// The folder.
    pub(crate) fn open(
        papers: &config::Papers,
        vault: Vault,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&papers.path)?;
        Ok(Self(Arc::new(Inner {
            root: papers.path.clone(),
            vault: Arc::new(vault),
            room: Arc::new(Room::of(&papers.path, papers.bytes_max)?),
            file_bytes_max: papers.file_bytes_max,
            open_max: papers.open,
            wait: Duration::from_secs(u64::from(papers.wait_hours) * 3_600),
            keep: Duration::from_secs(u64::from(papers.keep_days) * 24 * 3_600),
            scanner: papers.scanner.clone(),
            scan_time: Duration::from_millis(papers.scan_timeout_ms),
            judges: Semaphore::new(papers.scans),
            clock,
        })))
    }

    /// Runs what waits for the disk where it holds up nobody.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let inner = Arc::clone(&self.0);
        aside(move || Ok(work(&inner))).await?
    }

    /// The same for work that reads a whole file: a few at a time.
    async fn judged<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let turn = self.0.judges.acquire().await;
        let _turn = turn.map_err(|_| Fault::new(FaultCode::Draining, "papers"))?;
        self.aside(work).await
    }
}

impl Bulk for Papers {
    fn announced(
        &self,
        sender: &PartnerId,
        chunk: &ChunkName,
    ) -> BoxFuture<'_, Result<Announced, Fault>> {
        let (sender, chunk) = (sender.clone(), chunk.clone());
        Box::pin(self.aside(move |inner| inner.promised(&sender, &chunk)?.announced()))
    }

    fn spool(&self, sender: &PartnerId, chunk: &ChunkName) -> BoxFuture<'_, Result<Place, Fault>> {
        let (sender, chunk) = (sender.clone(), chunk.clone());
        Box::pin(self.aside(move |inner| {
            let announced = inner.promised(&sender, &chunk)?.announced()?;
            let spool = inner.spool(&sender, announced)?;
            Ok((announced, spool))
        }))
    }
}

impl Keeps for Papers {
    fn announce(
        &self,
        context: Context,
        announcement: &Announcement,
    ) -> BoxFuture<'_, Result<Timestamp, Fault>> {
        let announcement = announcement.clone();
        Box::pin(self.aside(move |inner| inner.announce(&context.sender, &announcement)))
    }

    fn take(&self, context: Context, ticket: &Ticket) -> BoxFuture<'_, Result<Kept, Fault>> {
        let ticket = ticket.clone();
        Box::pin(self.judged(move |inner| {
            let promised = inner.promised(&context.sender, &ticket.chunk)?;
            inner.judge(
                &context.sender,
                &ticket.sha256,
                promised.kind()?,
                "TenTepDinhKem",
            )
        }))
    }
}

impl Files for Papers {
    fn hold(
        &self,
        context: &Context,
        contents: Vec<Content>,
    ) -> BoxFuture<'_, Result<Vec<Kept>, Fault>> {
        let (sender, key) = (context.sender.clone(), context.key);
        Box::pin(self.judged(move |inner| inner.hold(&sender, &key, &contents)))
    }

    fn settle(
        &self,
        context: &Context,
        held: Vec<Kept>,
        dossier: Option<String>,
    ) -> BoxFuture<'_, Result<(), Fault>> {
        let (sender, key) = (context.sender.clone(), context.key);
        Box::pin(self.aside(move |inner| inner.settle(&sender, &key, &held, dossier.as_deref())))
    }
}

impl Inner {
    /// Takes an announcement, whole or not at all. The same one again changes nothing.
    fn announce(&self, sender: &PartnerId, asked: &Announcement) -> Result<Timestamp, Fault> {
        if let Some(known) = self.promise(sender, &asked.id)? {
            return self.until(known.at);
        }
        let too_large = |file: &portal::papers::Announced| file.bytes > self.file_bytes_max;
        if asked.files.iter().any(too_large) {
            return Err(Fault::new(FaultCode::TooLarge, "file-bytes").field("DungLuong"));
        }
        let of_sender = self.root.join(sender.as_str());
        fs::create_dir_all(&of_sender).map_err(disk)?;
        if self.open_of(&of_sender) >= self.open_max {
            return Err(Fault::new(FaultCode::Overloaded, "uploads-open")
                .retry_after(Duration::from_secs(600)));
        }
        let promised = |file: &portal::papers::Announced| Promised {
            media_type: file.kind.media_type().to_owned(),
            sha256: hex::encode(file.sha256),
            bytes: file.bytes,
        };
        let promise = Promise {
            at: self.clock.now().as_second(),
            files: asked.files.iter().map(promised).collect(),
        };
        let text = serde_json::to_vec(&promise).map_err(disk)?;
        let sealed = self
            .cover()
            .seal(&promise_name(sender, &asked.id), 0, &text)
            .map_err(disk)?;
        write(&self.promise_path(sender, &asked.id), &sealed).map_err(disk)?;
        self.until(promise.at)
    }

    fn until(&self, at: i64) -> Result<Timestamp, Fault> {
        let wait = i64::try_from(self.wait.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(at.saturating_add(wait)).map_err(disk)
    }

    fn open_of(&self, of_sender: &std::path::Path) -> usize {
        let entries = fs::read_dir(of_sender).into_iter().flatten().flatten();
        let promises = entries.filter(|entry| {
            let name = entry.file_name();
            name.as_encoded_bytes().starts_with(PROMISE.as_bytes())
        });
        promises.count()
    }

    fn promise(&self, sender: &PartnerId, id: &MessageId) -> Result<Option<Promise>, Fault> {
        let sealed = match fs::read(self.promise_path(sender, id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(disk)?,
        };
        let text = self.cover().open(&promise_name(sender, id), 0, sealed);
        serde_json::from_slice(&text.map_err(disk)?)
            .map(Some)
            .map_err(disk)
    }

    /// What was announced of a part that may still come.
    fn promised(&self, sender: &PartnerId, part: &ChunkName) -> Result<Promised, Fault> {
        let promise = self
            .promise(sender, &part.manifest)?
            .filter(|promise| self.age(promise.at) <= self.wait)
            .ok_or_else(no_manifest)?;
        let index = usize::try_from(part.number).unwrap_or(usize::MAX);
        let file = index
            .checked_sub(1)
            .and_then(|index| promise.files.get(index));
        file.cloned()
            .ok_or_else(|| Fault::new(FaultCode::BadSignature, "chunk-not-in-manifest"))
    }

    fn cover(&self) -> Covered {
        Covered(Arc::clone(&self.vault))
    }

    /// Ids are of letters, digits and `._-`; a prefix keeps `..` from being a file.
    fn promise_path(&self, sender: &PartnerId, id: &MessageId) -> PathBuf {
        self.root
            .join(sender.as_str())
            .join(format!("{PROMISE}{id}{WHOLE}"))
    }

    /// A name that nobody can guess, for what is not whole yet.
    fn draft(&self, sender: &PartnerId) -> PathBuf {
        let name = format!("{DRAFT}{}", hex::encode(digest::random::<8>()));
        self.root.join(sender.as_str()).join(name)
    }
}

fn promise_name(sender: &PartnerId, id: &MessageId) -> String {
    format!("papers announced\0{sender}\0{id}")
}

/// Whether an entry of a sender's folder is an announcement.
pub(crate) fn is_promise(name: &str) -> bool {
    name.starts_with(PROMISE) && name.ends_with(WHOLE)
}

/// Whether it is the folder of a file.
pub(crate) fn is_file(name: &str) -> bool {
    let index = name.strip_prefix(file::FILE);
    index.is_some_and(|index| {
        !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Before an announcement's id in the name of its file.
const PROMISE: &str = "m-";
/// Behind it, where the file is whole: an id may have an ending of its own.
const WHOLE: &str = ".sealed";
/// Before the name of what is not whole yet.
const DRAFT: &str = ".";
