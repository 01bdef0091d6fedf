//! One page's question as a parcel.

use bytes::Bytes;
use gateway_core::{
    dci::DciTerms,
    ports::{Class, Parcel},
};
use schemas::{
    id::PartnerId,
    wire::dci::{
        Authorize, Criteria, MsgHeader, Pagination, Purpose, Search, SearchRequest, Sort, VERSION,
        VitalEvent,
    },
};
use serde_json::json;

use super::Span;
use crate::{
    follow,
    outbound::{ASK_PAGE, Header, Letter, Promise},
};

/// The name of new questions: the event, and something that nobody has had.
#[must_use]
pub fn name(event: VitalEvent, unique: &str) -> String {
    format!("pull-{}-{unique}", event.as_str())
}

/// The exchange of one page.
pub(super) fn transaction(name: &str, page: i64) -> String {
    format!("{name}-{page}")
}

/// The parcel of one page's question, by the name of the questions.
#[must_use]
pub fn parcel_id(partner: &PartnerId, name: &str, page: i64) -> String {
    crate::outbound::parcel_id(partner, &transaction(name, page))
}

/// What an event is looked for, as agreements name it.
#[must_use]
pub fn purpose(event: VitalEvent) -> &'static str {
    follow::purpose(event)
}

/// The parcel of the page that is asked for: always the same of the same one.
#[must_use]
pub fn parcel(partner: &PartnerId, terms: &DciTerms, event: VitalEvent, span: &Span) -> Parcel {
    let transaction = transaction(&span.name, span.page);
    let letter = Letter {
        purpose: purpose(event).to_owned(),
        lines: 1,
        header: Header::Message(MsgHeader {
            version: Some(VERSION.to_owned()),
            message_id: transaction.clone(),
            action: "search".to_owned(),
            sender_id: terms.receiver_id.clone(),
            receiver_id: Some(terms.sender_id.clone()),
            total_count: 1,
            is_msg_encrypted: Some(false),
            ..MsgHeader::default()
        }),
        message: serde_json::to_value(question(event, span, &transaction)).unwrap_or_default(),
        told: Vec::new(),
        promise: Promise::default(),
        subscription: None,
    };
    Parcel {
        id: parcel_id(partner, &span.name, span.page),
        partner: partner.clone(),
        subject: transaction,
        sequence: 1,
        kind: ASK_PAGE,
        content: Bytes::from(serde_json::to_vec(&letter).unwrap_or_default()),
        class: Class::Normal,
        due: None,
    }
}

/// Everything that was registered from the first day on and before the last: the oldest first, so that what comes meanwhile moves no
/// page that was read.
fn question(event: VitalEvent, span: &Span, transaction: &str) -> Search {
    let registered = |operator: &str, day: super::Day| json!({ "attribute_name": REGISTERED, "operator": operator, "attribute_value": day.0.to_string() });
    Search {
        transaction_id: transaction.to_owned(),
        requests: vec![SearchRequest {
            reference_id: event.as_str().to_owned(),
            timestamp: follow::moment(span.at),
            criteria: Criteria {
                version: Some(VERSION.to_owned()),
                event_type: Some(event.as_str().to_owned()),
                record_type: Some("CRVSPerson".to_owned()),
                query_type: "predicate".to_owned(),
                query: json!([{
                    "seq_num": 1,
                    "expression1": registered("ge", span.from),
                    "condition": "and",
                    "expression2": registered("lt", span.until),
                }]),
                sort: vec![Sort {
                    attribute: REGISTERED.to_owned(),
                    order: Some("asc".to_owned()),
                }],
                pagination: Some(Pagination {
                    page_size: span.size,
                    page_number: Some(span.page),
                    total_count: None,
                }),
                authorize: Some(Authorize {
                    purpose: Some(Purpose {
                        code: purpose(event).to_owned(),
                        ..Purpose::default()
                    }),
                    ..Authorize::default()
                }),
                ..Criteria::default()
            },
            locale: None,
        }],
    }
}

/// The day of registration, as Viet Nam's profile calls it (own profile: the standard names no such attribute).
const REGISTERED: &str = "registration_date";
