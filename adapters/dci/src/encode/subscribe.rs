//! What became of wishes to be told, or not to be told any more; nothing of anybody stands in it.

use gateway_core::{AnswerHead, Encoded};
use schemas::{
    proto::insurance as contract,
    wire::dci::{
        Code, MESSAGE_CHARS_MAX, SubscribeResponse, Subscribed, Subscription, Unsubscribed,
    },
};

use super::{header, promise};
use crate::{
    PURPOSE, Subscribe, Unsubscribe,
    decode::Opening,
    outbound::{self, Header, Letter, ON_SUBSCRIBE, ON_UNSUBSCRIBE, Promise},
};

type Begun = Result<contract::VitalSubscription, (Code, &'static str)>;

pub(crate) fn encode(head: &AnswerHead, said: &Subscribe, begun: Vec<Begun>) -> Encoded {
    let at = head.sent_at.to_string();
    let done = begun.iter().filter(|one| one.is_ok()).count();
    let counts = (begun.len(), done);
    let first = begun.iter().find_map(|one| one.as_ref().err());
    let reason = first.map(|(code, _)| *code).filter(|_| done == 0);
    let wishes = said.wishes.iter().zip(begun);
    let message = Subscribed {
        transaction_id: said.opening.transaction_id.clone(),
        correlation_id: head.evidence.to_string(),
        responses: wishes
            .map(|(wish, one)| response(&wish.reference, one, &at))
            .collect(),
    };
    let message = serde_json::to_value(&message).unwrap_or_default();
    let told = (message, ON_SUBSCRIBE, "on-subscribe", &*said.purpose);
    answer(head, &said.opening, told, counts, reason)
}

fn response(reference: &str, one: Begun, at: &str) -> SubscribeResponse {
    let plain = SubscribeResponse {
        reference_id: reference.to_owned(),
        timestamp: at.to_owned(),
        ..SubscribeResponse::default()
    };
    match one {
        Ok(subscription) => SubscribeResponse {
            status: "succ".to_owned(),
            subscriptions: vec![Subscription {
                code: subscription.code,
                status: "subscribe".to_owned(),
                timestamp: Some(subscription.begins_at),
            }],
            ..plain
        },
        Err((code, field)) => SubscribeResponse {
            status: "rjct".to_owned(),
            reason_code: Some(code.as_str().to_owned()),
            reason_message: Some(format!("Field: {field}")),
            ..plain
        },
    }
}

pub(crate) fn encode_end(
    head: &AnswerHead,
    said: &Unsubscribe,
    ended: Vec<Result<contract::VitalSubscription, Code>>,
) -> Encoded {
    let done = ended.iter().filter(|one| one.is_ok()).count();
    let counts = (ended.len(), done);
    let first = ended.iter().find_map(|one| one.as_ref().err()).copied();
    let mut refused = String::new();
    let mut subscriptions = Vec::new();
    for (place, one) in ended.into_iter().enumerate() {
        match one {
            Ok(one) => subscriptions.push(Subscription {
                code: one.code,
                status: "unsubscribe".to_owned(),
                timestamp: Some(one.ended_at),
            }),
            Err(code) => refused.push_str(&format!("#{} {}; ", place + 1, code.as_str())),
        }
    }
    debug_assert!(refused.len() <= MESSAGE_CHARS_MAX, "20 codes are short");
    let message = Unsubscribed {
        transaction_id: said.opening.transaction_id.clone(),
        correlation_id: head.evidence.to_string(),
        timestamp: head.sent_at.to_string(),
        status: super::search::status(done > 0).to_owned(),
        reason_code: first.map(|code| code.as_str().to_owned()),
        reason_message: first.map(|_| refused.trim_end_matches("; ").to_owned()),
        subscriptions,
    };
    let message = serde_json::to_value(&message).unwrap_or_default();
    let told = (message, ON_UNSUBSCRIBE, "on-unsubscribe", PURPOSE);
    answer(
        head,
        &said.opening,
        told,
        counts,
        first.filter(|_| done == 0),
    )
}

fn answer(
    head: &AnswerHead,
    opening: &Opening,
    (message, kind, action, purpose): (serde_json::Value, &'static str, &'static str, &str),
    (total, done): (usize, usize),
    reason: Option<Code>,
) -> Encoded {
    let name = outbound::exchange(&opening.transaction_id);
    let status = super::search::status(done > 0);
    let mut header = header(head, opening.names.clone(), action, status, (total, done));
    header.message_id.clone_from(&name);
    header.reason_code = reason.map(|code| code.as_str().to_owned());
    let letter = Letter {
        purpose: purpose.to_owned(),
        lines: total as u64,
        header: Header::Callback(header),
        message,
        told: Vec::new(),
        promise: Promise::of(head, opening),
        subscription: None,
    };
    promise(head, &letter, kind, &name)
}
