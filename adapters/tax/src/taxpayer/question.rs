//! A question of ours, from plain words to a parcel and back.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    ports::{Class, Parcel},
    seal::sha256,
    sign::hex,
};
use jiff::Timestamp;
use schemas::{
    id::{MessageId, PartnerId, Period, TaxId},
    wire::tax::{
        IncomeField, LINES_MAX, Span, TaxpayerField,
        taxpayer::{AskEmployer, AskIndividual, AskMany, Many, Question},
    },
};
use serde::{Deserialize, Serialize};

use super::PURPOSE;

/// What is asked, as an operator says it and as a parcel holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// `employer` or `individual`; `employers` or `individuals` where several are asked about.
    pub about: String,
    /// The tax code, or the person's PIN; empty where several are asked about.
    pub mst: String,
    /// Several tax codes, or PINs: 1 to 1,000, no two alike, answered in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The month, or the first of several, `yyyy-MM`.
    pub from: String,
    /// The last month; of an employer the same.
    pub to: String,
    /// The fields, at least one, in any order.
    pub fields: BTreeSet<String>,
}

impl Words {
    /// The question that they are.
    ///
    /// # Errors
    /// A stable word.
    pub fn question(&self) -> Result<Question, &'static str> {
        let (from, to) = (month(&self.from)?, month(&self.to)?);
        let purpose = PURPOSE.to_owned();
        if self.fields.is_empty() {
            return Err("fields");
        }
        if let "employers" | "individuals" = self.about.as_str() {
            let asked = self.many(from, to)?;
            return Ok(Question::Many(Box::new(AskMany { asked, purpose })));
        }
        if !self.keys.is_empty() {
            return Err("one-subject");
        }
        let mst = TaxId::parse(&self.mst).map_err(|_| "tax-code")?;
        match self.about.as_str() {
            "employer" if from == to => Ok(Question::Employer(AskEmployer {
                mst,
                period: from,
                fields: known(&self.fields, TaxpayerField::parse)?,
                purpose,
            })),
            "employer" => Err("one-month"),
            "individual" => {
                if !matches!(mst, TaxId::Pin(_)) {
                    return Err("pin");
                }
                Span::months(from, to)?;
                Ok(Question::Individual(AskIndividual {
                    mst,
                    from,
                    to,
                    fields: known(&self.fields, IncomeField::parse)?,
                    purpose,
                }))
            }
            _ => Err("about"),
        }
    }

    fn many(&self, from: Period, to: Period) -> Result<Many, &'static str> {
        if !self.mst.is_empty() {
            return Err("several-subjects");
        }
        if !(1..=LINES_MAX).contains(&self.keys.len()) {
            return Err("lines");
        }
        let keys = self.keys.iter().map(|key| TaxId::parse(key));
        let keys: Vec<TaxId> = keys.collect::<Result<_, _>>().map_err(|_| "tax-code")?;
        if keys.iter().collect::<BTreeSet<_>>().len() < keys.len() {
            return Err("key-twice");
        }
        if self.about == "employers" {
            let fields = known(&self.fields, TaxpayerField::parse)?;
            return match from == to {
                true => Ok(Many::Employers {
                    period: from,
                    fields,
                    keys,
                }),
                false => Err("one-month"),
            };
        }
        if !keys.iter().all(|key| matches!(key, TaxId::Pin(_))) {
            return Err("pin");
        }
        Span::months(from, to)?;
        let fields = known(&self.fields, IncomeField::parse)?;
        match fields.contains(&IncomeField::Payers) {
            // who paid is asked one person at a time
            true => Err("field"),
            false => Ok(Many::Individuals {
                from,
                to,
                fields,
                keys,
            }),
        }
    }

    fn text(&self) -> Vec<u8> {
        // texts and a set of texts: nothing that cannot be written
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn month(text: &str) -> Result<Period, &'static str> {
    Period::parse(text).map_err(|_| "month")
}

fn known<W: Ord>(
    fields: &BTreeSet<String>,
    parse: fn(&str) -> Option<W>,
) -> Result<BTreeSet<W>, &'static str> {
    let read = fields.iter().map(|field| parse(field).ok_or("field"));
    read.collect()
}

/// The parcel of a question. The same words under the same id are the same parcel; `due` is how long whoever asks waits.
#[must_use]
pub fn parcel(
    partner: &PartnerId,
    id: &MessageId,
    words: &Words,
    due: Option<Timestamp>,
) -> Parcel {
    Parcel {
        id: parcel_id(partner, id),
        partner: partner.clone(),
        subject: subject(id, words),
        sequence: 0,
        kind: KIND,
        content: Bytes::from(words.text()),
        class: Class::Urgent,
        due,
    }
}

/// The name of a question's parcel.
#[must_use]
pub fn parcel_id(partner: &PartnerId, id: &MessageId) -> String {
    format!("{PREFIX}{partner}.{id}")
}

/// The subject of a question's parcel: each question its own, and another one under the same id another.
#[must_use]
pub fn subject(id: &MessageId, words: &Words) -> String {
    let digest = hex(&sha256(&words.text()));
    format!("{PREFIX}{id}.{}", digest.get(..32).unwrap_or(&digest))
}

/// The id of the question that a parcel is, and its words.
pub(super) fn opened(
    parcel: &str,
    partner: &PartnerId,
    content: &[u8],
) -> Result<(MessageId, Question), &'static str> {
    let id = parcel
        .strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_prefix(partner.as_str()))
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|id| MessageId::parse(id).ok());
    let words: Words = serde_json::from_slice(content).map_err(|_| "unreadable-content")?;
    Ok((id.ok_or("unreadable-id")?, words.question()?))
}

/// The kind of its parcels.
pub(super) const KIND: &str = "taxpayer.question";
const PREFIX: &str = "ask.";
