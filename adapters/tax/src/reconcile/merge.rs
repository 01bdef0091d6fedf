//! The runs of one side read as one.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    io,
};

use schemas::wire::tax_records::Party;

use super::{
    Refusal,
    folder::{Cover, Folder},
    packed::Key,
    run::{self, RunReader, RunWriter},
    state::{Position, Run, Side},
};

/// All runs of a side, in the order of their keys.
pub(super) struct Merge<'a, C> {
    runs: Vec<RunReader<'a, C>>,
    /// The head of each run that has one.
    heads: BinaryHeap<Reverse<(Key, usize)>>,
}

impl<'a, C: Cover> Merge<'a, C> {
    /// Stands where the side's last checkpoint stood.
    pub(super) fn open(folder: &'a Folder<C>, side: &Side) -> io::Result<Self> {
        let mut merge = Self {
            runs: Vec::with_capacity(side.runs.len()),
            heads: BinaryHeap::with_capacity(side.runs.len()),
        };
        for (place, run) in side.runs.iter().enumerate() {
            let from = side.positions.get(place).copied().unwrap_or_default();
            let reader = RunReader::open(folder, run, from)?;
            merge
                .heads
                .extend(reader.key().map(|key| Reverse((key, place))));
            merge.runs.push(reader);
        }
        Ok(merge)
    }

    pub(super) fn positions(&self) -> Vec<Position> {
        self.runs.iter().map(RunReader::position).collect()
    }

    /// The key of the next record.
    pub(super) fn key(&self) -> Option<Key> {
        self.heads.peek().map(|Reverse((key, _))| *key)
    }

    /// The person or employer of the next record.
    pub(super) fn subject(&self) -> Option<u64> {
        self.key().map(|[subject, _, _]| subject)
    }

    /// Appends the next record, without its length, and goes on.
    pub(super) fn pop(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(());
        };
        let Some(run) = self.runs.get_mut(head.0.1) else {
            return Ok(());
        };
        out.extend_from_slice(run.head().unwrap_or_default());
        run.advance()?;
        match run.key() {
            Some(key) => head.0.0 = key,
            None => drop(PeekMut::pop(head)),
        }
        Ok(())
    }
}

/// Writes all runs of a side as one.
pub(super) fn into_one<C: Cover>(
    folder: &Folder<C>,
    party: Party,
    side: &Side,
) -> Result<Run, Refusal> {
    let name = format!("{}-merged", run::file(party, side.runs.len()));
    let mut merge = Merge::open(folder, side)?;
    let mut writer = RunWriter::new(folder.grow(&name, 0)?);
    let mut record = Vec::new();
    let mut last = None;
    while let Some(key) = merge.key() {
        if last.replace(key) == Some(key) {
            return Err(Refusal::RecordTwice);
        }
        record.clear();
        record.extend_from_slice(&[0; 2]);
        merge.pop(&mut record)?;
        let length = u16::try_from(record.len() - 2).map_err(|_| Refusal::Folder)?;
        record[..2].copy_from_slice(&length.to_be_bytes());
        writer.push(&record)?;
    }
    Ok(Run {
        file: name,
        bytes: writer.finish()?,
        last: last.unwrap_or_default(),
    })
}
