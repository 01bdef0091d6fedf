//! What a registry asks: each question by itself; what is wrong with one is said in its own answer.

use std::collections::HashSet;

use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use roads::dci::{moment, unreadable};
use schemas::{
    fault::{Fault, FaultCode},
    id::{MessageId, Pin},
    wire::dci::{
        self as wire, Code, Criteria, IdentifierType, MsgHeader, SEARCHES_MAX, SearchRequest,
        VitalEvent,
    },
};

use super::{Request, check::invalid, is_id, payload};
use crate::{DEATH_PURPOSE, PURPOSE, SEARCH, SEARCH_ASYNC, outbound};

/// Questions about one person each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// The sender's name of the exchange.
    pub transaction_id: String,
    /// How the sender calls us, and itself.
    pub names: (String, String),
    /// The questions, in the order in which they were asked.
    pub questions: Vec<Question>,
    /// It is answered by a callback, for this purpose.
    pub later: Option<&'static str>,
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
    if asked > SEARCHES_MAX {
        return Err(Fault::new(FaultCode::TooLarge, "too-many-events").field("search_request"));
    }
    if asked == 0 {
        return Err(invalid("missing-field", "search_request"));
    }
    if usize::try_from(header.total_count) != Ok(asked) {
        return Err(invalid("total-count-differs", "total_count"));
    }
    if !is_id(&search.transaction_id) {
        return Err(invalid("bad-transaction-id", "transaction_id"));
    }
    let mut seen = HashSet::new();
    let mut questions = Vec::with_capacity(asked);
    for one in &search.requests {
        if !is_id(&one.reference_id) {
            return Err(invalid("bad-reference-id", "reference_id"));
        }
        if !seen.insert(&one.reference_id) {
            return Err(invalid("reference-id-twice", "reference_id"));
        }
        questions.push(question(one));
    }
    let pins = || {
        questions
            .iter()
            .filter_map(|one| Some(&one.wanted.as_ref().ok()?.1))
    };
    Ok(Decoded {
        operation: &SEARCH,
        identity: Identity::Envelope,
        purpose: purpose(&search)?,
        lines: asked as u64,
        provinces: None,
        asked: SEARCH.fields.iter().copied().collect(),
        payload: payload(message),
        objection: None,
        synthetic: pins().all(Pin::is_synthetic),
        persons: pins()
            .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
            .collect(),
        request: Request::Search(Search {
            transaction_id: search.transaction_id.clone(),
            names: (
                header.receiver_id.clone().unwrap_or_default(),
                header.sender_id.clone(),
            ),
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
    let known = [PURPOSE, DEATH_PURPOSE];
    let purpose = known.into_iter().find(|known| *known == decoded.purpose);
    let purpose = purpose.ok_or_else(|| invalid("unknown-purpose", "purpose"))?;
    let Request::Search(search) = decoded.request else {
        return Err(Fault::new(FaultCode::Internal, "other-request"));
    };
    let name = outbound::exchange(&search.transaction_id);
    let name =
        MessageId::parse(&name).map_err(|_| Fault::new(FaultCode::Internal, "exchange-name"))?;
    Ok(Decoded {
        operation: &SEARCH_ASYNC,
        identity: Identity::Content(name),
        request: Request::Search(Search {
            later: Some(purpose),
            ..search
        }),
        ..decoded
    })
}

/// Every question is for what the first one is for: the agreement is asked once.
fn purpose(search: &wire::Search) -> Result<String, Fault> {
    let code = |one: &SearchRequest| {
        let authorize = one.criteria.authorize.as_ref()?;
        Some(authorize.purpose.as_ref()?.code.clone())
    };
    let mut codes = search.requests.iter().map(code);
    let first = codes.next().flatten();
    let first = first.ok_or_else(|| invalid("missing-field", "purpose"))?;
    match codes.all(|code| code.as_ref() == Some(&first)) {
        true => Ok(first),
        false => Err(invalid("purposes-differ", "purpose")),
    }
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
