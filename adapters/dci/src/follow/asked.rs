//! What we ask as a parcel, and the acknowledgement as its receipt.

use bytes::Bytes;
use gateway_core::{
    dci::DciTerms,
    ports::{Class, Parcel},
};
use jiff::Timestamp;
use schemas::{
    id::PartnerId,
    wire::dci::{
        AckStatus, Authorize, Frequency, MsgHeader, Purpose, Subscribe, SubscribeCriteria,
        SubscribeRequest, Unsubscribe, VERSION, VitalEvent,
    },
};

use serde_json::Value;

use super::{Open, Wish};
use crate::{
    DEATH_PURPOSE, PURPOSE,
    decode::{is_id, known_code},
    outbound::{ASK_BEGIN, ASK_END, Header, Letter},
};

/// The parcel of an exchange: always the same of the same one.
#[must_use]
pub fn parcel(partner: &PartnerId, terms: &DciTerms, event: VitalEvent, open: &Open) -> Parcel {
    let at = moment(open.at);
    let (kind, action, message) = match &open.wish {
        Wish::Begin(ends) => (
            ASK_BEGIN,
            "subscribe",
            serde_json::to_value(wish(event, open, &at, *ends)),
        ),
        Wish::End(code) => {
            let end = Unsubscribe {
                transaction_id: open.transaction.clone(),
                timestamp: at,
                codes: vec![code.clone()],
            };
            (ASK_END, "unsubscribe", serde_json::to_value(end))
        }
    };
    let letter = Letter {
        purpose: purpose_of(&open.transaction).to_owned(),
        lines: 1,
        header: Header::Message(MsgHeader {
            version: Some(VERSION.to_owned()),
            message_id: open.transaction.clone(),
            action: action.to_owned(),
            sender_id: terms.receiver_id.clone(),
            receiver_id: Some(terms.sender_id.clone()),
            total_count: 1,
            is_msg_encrypted: Some(false),
            ..MsgHeader::default()
        }),
        message: message.unwrap_or_default(),
        told: Vec::new(),
        promise: crate::outbound::Promise::default(),
        subscription: None,
    };
    Parcel {
        id: parcel_id(partner, &open.transaction),
        partner: partner.clone(),
        subject: open.transaction.clone(),
        sequence: 1,
        kind,
        content: Bytes::from(serde_json::to_vec(&letter).unwrap_or_default()),
        class: Class::Normal,
        due: None,
    }
}

fn wish(event: VitalEvent, open: &Open, at: &str, ends: i64) -> Subscribe {
    Subscribe {
        transaction_id: open.transaction.clone(),
        requests: vec![SubscribeRequest {
            reference_id: event.as_str().to_owned(),
            timestamp: at.to_owned(),
            criteria: SubscribeCriteria {
                event_type: Some(event.as_str().to_owned()),
                frequency: Some(Frequency {
                    end_time: Some(moment(ends)),
                    ..Frequency::default()
                }),
                filter_type: Some("idtype-value".to_owned()),
                filter: Some(serde_json::json!({ "type": "*", "value": "*" })),
                record_type: Some("CRVSPerson".to_owned()),
                authorize: Some(Authorize {
                    purpose: Some(Purpose {
                        code: purpose_of(&open.transaction).to_owned(),
                        ..Purpose::default()
                    }),
                    ..Authorize::default()
                }),
                ..SubscribeCriteria::default()
            },
            locale: None,
        }],
    }
}

pub(crate) fn moment(second: i64) -> String {
    Timestamp::from_second(second)
        .unwrap_or(Timestamp::MAX)
        .to_string()
}

/// The parcel of one of our exchanges, by its name.
#[must_use]
pub fn parcel_id(partner: &PartnerId, transaction: &str) -> String {
    crate::outbound::parcel_id(partner, transaction)
}

/// What an acknowledgement promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promise {
    /// A callback under this name of the exchange.
    Callback(String),
    /// None will come (NACK): the code.
    Nothing(String),
    /// It is the acknowledgement of another try, or cannot be read: it says nothing of a callback.
    Unsaid,
}

/// Reads the receipt of such a parcel.
#[must_use]
pub fn promised(receipt: &[u8]) -> Promise {
    // however much else it says
    let said: Option<Value> = serde_json::from_slice(receipt).ok();
    let ack = said.as_ref().and_then(|said| said.get("message"));
    let text = |name: &str| ack?.get(name)?.as_str();
    match text("ack_status") {
        Some(word) if word == AckStatus::Ack.as_str() => match text("correlation_id") {
            Some(name) if is_id(name) => Promise::Callback(name.to_owned()),
            _ => Promise::Unsaid,
        },
        Some(word) if word == AckStatus::Nack.as_str() => {
            let code = ack.and_then(|ack| ack.get("error")?.get("code")?.as_str());
            Promise::Nothing(known_code(code.unwrap_or_default()).to_owned())
        }
        _ => Promise::Unsaid,
    }
}

/// The name of a new exchange: the event, and something that nobody has had.
#[must_use]
pub fn transaction(event: VitalEvent, unique: &str) -> String {
    format!("{}{unique}", beginning(event))
}

/// What an exchange of this name is for.
pub(crate) fn purpose_of(transaction: &str) -> &'static str {
    purpose(
        match transaction.starts_with(&beginning(VitalEvent::Death)) {
            true => VitalEvent::Death,
            false => VitalEvent::LiveBirth,
        },
    )
}

/// What we are told of an event for.
pub(crate) fn purpose(event: VitalEvent) -> &'static str {
    match event {
        VitalEvent::Death => DEATH_PURPOSE,
        _ => PURPOSE,
    }
}

fn beginning(event: VitalEvent) -> String {
    format!("follow-{}-", event.as_str())
}
