//! We send our own month in bulk, and the department tells what it found: the words of the tax profile
//! ([`super::super::reconcile`]) in this direction. Its pages are chained, so that those that were told at different times
//! are of one result.

use super::super::answer::optional;
use super::super::reconcile::{FindingLine, ReconcileResultPage, ReconcileState, digest};
use super::{NAMESPACE, WireError, name, wrong};
use crate::xml::{Reader, Writer};

/// State and summary of a month that we sent, or one page of what was found in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPage {
    /// What is told. Its values are named as everywhere: ours are the insurance side's, theirs the tax side's.
    pub told: ReconcileResultPage,
    /// Once it is done, of a page what [`chained`] gives up to and with it; of page 0 that of the last page.
    pub chain: Option<[u8; 32]>,
}

impl SentPage {
    /// Most findings of one page.
    pub const FINDINGS_MAX: usize = 500;

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ReconcileResultPage")?;
        let told = ReconcileResultPage::parts(reader)?;
        let chain = optional(reader, "Chain", digest)?;
        reader.leave("ReconcileResultPage")?;
        match chain.is_some() == (told.state == ReconcileState::Done) {
            true => Ok(Self { told, chain }),
            false => wrong("Chain", "chain-of-another-state"),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("ReconcileResultPage"), &[]);
        self.told.write_parts(writer, NAMESPACE);
        if let Some(chain) = &self.chain {
            writer.leaf(name("Chain"), &hex::encode(chain));
        }
        writer.close();
    }
}

/// What the chain of a page is the SHA-256 of: the chain before it, then the parts of its findings in their order
/// (Category, Field, Mst, Person, Province, Ours, Theirs, Expected, Score, how many Why, each Why), each preceded by its
/// length (u64, big-endian); a part that is not told is empty. Before the first page stands the SHA-256 of the
/// manifest's id.
#[must_use]
pub fn chained(before: &[u8; 32], findings: &[FindingLine]) -> Vec<u8> {
    let mut text = before.to_vec();
    let mut part = |value: &str| {
        text.extend_from_slice(&(value.len() as u64).to_be_bytes());
        text.extend_from_slice(value.as_bytes());
    };
    let number = |value: Option<String>| value.unwrap_or_default();
    for line in findings {
        part(&line.category);
        part(&line.field);
        part(&line.mst);
        part(line.person.as_deref().unwrap_or_default());
        part(&line.province);
        part(line.ours.as_deref().unwrap_or_default());
        part(line.theirs.as_deref().unwrap_or_default());
        part(&number(line.expected.map(|vnd| vnd.to_string())));
        part(&number(line.score.map(|score| score.to_string())));
        part(&line.why.len().to_string());
        line.why.iter().for_each(|word| part(word));
    }
    text
}
