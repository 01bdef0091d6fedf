//! A kept file is read back: block by block, its length and digest proven once more.

use certs::digest::Sha256;
use schemas::{
    fault::{Fault, FaultCode},
    id::PartnerId,
};
use tokio::sync::mpsc;

use super::{Inner, Lies, Papers, file::Paper};
use crate::bulk::disk;

/// The blocks of a file as they are read; the last word is a fault where they are not those that were taken in.
pub(crate) type Blocks = mpsc::Receiver<Result<Vec<u8>, Fault>>;

impl Papers {
    /// Begins to read a file of a sender's that was judged. Nobody reads further ahead than [`AHEAD`] blocks.
    ///
    /// # Errors
    /// `UnknownSubject` (`file-not-there`) where it was never kept or has been erased; the disk.
    pub(crate) async fn read(&self, sender: &PartnerId, sha256: [u8; 32]) -> Result<Blocks, Fault> {
        let sender = sender.clone();
        let (paper, length) = self
            .aside(move |inner| inner.readable(&sender, &sha256))
            .await?;
        let (to, blocks) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            if let Err(fault) = send(&paper, (&sha256, length), &to) {
                // whoever has gone meanwhile needs no word
                let _ = to.blocking_send(Err(fault));
            }
        });
        Ok(blocks)
    }

    /// The digest of a file that was listed: its bytes are read whole, and are those that were taken in.
    ///
    /// # Errors
    /// `UnknownSubject` (`file-not-there`) where it has been erased meanwhile; the disk.
    pub(crate) async fn digest(&self, sender: &PartnerId, file: &Lies) -> Result<[u8; 32], Fault> {
        let (sender, folder) = (sender.clone(), file.folder.clone());
        self.judged(move |inner| inner.digest(&sender, &folder))
            .await
    }
}

impl Inner {
    /// The file, and how many bytes it has.
    fn readable(&self, sender: &PartnerId, sha256: &[u8; 32]) -> Result<(Paper, u64), Fault> {
        let paper = self.find(sender, sha256)?.ok_or_else(gone)?;
        // what was not judged is no file yet
        match paper.found()? {
            Some(found) => Ok((paper, found.bytes)),
            None => Err(gone()),
        }
    }

    fn digest(&self, sender: &PartnerId, folder: &str) -> Result<[u8; 32], Fault> {
        let paper = self.listed(sender, folder)?.ok_or_else(gone)?;
        let mut hash = Sha256::new();
        for block in paper.blocks()? {
            hash.update(&block.map_err(disk)?);
        }
        let sha256 = hash.finish();
        match self.is_named_after(folder, &sha256) {
            true => Ok(sha256),
            false => Err(disk("a file of other bytes")),
        }
    }
}

fn gone() -> Fault {
    Fault::new(FaultCode::UnknownSubject, "file-not-there")
}

fn send(
    paper: &Paper,
    (sha256, length): (&[u8; 32], u64),
    to: &mpsc::Sender<Result<Vec<u8>, Fault>>,
) -> Result<(), Fault> {
    let (mut hash, mut bytes) = (Sha256::new(), 0_u64);
    for block in paper.blocks()? {
        let block = block.map_err(disk)?;
        hash.update(&block);
        bytes = bytes.saturating_add(u64::try_from(block.len()).unwrap_or(u64::MAX));
        if to.blocking_send(Ok(block)).is_err() {
            return Ok(());
        }
    }
    match hash.finish() == *sha256 && bytes == length {
        true => Ok(()),
        false => Err(disk("a file of other bytes")),
    }
}

/// Blocks between disk and reader.
const AHEAD: usize = 2;
