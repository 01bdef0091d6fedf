//! What the insurance database answered, in the tax department's words: permitted fields only.

use std::collections::BTreeSet;

use gateway_core::{AnswerHead, Encoded, Unsigned, partner::Environment, policy::Permit};
use schemas::{
    fault::{Fault, FaultCode},
    id::UnitCode,
    proto::insurance::{GetParticipationResponse, ParticipationState as State},
    wire::tax::{
        self as wire, Amount, Answer, Body, Direction, FieldName, Header, Message,
        ParticipationState, Ping, Reply, Request, ResultKind, VerifyEmployer, VerifyEmployerResult,
    },
    xml,
};

use crate::Outcome;

pub(crate) fn encode(
    head: &AnswerHead,
    permit: &Permit,
    request: &Request,
    outcome: Outcome,
) -> Result<Encoded, Fault> {
    let answer = match (request, outcome) {
        (Request::VerifyEmployer(ask), outcome) => {
            Answer::VerifyEmployerResult(Box::new(verified(ask, permit, outcome)?))
        }
        (Request::Ping(Ping { nonce }), Outcome::Pong) => Answer::Pong(Ping {
            nonce: nonce.clone(),
        }),
        _ => return Err(internal("outcome-of-another-operation")),
    };
    Ok(Encoded {
        unsigned: message(head, answer),
        callbacks: Vec::new(),
        persons: Vec::new(),
    })
}

/// An answer under its head, ready to be signed.
pub(crate) fn message(head: &AnswerHead, answer: Answer) -> Unsigned {
    let message = Message {
        header: header(head),
        body: Body::Answer(answer),
    };
    Unsigned::Xml {
        canonical: wire::encode(&message),
        root_id: wire::root_id(&head.id),
    }
}

fn header(head: &AnswerHead) -> Header {
    Header {
        message_id: head.id.clone(),
        sent_at: head.sent_at,
        environment: match head.environment {
            Environment::Sandbox => wire::Environment::Sandbox,
            Environment::Test => wire::Environment::Test,
            Environment::Production => wire::Environment::Production,
        },
        direction: Direction::Answer,
        sender: head.sender.clone(),
        receiver: head.receiver.clone(),
        operation: head.operation.clone(),
        reply: Some(Reply {
            to: head.in_reply_to.clone(),
            digest: head.request_digest,
        }),
    }
}

/// The result, its permitted fields, and the names of those that were asked for and are not agreed.
fn verified(
    ask: &VerifyEmployer,
    permit: &Permit,
    outcome: Outcome,
) -> Result<VerifyEmployerResult, Fault> {
    let (kind, found) = match outcome {
        Outcome::NotPermitted => (ResultKind::NotPermitted, None),
        Outcome::Participation(found) => (kind(&found), Some(found)),
        Outcome::Pong => return Err(internal("outcome-of-another-operation")),
    };
    let mut result = VerifyEmployerResult::bare(kind, ask.mst.clone(), ask.period);
    result.not_disclosed = named(permit.withheld());
    for field in named(permit.disclosed()) {
        match (&found, kind) {
            (Some(found), ResultKind::HasData) => disclose(&mut result, field, found)?,
            (Some(found), ResultKind::Incomplete) if !field.is_of_the_month() => {
                disclose(&mut result, field, found)?;
            }
            _ => {}
        }
    }
    Ok(result)
}

fn kind(found: &GetParticipationResponse) -> ResultKind {
    match (found.found, found.incomplete) {
        (false, _) => ResultKind::NoData,
        (true, true) => ResultKind::Incomplete,
        (true, false) => ResultKind::HasData,
    }
}

/// Policy's words as names of fields; the operation's list holds no other words.
fn named(words: &BTreeSet<&'static str>) -> BTreeSet<FieldName> {
    words
        .iter()
        .filter_map(|word| FieldName::parse(word))
        .collect()
}

fn disclose(
    result: &mut VerifyEmployerResult,
    field: FieldName,
    found: &GetParticipationResponse,
) -> Result<(), Fault> {
    match field {
        FieldName::ParticipationState => result.participation_state = Some(state(found)?),
        FieldName::Participants => result.participants = Some(found.participants),
        FieldName::Fund => result.fund = Some(amount(found.fund_vnd)?),
        FieldName::Due => result.due = Some(amount(found.due_vnd)?),
        FieldName::Paid => result.paid = Some(amount(found.paid_vnd)?),
        FieldName::Arrears => result.arrears = Some(found.arrears_vnd),
        FieldName::Name => result.name = Some(name(&found.name)?),
        FieldName::UnitCode => result.unit_code = Some(unit_code(&found.unit_code)?),
    }
    Ok(())
}

fn state(found: &GetParticipationResponse) -> Result<ParticipationState, Fault> {
    match found.state() {
        State::Active => Ok(ParticipationState::Active),
        State::Suspended => Ok(ParticipationState::Suspended),
        State::Closed => Ok(ParticipationState::Closed),
        State::Unspecified => Err(internal("registry-state")),
    }
}

fn amount(vnd: i64) -> Result<Amount, Fault> {
    Amount::new(vnd).ok_or_else(|| internal("registry-amount"))
}

fn name(name: &str) -> Result<String, Fault> {
    match (1..=255).contains(&name.chars().count()) && xml::is_text(name) {
        true => Ok(name.to_owned()),
        false => Err(internal("registry-name")),
    }
}

fn unit_code(code: &str) -> Result<UnitCode, Fault> {
    UnitCode::parse(code).map_err(|_| internal("registry-unit-code"))
}

fn internal(reason: &'static str) -> Fault {
    Fault::new(FaultCode::Internal, reason)
}

#[cfg(test)]
mod tests;
