//! A message as it goes out and comes back, in either form: a signed XML document, or a JWS that carries a JSON body.
//! What is recorded tells its form by itself; nothing is proven here.

use gateway_core::{Direction as Way, partner::Environment as Where};
use roads::jws::{self, Carried};
use schemas::wire::tax::{
    Direction, Environment, Header, Reply,
    taxpayer::{Body, Message, json, peek},
};

/// A message, and the bytes of its body that the content digest covers.
pub(super) struct Said {
    pub(super) message: Message,
    pub(super) content: Vec<u8>,
}

/// Whether a recorded message is a JWS.
pub(super) fn is_json(document: &[u8]) -> bool {
    document.first().is_some_and(|first| *first != b'<')
}

/// What a message says, from the very bytes that are sent or were received.
pub(super) fn said(document: &[u8]) -> Option<Said> {
    if is_json(document) {
        let carried = jws::carried(document)?;
        return Some(Said {
            message: of_json(&carried)?,
            content: carried.payload.to_vec(),
        });
    }
    let (message, body) = peek(document).ok()?;
    let content = document.get(body)?.to_vec();
    Some(Said { message, content })
}

/// Who says it to whom stands in the protected header.
fn of_json(carried: &Carried) -> Option<Message> {
    let claims = &carried.claims;
    let (direction, body) = match claims.direction {
        Way::Request => {
            let question = json::decode_question(&carried.payload).ok()?;
            (Direction::Request, Body::Question(question))
        }
        Way::Answer => {
            let answer = json::decode_answer(&carried.payload).ok()?;
            (Direction::Answer, Body::Answer(answer))
        }
    };
    let operation = match &body {
        Body::Question(question) => Some(question.operation()),
        Body::Answer(answer) => answer.operation(),
    };
    if operation.is_some_and(|one| one != claims.operation) {
        return None;
    }
    let reply = carried.answers.as_ref();
    let header = Header {
        message_id: claims.id.clone(),
        sent_at: claims.sent_at,
        environment: match claims.environment {
            Where::Sandbox => Environment::Sandbox,
            Where::Test => Environment::Test,
            Where::Production => Environment::Production,
        },
        direction,
        sender: claims.sender.clone(),
        receiver: claims.receiver.clone(),
        operation: claims.operation.clone(),
        reply: reply.map(|(to, digest)| Reply {
            to: to.clone(),
            digest: *digest,
        }),
    };
    Some(Message { header, body })
}

/// What a receipt of a question says, in whichever form it came; it was proven before it became a receipt.
#[must_use]
pub fn told(receipt: &[u8]) -> Option<Message> {
    said(receipt).map(|said| said.message)
}
