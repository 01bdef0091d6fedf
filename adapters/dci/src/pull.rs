//! We as the one who looks into another registry for what it told and we never heard: days of registration, one span after another,
//! page by page.
//!
//! A look begins some days before the mark, since registries write late, and ends with the day on which it began. Of each span the
//! registry is asked for one page after another, each as a parcel whose receipt is the answer; when every record of the span is
//! durable with us the mark moves, and not before. How far it has come stands in a note of the partner
//! ([`gateway_core::ports::Notes`]), which names days and counts and nobody.

mod answer;
mod asked;
#[cfg(test)]
mod tests;

use gateway_core::dci::Pull;
use jiff::{ToSpan as _, civil::Date};
use schemas::wire::dci::VitalEvent;
use serde::{Deserialize, Serialize};

pub use answer::{Answer, Found, Page, UNPROVEN, proven, read};
pub use asked::{name, parcel, parcel_id, purpose};

use crate::follow::Refusal;

/// What begins the name of such a note; behind it the event.
pub const NOTES: &str = "pull/";

/// The name of an event's note.
#[must_use]
pub fn note(event: VitalEvent) -> String {
    format!("{NOTES}{}", event.as_str())
}

/// Whether an event is to be looked for.
#[must_use]
pub fn wants(pull: &Pull, event: VitalEvent) -> bool {
    match event {
        VitalEvent::LiveBirth => pull.births,
        VitalEvent::Death => pull.deaths,
        _ => false,
    }
}

/// A day, as a note has it: an ISO date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub Date);

impl TryFrom<String> for Day {
    type Error = jiff::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0.to_string()
    }
}

impl Day {
    fn after(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.days()))
    }

    fn before(self, days: i64) -> Self {
        Self(self.0.saturating_sub(days.days()))
    }

    /// Days from this one to a later one.
    fn to(self, later: Self) -> i64 {
        let span = self.0.until(later.0);
        span.map_or(0, |span| i64::from(span.get_days()))
    }
}

/// A look at all days that are due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// The first day that is not looked at yet.
    pub next: Day,
    /// The first day that is not part of it.
    pub until: Day,
    /// The day on which it began: that day is not over.
    pub today: Day,
    /// Most days of one question, fewer after the registry found too much.
    pub days: i64,
    /// Records that were refused for good.
    pub rejected: u32,
}

/// What the registry is asked for now: everything that was registered from one day up to, and not including, another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Our name for these questions; behind it the page.
    pub name: String,
    /// The first day.
    pub from: Day,
    /// The first day after it.
    pub until: Day,
    /// When it was begun, seconds since 1970.
    pub at: i64,
    /// Which page is asked for, from 1.
    pub page: i64,
    /// Records of a page.
    pub size: i64,
    /// How many records there are, as the first page says.
    pub total: Option<i64>,
    /// How many of this page's records nobody had told us, where that is known.
    pub missing: Option<u32>,
    /// How often it was begun anew, since the answers did not fit each other.
    pub again: u32,
}

/// The newest span of which everything is durable with us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The first day.
    pub from: Day,
    /// The first day after it.
    pub until: Day,
    /// How many records it has.
    pub records: i64,
    /// When, seconds since 1970.
    pub at: i64,
}

/// How far one event's records at one registry were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pulled {
    /// Every day before it was looked at after it was over.
    pub mark: Option<Day>,
    /// The look that is under way.
    pub look: Option<Look>,
    /// What is asked.
    pub span: Option<Span>,
    /// The newest span that is done.
    pub done: Option<Done>,
    /// When the last look ended, seconds since 1970.
    pub looked: Option<i64>,
    /// Records that nobody had told us, ever.
    pub found: u64,
    /// Records of the last whole look that were refused for good.
    pub rejected: u32,
    /// What keeps it from going on.
    pub refused: Option<Refusal>,
    /// Why the page that is asked for is not there yet, in the words of its parcel.
    pub waits: Option<String>,
}

impl Pulled {
    /// Reads a note; none where it is not of this build.
    #[must_use]
    pub fn read(content: &str) -> Option<Self> {
        serde_json::from_str(content).ok()
    }

    /// As a note says it.
    #[must_use]
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// One word for people: `none`, `asks`, `waits`, `refused` or `done`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.span, &self.refused) {
            (Some(_), _) if self.waits.is_some() => "waits",
            (Some(_), _) => "asks",
            (None, Some(_)) => "refused",
            (None, None) if self.done.is_some() => "done",
            (None, None) => "none",
        }
    }

    /// What comes next where nothing is asked, and something is to be: `wanted` says whether it is to be looked for, `name` gives the
    /// name of new questions.
    #[must_use]
    pub fn next(
        &self,
        (wanted, pull): (bool, &Pull),
        (now, today): (i64, Date),
        name: impl FnOnce() -> String,
    ) -> Option<Self> {
        let mut next = self.clone();
        if !wanted {
            (next.look, next.span, next.refused, next.waits) = (None, None, None, None);
            return (next != *self).then_some(next);
        }
        let is_waiting = (self.refused.as_ref())
            .is_some_and(|refused| now < refused.at.saturating_add(pull.again_seconds));
        if self.span.is_some() || is_waiting {
            return None;
        }
        let look = match next.look.take() {
            Some(look) => look,
            None => self.begun(pull, (now, Day(today)))?,
        };
        let until = look.next.after(look.days.max(1)).min(look.until);
        next.span = Some(Span {
            name: name(),
            from: look.next,
            until,
            at: now,
            page: 1,
            size: pull.page_size,
            total: None,
            missing: None,
            again: 0,
        });
        next.look = Some(look);
        next.waits = None;
        Some(next)
    }

    fn begun(&self, pull: &Pull, (now, today): (i64, Day)) -> Option<Look> {
        let is_due = self
            .looked
            .is_none_or(|looked| now >= looked.saturating_add(pull.every_seconds));
        let first = match (self.mark, pull.since) {
            (Some(mark), _) => mark.before(pull.overlap_days),
            (None, Some(since)) => Day(since),
            (None, None) => today.before(pull.overlap_days),
        };
        let until = today.after(1);
        (is_due && first < until).then_some(Look {
            next: first,
            until,
            today,
            days: pull.window_days,
            rejected: 0,
        })
    }

    /// The registry finds more than it gives at once, or than we take: fewer days are asked for. One day cannot be less.
    #[must_use]
    pub fn narrowed(&self, now: i64) -> Self {
        let mut next = self.clone();
        let days = self
            .span
            .as_ref()
            .map_or(0, |span| span.from.to(span.until));
        match next.look.as_mut().filter(|_| days > 1) {
            Some(look) => {
                look.days = days / 2;
                (next.span, next.waits) = (None, None);
                next
            }
            None => self.refused(TOO_MANY, now),
        }
    }

    /// The answers do not fit each other, as when something is registered meanwhile: the span is begun anew, but not for ever.
    #[must_use]
    pub fn anew(&self, reason: &str, now: i64, name: impl FnOnce() -> String) -> Self {
        let mut next = self.clone();
        next.waits = None;
        match &mut next.span {
            Some(span) if span.again < AGAIN_MAX => {
                *span = Span {
                    name: name(),
                    at: now,
                    page: 1,
                    total: None,
                    missing: None,
                    again: span.again + 1,
                    ..span.clone()
                };
                next
            }
            _ => self.refused(reason, now),
        }
    }

    /// It does not go on, for this reason; the span is asked for again later, from its beginning.
    #[must_use]
    pub fn refused(&self, code: &str, now: i64) -> Self {
        Self {
            span: None,
            waits: None,
            refused: Some(Refusal {
                code: code.to_owned(),
                at: now,
            }),
            ..self.clone()
        }
    }

    /// The page is not there yet, for this reason.
    #[must_use]
    pub fn waiting(&self, reason: Option<String>) -> Self {
        Self {
            waits: reason,
            ..self.clone()
        }
    }

    /// So many of the page's records nobody has told us. It is written down before any of them is acted upon, so that it is counted
    /// once whoever is killed.
    #[must_use]
    pub fn counted(&self, missing: u32) -> Self {
        let mut next = self.clone();
        if let Some(span) = &mut next.span {
            span.missing = Some(missing);
        }
        next
    }

    /// Every record of the page is durable with us, but for those that are refused for good: so many of all, and of those that nobody
    /// had told us.
    #[must_use]
    pub fn taken(&self, page: &Page, (rejected, unknown): (u32, u32), now: i64) -> Self {
        let mut next = self.clone();
        next.waits = None;
        let (Some(look), Some(span)) = (&mut next.look, &mut next.span) else {
            return next;
        };
        look.rejected = look.rejected.saturating_add(rejected);
        let found = span.missing.take().unwrap_or(0).saturating_sub(unknown);
        next.found = next.found.saturating_add(found.into());
        span.total = Some(page.total);
        span.size = page.size;
        if span.page.saturating_mul(span.size) < page.total {
            span.page += 1;
            return next;
        }
        look.next = span.until;
        // a day that is not over is looked at again
        let mark = span.until.min(look.today);
        next.mark = Some(next.mark.map_or(mark, |known| known.max(mark)));
        next.done = Some(Done {
            from: span.from,
            until: span.until,
            records: page.total,
            at: now,
        });
        if look.next >= look.until {
            next.rejected = look.rejected;
            next.looked = Some(now);
            next.look = None;
        }
        (next.span, next.refused) = (None, None);
        next
    }
}

/// Why a day is not looked at: it has more records than the registry gives at once, or than we take.
pub const TOO_MANY: &str = "too-many-in-a-day";
/// How often a span is begun anew before it waits.
const AGAIN_MAX: u32 = 3;
