//! We ask for a month in bulk; the department sends it as it sends any other (`tax.reconcile`).

use super::super::header::{message_id, word};
use super::super::reconcile::provinces;
use super::super::request::{period, purpose};
use super::{WireError, name};
use crate::codes::province_set::ProvinceSet;
use crate::id::{MessageId, Period};
use crate::wire::tax_records::Kind;
use crate::xml::{Reader, Writer};

/// A month that the department is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestMonth {
    /// The id under which it is to be announced: what comes under it answers this request.
    pub manifest: MessageId,
    /// Employers or persons.
    pub kind: Kind,
    /// The month.
    pub period: Period,
    /// None is the whole country.
    pub provinces: ProvinceSet,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl RequestMonth {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("RequestMonth")?;
        let ask = Self {
            manifest: message_id(reader, "Manifest")?,
            kind: word(reader, "RecordKind", Kind::parse)?,
            period: period(reader)?,
            provinces: provinces(reader)?,
            purpose: purpose(reader)?,
        };
        reader.leave("RequestMonth")?;
        Ok(ask)
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.open(name("RequestMonth"), &[]);
        writer.leaf(name("Manifest"), self.manifest.as_str());
        writer.leaf(name("RecordKind"), self.kind.as_str());
        writer.leaf(name("Period"), &self.period.to_string());
        for province in self.provinces.words() {
            writer.leaf(name("Province"), &province);
        }
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}
