//! What became of an exchange: where its callback stands, question by question, and nothing of what it tells.

use gateway_core::{AnswerHead, Encoded, Unsigned};
use schemas::wire::dci::{
    self as wire, Code, Found, SearchResponse, TxnStatusResponse, TxnStatusTold,
};

use super::{header, promise};
use crate::{
    PURPOSE, Stand,
    decode::Status,
    outbound::{Header, Letter, ON_STATUS, Promise},
};

pub(crate) fn encode(head: &AnswerHead, status: &Status, found: Found, stand: Stand) -> Encoded {
    let at = head.sent_at.to_string();
    let responses: Vec<SearchResponse> = found
        .responses
        .into_iter()
        .map(|one| standing(one, stand, &at))
        .collect();
    let over = match stand {
        Stand::Pending => ("pdng", 0),
        Stand::Told => ("succ", responses.len()),
        Stand::TakenBack => ("rjct", responses.len()),
    };
    let mut header = header(
        head,
        status.names.clone(),
        "txn-on-status",
        over.0,
        (responses.len(), over.1),
    );
    if stand == Stand::TakenBack {
        header.reason_code = Some(Code::ServiceUnavailable.as_str().to_owned());
    }
    let message = TxnStatusTold {
        transaction_id: status.transaction_id.clone(),
        correlation_id: head.evidence.to_string(),
        response: TxnStatusResponse {
            txn_type: "search".to_owned(),
            txn_status: Found { responses, ..found },
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

/// One question: its own status where the callback has arrived.
fn standing(one: SearchResponse, stand: Stand, at: &str) -> SearchResponse {
    let plain = SearchResponse {
        reference_id: one.reference_id,
        timestamp: at.to_owned(),
        ..SearchResponse::default()
    };
    match stand {
        Stand::Pending => SearchResponse {
            status: "pdng".to_owned(),
            ..plain
        },
        Stand::Told => SearchResponse {
            status: one.status,
            reason_code: one.reason_code,
            reason_message: one.reason_message,
            ..plain
        },
        Stand::TakenBack => SearchResponse {
            status: "rjct".to_owned(),
            reason_code: Some(Code::ServiceUnavailable.as_str().to_owned()),
            ..plain
        },
    }
}
