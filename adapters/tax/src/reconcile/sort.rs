//! One chunk, packed and sorted in memory.

use schemas::wire::tax_records::Record;

use super::{
    Refusal,
    packed::{self, Key},
};

/// The records of a chunk, in the order of their keys once sorted.
pub(super) struct Sorter {
    packed: Vec<u8>,
    /// Key and place of each record.
    places: Vec<(Key, u32)>,
}

impl Sorter {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self {
            packed: Vec::with_capacity(bytes / 2),
            places: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, record: &Record<'_>) -> Result<(), Refusal> {
        let place = u32::try_from(self.packed.len()).map_err(|_| Refusal::TooMany)?;
        let key = packed::key_of(record);
        packed::pack(key, record, &mut self.packed);
        self.places.push((key, place));
        Ok(())
    }

    /// Sorts, unless it is so already; two records of one key are refused.
    pub(super) fn sort(&mut self) -> Result<(), Refusal> {
        if !self.places.is_sorted() {
            self.places.sort_unstable();
        }
        match self.places.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            true => Err(Refusal::RecordTwice),
            false => Ok(()),
        }
    }

    pub(super) fn first(&self) -> Option<Key> {
        self.places.first().map(|(key, _)| *key)
    }

    pub(super) fn last(&self) -> Option<Key> {
        self.places.last().map(|(key, _)| *key)
    }

    /// The records with their lengths, in order.
    pub(super) fn records(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().filter_map(|(_, place)| {
            let rest = self.packed.get(usize::try_from(*place).ok()?..)?;
            let (length, _) = rest.split_first_chunk()?;
            rest.get(..2 + usize::from(u16::from_be_bytes(*length)))
        })
    }
}
