//! Which of the notices that it receipted does the department still hold, and which of its own did it send us? What it has
//! lost goes again; what never came is asked for.

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    ports::{Class, Parcel, Pull, Telling, Told},
    reconcile::{Held, Pulls},
};
use jiff::Timestamp;
use schemas::{
    id::MessageId,
    wire::tax::{
        LookUpNotices, NOTICES_MAX, NoticeSent, NoticeTime, ResendNotices,
        taxpayer::{Answer, Body, Question},
    },
};
use serde::{Deserialize, Serialize};

use super::{NOTICES, PURPOSE, spoken};

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
    /// Whether it is asked, too, what it sent us in the window: of the seconds between these.
    #[serde(default)]
    window: Option<(i64, i64)>,
}

/// The content of a parcel that asks for what never came.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Missing {
    notices: BTreeSet<String>,
}

impl Pulls for Reconciler {
    /// An employer may have several notices; more than one question holds is asked in halves.
    fn subjects_max(&self) -> usize {
        NOTICES_MAX
    }

    fn parcel(&self, pull: &Pull, telling: &Telling) -> Parcel {
        let all: BTreeSet<String> = telling.told.iter().filter_map(id_of).collect();
        let asked = Asked {
            more: telling.more || all.len() > NOTICES_MAX,
            notices: all.into_iter().take(NOTICES_MAX).collect(),
            window: Some((
                pull.window.from().as_second(),
                pull.window.until().as_second(),
            )),
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
            Body::Answer(Answer::Held(held)) => held,
            Body::Answer(Answer::Fault(_)) => return Err("refused"),
            _ => return Err("no-answer"),
        };
        let sent = held.sent.unwrap_or_default();
        let named = u32::try_from(sent.notices.len()).unwrap_or(u32::MAX);
        Ok(Box::new(Holding {
            held: held.held.iter().map(MessageId::to_string).collect(),
            asked: asked.notices,
            more: asked.more || sent.total > named,
            sent: sent.notices,
        }))
    }

    /// Under a name of its own: asked once for each window that names what never came.
    fn wanted(&self, pull: &Pull, never_came: &[MessageId]) -> Option<Parcel> {
        let ids = never_came.iter().take(NOTICES_MAX);
        let missing = Missing {
            notices: ids.map(MessageId::to_string).collect(),
        };
        let id = format!("want.{}", pull.id().trim_start_matches("pull."));
        Some(Parcel {
            subject: id.clone(),
            id,
            partner: pull.partner.clone(),
            sequence: 0,
            kind: WANTED,
            content: serde_json::to_vec(&missing).unwrap_or_default().into(),
            class: Class::Bulk,
            due: None,
        })
    }
}

/// What the department says that it holds of what it was asked about.
struct Holding {
    asked: BTreeSet<String>,
    held: BTreeSet<String>,
    sent: Vec<NoticeSent>,
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

    fn sent(&self) -> Vec<(MessageId, Timestamp)> {
        let sent = self.sent.iter();
        sent.map(|one| (one.id.clone(), one.at)).collect()
    }
}

/// The id of a notice; questions are asked once and lost by nobody.
fn id_of(told: &Told) -> Option<String> {
    NOTICES
        .contains(&told.kind.as_str())
        .then(|| told.id.clone())
}

/// The question that a parcel of this kind asks, under the pull's own name.
pub(super) fn opened(id: &str, content: &[u8]) -> Result<(MessageId, Question), &'static str> {
    let asked: Asked = serde_json::from_slice(content).map_err(|_| "unreadable-content")?;
    let id = MessageId::parse(id).map_err(|_| "unreadable-id")?;
    let notices = asked.notices.iter().map(|id| MessageId::parse(id));
    let notices: Result<BTreeSet<_>, _> = notices.collect();
    let question = Question::LookUp(LookUpNotices {
        notices: notices.map_err(|_| "unreadable-id")?,
        sent_in: asked.window.and_then(time),
        purpose: PURPOSE.to_owned(),
    });
    Ok((id, question))
}

fn time((from, until): (i64, i64)) -> Option<NoticeTime> {
    let [from, until] = [from, until].map(|second| Timestamp::from_second(second).ok());
    NoticeTime::between(from?, until?)
}

/// The request that a parcel of what never came makes, under its own name.
pub(super) fn wanted(id: &str, content: &[u8]) -> Result<(MessageId, Question), &'static str> {
    let missing: Missing = serde_json::from_slice(content).map_err(|_| "unreadable-content")?;
    let id = MessageId::parse(id).map_err(|_| "unreadable-id")?;
    let notices = missing.notices.iter().map(|id| MessageId::parse(id));
    let notices: Result<BTreeSet<_>, _> = notices.collect();
    let question = Question::Resend(ResendNotices {
        notices: notices.map_err(|_| "unreadable-id")?,
        purpose: PURPOSE.to_owned(),
    });
    Ok((id, question))
}

/// The kind of parcels that ask for what never came.
pub(super) const WANTED: &str = "taxpayer.want";
/// The kind of its parcels.
pub(super) const KIND: &str = "taxpayer.pull";
