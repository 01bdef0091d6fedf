//! The tax department says of a discrepancy that it is otherwise.

use jiff::Timestamp;

use super::answer::label;
use super::header::{instant, word, written};
use super::request::purpose;
use super::{WireError, name};
use crate::xml::{Reader, Writer};

/// A dispute of one discrepancy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// The discrepancy's id: `d-` and 32 lower-case hexadecimal digits.
    pub discrepancy: String,
    /// Why, 1–255 characters.
    pub reason: String,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl Dispute {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("Dispute")?;
        let dispute = Self {
            discrepancy: word(reader, "Discrepancy", discrepancy)?,
            reason: word(reader, "Reason", said)?,
            purpose: purpose(reader)?,
        };
        reader.leave("Dispute")?;
        Ok(dispute)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("Dispute"), &[]);
        writer.leaf(name("Discrepancy"), &self.discrepancy);
        writer.leaf(name("Reason"), &self.reason);
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// That a dispute is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisputeReceipt {
    /// The discrepancy's id.
    pub discrepancy: String,
    /// When it was, whole seconds.
    pub disputed_at: Timestamp,
}

impl DisputeReceipt {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("DisputeReceipt")?;
        let discrepancy = word(reader, "Discrepancy", discrepancy)?;
        let text = reader.text("DisputedAt")?;
        let disputed_at = instant("DisputedAt", &text)?;
        reader.leave("DisputeReceipt")?;
        Ok(Self {
            discrepancy,
            disputed_at,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("DisputeReceipt"), &[]);
        writer.leaf(name("Discrepancy"), &self.discrepancy);
        writer.leaf(name("DisputedAt"), &written(self.disputed_at));
        writer.close();
    }
}

fn discrepancy(text: &str) -> Option<String> {
    let digits = text.strip_prefix("d-")?;
    let is_lower_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (digits.len() == 32 && digits.bytes().all(is_lower_hex)).then(|| text.to_owned())
}

/// A reason of nothing but space says none.
fn said(text: &str) -> Option<String> {
    label(text).filter(|text| !text.trim().is_empty())
}
