//! What a registry answers to one page's question: proven when it comes, judged when it is taken.

use std::collections::HashSet;

use gateway_core::{dci::prove_body, partner::Partner};
use jiff::{Timestamp, civil::Date};
use schemas::{
    fault::Fault,
    wire::dci::{
        self as wire, CallbackHeader, Code, FoundData, IdentifierType, Pagination, Person, Raw,
        Search, SearchResponse, VERSION, VitalEvent,
    },
};

use serde_json::Value;

use super::Span;
use crate::{What, decode::known_code};

/// What an answer is worth.
#[derive(Debug)]
pub enum Answer {
    /// A page that fits what was asked.
    Page(Page),
    /// There is more than the registry gives at once, or than we take.
    TooMany,
    /// It does not fit the answers before it, for this reason: the span has to be begun anew.
    Anew(&'static str),
    /// A refusal, or nothing that can be taken: a code of the standard or a word of ours.
    No(&'static str),
}

/// One page, in which every record was registered within the days that were asked about.
#[derive(Debug)]
pub struct Page {
    /// When it was said.
    pub sent_at: Timestamp,
    /// Records of a page.
    pub size: i64,
    /// Records in all.
    pub total: i64,
    /// Those of this page.
    pub records: Vec<Found>,
}

/// One record: under its registration number, and what it says or why that cannot be taken.
pub struct Found {
    /// Its registration number; none where it has none.
    pub number: Option<String>,
    /// What it says.
    pub what: Result<What, Fault>,
}

impl std::fmt::Debug for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Found(***)")
    }
}

/// Whether this is the registry's signed answer to what was asked (`asked` is the body that was sent), and of now.
///
/// # Errors
/// The reason, one of [`UNPROVEN`].
pub fn proven(
    partner: &Partner,
    asked: &[u8],
    body: &[u8],
    now: Timestamp,
) -> Result<(), &'static str> {
    let terms = partner.dci.as_deref().ok_or(NO_TERMS)?;
    let proven = prove_body(partner, &terms.sender_id, body, now).map_err(|fault| {
        tracing::warn!(%fault, "an answer whose signature does not hold");
        NOT_PROVEN
    })?;
    let (header, found) = parts(&proven).ok_or(NO_PAGE)?;
    let (raw, _) = Raw::read(asked).map_err(|_| NO_QUESTION)?;
    let asked: Search = wire::decode(raw.message.as_bytes()).map_err(|_| NO_QUESTION)?;
    let is_ours = header.action == "on-search"
        && [VERSION, ""].contains(&&*header.version)
        && !header.is_msg_encrypted
        && header.sender_id == terms.sender_id
        && header.receiver_id == terms.receiver_id
        && found.transaction_id == asked.transaction_id;
    if !is_ours {
        return Err(OF_ANOTHER);
    }
    let said = roads::dci::moment(&header.message_ts, "message_ts");
    let off = said.map(|said| said.duration_since(now).as_secs().unsigned_abs());
    match off.is_ok_and(|off| off <= partner.window.as_secs()) {
        true => Ok(()),
        false => Err(NOT_OF_NOW),
    }
}

/// Why what came is no answer: nobody we know has signed it; it is no page; it says it to somebody else or of something else, or
/// somebody else says it; not now; and on our side, what was asked cannot be read, or there are no terms.
pub const UNPROVEN: [&str; 6] = [
    NOT_PROVEN,
    NO_PAGE,
    OF_ANOTHER,
    NOT_OF_NOW,
    NO_QUESTION,
    NO_TERMS,
];
const NOT_PROVEN: &str = "answer-not-proven";
const NO_PAGE: &str = "search-unreadable";
const OF_ANOTHER: &str = "answer-of-another";
const NOT_OF_NOW: &str = "answer-not-of-now";
const NO_QUESTION: &str = "unreadable-question";
const NO_TERMS: &str = "no-dci-terms";

fn parts(body: &[u8]) -> Option<(CallbackHeader, wire::Found)> {
    let (raw, _) = Raw::read(body).ok()?;
    let header = wire::decode(raw.header.as_bytes()).ok()?;
    Some((header, wire::decode(raw.message.as_bytes()).ok()?))
}

/// Reads an answer that was proven when it came. `records_max` is the most that is taken of one span.
#[must_use]
pub fn read(answer: &[u8], (event, span): (VitalEvent, &Span), records_max: i64) -> Answer {
    let Some((header, found)) = parts(answer) else {
        return refused(&acknowledged(answer));
    };
    let Ok(sent_at) = roads::dci::moment(&header.message_ts, "message_ts") else {
        return Answer::No("bad-timestamp");
    };
    let [response] = &found.responses[..] else {
        // of what could not be judged part by part the header says why
        let code = header.reason_code.as_deref().unwrap_or_default();
        return match header.status.as_str() {
            "rjct" => refused(code),
            _ => Answer::No("other-answer"),
        };
    };
    if response.reference_id != event.as_str() {
        return Answer::No("other-reference");
    }
    match response.status.as_str() {
        "succ" => {}
        "rjct" => {
            let code = response
                .reason_code
                .as_ref()
                .or(header.reason_code.as_ref());
            return refused(code.map(String::as_str).unwrap_or_default());
        }
        _ => return Answer::No("other-answer"),
    }
    page(response, (event, span), records_max, sent_at).unwrap_or_else(|answer| answer)
}

fn page(
    response: &SearchResponse,
    (event, span): (VitalEvent, &Span),
    records_max: i64,
    sent_at: Timestamp,
) -> Result<Answer, Answer> {
    let pages = response.pagination.as_ref();
    let (size, total) = counted(pages.ok_or(Answer::No("no-pagination"))?, span)?;
    if total > records_max {
        return Err(Answer::TooMany);
    }
    let none = FoundData::default();
    let data = response.data.as_ref().unwrap_or(&none);
    if !data.event_type.is_empty() && VitalEvent::parse(&data.event_type) != Some(event) {
        return Err(Answer::No("other-event"));
    }
    let persons = data.records.as_deref().unwrap_or_default();
    let before = size.saturating_mul(span.page - 1);
    let there = total.saturating_sub(before).clamp(0, size);
    if i64::try_from(persons.len()) != Ok(there) {
        return Err(Answer::Anew("other-count"));
    }
    let mut records = Vec::with_capacity(persons.len());
    let mut numbers = HashSet::new();
    for person in persons {
        if registered(person).is_some_and(|day| !(span.from.0..span.until.0).contains(&day)) {
            return Err(Answer::No("outside-window"));
        }
        let number = number(person, event);
        if !number.iter().all(|number| numbers.insert(number.clone())) {
            return Err(Answer::Anew("record-twice"));
        }
        let reference = event.as_str().to_owned();
        records.push(Found {
            number,
            what: What::read(event, reference, person, sent_at),
        });
    }
    Ok(Answer::Page(Page {
        sent_at,
        size,
        total,
        records,
    }))
}

/// How many records a page has and how many there are: smaller pages than were asked for may be given from the first one on.
fn counted(pages: &Pagination, span: &Span) -> Result<(i64, i64), Answer> {
    let total = pages.total_count.ok_or(Answer::No("no-pagination"))?;
    let may_be = |size: i64| match span.page {
        1 => (1..=span.size).contains(&size),
        _ => size == span.size,
    };
    if pages.page_number.unwrap_or(1) != span.page || !may_be(pages.page_size) {
        return Err(Answer::Anew("other-page"));
    }
    if total < 0 || span.total.is_some_and(|known| known != total) {
        return Err(Answer::Anew("other-total"));
    }
    Ok((pages.page_size, total))
}

fn registered(person: &Person) -> Option<Date> {
    person
        .viet_nam
        .as_ref()?
        .registered_on
        .as_ref()?
        .parse()
        .ok()
}

/// What a record is known by, before anything else of it is judged.
fn number(person: &Person, event: VitalEvent) -> Option<String> {
    let kind = match event {
        VitalEvent::Death => IdentifierType::Drn,
        _ => IdentifierType::Brn,
    };
    let mut all = person.identifiers.iter();
    let of_kind = all.find(|one| one.kind == kind.as_str())?;
    Some(of_kind.value.trim().to_owned())
}

fn refused(code: &str) -> Answer {
    match known_code(code) {
        code if code == Code::TooManyRecords.as_str() => Answer::TooMany,
        // it has an answer that never came
        code if code == Code::MessageIdDuplicate.as_str() => Answer::Anew(code),
        code => Answer::No(code),
    }
}

/// The code of an acknowledgement in the place of an answer.
fn acknowledged(body: &[u8]) -> String {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let code = said
        .as_ref()
        .and_then(|said| said.pointer("/message/error/code"));
    code.and_then(Value::as_str).unwrap_or_default().to_owned()
}
