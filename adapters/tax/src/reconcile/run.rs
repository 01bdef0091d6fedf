//! Sorted runs: a chunk becomes one, or makes the last one longer where it begins behind its end.

use std::io;

use schemas::wire::tax_records::Party;

use super::{
    folder::{Blocks, Cover, Folder, Growing},
    packed::{self, Key},
    sort::Sorter,
    state::{Position, Run, Side},
};

/// Bytes of a block, about.
pub(super) const BLOCK_BYTES: usize = 64 << 10;

/// Writes a sorted chunk; the side changes with it, the disk already has.
pub(super) fn append<C: Cover>(
    folder: &Folder<C>,
    party: Party,
    side: &mut Side,
    sorted: &Sorter,
) -> io::Result<()> {
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return Ok(());
    };
    let longer = side.runs.last_mut().filter(|run| run.last < first);
    let (name, from) = match &longer {
        Some(run) => (run.file.clone(), run.bytes),
        None => (file(party, side.chunks.len()), 0),
    };
    let mut writer = RunWriter::new(folder.grow(&name, from)?);
    for record in sorted.records() {
        writer.push(record)?;
    }
    let bytes = writer.finish()?;
    match longer {
        Some(run) => (run.bytes, run.last) = (bytes, last),
        None => side.runs.push(Run {
            file: name,
            bytes,
            last,
        }),
    }
    Ok(())
}

/// The file of a run that begins with the nth chunk taken.
pub(super) fn file(party: Party, nth: usize) -> String {
    format!("run-{}-{nth:06}", party.as_str())
}

/// Records into blocks.
pub(super) struct RunWriter<'a, C> {
    file: Growing<'a, C>,
    block: Vec<u8>,
}

impl<'a, C: Cover> RunWriter<'a, C> {
    pub(super) fn new(file: Growing<'a, C>) -> Self {
        Self {
            file,
            block: Vec::with_capacity(BLOCK_BYTES),
        }
    }

    /// Takes a record with its length.
    pub(super) fn push(&mut self, record: &[u8]) -> io::Result<()> {
        if self.block.len() + record.len() > BLOCK_BYTES && !self.block.is_empty() {
            self.file.block(&self.block)?;
            self.block.clear();
        }
        self.block.extend_from_slice(record);
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<u64> {
        if !self.block.is_empty() {
            self.file.block(&self.block)?;
        }
        self.file.finish()
    }
}

/// Blocks into records.
pub(super) struct RunReader<'a, C> {
    blocks: Blocks<'a, C>,
    end: u64,
    /// Where the block in memory begins in the file.
    block_at: u64,
    block: Vec<u8>,
    inside: usize,
    /// Behind the head record.
    next: usize,
}

impl<'a, C: Cover> RunReader<'a, C> {
    /// Stands at the record of a position.
    pub(super) fn open(folder: &'a Folder<C>, run: &Run, from: Position) -> io::Result<Self> {
        let mut reader = Self {
            blocks: folder.blocks(&run.file, from.block)?,
            end: run.bytes,
            block_at: from.block,
            block: Vec::new(),
            inside: 0,
            next: 0,
        };
        reader.load()?;
        reader.inside = usize::try_from(from.inside).map_err(io::Error::other)?;
        reader.settle()?;
        Ok(reader)
    }

    pub(super) const fn position(&self) -> Position {
        Position {
            block: self.block_at,
            inside: self.inside as u64,
        }
    }

    /// The record that the reader stands at, without its length; nothing at the end of the run.
    pub(super) fn head(&self) -> Option<&[u8]> {
        self.block.get(self.inside + 2..self.next)
    }

    pub(super) fn key(&self) -> Option<Key> {
        packed::key(self.head()?)
    }

    pub(super) fn advance(&mut self) -> io::Result<()> {
        self.inside = self.next;
        self.settle()
    }

    /// Finds the end of the record at `inside`, in the next block where this one is done.
    fn settle(&mut self) -> io::Result<()> {
        if self.inside >= self.block.len() && self.blocks.at() < self.end {
            self.load()?;
        }
        self.next = match self
            .block
            .get(self.inside..)
            .and_then(|rest| rest.split_first_chunk())
        {
            Some((length, _)) => self.inside + 2 + usize::from(u16::from_be_bytes(*length)),
            None => self.inside,
        };
        match self.next > self.block.len() {
            true => Err(io::Error::other("a run ends inside a record")),
            false => Ok(()),
        }
    }

    fn load(&mut self) -> io::Result<()> {
        self.block_at = self.blocks.at();
        self.block = self.blocks.next(self.end)?.unwrap_or_default();
        self.inside = 0;
        Ok(())
    }
}
