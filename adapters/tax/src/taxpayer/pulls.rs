//! Which of the notices that it receipted does the department still hold? What it has lost goes again.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    ports::{Class, Parcel, Pull, Telling, Told},
    reconcile::{Held, Pulls},
};
use jiff::Timestamp;
use schemas::{
    id::MessageId,
    wire::tax::taxpayer::{Answer, Body, LookUpNotices, Question},
};
use serde::{Deserialize, Serialize};

use super::{PURPOSE, notice, spoken};

/// The department's words for reconciliation of notices.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reconciler;

/// The content of a pull's parcel.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    notices: BTreeSet<String>,
    /// There is more in the window than one question can name.
    more: bool,
}

impl Pulls for Reconciler {
    /// An employer may have several notices; more than one question holds is asked in halves.
    fn subjects_max(&self) -> usize {
        LookUpNotices::MAX
    }

    fn parcel(&self, pull: &Pull, telling: &Telling) -> Parcel {
        let all: BTreeSet<String> = telling.told.iter().filter_map(id_of).collect();
        let asked = Asked {
            more: telling.more || all.len() > LookUpNotices::MAX,
            notices: all.into_iter().take(LookUpNotices::MAX).collect(),
        };
        Parcel {
            id: pull.id(),
            partner: pull.partner.clone(),
            // its own subject: a pull that is stuck holds up no other
            subject: pull.id(),
            sequence: 0,
            kind: KIND,
            // texts and a truth value: nothing that cannot be written
            content: serde_json::to_vec(&asked).unwrap_or_default().into(),
            class: Class::Bulk,
            due: None,
        }
    }

    fn read(&self, asked: &Bytes, answer: &Bytes) -> Result<Box<dyn Held>, &'static str> {
        let asked: Asked = serde_json::from_slice(asked).map_err(|_| "unreadable-question")?;
        let message = spoken::told(answer).ok_or("unreadable-answer")?;
        let held = match message.body {
            Body::Answer(Answer::Held(held)) => held.held,
            Body::Answer(Answer::Fault(_)) => return Err("refused"),
            _ => return Err("no-answer"),
        };
        Ok(Box::new(Holding {
            held: held.iter().map(MessageId::to_string).collect(),
            asked: asked.notices,
            more: asked.more,
        }))
    }
}

/// What the department says that it holds of what it was asked about.
struct Holding {
    asked: BTreeSet<String>,
    held: BTreeSet<String>,
    more: bool,
}

impl Held for Holding {
    fn more(&self) -> bool {
        self.more
    }

    fn has(&self, told: &Told) -> Option<bool> {
        let id = id_of(told).filter(|id| self.asked.contains(id))?;
        Some(self.held.contains(&id))
    }

    /// It tells us unasked, too; what of that never came it does not say here.
    fn sent(&self) -> Vec<(MessageId, Timestamp)> {
        Vec::new()
    }
}

/// The id of a notice; questions are asked once and lost by nobody.
fn id_of(told: &Told) -> Option<String> {
    (told.kind == notice::KIND).then(|| told.id.clone())
}

/// The question that a parcel of this kind asks, under the pull's own name.
pub(super) fn opened(id: &str, content: &[u8]) -> Result<(MessageId, Question), &'static str> {
    let asked: Asked = serde_json::from_slice(content).map_err(|_| "unreadable-content")?;
    let id = MessageId::parse(id).map_err(|_| "unreadable-id")?;
    let notices = asked.notices.iter().map(|id| MessageId::parse(id));
    let notices: Result<BTreeSet<_>, _> = notices.collect();
    let question = Question::LookUp(LookUpNotices {
        notices: notices.map_err(|_| "unreadable-id")?,
        purpose: PURPOSE.to_owned(),
    });
    Ok((id, question))
}

/// The kind of its parcels.
pub(super) const KIND: &str = "taxpayer.pull";
