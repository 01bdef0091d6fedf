//! What a registry wants to know of an exchange that it began.

use std::collections::{BTreeSet, HashSet};

use gateway_core::{Claims, Decoded, Evidence, Identity, Operation};
use roads::dci::unreadable;
use schemas::{
    fault::{Fault, FaultCode},
    wire::dci::{self as wire, MsgHeader, SEARCHES_MAX, TxnStatus},
};
use serde_json::Value;

use super::{Request, check::invalid, is_id, named, payload};
use crate::{PURPOSE, TXN_STATUS_ASYNC};

/// A question about one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The sender's name of this exchange.
    pub transaction_id: String,
    /// How the sender calls us, and itself.
    pub names: (String, String),
    /// What was begun.
    pub begun: Begun,
    /// Which exchange is asked about.
    pub asked: Asked,
    /// Which parts of it.
    pub parts: Parts,
    /// It is answered by a callback.
    pub is_later: bool,
}

/// What an exchange was begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// `search`.
    Search,
    /// `subscribe`.
    Subscribe,
    /// `unsubscribe`.
    Unsubscribe,
}

impl Begun {
    const ALL: [Self; 3] = [Self::Search, Self::Subscribe, Self::Unsubscribe];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

/// Which parts of an exchange are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parts {
    /// All.
    All,
    /// Its questions or wishes of these references.
    References(Vec<String>),
    /// Its subscriptions of these codes.
    Codes(Vec<String>),
}

/// By what an exchange is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Its sender's name of it, as [`crate::outbound::exchange`] has it.
    Transaction([u8; 16]),
    /// Ours.
    Correlation(Evidence),
}

pub(super) fn decode(
    claims: Claims,
    header: &MsgHeader,
    message: &str,
    operation: &'static Operation,
) -> Result<Decoded<Request>, Fault> {
    let status: TxnStatus =
        wire::decode(message.as_bytes()).map_err(|error| unreadable(error).field("message"))?;
    if header.total_count != 1 {
        return Err(invalid("total-count-differs", "total_count"));
    }
    named(&status.transaction_id, [&*status.request.reference_id])?;
    let begun = Begun::ALL
        .into_iter()
        .find(|one| one.as_str() == status.request.txn_type)
        .ok_or_else(|| invalid("unknown-code", "txn_type"))?;
    let (asked, parts) = asked(&status, begun)?;
    Ok(Decoded {
        operation,
        identity: Identity::Envelope,
        // own profile: it tells nothing of anybody, and is part of what the search was for
        purpose: PURPOSE.to_owned(),
        lines: 1,
        provinces: None,
        asked: BTreeSet::new(),
        payload: payload(message),
        objection: None,
        // it names nobody
        synthetic: false,
        persons: Vec::new(),
        request: Request::Status(Status {
            transaction_id: status.transaction_id,
            names: (
                header.receiver_id.clone().unwrap_or_default(),
                header.sender_id.clone(),
            ),
            begun,
            asked,
            parts,
            is_later: operation.name == TXN_STATUS_ASYNC.name,
        }),
        claims,
    })
}

fn asked(status: &TxnStatus, begun: Begun) -> Result<(Asked, Parts), Fault> {
    let value = &status.request.attribute_value;
    let wrong = || invalid("bad-code", "attribute_value");
    let text = || value.as_str().filter(|text| is_id(text)).ok_or_else(wrong);
    let transaction = |id: &str| Asked::Transaction(crate::outbound::short(id));
    match (status.request.attribute_type.as_str(), begun) {
        ("transaction_id", _) => Ok((transaction(text()?), Parts::All)),
        ("correlation_id", _) => {
            let evidence = Evidence::parse(text()?).ok_or_else(wrong)?;
            Ok((Asked::Correlation(evidence), Parts::All))
        }
        ("reference_id_list", Begun::Search | Begun::Subscribe) => {
            let named = Parts::References(references(value)?);
            Ok((transaction(&status.transaction_id), named))
        }
        ("subscription_code_list", Begun::Subscribe | Begun::Unsubscribe) => {
            let named = Parts::Codes(references(value)?);
            Ok((transaction(&status.transaction_id), named))
        }
        _ => Err(invalid("unknown-code", "attribute_type")),
    }
}

fn references(value: &Value) -> Result<Vec<String>, Fault> {
    let wrong = || invalid("bad-reference-id", "attribute_value");
    let named = value.as_array().ok_or_else(wrong)?;
    if named.len() > SEARCHES_MAX {
        let fault = Fault::new(FaultCode::TooLarge, "too-many-events");
        return Err(fault.field("attribute_value"));
    }
    let texts = named
        .iter()
        .map(|one| one.as_str().filter(|text| is_id(text)));
    let texts: Option<Vec<&str>> = texts.collect();
    let texts = texts.filter(|all| !all.is_empty()).ok_or_else(wrong)?;
    let mut seen = HashSet::new();
    match texts.iter().all(|text| seen.insert(*text)) {
        true => Ok(texts.into_iter().map(str::to_owned).collect()),
        false => Err(invalid("reference-id-twice", "attribute_value")),
    }
}
