//! A month of one kind of record, both sides: chunks in any order become sorted runs, two runs are joined in one pass,
//! and what the comparison finds is written page by page.
//!
//! Memory is bounded whatever the size: one chunk, or one block of each run. The cost is linear but for the sort within a
//! chunk and the choice among runs. Everything lies in one [`Folder`]; what is acknowledged is on disk, and a process
//! that is killed at any point goes on from its last checkpoint and writes the same bytes.
//!
//! It refuses to know where chunks come from, who signed for them and who may see the pages. Files are covered by
//! whatever [`Cover`] the caller brings: they hold personal data.

mod folder;
mod group;
mod intake;
mod manifest;
mod merge;
mod packed;
mod page;
mod run;
mod sort;
mod standing;
mod state;
#[cfg(test)]
mod tests;

use std::io;

use schemas::{
    id::Period,
    wire::tax_records::{CHUNK_BYTES_MAX, Form, Head, Kind, Party, Record, RecordError, Records},
};

use crate::{
    compare::{self, Category, Disclosed, Rules},
    unpack::UnpackError,
};

pub use folder::{Cover, Folder, Plain};
pub use manifest::{Agreed, Announced, Manifest, ManifestError};
pub use page::Summary;
pub use schemas::codes::province_set::ProvinceSet as Scope;
pub use standing::Standing;
pub use state::Totals;

use group::Group;
use merge::Merge;
use page::Pages;
use sort::Sorter;
use state::{Chunk, Side, State};

/// What a reconciliation is of, and its bounds.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Whose view the pages take.
    pub us: Party,
    /// Employers or persons.
    pub kind: Kind,
    /// The month.
    pub period: Period,
    /// What the month is judged by.
    pub rules: Rules,
    /// Which values the pages may show.
    pub disclosed: Disclosed,
    /// Findings on a page.
    pub page_findings: u64,
    /// Employers or persons between two checkpoints.
    pub checkpoint_every: u64,
    /// Most records that one side may send.
    pub records_max: u64,
    /// Most runs that are read side by side, a block of 64 KiB of each in memory; more are merged first.
    pub runs_max: usize,
}

/// Why a chunk, a total or a join is refused. Nothing is changed by what is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The chunk breaks the record format.
    #[error(transparent)]
    Records(#[from] RecordError),
    /// The head says another party, kind or month than was agreed.
    #[error("the head names another party, kind or month")]
    Head,
    /// No such chunk in the manifest, or other bytes than were announced.
    #[error("the chunk is not in the manifest")]
    Unannounced,
    /// The chunks before it have not come.
    #[error("the chunk is out of order")]
    OutOfOrder,
    /// The side has begun with another manifest.
    #[error("another manifest has begun this side")]
    OtherManifest,
    /// The chunk can't be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// A record of a province that the manifest does not name.
    #[error("a record of another province")]
    Province,
    /// The same record twice, within a chunk or in two of them.
    #[error("a record stands twice")]
    RecordTwice,
    /// More records than agreed.
    #[error("more records than agreed")]
    TooMany,
    /// More records under one number than anyone has.
    #[error("too many records under one number")]
    GroupTooLarge,
    /// The side has been sealed: no chunk can come any more.
    #[error("the side is complete")]
    Sealed,
    /// Chunks, records or amounts are not what was announced.
    #[error("totals do not add up")]
    Totals,
    /// A side is not complete yet.
    #[error("a side is not complete")]
    NotSealed,
    /// The folder holds something that this code did not write, or under other terms.
    #[error("the folder is damaged or of another reconciliation")]
    Folder,
    /// The disk.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How far a join has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Stopped at a checkpoint that the caller asked for.
    Paused,
    /// Every page is written.
    Done,
}

/// One reconciliation in its folder.
pub struct Reconciliation<C> {
    terms: Terms,
    folder: Folder<C>,
    state: State,
}

impl<C: Cover> Reconciliation<C> {
    /// Opens a folder, empty or left by a process that ended anyhow.
    ///
    /// # Errors
    /// A folder of other terms, or the disk.
    pub fn open(folder: Folder<C>, terms: Terms) -> Result<Self, Refusal> {
        let state = match folder.read_state()? {
            Some(text) => State::parse(&text).ok_or(Refusal::Folder)?,
            None => State::new(&terms),
        };
        if !state.is_of(&terms) {
            return Err(Refusal::Folder);
        }
        folder.tidy(&state.files())?;
        Ok(Self {
            terms,
            folder,
            state,
        })
    }

    /// Takes one chunk of a side. A chunk that was taken before is told again and changes nothing.
    ///
    /// # Errors
    /// Every [`Refusal`] that concerns a chunk.
    pub fn take(
        &mut self,
        party: Party,
        number: u32,
        form: Form,
        bytes: &[u8],
    ) -> Result<Totals, Refusal> {
        if let Some(chunk) = self.state.side(party).chunk(number) {
            return Ok(chunk.totals());
        }
        if self.state.side(party).sealed {
            return Err(Refusal::Sealed);
        }
        let (sorted, totals) = self.sort(party, form, bytes, Scope::COUNTRY)?;
        self.store(party, number, &sorted, totals, |_| {})?;
        Ok(totals)
    }

    /// Puts a sorted chunk on the disk and acknowledges it, with whatever else becomes true of its side.
    fn store(
        &mut self,
        party: Party,
        number: u32,
        sorted: &Sorter,
        totals: Totals,
        and: impl FnOnce(&mut Side),
    ) -> Result<(), Refusal> {
        let taken = self.state.side(party).totals();
        if taken.records.saturating_add(totals.records) > self.terms.records_max {
            return Err(Refusal::TooMany);
        }
        let mut next = self.state.clone();
        let side = next.side_mut(party);
        run::append(&self.folder, party, side, sorted)?;
        side.chunks.push(Chunk::new(number, totals));
        and(side);
        self.folder.write_state(&next.text())?;
        self.state = next;
        Ok(())
    }

    fn sort(
        &self,
        party: Party,
        form: Form,
        bytes: &[u8],
        scope: Scope,
    ) -> Result<(Sorter, Totals), Refusal> {
        let mut records = Records::open(form, bytes)?;
        let agreed = Head {
            party,
            kind: self.terms.kind,
            period: self.terms.period,
        };
        if records.head() != agreed {
            return Err(Refusal::Head);
        }
        let mut sorter = Sorter::with_capacity(bytes.len());
        let mut totals = Totals::default();
        while let Some(record) = records.next_record()? {
            if !scope.has(record.province()) {
                return Err(Refusal::Province);
            }
            totals.add(&record);
            sorter.push(&record)?;
        }
        sorter.sort()?;
        Ok((sorter, totals))
    }

    /// Takes records of our own, which no manifest announces; else as [`Reconciliation::take`].
    ///
    /// # Errors
    /// [`Refusal::Sealed`], [`Refusal::RecordTwice`], [`Refusal::TooMany`], or the disk.
    pub fn take_records<'r>(
        &mut self,
        party: Party,
        number: u32,
        records: impl IntoIterator<Item = Record<'r>>,
    ) -> Result<Totals, Refusal> {
        if let Some(chunk) = self.state.side(party).chunk(number) {
            return Ok(chunk.totals());
        }
        if self.state.side(party).sealed {
            return Err(Refusal::Sealed);
        }
        let mut sorter = Sorter::with_capacity(CHUNK_BYTES_MAX);
        let mut totals = Totals::default();
        for record in records {
            totals.add(&record);
            sorter.push(&record)?;
        }
        sorter.sort()?;
        self.store(party, number, &sorter, totals, |_| {})?;
        Ok(totals)
    }

    /// What has been taken of a side.
    #[must_use]
    pub fn taken(&self, party: Party) -> Totals {
        self.state.side(party).totals()
    }

    /// Which chunks of a side have been taken, ascending.
    #[must_use]
    pub fn chunks(&self, party: Party) -> Vec<u32> {
        self.state.side(party).numbers()
    }

    /// Declares a side complete, if it is what was announced. Doing so again changes nothing.
    ///
    /// # Errors
    /// [`Refusal::Totals`] where chunks, records or amounts differ.
    pub fn seal(&mut self, party: Party, chunks: u32, announced: Totals) -> Result<(), Refusal> {
        let side = self.state.side(party);
        let numbers = side.numbers();
        if !numbers.iter().copied().eq(1..=chunks) || side.totals() != announced {
            return Err(Refusal::Totals);
        }
        let mut next = self.state.clone();
        next.side_mut(party).sealed = true;
        self.folder.write_state(&next.text())?;
        self.state = next;
        Ok(())
    }

    /// Joins both sides from the last checkpoint on. `go_on` is asked at each checkpoint, with how many employers or
    /// persons are done.
    ///
    /// # Errors
    /// [`Refusal::NotSealed`], [`Refusal::RecordTwice`], [`Refusal::GroupTooLarge`], a damaged folder, or the disk.
    pub fn join(&mut self, mut go_on: impl FnMut(u64) -> bool) -> Result<Progress, Refusal> {
        if !self.state.sealed() {
            return Err(Refusal::NotSealed);
        }
        if self.state.join.done {
            return Ok(Progress::Done);
        }
        self.compact()?;
        let us = self.terms.us;
        let mut ours = Merge::open(&self.folder, self.state.side(us))?;
        let mut theirs = Merge::open(&self.folder, self.state.side(us.other()))?;
        let mut pages = Pages::open(&self.folder, &self.state.join, &self.terms)?;
        loop {
            let more = self.join_some(&mut ours, &mut theirs, &mut pages)?;
            let mut next = self.state.clone();
            next.side_mut(us).positions = ours.positions();
            next.side_mut(us.other()).positions = theirs.positions();
            pages.checkpoint(&self.folder, &mut next.join, !more)?;
            next.join.groups += self.terms.checkpoint_every;
            next.join.done = !more;
            self.folder.write_state(&next.text())?;
            self.folder.forget_partial(&next.join)?;
            self.state = next;
            match more {
                false => return Ok(Progress::Done),
                true if !go_on(self.state.join.groups) => return Ok(Progress::Paused),
                true => {}
            }
        }
    }

    /// Joins as many as lie between two checkpoints; false at the end.
    fn join_some(
        &self,
        ours: &mut Merge<'_, C>,
        theirs: &mut Merge<'_, C>,
        pages: &mut Pages,
    ) -> Result<bool, Refusal> {
        let (mut left, mut right) = (Group::default(), Group::default());
        for _ in 0..self.terms.checkpoint_every {
            let Some(subject) = [ours.subject(), theirs.subject()]
                .into_iter()
                .flatten()
                .min()
            else {
                return Ok(false);
            };
            left.load(ours, subject)?;
            right.load(theirs, subject)?;
            self.compare(&left, &right, pages)?;
            pages.write_full(&self.folder)?;
        }
        Ok(true)
    }

    fn compare(&self, left: &Group, right: &Group, pages: &mut Pages) -> Result<(), Refusal> {
        let (us, rules) = (self.terms.us, &self.terms.rules);
        match self.terms.kind {
            Kind::Employer => {
                let (ours, theirs) = (left.employers()?, right.employers()?);
                compare::employers(us, &ours, &theirs, rules, &mut |finding| {
                    pages.put(&finding)
                });
            }
            Kind::Person => {
                let (ours, theirs) = (left.people()?, right.people()?);
                compare::people(us, &ours, &theirs, rules, &mut |finding| {
                    pages.put(&finding)
                });
            }
        }
        Ok(())
    }

    /// Merges the runs of a side into one where there are more than can be read side by side.
    fn compact(&mut self) -> Result<(), Refusal> {
        for party in [Party::Si, Party::Tax] {
            if self.state.side(party).runs.len() <= self.terms.runs_max.max(2)
                || self.state.join.groups > 0
            {
                continue;
            }
            let mut next = self.state.clone();
            let merged = merge::into_one(&self.folder, party, self.state.side(party))?;
            next.side_mut(party).runs = vec![merged];
            self.folder.write_state(&next.text())?;
            self.state = next;
            self.folder.tidy(&self.state.files())?;
        }
        Ok(())
    }

    /// How many pages are written; all of them once the join is done.
    #[must_use]
    pub const fn pages(&self) -> u32 {
        self.state.join.pages
    }

    /// One page, from 1: NDJSON, one finding on each line.
    ///
    /// # Errors
    /// No such page, or the disk.
    pub fn page(&self, number: u32) -> Result<Vec<u8>, Refusal> {
        match (1..=self.state.join.pages).contains(&number) {
            true => self.folder.read(&page::file(number)),
            false => Err(Refusal::Folder),
        }
    }

    /// How many findings by category and province, as far as pages are written.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.state.join.summary
    }

    /// How many findings of a category there are.
    #[must_use]
    pub fn count(&self, category: Category) -> u64 {
        self.state.join.summary.of(category)
    }
}
