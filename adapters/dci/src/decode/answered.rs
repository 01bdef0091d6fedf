//! What a registry answers to what we asked of it as its subscriber.

use std::collections::BTreeSet;

use gateway_core::{Claims, Decoded, Identity};
use roads::dci::{moment, unreadable};
use schemas::{
    fault::Fault,
    wire::dci::{
        self as wire, Action, Code, MsgHeader, SUBSCRIPTIONS_MAX, SubscribeResponse, Subscription,
    },
};
use serde::de::DeserializeOwned;

use super::{Request, check::invalid, is_id, named, numbered, payload};
use crate::{
    FOLLOW,
    follow::{self, Answered, Said},
};

pub(super) fn decode(
    claims: Claims,
    header: &MsgHeader,
    message: &str,
) -> Result<Decoded<Request>, Fault> {
    let answered = match Action::parse(&header.action) {
        Some(Action::OnUnsubscribe) => ended(header, message)?,
        _ => begun(header, message)?,
    };
    if !is_id(&answered.correlation) {
        return Err(invalid("bad-correlation-id", "correlation_id"));
    }
    Ok(Decoded {
        operation: &FOLLOW,
        identity: Identity::Envelope,
        // own profile: it names nobody, and is part of what the subscription is for
        purpose: follow::purpose_of(&answered.transaction).to_owned(),
        lines: 1,
        provinces: None,
        asked: BTreeSet::new(),
        payload: payload(message),
        objection: None,
        synthetic: false,
        persons: Vec::new(),
        request: Request::Answered(answered),
        claims,
    })
}

/// We ask for one subscription in an exchange.
fn begun(header: &MsgHeader, message: &str) -> Result<Answered, Fault> {
    let said: wire::Subscribed = read(message)?;
    let there = said.responses.len();
    numbered(
        header.total_count,
        there,
        SUBSCRIPTIONS_MAX,
        "subscribe_response",
    )?;
    let references = said.responses.iter().map(|one| &*one.reference_id);
    named(&said.transaction_id, references)?;
    let [one] = &said.responses[..] else {
        return Err(invalid("other-reference", "reference_id"));
    };
    moment(&one.timestamp, "timestamp")?;
    Ok(Answered {
        transaction: said.transaction_id,
        correlation: said.correlation_id,
        what: match status(&one.status, one.reason_code.as_ref())? {
            Status::Done => Said::Begun(one.reference_id.clone(), Ok(code(one)?)),
            Status::Refused(code) => Said::Begun(one.reference_id.clone(), Err(code)),
            Status::Pending => Said::Pending,
        },
    })
}

fn code(one: &SubscribeResponse) -> Result<String, Fault> {
    the_one(&one.subscriptions, "subscribe", "subscriptions")
}

/// We end one subscription in an exchange.
fn ended(header: &MsgHeader, message: &str) -> Result<Answered, Fault> {
    let said: wire::Unsubscribed = read(message)?;
    if header.total_count != 1 {
        return Err(invalid("total-count-differs", "total_count"));
    }
    named(&said.transaction_id, [])?;
    moment(&said.timestamp, "timestamp")?;
    let what = match status(&said.status, said.reason_code.as_ref())? {
        Status::Done => {
            let code = the_one(&said.subscriptions, "unsubscribe", "subscription_status")?;
            Said::Ended(Ok(code))
        }
        Status::Refused(code) => Said::Ended(Err(code)),
        Status::Pending => Said::Pending,
    };
    Ok(Answered {
        transaction: said.transaction_id,
        correlation: said.correlation_id,
        what,
    })
}

fn read<T: DeserializeOwned>(message: &str) -> Result<T, Fault> {
    wire::decode(message.as_bytes()).map_err(|error| unreadable(error).field("message"))
}

enum Status {
    Done,
    Refused(&'static str),
    Pending,
}

fn status(word: &str, code: Option<&String>) -> Result<Status, Fault> {
    match word {
        "succ" => Ok(Status::Done),
        "rjct" => Ok(Status::Refused(known_code(
            code.map(String::as_str).unwrap_or_default(),
        ))),
        "rcvd" | "pdng" => Ok(Status::Pending),
        _ => Err(invalid("unknown-code", "status")),
    }
}

/// A code of the standard; whatever else stands there is not repeated.
pub(crate) fn known_code(said: &str) -> &'static str {
    let known = Code::ALL.iter().map(|code| code.as_str());
    known
        .into_iter()
        .find(|code| *code == said)
        .unwrap_or(NO_CODE)
}

/// The code of the one subscription, with this word.
fn the_one(all: &[Subscription], word: &str, field: &'static str) -> Result<String, Fault> {
    let [one] = all else {
        return Err(invalid("missing-field", field));
    };
    if one.status != word {
        return Err(invalid("unknown-code", "status"));
    }
    match is_id(&one.code) {
        true => Ok(one.code.clone()),
        false => Err(invalid("bad-code", "code")),
    }
}

/// In the place of a code that is none of the standard's.
const NO_CODE: &str = "no-known-code";
