//! The registry as the one that is asked, at once, for what it registered on some days: `search` by a predicate, page by page.
//!
//! It judges the question by its own reading and keeps every one of them; it may give wrong pages, each in a way of its own, signed all
//! the same.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use jiff::civil::Date;
use schemas::wire::dci::VitalEvent;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Trouble;
use crate::clock;
use crate::crvs::Draft;
use crate::crvs::inbox::said;
use crate::identity::Identity;
use crate::listener::status;

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It has no signature.
    Unsigned,
    /// Its signature is of something else.
    Forged,
    /// It repeats the first page under this page's number.
    Repeated,
    /// It says that it is another page.
    OtherPage,
    /// It says that there is one record more.
    OtherTotal,
    /// Its first record was registered a day before the first that was asked about.
    Outside,
    /// It lacks its last record.
    Short,
    /// It says that it is of the other event.
    OtherEvent,
    /// It answers another exchange.
    OtherExchange,
    /// It was said an hour ago.
    Old,
    /// Its first record has no address, without which nobody can be insured.
    Unfit,
}

/// A question, as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The exchange.
    pub transaction: String,
    /// `live_birth` or `death`.
    pub event: String,
    /// The first day of registration, ISO.
    pub from: String,
    /// The first day after the last.
    pub until: String,
    /// Records of a page.
    pub size: usize,
    /// Which page, from 1.
    pub page: usize,
}

/// What was asked under each exchange, in the order in which it was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Searches {
    asked: Vec<Asked>,
    messages: BTreeMap<String, Value>,
}

impl Searches {
    pub(super) fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Writes a question down; or what is wrong with it. The same question may come again.
    pub(super) fn take(&mut self, header: &Value, message: &Value) -> Result<Asked, &'static str> {
        let asked = read(header, message)?;
        if header["message_id"] != message["transaction_id"] {
            return Err("a message_id that is not the exchange");
        }
        if let Some(known) = self.messages.get(&asked.transaction) {
            return match known == message {
                true => Ok(asked),
                false => Err("an exchange with two questions"),
            };
        }
        let (name, _) = asked.transaction.rsplit_once('-').unwrap_or_default();
        let is_before = |one: &Asked| {
            one.transaction == format!("{name}-{}", asked.page - 1)
                && (&one.event, &one.from, &one.until) == (&asked.event, &asked.from, &asked.until)
        };
        if asked.page > 1 && !self.asked.iter().any(is_before) {
            return Err("a page before the one in front of it");
        }
        self.messages
            .insert(asked.transaction.clone(), message.clone());
        self.asked.push(asked.clone());
        Ok(asked)
    }
}

fn read(header: &Value, message: &Value) -> Result<Asked, &'static str> {
    let Some([one]) = message["search_request"].as_array().map(Vec::as_slice) else {
        return Err("one question in an exchange");
    };
    let criteria = &one["search_criteria"];
    let event = criteria["reg_event_type"].as_str().unwrap_or_default();
    let purpose = match event {
        "death" => "end-of-participation",
        _ => "child-health-insurance",
    };
    let Some([predicate]) = criteria["query"].as_array().map(Vec::as_slice) else {
        return Err("query");
    };
    let day = |expression: &str, operator: &str| {
        let one = &predicate[expression];
        let is_so = one["attribute_name"] == "registration_date" && one["operator"] == operator;
        let day: Date = one["attribute_value"].as_str()?.parse().ok()?;
        is_so.then_some(day)
    };
    let (from, until) = (day("expression1", "ge"), day("expression2", "lt"));
    let number = |name: &str| {
        let number = criteria["pagination"][name].as_u64();
        number.and_then(|number| usize::try_from(number).ok())
    };
    let (size, page) = (number("page_size"), number("page_number"));
    let moment = one["timestamp"].as_str().map(str::parse::<jiff::Timestamp>);
    for (holds, what) in [
        (header["total_count"] == 1, "total_count"),
        (one["reference_id"].is_string(), "reference_id"),
        (moment.is_some_and(|moment| moment.is_ok()), "timestamp"),
        (["live_birth", "death"].contains(&event), "reg_event_type"),
        (criteria["query_type"] == "predicate", "query_type"),
        (predicate["condition"] == "and", "condition"),
        (
            from.zip(until).is_some_and(|(from, until)| from < until),
            "no day is asked about",
        ),
        (
            size.is_some_and(|size| (1..=100).contains(&size)),
            "page_size",
        ),
        (page.is_some_and(|page| page >= 1), "page_number"),
        (
            criteria["authorize"]["purpose"]["code"] == purpose,
            "purpose",
        ),
    ] {
        if !holds {
            return Err(what);
        }
    }
    let text = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    Ok(Asked {
        transaction: message["transaction_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        event: event.to_owned(),
        from: text(from),
        until: text(until),
        size: size.unwrap_or(1),
        page: page.unwrap_or(1),
    })
}

/// Records of the register that a question is about, the oldest registration first.
pub(super) fn found(register: &[Value], asked: &Asked) -> Vec<Value> {
    let kind = |event: &Value| {
        let word = event["data"]["reg_event_type"].as_str().unwrap_or_default();
        VitalEvent::parse(word).map_or("", VitalEvent::as_str)
    };
    let mut found: Vec<Value> = register
        .iter()
        .filter(|event| kind(event) == asked.event)
        .flat_map(|event| {
            event["data"]["reg_records"]
                .as_array()
                .into_iter()
                .flatten()
        })
        .filter(|record| {
            let day = day_of(record);
            *asked.from <= *day && *day < *asked.until
        })
        .cloned()
        .collect();
    // of one day as they were registered
    found.sort_by_key(day_of);
    found
}

fn day_of(record: &Value) -> String {
    let day = record["viet_nam"]["registration_date"].as_str();
    day.unwrap_or_default().to_owned()
}

/// The signed answer to a question, wrong in this way.
pub(super) fn answer(
    identity: &Identity,
    (asked, reference): (&Asked, &Value),
    found: &[Value],
    wrong: Option<Wrong>,
) -> Result<Response<Full<Bytes>>, Trouble> {
    let page = match wrong {
        Some(Wrong::Repeated) => 1,
        _ => asked.page,
    };
    let begins = asked.size * (page - 1);
    let mut records: Vec<Value> = found
        .iter()
        .skip(begins)
        .take(asked.size)
        .cloned()
        .collect();
    let (mut number, mut total) = (asked.page, found.len());
    let mut event = asked.event.clone();
    let mut transaction = asked.transaction.clone();
    let first = records.first_mut();
    match wrong {
        Some(Wrong::OtherPage) => number += 1,
        Some(Wrong::OtherTotal) => total += 1,
        Some(Wrong::OtherEvent) => event = "marriage".to_owned(),
        Some(Wrong::OtherExchange) => transaction.push_str("-other"),
        Some(Wrong::Short) => drop(records.pop()),
        Some(Wrong::Outside) => {
            let day = asked.from.parse::<Date>().ok();
            let day = day.and_then(|day| day.yesterday().ok());
            if let (Some(first), Some(day)) = (first, day) {
                first["viet_nam"]["registration_date"] = day.to_string().into();
            }
        }
        Some(Wrong::Unfit) => {
            if let Some(first) = first.and_then(Value::as_object_mut) {
                first.remove("address");
            }
        }
        _ => {}
    }
    let response = json!({
        "reference_id": reference,
        "timestamp": clock::rfc3339(clock::now()),
        "status": "succ",
        "data": {
            "reg_type": "CRVS",
            "reg_event_type": event,
            "reg_record_type": "CRVSPerson",
            "reg_records": records,
        },
        "pagination": { "page_size": asked.size, "page_number": number, "total_count": total },
    });
    let message = json!({
        "transaction_id": transaction,
        "correlation_id": format!("crvs-{}", asked.transaction),
        "search_response": [response],
    });
    signed(identity, "succ", message, wrong)
}

/// The signed answer that a question is refused, with this code.
pub(super) fn refused(
    identity: &Identity,
    (asked, reference): (&Asked, &Value),
    code: &str,
) -> Result<Response<Full<Bytes>>, Trouble> {
    let message = json!({
        "transaction_id": asked.transaction,
        "correlation_id": format!("crvs-{}", asked.transaction),
        "search_response": [{
            "reference_id": reference,
            "timestamp": clock::rfc3339(clock::now()),
            "status": "rjct",
            "status_reason_code": code,
        }],
    });
    signed(identity, "rjct", message, None)
}

fn signed(
    identity: &Identity,
    word: &str,
    message: Value,
    wrong: Option<Wrong>,
) -> Result<Response<Full<Bytes>>, Trouble> {
    let place = ("/registry/sync/search", "dci.search");
    let id = crate::jws::fresh_id(identity);
    let mut draft = Draft::callback((place, "on-search"), &id, word, message);
    if wrong == Some(Wrong::Old) {
        let hour = jiff::SignedDuration::from_hours(1);
        draft = draft.set("message_ts", clock::rfc3339(clock::now() - hour));
    }
    let signature = match wrong {
        Some(Wrong::Unsigned) => None,
        Some(Wrong::Forged) => Some(draft.clone().set("total_count", 2).signature(identity)?),
        _ => Some(draft.signature(identity)?),
    };
    Ok(said(draft.carrying(identity, signature.as_deref()).body))
}

/// HTTP 429, with the seconds to wait.
pub(super) fn busy() -> Response<Full<Bytes>> {
    let mut response = status(StatusCode::TOO_MANY_REQUESTS);
    let wait = HeaderValue::from_static("1");
    response.headers_mut().insert(header::RETRY_AFTER, wait);
    response
}
