//! A birth or a death that was subscribed to, as the parcel of a `notify`.
//!
//! What it may tell was cut to the subscription's fields before it came here. Own profile: `reference_id` is the
//! subscription's code, and `transaction_id` the message's own id.

use bytes::Bytes;
use gateway_core::{
    dci::DciTerms,
    ports::{Class, Parcel},
};
use schemas::{
    id::PartnerId,
    proto::insurance::{Change, VitalEventKind, VitalNotice, change::What},
    wire::dci::{Event, EventData, MsgHeader, Notify, VERSION, VitalEvent},
};

use super::{Header, Letter, NOTICE, Promise, exchange};
use crate::encode::person;

/// The parcel of one change; none where the change is of something else.
#[must_use]
pub fn parcel(partner: &PartnerId, terms: &DciTerms, change: &Change) -> Option<Parcel> {
    let Some(What::Vital(notice)) = &change.what else {
        return None;
    };
    let letter = letter(&exchange(&change.id), terms, &change.at, notice);
    Some(Parcel {
        id: change.id.clone(),
        partner: partner.clone(),
        subject: change.subject.clone(),
        sequence: change.subject_sequence,
        kind: NOTICE,
        content: Bytes::from(serde_json::to_vec(&letter).unwrap_or_default()),
        class: Class::Normal,
        due: None,
    })
}

fn letter(name: &str, terms: &DciTerms, at: &str, notice: &VitalNotice) -> Letter {
    let kind = match notice.kind() {
        VitalEventKind::Death => VitalEvent::Death,
        _ => VitalEvent::LiveBirth,
    };
    let event = notice.event.clone().unwrap_or_default();
    let may = |field: &str| notice.told.iter().any(|told| told == field);
    let message = Notify {
        transaction_id: name.to_owned(),
        events: vec![Event {
            reference_id: notice.code.clone(),
            timestamp: at.to_owned(),
            data: EventData {
                reg_type: None,
                event_type: kind.as_str().to_owned(),
                record_type: Some("CRVSPerson".to_owned()),
                records: vec![person(kind, &event, &may)],
            },
        }],
    };
    Letter {
        purpose: notice.purpose.clone(),
        lines: 1,
        header: Header::Message(MsgHeader {
            version: Some(VERSION.to_owned()),
            message_id: name.to_owned(),
            action: "notify".to_owned(),
            sender_id: terms.receiver_id.clone(),
            receiver_id: Some(terms.sender_id.clone()),
            total_count: 1,
            is_msg_encrypted: Some(false),
            ..MsgHeader::default()
        }),
        message: serde_json::to_value(&message).unwrap_or_default(),
        told: vec![(event.pin, notice.told.clone())],
        promise: Promise::default(),
        subscription: Some(notice.code.clone()),
    }
}
