//! The outcome as an acknowledgement, in which nothing of anybody stands; or what was asked for.

mod search;

use gateway_core::{AnswerHead, Encoded, Unsigned, policy::Permit};
use schemas::fault::{Fault, FaultCode};
use schemas::wire::dci::{
    self as wire, Ack, AckBody, AckError, AckStatus, Code, MESSAGE_CHARS_MAX,
};

use crate::{Outcome, Refused, Request, Told};

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
    let body = AckBody {
        message: Ack {
            ack_status: status.as_str().to_owned(),
            timestamp: head.sent_at.to_string(),
            correlation_id: head.evidence.to_string(),
            error,
        },
    };
    Encoded {
        unsigned: Unsigned::Json(wire::encode(&body)),
        callbacks: Vec::new(),
        persons: Vec::new(),
    }
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
