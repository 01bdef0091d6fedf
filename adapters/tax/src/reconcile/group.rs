//! What one side has under one number.

use schemas::wire::tax_records::{Employer, Person};

use super::{Refusal, folder::Cover, merge::Merge, packed};

/// Packed records of one person or employer.
#[derive(Default)]
pub(super) struct Group {
    packed: Vec<u8>,
    ends: Vec<usize>,
}

impl Group {
    /// Takes everything under a number; a record twice, and more records than anyone has, are refused.
    pub(super) fn load<C: Cover>(
        &mut self,
        merge: &mut Merge<'_, C>,
        subject: u64,
    ) -> Result<(), Refusal> {
        self.packed.clear();
        self.ends.clear();
        let mut last = None;
        while let Some(key) = merge.key().filter(|[own, _, _]| *own == subject) {
            if last.replace(key) == Some(key) {
                return Err(Refusal::RecordTwice);
            }
            if self.ends.len() >= RECORDS_MAX {
                return Err(Refusal::GroupTooLarge);
            }
            merge.pop(&mut self.packed)?;
            self.ends.push(self.packed.len());
        }
        Ok(())
    }

    pub(super) fn employers(&self) -> Result<Vec<Employer<'_>>, Refusal> {
        self.records().map(packed::employer).collect()
    }

    pub(super) fn people(&self) -> Result<Vec<Person<'_>>, Refusal> {
        self.records().map(packed::person).collect()
    }

    fn records(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends.iter().map(move |end| {
            let record = self.packed.get(from..*end).unwrap_or_default();
            from = *end;
            record
        })
    }
}

/// Employers of one person in one month, or units of one employer: far above what happens.
const RECORDS_MAX: usize = 1_000;
