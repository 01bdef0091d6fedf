//! How far a reconciliation is, read beside whoever works in its folder: the state is one file that is renamed into place.

use schemas::wire::tax_records::Party;

use super::{Cover, Folder, Refusal, Summary, Totals, page, state::State};

/// What a folder's state says.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Chunks of the other side that are taken, ascending.
    pub taken: Vec<u32>,
    /// Whether all of the other side is there.
    pub complete: bool,
    /// Records of the other side.
    pub theirs: Totals,
    /// Whether all of our own are there.
    pub ours_complete: bool,
    /// Records of our own.
    pub ours: Totals,
    /// Employers or persons that are compared.
    pub compared: u64,
    /// Pages that are written.
    pub pages: u32,
    /// Findings by category and province, as far as pages are written.
    pub summary: Summary,
    /// Whether every page is written.
    pub done: bool,
}

impl Standing {
    /// Reads the state of a folder, seen by `us`; an empty folder has taken nothing.
    ///
    /// # Errors
    /// A damaged folder, or the disk.
    pub fn of<C: Cover>(folder: &Folder<C>, us: Party) -> Result<Self, Refusal> {
        let Some(text) = folder.read_state()? else {
            return Ok(Self::default());
        };
        let state = State::parse(&text).ok_or(Refusal::Folder)?;
        let (ours, theirs) = (state.side(us), state.side(us.other()));
        Ok(Self {
            taken: theirs.numbers(),
            complete: theirs.sealed,
            theirs: theirs.totals(),
            ours_complete: ours.sealed,
            ours: ours.totals(),
            compared: state.join.groups,
            pages: state.join.pages,
            summary: state.join.summary.clone(),
            done: state.join.done,
        })
    }
}

impl<C: Cover> Folder<C> {
    /// A page that a [`Standing`] counts: NDJSON, one finding on each line.
    ///
    /// # Errors
    /// No such page, or the disk.
    pub fn page(&self, number: u32) -> Result<Vec<u8>, Refusal> {
        self.read(&page::file(number))
    }
}
