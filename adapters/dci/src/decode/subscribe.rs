//! Who wishes to be told of what, or not to be told any more: each wish by itself; what is wrong with one is said in its
//! own answer.

use std::collections::{BTreeSet, HashSet};

use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use jiff::Timestamp;
use roads::dci::{moment, unreadable};
use schemas::{
    fault::Fault,
    id::Pin,
    wire::dci::{
        self as wire, Code, IdentifierType, MsgHeader, SUBSCRIPTIONS_MAX, SubscribeCriteria,
        SubscribeRequest, VitalEvent,
    },
};
use serde_json::Value;

use super::{
    Opening, Request, check::invalid, is_id, is_synthetic, named, numbered, one_purpose, payload,
};
use crate::{PURPOSE, SUBSCRIBE, UNSUBSCRIBE};

/// Wishes to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// What begins the exchange.
    pub opening: Opening,
    /// What for, as the agreement names it.
    pub purpose: String,
    /// The wishes, in the order in which they were told.
    pub wishes: Vec<Wish>,
}

/// One wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The sender's name of it.
    pub reference: String,
    /// What is wished for; or why it cannot be: a code, and the field.
    pub wanted: Result<Wanted, (Code, &'static str)>,
}

/// What is wished for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Births or deaths.
    pub event: VitalEvent,
    /// Of this person alone, where it is of one.
    pub pin: Option<Pin>,
    /// From when on, where it is not from now on.
    pub begins: Option<Timestamp>,
    /// Until when, where it says so.
    pub ends: Option<Timestamp>,
}

/// Subscriptions that are to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// What begins the exchange.
    pub opening: Opening,
    /// Our names of them.
    pub codes: Vec<String>,
}

pub(super) fn decode(
    claims: Claims,
    header: &MsgHeader,
    message: &str,
) -> Result<Decoded<Request>, Fault> {
    let said: wire::Subscribe =
        wire::decode(message.as_bytes()).map_err(|error| unreadable(error).field("message"))?;
    let wished = said.requests.len();
    numbered(
        header.total_count,
        wished,
        SUBSCRIPTIONS_MAX,
        "subscribe_request",
    )?;
    let references = said.requests.iter().map(|one| &*one.reference_id);
    named(&said.transaction_id, references)?;
    let wish = |one: &SubscribeRequest| Wish {
        reference: one.reference_id.clone(),
        wanted: wanted(one),
    };
    let wishes: Vec<Wish> = said.requests.iter().map(wish).collect();
    let pins = || {
        let wanted = wishes.iter().filter_map(|one| one.wanted.as_ref().ok());
        wanted.filter_map(|one| one.pin.as_ref())
    };
    let purpose = one_purpose(said.requests.iter().map(|one| &one.criteria.authorize))?;
    Ok(Decoded {
        operation: &SUBSCRIBE,
        identity: Identity::Envelope,
        purpose: purpose.clone(),
        lines: wished as u64,
        provinces: None,
        asked: SUBSCRIBE.fields.iter().copied().collect(),
        payload: payload(message),
        objection: None,
        synthetic: is_synthetic(pins()),
        persons: pins()
            .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
            .collect(),
        request: Request::Subscribe(Subscribe {
            opening: Opening::new(header, &said.transaction_id, message),
            purpose,
            wishes,
        }),
        claims,
    })
}

fn wanted(one: &SubscribeRequest) -> Result<Wanted, (Code, &'static str)> {
    moment(&one.timestamp, "timestamp").map_err(|_| (Code::Timestamp, "timestamp"))?;
    let criteria = &one.criteria;
    let event = criteria.event_type.as_deref().and_then(VitalEvent::parse);
    let event = event
        .filter(|event| matches!(event, VitalEvent::LiveBirth | VitalEvent::Death))
        .ok_or((Code::NotifyTypes, "reg_event_type"))?;
    let unfit = |field| (Code::NotifyDetails, field);
    let kind = criteria.record_type.as_deref();
    if kind.is_some_and(|kind| kind != "CRVSPerson") {
        return Err(unfit("notify_record_type"));
    }
    let often = criteria.frequency.as_ref();
    // how often is not ours to choose: each is told as it comes
    if often.is_some_and(|often| often.frequency.is_some()) {
        return Err(unfit("frequency"));
    }
    let at = |text: Option<&String>, field| {
        let read = text.map(|text| moment(text, field)).transpose();
        read.map_err(|_| unfit(field))
    };
    Ok(Wanted {
        event,
        pin: whose(criteria)?,
        begins: at(
            often.and_then(|often| often.start_time.as_ref()),
            "start_time",
        )?,
        ends: at(often.and_then(|often| often.end_time.as_ref()), "end_time")?,
    })
}

/// One person; none where it is everybody.
fn whose(criteria: &SubscribeCriteria) -> Result<Option<Pin>, (Code, &'static str)> {
    let unfit = |field| (Code::Filter, field);
    let kind = criteria.filter_type.as_deref();
    if kind.is_some_and(|kind| kind != "idtype-value") {
        return Err(unfit("filter_type"));
    }
    let Some(filter) = &criteria.filter else {
        return Ok(None);
    };
    let text = |name: &str| filter.get(name).and_then(Value::as_str);
    match (text("type"), text("value")) {
        (Some("*"), Some("*")) => Ok(None),
        (Some(kind), Some(value)) if kind == IdentifierType::Uin.as_str() => {
            let pin = Pin::parse(value).map_err(|_| (Code::PersonId, "value"))?;
            Ok(Some(pin))
        }
        _ => Err(unfit("filter")),
    }
}

pub(super) fn decode_end(
    claims: Claims,
    header: &MsgHeader,
    message: &str,
) -> Result<Decoded<Request>, Fault> {
    let said: wire::Unsubscribe =
        wire::decode(message.as_bytes()).map_err(|error| unreadable(error).field("message"))?;
    numbered(
        header.total_count,
        said.codes.len(),
        SUBSCRIPTIONS_MAX,
        "subscription_codes",
    )?;
    named(&said.transaction_id, [])?;
    moment(&said.timestamp, "timestamp")?;
    let mut seen = HashSet::new();
    if !said
        .codes
        .iter()
        .all(|code| is_id(code) && seen.insert(code))
    {
        return Err(invalid("bad-code", "subscription_codes"));
    }
    Ok(Decoded {
        operation: &UNSUBSCRIBE,
        identity: Identity::Envelope,
        // own profile: it names nobody, and is part of what the subscription was for
        purpose: PURPOSE.to_owned(),
        lines: said.codes.len() as u64,
        provinces: None,
        asked: BTreeSet::new(),
        payload: payload(message),
        objection: None,
        synthetic: false,
        persons: Vec::new(),
        request: Request::Unsubscribe(Unsubscribe {
            opening: Opening::new(header, &said.transaction_id, message),
            codes: said.codes,
        }),
        claims,
    })
}
