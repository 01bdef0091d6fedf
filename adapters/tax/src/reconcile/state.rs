//! What is acknowledged, as one small file that is written whole.

use schemas::wire::tax_records::{Party, Record};
use serde::{Deserialize, Serialize};

use super::{Terms, page, page::Summary};

/// How much a side has sent or announces: what a manifest carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Records.
    pub records: u64,
    /// The sum of their amounts, VND.
    pub amount: u64,
}

impl Totals {
    /// The sum of two, where it can be counted.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self {
            records: self.records.checked_add(other.records)?,
            amount: self.amount.checked_add(other.amount)?,
        })
    }

    /// Counts one record more.
    pub fn add(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.amount += match record {
            Record::Employer(employer) => employer.amount,
            Record::Person(person) => person.amount,
        };
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct State {
    version: u8,
    us: String,
    kind: String,
    period: String,
    si: Side,
    tax: Side,
    pub(super) join: Join,
}

/// What one side has sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Side {
    pub(super) chunks: Vec<Chunk>,
    pub(super) runs: Vec<Run>,
    pub(super) sealed: bool,
    /// The id of the manifest that its chunks are of; none where they are our own.
    pub(super) manifest: Option<String>,
    /// Where the join stands in each run; empty before its first checkpoint.
    pub(super) positions: Vec<Position>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Chunk {
    number: u32,
    totals: Totals,
}

/// One sorted run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) file: String,
    pub(super) bytes: u64,
    /// Its last key: a chunk that begins after it makes the run longer.
    pub(super) last: [u64; 3],
}

/// A record of a run: the block it lies in and where in it.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Position {
    pub(super) block: u64,
    pub(super) inside: u64,
}

/// How far the join has come.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Join {
    pub(super) groups: u64,
    pub(super) pages: u32,
    /// The number of the unfinished page's file; 0 is none.
    pub(super) partial: u64,
    pub(super) summary: Summary,
    pub(super) done: bool,
}

impl State {
    pub(super) fn new(terms: &Terms) -> Self {
        Self {
            version: VERSION,
            us: terms.us.as_str().to_owned(),
            kind: terms.kind.as_str().to_owned(),
            period: terms.period.to_string(),
            si: Side::default(),
            tax: Side::default(),
            join: Join::default(),
        }
    }

    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    pub(super) fn text(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    pub(super) fn is_of(&self, terms: &Terms) -> bool {
        let own = Self::new(terms);
        (self.version, &self.us, &self.kind, &self.period)
            == (own.version, &own.us, &own.kind, &own.period)
    }

    pub(super) const fn side(&self, party: Party) -> &Side {
        match party {
            Party::Si => &self.si,
            Party::Tax => &self.tax,
        }
    }

    pub(super) const fn side_mut(&mut self, party: Party) -> &mut Side {
        match party {
            Party::Si => &mut self.si,
            Party::Tax => &mut self.tax,
        }
    }

    pub(super) const fn sealed(&self) -> bool {
        self.si.sealed && self.tax.sealed
    }

    /// Every file that the state needs.
    pub(super) fn files(&self) -> Vec<String> {
        let runs = self
            .si
            .runs
            .iter()
            .chain(&self.tax.runs)
            .map(|run| run.file.clone());
        let pages = (1..=self.join.pages).map(page::file);
        let partial = (self.join.partial > 0).then(|| page::partial(self.join.partial));
        runs.chain(pages).chain(partial).collect()
    }
}

impl Side {
    pub(super) fn chunk(&self, number: u32) -> Option<&Chunk> {
        self.chunks.iter().find(|chunk| chunk.number == number)
    }

    pub(super) fn numbers(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.chunks.iter().map(|chunk| chunk.number).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(super) fn totals(&self) -> Totals {
        self.chunks
            .iter()
            .fold(Totals::default(), |sum, chunk| Totals {
                records: sum.records + chunk.totals.records,
                amount: sum.amount + chunk.totals.amount,
            })
    }
}

impl Chunk {
    pub(super) const fn new(number: u32, totals: Totals) -> Self {
        Self { number, totals }
    }

    pub(super) const fn totals(&self) -> Totals {
        self.totals
    }
}

const VERSION: u8 = 1;
