//! What a registry asks: each question by itself; what is wrong with one is said in its own answer.

use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use roads::dci::{moment, unreadable};
use schemas::{
    fault::Fault,
    id::Pin,
    wire::dci::{
        self as wire, Code, Criteria, IdentifierType, MsgHeader, SEARCHES_MAX, SearchRequest,
        VitalEvent,
    },
};

use super::{Opening, Request, is_synthetic, named, numbered, one_purpose, payload};
use crate::{SEARCH, SEARCH_ASYNC};

/// Questions about one person each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What begins the exchange.
    pub opening: Opening,
    /// The questions, in the order in which they were asked.
    pub questions: Vec<Question>,
    /// It is answered by a callback, for this purpose.
    pub later: Option<String>,
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The sender's name of it.
    pub reference: String,
    /// The event, as it was asked for.
    pub event: String,
    /// Whether the record would stand on the page that is asked for.
    pub first_page: bool,
    /// Records on a page.
    pub page_size: i64,
    /// Who is asked for; or why the question cannot be answered: a code, and the field.
    pub wanted: Result<(VitalEvent, Pin), (Code, &'static str)>,
}

pub(super) fn decode(
    claims: Claims,
    header: &MsgHeader,
    message: &str,
) -> Result<Decoded<Request>, Fault> {
    let search: wire::Search =
        wire::decode(message.as_bytes()).map_err(|error| unreadable(error).field("message"))?;
    let asked = search.requests.len();
    numbered(header.total_count, asked, SEARCHES_MAX, "search_request")?;
    let references = search.requests.iter().map(|one| &*one.reference_id);
    named(&search.transaction_id, references)?;
    let questions: Vec<Question> = search.requests.iter().map(question).collect();
    let pins = || {
        questions
            .iter()
            .filter_map(|one| Some(&one.wanted.as_ref().ok()?.1))
    };
    Ok(Decoded {
        operation: &SEARCH,
        identity: Identity::Envelope,
        purpose: one_purpose(search.requests.iter().map(|one| &one.criteria.authorize))?,
        lines: asked as u64,
        provinces: None,
        asked: SEARCH.fields.iter().copied().collect(),
        payload: payload(message),
        objection: None,
        synthetic: is_synthetic(pins()),
        persons: pins()
            .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
            .collect(),
        request: Request::Search(Search {
            opening: Opening::new(header, &search.transaction_id, message),
            questions,
            later: None,
        }),
        claims,
    })
}

/// The same, to be answered by a callback. The exchange is known by its `transaction_id` (own profile): under one that
/// was used before the same questions have the same acknowledgement, and others are refused.
pub(super) fn decode_async(
    claims: Claims,
    header: &MsgHeader,
    message: &str,
) -> Result<Decoded<Request>, Fault> {
    let decoded = decode(claims, header, message)?;
    let purpose = decoded.purpose.clone();
    let later = |request| match request {
        Request::Search(search) => Request::Search(Search {
            later: Some(purpose),
            ..search
        }),
        other => other,
    };
    Ok(Decoded {
        operation: &SEARCH_ASYNC,
        ..decoded.map(later)
    })
}

fn question(one: &SearchRequest) -> Question {
    let criteria = &one.criteria;
    let page = criteria.pagination.as_ref();
    Question {
        reference: one.reference_id.clone(),
        event: criteria.event_type.clone().unwrap_or_default(),
        first_page: page.is_none_or(|page| page.page_number.unwrap_or(1) == 1),
        page_size: page.map_or(1, |page| page.page_size),
        wanted: wanted(one, criteria),
    }
}

fn wanted(
    one: &SearchRequest,
    criteria: &Criteria,
) -> Result<(VitalEvent, Pin), (Code, &'static str)> {
    moment(&one.timestamp, "timestamp").map_err(|_| (Code::Timestamp, "timestamp"))?;
    if !criteria.sort.is_empty() {
        return Err((Code::Sort, "sort"));
    }
    let is_page =
        |page: &wire::Pagination| page.page_size >= 1 && page.page_number.unwrap_or(1) >= 1;
    if !criteria.pagination.as_ref().is_none_or(is_page) {
        return Err((Code::Pagination, "pagination"));
    }
    let unfit = |field| (Code::Criteria, field);
    let event = criteria.event_type.as_deref().and_then(VitalEvent::parse);
    let event = event
        .filter(|event| matches!(event, VitalEvent::LiveBirth | VitalEvent::Death))
        .ok_or(unfit("reg_event_type"))?;
    if criteria.query_type != "idtype-value" {
        return Err(unfit("query_type"));
    }
    let text = |name: &str| criteria.query.get(name).and_then(serde_json::Value::as_str);
    if text("type") != Some(IdentifierType::Uin.as_str()) {
        return Err(unfit("type"));
    }
    let pin = text("value").and_then(|value| Pin::parse(value).ok());
    Ok((event, pin.ok_or(unfit("value"))?))
}
