//! We ask for a month in bulk: from plain words to a parcel and back.

use bytes::Bytes;
use gateway_core::ports::{Class, Parcel};
use schemas::{
    codes::province_set::ProvinceSet,
    id::{MessageId, PartnerId, Period},
    wire::{
        tax::taxpayer::{Question, RequestMonth},
        tax_records::Kind,
    },
};
use serde::{Deserialize, Serialize};

use super::PURPOSE;

/// Which month is asked for, as a parcel holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MonthWords {
    /// The id under which it is to be announced; also that of the message.
    pub manifest: String,
    /// `employer` or `person`.
    pub kind: String,
    /// `yyyy-MM`.
    pub period: String,
    /// Two digits each; none is the whole country.
    pub provinces: Vec<String>,
}

impl MonthWords {
    /// The request that they are.
    ///
    /// # Errors
    /// A stable word.
    pub fn question(&self) -> Result<Question, &'static str> {
        Ok(Question::Month(RequestMonth {
            manifest: MessageId::parse(&self.manifest).map_err(|_| "unreadable-id")?,
            kind: Kind::parse(&self.kind).ok_or("kind")?,
            period: Period::parse(&self.period).map_err(|_| "month")?,
            provinces: ProvinceSet::parse(&self.provinces).ok_or("provinces")?,
            purpose: PURPOSE.to_owned(),
        }))
    }
}

/// The parcel that asks; the same manifest is asked for once.
#[must_use]
pub fn month_parcel(partner: &PartnerId, words: &MonthWords) -> Parcel {
    let id = month_parcel_id(partner, &words.manifest);
    Parcel {
        partner: partner.clone(),
        subject: id.clone(),
        sequence: 0,
        kind: KIND,
        // texts: nothing that cannot be written
        content: Bytes::from(serde_json::to_vec(words).unwrap_or_default()),
        class: Class::Normal,
        due: None,
        id,
    }
}

/// The name of the parcel that asks for the month of this manifest.
#[must_use]
pub fn month_parcel_id(partner: &PartnerId, manifest: &str) -> String {
    format!("month.{partner}.{manifest}")
}

/// What a parcel of this kind asks, under the id of the manifest.
pub(super) fn opened(content: &[u8]) -> Result<(MessageId, Question), &'static str> {
    let words: MonthWords = serde_json::from_slice(content).map_err(|_| "unreadable-content")?;
    let id = MessageId::parse(&words.manifest).map_err(|_| "unreadable-id")?;
    Ok((id, words.question()?))
}

/// The kind of its parcels.
pub(super) const KIND: &str = "taxpayer.month";
