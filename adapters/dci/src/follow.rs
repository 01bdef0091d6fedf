//! We as the subscriber of another registry: what we have asked of it, what it has answered, what comes next.
//!
//! Of each event one subscription, kept in a note of the partner ([`gateway_core::ports::Notes`]); whoever looks after it writes the
//! note first and puts in the parcel that asks afterwards, under the name that the note has. An answer is taken once, by the exchange that
//! it names; what is unasked, late, foreign or answered before changes nothing.

mod asked;
#[cfg(test)]
mod tests;

use gateway_core::dci::Follow;
use schemas::{
    fault::{Fault, FaultCode},
    wire::dci::{Code, VitalEvent},
};
use serde::{Deserialize, Serialize};

pub use asked::{Promise, parcel, parcel_id, promised, transaction};
pub(crate) use asked::{moment, purpose, purpose_of};

/// What begins the name of such a note; behind it the event.
pub const NOTES: &str = "follow/";

/// The events that we follow, each by itself.
pub const EVENTS: [VitalEvent; 2] = [VitalEvent::LiveBirth, VitalEvent::Death];

/// The name of an event's note.
#[must_use]
pub fn note(event: VitalEvent) -> String {
    format!("{NOTES}{}", event.as_str())
}

/// Whether an event is to be followed.
#[must_use]
pub fn wants(follow: &Follow, event: VitalEvent) -> bool {
    match event {
        VitalEvent::LiveBirth => follow.births,
        VitalEvent::Death => follow.deaths,
        _ => false,
    }
}

/// A subscription of ours. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The registry's name of it.
    pub code: String,
    /// When it ends.
    pub ends: i64,
}

/// What we have asked and nobody has answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Our name of the exchange.
    pub transaction: String,
    /// When it was asked.
    pub at: i64,
    /// Until when an answer is waited for.
    pub until: i64,
    /// What was asked.
    pub wish: Wish,
}

/// What is asked of a registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// To be told, until then.
    Begin(i64),
    /// Not to be told any more, of this code.
    End(String),
}

/// Why there is nothing that we asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The registry's code, or a word of ours: `no-answer`.
    pub code: String,
    /// When.
    pub at: i64,
}

/// An exchange that is over, and by which message; by none where it was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Closed {
    transaction: String,
    by: Option<String>,
}

/// One event's subscription at one registry.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Followed {
    /// The one that stands.
    pub stands: Option<Standing>,
    /// The exchange that is open.
    pub open: Option<Open>,
    /// Subscriptions that are to end there.
    pub spent: Vec<Standing>,
    /// What the registry last said no to.
    pub refused: Option<Refusal>,
    closed: Vec<Closed>,
}

/// An answer to what we asked, as its callback says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The exchange.
    pub transaction: String,
    /// The registry's name of it.
    pub correlation: String,
    /// What it says.
    pub what: Said,
}

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Of a wish to be told, under this `reference_id`: the code, or why there is none.
    Begun(String, Result<String, &'static str>),
    /// Of a wish not to be told: the code that was ended, or why none was.
    Ended(Result<String, &'static str>),
    /// Nothing yet.
    Pending,
}

impl Followed {
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

    /// One word for people: `none`, `asked`, `stands`, `renewing`, `ending` or `refused`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match (&self.open, &self.stands) {
            (Some(open), _) if matches!(open.wish, Wish::End(_)) => "ending",
            (Some(_), Some(_)) => "renewing",
            (Some(_), None) => "asked",
            (None, _) if self.refused.is_some() => "refused",
            (None, Some(_)) => "stands",
            (None, None) if self.spent.is_empty() => "none",
            (None, None) => "ending",
        }
    }

    /// Whether an exchange is, or lately was, one of these.
    #[must_use]
    pub fn knows(&self, transaction: &str) -> bool {
        let open = self.open.iter().map(|open| &open.transaction);
        let mut all = open.chain(self.closed.iter().map(|one| &one.transaction));
        all.any(|one| one == transaction)
    }

    /// What comes next, where something does: `wanted` says whether it is to be followed, `name` gives the name of a new exchange.
    #[must_use]
    pub fn next(
        &self,
        (wanted, follow): (bool, &Follow),
        now: i64,
        name: impl FnOnce() -> String,
    ) -> Option<Self> {
        if let Some(open) = &self.open {
            return (now >= open.until).then(|| self.given_up(NO_ANSWER, now));
        }
        let mut next = self.clone();
        // what is past needs no end
        next.spent.retain(|one| one.ends > now);
        next.stands = next.stands.filter(|one| one.ends > now);
        if !wanted && let Some(stands) = next.stands.take() {
            next.spent.push(stands);
        }
        let is_waiting = (self.refused.as_ref())
            .is_some_and(|refused| now < refused.at.saturating_add(follow.again_seconds));
        let is_due = match &next.stands {
            None => wanted,
            Some(stands) => now >= stands.ends.saturating_sub(follow.renew_seconds),
        };
        let wish = match next.spent.first() {
            _ if is_waiting => None,
            Some(spent) => Some(Wish::End(spent.code.clone())),
            None if is_due => Some(Wish::Begin(now.saturating_add(follow.length_seconds))),
            None => None,
        };
        if !wanted && next.spent.is_empty() {
            next.refused = None;
        }
        next.open = wish.map(|wish| Open {
            transaction: name(),
            at: now,
            until: now.saturating_add(follow.answer_seconds),
            wish,
        });
        (next != *self).then_some(next)
    }

    /// The open exchange is over without an answer, for this reason.
    #[must_use]
    pub fn given_up(&self, code: &str, now: i64) -> Self {
        let mut next = self.clone();
        next.close(None);
        next.refused = Some(Refusal {
            code: code.to_owned(),
            at: now,
        });
        next
    }

    /// What an answer makes of it; none where it says the same as before. `by` is the message that brings it, `promised` the name
    /// that the acknowledgement gave to the exchange, where that is known.
    ///
    /// # Errors
    /// `UnknownSubject` (`no-such-exchange`); `Conflict` (`answered-already`, `exchange-over`, `other-correlation`); `Invalid`
    /// (`other-reference`, `other-code`, `other-answer`).
    pub fn answered(
        &self,
        answer: &Answered,
        (event, by): (VitalEvent, &str),
        promised: Option<&str>,
        now: i64,
    ) -> Result<Option<Self>, Fault> {
        let open = match &self.open {
            Some(open) if open.transaction == answer.transaction => open,
            _ => return self.told_before(&answer.transaction, by),
        };
        if promised.is_some_and(|promised| promised != answer.correlation) {
            return Err(conflict("other-correlation", "correlation_id"));
        }
        let mut next = self.clone();
        match (&open.wish, &answer.what) {
            (_, Said::Pending) => return Ok(None),
            (Wish::Begin(ends), Said::Begun(reference, said)) => {
                if reference != event.as_str() {
                    return Err(invalid("other-reference", "reference_id"));
                }
                next.begun(said, *ends, now);
            }
            (Wish::End(code), Said::Ended(said)) => {
                if said.as_ref().is_ok_and(|ended| ended != code) {
                    return Err(invalid("other-code", "code"));
                }
                next.ended(code, said, now);
            }
            _ => return Err(invalid("other-answer", "action")),
        }
        next.close(Some(by.to_owned()));
        Ok(Some(next))
    }

    fn told_before(&self, transaction: &str, by: &str) -> Result<Option<Self>, Fault> {
        let closed = self
            .closed
            .iter()
            .find(|one| one.transaction == transaction);
        match closed.map(|closed| &closed.by) {
            // the same message again
            Some(Some(known)) if known == by => Ok(None),
            Some(Some(_)) => Err(conflict("answered-already", "transaction_id")),
            Some(None) => Err(conflict("exchange-over", "transaction_id")),
            None => Err(no_such_exchange()),
        }
    }

    fn begun(&mut self, said: &Result<String, &'static str>, ends: i64, now: i64) {
        self.refused = None;
        match said {
            Ok(code) => {
                let stands = Standing {
                    code: code.clone(),
                    ends,
                };
                let before = self.stands.replace(stands);
                self.spent
                    .extend(before.filter(|before| before.code != *code));
            }
            // it has one of each kind: the one that stands has to end first
            Err(reason) if *reason == Code::AlreadySubscribed.as_str() && self.stands.is_some() => {
                self.spent.extend(self.stands.take());
            }
            Err(reason) => self.refuse(reason, now),
        }
    }

    fn ended(&mut self, code: &str, said: &Result<String, &'static str>, now: i64) {
        let gone = [Code::AlreadyUnsubscribed, Code::SubscriptionCode].map(Code::as_str);
        match said {
            Err(reason) if !gone.contains(reason) => self.refuse(reason, now),
            _ => {
                self.refused = None;
                self.spent.retain(|one| one.code != code);
            }
        }
    }

    fn refuse(&mut self, code: &str, now: i64) {
        self.refused = Some(Refusal {
            code: code.to_owned(),
            at: now,
        });
    }

    fn close(&mut self, by: Option<String>) {
        if let Some(open) = self.open.take() {
            self.closed.push(Closed {
                transaction: open.transaction,
                by,
            });
        }
        let over = self.closed.len().saturating_sub(CLOSED_MAX);
        self.closed.drain(..over);
    }
}

pub(crate) fn no_such_exchange() -> Fault {
    Fault::new(FaultCode::UnknownSubject, "no-such-exchange").field("transaction_id")
}

fn conflict(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Conflict, reason).field(field)
}

fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// Why an exchange was given up: nobody answered in time.
pub const NO_ANSWER: &str = "no-answer";
/// Exchanges that are remembered after their end.
const CLOSED_MAX: usize = 16;
