//! What the insurance database answered, in the tax department's words: permitted fields only.

mod employer;
mod many;
mod person;
mod persons;

use gateway_core::{AnswerHead, Encoded, Unsigned, partner::Environment, policy::Permit};
use jiff::Timestamp;
use schemas::{
    fault::{Fault, FaultCode},
    id::TaxId,
    wire::tax::{
        self as wire, Amount, Answer, Body, Direction, DisputeReceipt, Header, Message, Ping,
        Received, Reply, Request, VerifyEmployerResult, VerifyIndividualResult,
    },
    xml,
};

use crate::{Outcome, bulk};
pub(crate) use persons::told;

pub(crate) fn encode(
    head: &AnswerHead,
    permit: &Permit,
    request: &Request,
    outcome: Outcome,
) -> Result<Encoded, Fault> {
    let persons = told(permit, request, &outcome);
    Ok(Encoded {
        unsigned: message(head, answer(permit, request, outcome)?),
        callbacks: Vec::new(),
        persons,
    })
}

/// The answer's body, the same in either words.
pub(crate) fn answer(
    permit: &Permit,
    request: &Request,
    outcome: Outcome,
) -> Result<Answer, Fault> {
    match (request, outcome) {
        (Request::VerifyEmployer(ask), Outcome::NotPermitted) => {
            employer::result(ask.mst.clone(), ask.period, permit, None).map(of_employer)
        }
        (Request::VerifyEmployer(ask), Outcome::Participation(found)) => {
            employer::result(ask.mst.clone(), ask.period, permit, Some(&found)).map(of_employer)
        }
        (Request::VerifyIndividual(ask), Outcome::NotPermitted) => {
            person::result(&ask.subject, ask.span, &ask.question, permit, None).map(of_person)
        }
        (Request::VerifyIndividual(ask), Outcome::Contributions(found)) => {
            let found = Some(&found);
            person::result(&ask.subject, ask.span, &ask.question, permit, found).map(of_person)
        }
        (Request::VerifyMany(ask), Outcome::NotPermitted) => {
            many::not_permitted(&ask.asked, permit).map(Answer::VerifyManyResult)
        }
        (Request::VerifyMany(ask), Outcome::Many(lines)) => {
            many::result(&ask.asked, permit, &lines).map(Answer::VerifyManyResult)
        }
        (Request::ChangeNotice(_), Outcome::Noted(kept)) => {
            let received_at = kept.received_at.parse();
            let received_at = received_at.map_err(|_| internal("registry-instant"))?;
            Ok(Answer::ChangeNoticeReceipt(Received { received_at }))
        }
        (Request::LookUpNotices(_), Outcome::LookedUp(held)) => {
            Ok(Answer::LookUpNoticesResult(held))
        }
        (Request::ResendNotices(_), Outcome::Resent(at)) => {
            let received_at = Timestamp::from_second(at.as_second());
            let received_at = received_at.map_err(|_| internal("instant"))?;
            Ok(Answer::ResendNoticesReceipt(Received { received_at }))
        }
        (Request::Dispute(_), Outcome::Disputed(disputed)) => {
            let disputed_at = disputed.moved_at.parse();
            Ok(Answer::DisputeReceipt(DisputeReceipt {
                discrepancy: disputed.id,
                disputed_at: disputed_at.map_err(|_| internal("registry-instant"))?,
            }))
        }
        (Request::Reconcile(ask), Outcome::Announced) => Ok(bulk::receipt(ask)),
        (Request::ReconcileResult(ask), Outcome::Told(told)) => Ok(bulk::page(ask, permit, *told)),
        (Request::Ping(Ping { nonce }), Outcome::Pong) => Ok(Answer::Pong(Ping {
            nonce: nonce.clone(),
        })),
        _ => Err(internal("outcome-of-another-operation")),
    }
}

fn of_employer(result: VerifyEmployerResult) -> Answer {
    Answer::VerifyEmployerResult(Box::new(result))
}

fn of_person(result: VerifyIndividualResult) -> Answer {
    Answer::VerifyIndividualResult(Box::new(result))
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

fn amount(vnd: i64) -> Result<Amount, Fault> {
    Amount::new(vnd).ok_or_else(|| internal("registry-amount"))
}

fn name(name: &str) -> Result<String, Fault> {
    match (1..=255).contains(&name.chars().count()) && xml::is_text(name) {
        true => Ok(name.to_owned()),
        false => Err(internal("registry-name")),
    }
}

fn tax_code(code: &str) -> Result<TaxId, Fault> {
    TaxId::parse(code).map_err(|_| internal("registry-tax-code"))
}

fn internal(reason: &'static str) -> Fault {
    Fault::new(FaultCode::Internal, reason)
}

#[cfg(test)]
mod tests;
