//! Which notices of one side does the other hold, and which did the other send? And: send these again. The same words in
//! both profiles, in their own namespaces.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::answer::number;
use super::header::{instant, message_id, word, written};
use super::request::purpose;
use super::{WireError, wrong};
use crate::id::MessageId;
use crate::xml::{Name, Reader, Writer};

/// Most notices that one message names.
pub const NOTICES_MAX: usize = 200;

/// Which of these notices of the asker's are held, and which did the one that is asked send in this time?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUpNotices {
    /// Ids of notices that were receipted, at most [`NOTICES_MAX`]; none is a question, too.
    pub notices: BTreeSet<MessageId>,
    /// The time about which the one that is asked tells what it sent; none asks for nothing of it.
    pub sent_in: Option<NoticeTime>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

/// From an instant up to, and not including, a later one; both on a whole second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeTime {
    from: Timestamp,
    until: Timestamp,
}

impl NoticeTime {
    /// The time between these; none where there is none, or an end is on no whole second.
    #[must_use]
    pub fn between(from: Timestamp, until: Timestamp) -> Option<Self> {
        let whole = from.subsec_nanosecond() == 0 && until.subsec_nanosecond() == 0;
        (whole && from < until).then_some(Self { from, until })
    }

    /// Its first instant.
    #[must_use]
    pub const fn from(&self) -> Timestamp {
        self.from
    }

    /// The first instant after it.
    #[must_use]
    pub const fn until(&self) -> Timestamp {
        self.until
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, WireError> {
        if !reader.comes("From")? {
            return Ok(None);
        }
        let mut end = |field| instant(field, &reader.text(field)?);
        let (from, until) = (end("From")?, end("Until")?);
        match Self::between(from, until) {
            Some(time) => Ok(Some(time)),
            None => wrong("Until", "until-not-after-from"),
        }
    }
}

impl LookUpNotices {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("LookUpNotices")?;
        let ask = Self {
            notices: ids(reader, "Notice")?,
            sent_in: NoticeTime::read(reader)?,
            purpose: purpose(reader)?,
        };
        reader.leave("LookUpNotices")?;
        Ok(ask)
    }

    pub(super) fn write(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("LookUpNotices"), &[]);
        write_ids(writer, name("Notice"), &self.notices);
        if let Some(time) = &self.sent_in {
            writer.leaf(name("From"), &written(time.from));
            writer.leaf(name("Until"), &written(time.until));
        }
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

/// What is held, and what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticesHeld {
    /// Those of the notices asked about that are held, at most [`NOTICES_MAX`].
    pub held: BTreeSet<MessageId>,
    /// What was sent in the time asked about; there where a time was asked about.
    pub sent: Option<NoticesSent>,
}

/// Notices that were sent in a time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticesSent {
    /// The first of them, at most [`NOTICES_MAX`].
    pub notices: Vec<NoticeSent>,
    /// How many they are in all: where they are more than are named, shorter times are asked about.
    pub total: u32,
}

/// One notice that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeSent {
    /// The id of its message.
    pub id: MessageId,
    /// When it was sent, or receipted, whole seconds.
    pub at: Timestamp,
}

impl NoticesHeld {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("LookUpNoticesResult")?;
        let told = Self {
            held: ids(reader, "Held")?,
            sent: NoticesSent::read(reader)?,
        };
        reader.leave("LookUpNoticesResult")?;
        Ok(told)
    }

    pub(super) fn write(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("LookUpNoticesResult"), &[]);
        write_ids(writer, name("Held"), &self.held);
        if let Some(sent) = &self.sent {
            for one in &sent.notices {
                writer.open(name("Sent"), &[]);
                writer.leaf(name("Notice"), one.id.as_str());
                writer.leaf(name("SentAt"), &written(one.at));
                writer.close();
            }
            writer.leaf(name("SentTotal"), &sent.total.to_string());
        }
        writer.close();
    }
}

impl NoticesSent {
    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, WireError> {
        let (mut notices, mut seen) = (Vec::new(), BTreeSet::new());
        while reader.comes("Sent")? {
            if notices.len() == NOTICES_MAX {
                return wrong("Sent", "too-many");
            }
            reader.enter("Sent")?;
            let id = message_id(reader, "Notice")?;
            let at = instant("SentAt", &reader.text("SentAt")?)?;
            reader.leave("Sent")?;
            if !seen.insert(id.clone()) {
                return wrong("Sent", "id-twice");
            }
            notices.push(NoticeSent { id, at });
        }
        if notices.is_empty() && !reader.comes("SentTotal")? {
            return Ok(None);
        }
        let total: u32 = word(reader, "SentTotal", number)?;
        match usize::try_from(total).is_ok_and(|total| total >= notices.len()) {
            true => Ok(Some(Self { notices, total })),
            false => wrong("SentTotal", "fewer-than-named"),
        }
    }
}

/// These notices were never received, or were lost: they are to be sent again, under their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResendNotices {
    /// Ids of notices of the one that is asked, 1 to [`NOTICES_MAX`].
    pub notices: BTreeSet<MessageId>,
    /// The purpose, `[a-z0-9][a-z0-9.-]{1,63}`.
    pub purpose: String,
}

impl ResendNotices {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        reader.enter("ResendNotices")?;
        let ask = Self {
            notices: ids(reader, "Notice")?,
            purpose: purpose(reader)?,
        };
        reader.leave("ResendNotices")?;
        match ask.notices.is_empty() {
            true => wrong("Notice", "no-notices"),
            false => Ok(ask),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer, namespace: &'static str) {
        let name = |local| Name::plain(namespace, local);
        writer.open(name("ResendNotices"), &[]);
        write_ids(writer, name("Notice"), &self.notices);
        writer.leaf(name("Purpose"), &self.purpose);
        writer.close();
    }
}

fn ids(reader: &mut Reader<'_>, field: &'static str) -> Result<BTreeSet<MessageId>, WireError> {
    let mut all = BTreeSet::new();
    while reader.comes(field)? {
        if all.len() == NOTICES_MAX {
            return wrong(field, "too-many");
        }
        if !all.insert(message_id(reader, field)?) {
            return wrong(field, "id-twice");
        }
    }
    Ok(all)
}

fn write_ids(writer: &mut Writer, name: Name, ids: &BTreeSet<MessageId>) {
    for id in ids {
        writer.leaf(name, id.as_str());
    }
}
