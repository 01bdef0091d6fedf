//! The outcome as an acknowledgement, in which nothing of anybody stands; or what was asked for.

mod search;
mod status;
mod subscribe;

use gateway_core::{AnswerHead, Encoded, Unsigned, policy::Permit, ports::Parcel};
use schemas::fault::{Fault, FaultCode};
use schemas::wire::dci::{
    self as wire, Ack, AckBody, AckError, AckStatus, CallbackHeader, Code, MESSAGE_CHARS_MAX,
    VERSION,
};

use crate::{Outcome, Promised, Refused, Request, Told, outbound::Letter};

pub(crate) use search::person;

pub(crate) fn encode(
    head: &AnswerHead,
    permit: &Permit,
    request: &Request,
    outcome: Outcome,
) -> Result<Encoded, Fault> {
    match (request, outcome) {
        (Request::Notify(told), Outcome::Registered(refused)) => {
            Ok(acknowledge(head, told, &refused))
        }
        (Request::Search(search), Outcome::Found(events)) => {
            Ok(search::encode(head, permit, search, events))
        }
        (Request::Status(status), Outcome::Stands(kept, stand)) => {
            Ok(status::encode(head, status, kept, stand))
        }
        (Request::Subscribe(subscribe), Outcome::Subscribed(begun)) => {
            Ok(subscribe::encode(head, subscribe, begun))
        }
        (Request::Unsubscribe(unsubscribe), Outcome::Unsubscribed(ended)) => {
            Ok(subscribe::encode_end(head, unsubscribe, ended))
        }
        (_, Outcome::Promised(promised)) => Ok(again(promised)),
        (Request::Answered(_), Outcome::Heard) => Ok(said(head, AckStatus::Ack, None, Vec::new())),
        _ => Err(Fault::new(FaultCode::Internal, "other-outcome")),
    }
}

fn acknowledge(head: &AnswerHead, request: &Told, outcome: &[Refused]) -> Encoded {
    let error = (!outcome.is_empty()).then(|| AckError {
        code: Code::RequestBad.as_str().to_owned(),
        message: told(request, outcome),
    });
    let status = match error {
        None => AckStatus::Ack,
        Some(_) => AckStatus::Nack,
    };
    said(head, status, error, Vec::new())
}

/// The acknowledgement of what is answered by a callback, and the callback.
fn promise(head: &AnswerHead, letter: &Letter, kind: &'static str, name: &str) -> Encoded {
    let callbacks = vec![letter.parcel(head, kind, name)];
    said(head, AckStatus::Ack, None, callbacks)
}

fn said(
    head: &AnswerHead,
    status: AckStatus,
    error: Option<AckError>,
    callbacks: Vec<Parcel>,
) -> Encoded {
    let body = AckBody {
        message: Ack {
            ack_status: status.as_str().to_owned(),
            timestamp: head.sent_at.to_string(),
            correlation_id: head.evidence.to_string(),
            error,
        },
    };
    plain(&body, callbacks)
}

fn plain(body: &AckBody, callbacks: Vec<Parcel>) -> Encoded {
    Encoded {
        unsigned: Unsigned::Json(wire::encode(body)),
        callbacks,
        persons: Vec::new(),
    }
}

/// What was promised before, as it was promised.
fn again(promised: Promised) -> Encoded {
    let body = AckBody {
        message: Ack {
            ack_status: AckStatus::Ack.as_str().to_owned(),
            timestamp: promised.at,
            correlation_id: promised.correlation,
            error: None,
        },
    };
    plain(&body, Vec::new())
}

/// The header of an answer, at once or by a callback.
fn header(
    head: &AnswerHead,
    (us, them): (String, String),
    action: &'static str,
    status: &'static str,
    (total, completed): (usize, usize),
) -> CallbackHeader {
    CallbackHeader {
        version: VERSION.to_owned(),
        message_id: head.id.to_string(),
        message_ts: head.sent_at.to_string(),
        action: action.to_owned(),
        status: status.to_owned(),
        reason_code: None,
        reason_message: None,
        total_count: count(total),
        completed_count: count(completed),
        sender_id: us,
        receiver_id: them,
        is_msg_encrypted: false,
        meta: None,
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Which records were refused, by the `reference_id` of their event and their place in the message, and why; as many
/// as there is room for.
fn told(request: &Told, refused: &[Refused]) -> String {
    let mut text = format!(
        "{} of {} records refused",
        refused.len(),
        request.records.len()
    );
    for one in refused {
        let reference = request
            .records
            .get(one.index)
            .map_or("", |record| record.reference());
        let (code, reason) = (one.fault.code().row().code, one.fault.reason());
        let next = format!("; {reference} #{} {code} {reason}", one.index + 1);
        if text.len() + next.len() > MESSAGE_CHARS_MAX - MORE.len() {
            text.push_str(MORE);
            break;
        }
        text.push_str(&next);
    }
    text
}

const MORE: &str = "; and more";

#[cfg(test)]
mod tests;
