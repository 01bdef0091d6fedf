//! What became of an exchange: where its callback stands, part by part, and nothing of what a search has found.

use gateway_core::{AnswerHead, Encoded, Unsigned};
use schemas::wire::dci::{
    self as wire, Code, Found, SearchResponse, SubscribeResponse, Subscribed, TxnStatusResponse,
    TxnStatusTold, Unsubscribed,
};
use serde_json::Value;

use super::{header, promise};
use crate::{
    Kept, PURPOSE, Stand,
    decode::Status,
    outbound::{Header, Letter, ON_STATUS, Promise},
};

pub(crate) fn encode(head: &AnswerHead, status: &Status, kept: Kept, stand: Stand) -> Encoded {
    let (parts, txn_status) = stood(kept, stand, &head.sent_at.to_string());
    let over = match stand {
        Stand::Pending => ("pdng", 0),
        Stand::Told => ("succ", parts),
        Stand::TakenBack => ("rjct", parts),
    };
    let mut header = header(
        head,
        status.names.clone(),
        "txn-on-status",
        over.0,
        (parts, over.1),
    );
    header.reason_code = taken_back(stand);
    let message = TxnStatusTold {
        transaction_id: status.transaction_id.clone(),
        correlation_id: head.evidence.to_string(),
        response: TxnStatusResponse {
            txn_type: status.begun.as_str().to_owned(),
            txn_status,
        },
    };
    if !status.is_later {
        return Encoded {
            unsigned: Unsigned::Dci {
                header: wire::encode(&header),
                message: wire::encode(&message),
            },
            callbacks: Vec::new(),
            persons: Vec::new(),
        };
    }
    let name = format!("dci-status-{}", head.evidence);
    header.message_id.clone_from(&name);
    let letter = Letter {
        purpose: PURPOSE.to_owned(),
        lines: 1,
        header: Header::Callback(header),
        message: serde_json::to_value(&message).unwrap_or_default(),
        told: Vec::new(),
        promise: Promise::default(),
        subscription: None,
    };
    promise(head, &letter, ON_STATUS, &name)
}

/// How many parts there are, and the message of the callback as far as it has arrived.
fn stood(kept: Kept, stand: Stand, at: &str) -> (usize, Value) {
    let (parts, said) = match kept {
        Kept::Found(found) => {
            let responses = found.responses.into_iter();
            let responses: Vec<_> = responses.map(|one| question(one, stand, at)).collect();
            let parts = responses.len();
            let said = serde_json::to_value(&Found {
                responses,
                ..*found
            });
            (parts, said)
        }
        Kept::Subscribed(told) => {
            let responses = told.responses.into_iter();
            let responses: Vec<_> = responses.map(|one| wish(one, stand, at)).collect();
            let parts = responses.len();
            let said = serde_json::to_value(&Subscribed { responses, ..*told });
            (parts, said)
        }
        Kept::Unsubscribed(told) => {
            let told = ended(*told, stand, at);
            (told.subscriptions.len().max(1), serde_json::to_value(&told))
        }
    };
    (parts, said.unwrap_or_default())
}

/// A person has taken the callback back: it will never come.
fn taken_back(stand: Stand) -> Option<String> {
    let code = Code::ServiceUnavailable.as_str().to_owned();
    (stand == Stand::TakenBack).then_some(code)
}

/// The status of a part that had its own, and whether the rest of it may be told.
fn status(own: String, stand: Stand) -> String {
    match stand {
        Stand::Pending => "pdng".to_owned(),
        Stand::Told => own,
        Stand::TakenBack => "rjct".to_owned(),
    }
}

fn question(one: SearchResponse, stand: Stand, at: &str) -> SearchResponse {
    let plain = SearchResponse {
        reference_id: one.reference_id,
        timestamp: at.to_owned(),
        status: status(one.status, stand),
        reason_code: taken_back(stand),
        ..SearchResponse::default()
    };
    match stand {
        Stand::Told => SearchResponse {
            reason_code: one.reason_code,
            reason_message: one.reason_message,
            ..plain
        },
        Stand::Pending | Stand::TakenBack => plain,
    }
}

/// Codes name nobody: they are told once the callback has arrived, for whoever has lost it.
fn wish(one: SubscribeResponse, stand: Stand, at: &str) -> SubscribeResponse {
    match stand {
        Stand::Told => SubscribeResponse {
            timestamp: at.to_owned(),
            ..one
        },
        Stand::Pending | Stand::TakenBack => SubscribeResponse {
            reference_id: one.reference_id,
            timestamp: at.to_owned(),
            status: status(one.status, stand),
            reason_code: taken_back(stand),
            ..SubscribeResponse::default()
        },
    }
}

fn ended(told: Unsubscribed, stand: Stand, at: &str) -> Unsubscribed {
    match stand {
        Stand::Told => Unsubscribed {
            timestamp: at.to_owned(),
            ..told
        },
        Stand::Pending | Stand::TakenBack => Unsubscribed {
            transaction_id: told.transaction_id,
            correlation_id: told.correlation_id,
            timestamp: at.to_owned(),
            status: status(told.status, stand),
            reason_code: taken_back(stand),
            ..Unsubscribed::default()
        },
    }
}
