//! Bytes on their way to the disk: block by block, each sealed, none of them read.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::PathBuf,
};

use bytes::Bytes;
use certs::digest;
use futures_util::future::BoxFuture;
use gateway_core::bulk::{Announced, Spool};
use schemas::fault::{Fault, FaultCode};
use tax::reconcile::Cover as _;

use super::{
    Covered, Inner,
    case::Case,
    disk,
    place::{Place, blob_name},
    room::Reserved,
};

/// A file that is being written. It goes away unless it is finished.
pub(crate) struct Writing {
    hands: Option<Hands>,
    buffer: Vec<u8>,
}

/// Where bytes go.
pub(crate) struct Target {
    /// The file until it is whole, beside its place.
    pub(crate) draft: PathBuf,
    /// The file.
    pub(crate) place: PathBuf,
    /// What each of its blocks is bound to.
    pub(crate) name: String,
    /// What seals them.
    pub(crate) cover: Covered,
    /// The room they take.
    pub(crate) reserved: Reserved,
}

/// What a block needs to get to the disk.
struct Hands {
    file: File,
    draft: PathBuf,
    place: PathBuf,
    name: String,
    cover: Covered,
    at: u64,
    reserved: Option<Reserved>,
}

/// A file whose bytes lie there already: they are counted and hashed once more, and not written.
pub(crate) struct Known;

impl Inner {
    /// A place for the bytes of a chunk.
    pub(super) fn spool(
        &self,
        case: &Case,
        number: u32,
        announced: Announced,
    ) -> Result<Box<dyn Spool>, Fault> {
        let place = case.blob(number);
        if place.exists() {
            return Ok(Box::new(Known));
        }
        let target = case.target(number, self.room.reserve(announced.bytes)?);
        Ok(Box::new(Writing::open(target).map_err(disk)?))
    }
}

impl Spool for Writing {
    fn write(&mut self, piece: Bytes) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let mut piece = piece;
            while !piece.is_empty() {
                let some = piece.len().min(BLOCK_BYTES - self.buffer.len());
                self.buffer.extend_from_slice(&piece.split_to(some));
                if self.buffer.len() == BLOCK_BYTES {
                    self.flush().await?;
                }
            }
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(async move {
            if !self.buffer.is_empty() {
                self.flush().await?;
            }
            let hands = self.hands.take().ok_or_else(gone)?;
            aside(move || hands.finish()).await
        })
    }
}

impl Writing {
    /// Begins a file.
    pub(crate) fn open(target: Target) -> io::Result<Self> {
        Ok(Self {
            hands: Some(Hands::open(target)?),
            buffer: Vec::with_capacity(BLOCK_BYTES),
        })
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        let mut hands = self.hands.take().ok_or_else(gone)?;
        let block = std::mem::replace(&mut self.buffer, Vec::with_capacity(BLOCK_BYTES));
        let hands = aside(move || {
            hands.block(&block)?;
            Ok(hands)
        });
        self.hands = Some(hands.await?);
        Ok(())
    }
}

impl Hands {
    fn open(target: Target) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&target.draft)?;
        Ok(Self {
            file,
            draft: target.draft,
            place: target.place,
            name: target.name,
            cover: target.cover,
            at: 0,
            reserved: Some(target.reserved),
        })
    }

    fn block(&mut self, plain: &[u8]) -> io::Result<()> {
        let sealed = self.cover.seal(&self.name, self.at, plain)?;
        let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
        self.file.write_all(&length.to_be_bytes())?;
        self.file.write_all(&sealed)?;
        self.at += 1;
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.draft, &self.place)?;
        if let Some(parent) = self.place.parent() {
            File::open(parent)?.sync_all()?;
        }
        if let Some(reserved) = self.reserved.take() {
            reserved.keep();
        }
        Ok(())
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        // gone already where it was finished
        let _ = fs::remove_file(&self.draft);
    }
}

impl Spool for Known {
    fn write(&mut self, _piece: Bytes) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), Fault>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

impl Place {
    /// Where the bytes of a chunk go.
    fn target(&self, number: u32, reserved: Reserved) -> Target {
        let draft = format!(".{}", hex::encode(digest::random::<8>()));
        Target {
            draft: self.dir.join(draft),
            place: self.blob(number),
            name: blob_name(number),
            cover: self.cover.clone(),
            reserved,
        }
    }

    /// Keeps a chunk of ours, on the disk when this returns; one that lies there is replaced.
    pub(super) fn keep(&self, number: u32, bytes: &[u8], reserved: Reserved) -> io::Result<()> {
        let mut hands = Hands::open(self.target(number, reserved))?;
        for block in bytes.chunks(BLOCK_BYTES) {
            hands.block(block)?;
        }
        hands.finish()
    }

    /// The bytes of a chunk as they came; none where they do not lie here.
    pub(super) fn bytes(&self, number: u32, most: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match File::open(self.blob(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut bytes = Vec::new();
        for block in blocks(file, self.cover.clone(), blob_name(number)) {
            bytes.extend_from_slice(&block?);
            if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > most {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(Some(bytes))
    }
}

/// The blocks of a file as they came, one in memory at a time.
pub(crate) fn blocks(
    file: File,
    cover: Covered,
    name: String,
) -> impl Iterator<Item = io::Result<Vec<u8>>> {
    let mut file = io::BufReader::new(file);
    let mut at = 0;
    let mut next = move || -> io::Result<Option<Vec<u8>>> {
        let mut length = [0; 4];
        match file.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        let mut sealed = Vec::new();
        let length = u64::from(u32::from_be_bytes(length));
        (&mut file).take(length).read_to_end(&mut sealed)?;
        let plain = cover.open(&name, at, sealed)?;
        at += 1;
        Ok(Some(plain))
    };
    std::iter::from_fn(move || next().transpose())
}

/// Runs what waits for the disk where it holds up nobody.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(disk),
        Err(_) => Err(gone()),
    }
}

fn gone() -> Fault {
    Fault::new(FaultCode::Internal, "spool")
}

/// What is held of a file on its way in.
const BLOCK_BYTES: usize = 64 << 10;
