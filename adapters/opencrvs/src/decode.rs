//! The proven bundle becomes a record as a registry of the DCI kind would tell of it, and that a typed birth or death.

mod bundle;
mod record;

use std::collections::BTreeSet;

use bytes::Bytes;
use dci::{DEATH_PURPOSE, PURPOSE, What};
use gateway_core::{
    Claims, Decoded, Identity,
    ports::{Person, PersonNumber},
};
use roads::dci::unreadable;
use schemas::{
    fault::{Fault, FaultCode},
    id::MessageId,
    wire::{
        dci as registry,
        opencrvs::{self as wire, Bundle, Topic},
    },
};

use crate::{BIRTH, DEATH, Request};
use bundle::Parts;

pub(crate) fn invalid(reason: &'static str, field: &'static str) -> Fault {
    Fault::new(FaultCode::Invalid, reason).field(field)
}

/// Reads the first context of a webhook of these claims.
pub(crate) fn decode(claims: Claims, bytes: &[u8]) -> Result<Decoded<Request>, Fault> {
    let (operation, topic) = match claims.operation == BIRTH.name {
        true => (&BIRTH, Topic::BirthRegistered),
        false => (&DEATH, Topic::DeathRegistered),
    };
    let bundle: Bundle = wire::decode(bytes).map_err(|error| unreadable(error).field("context"))?;
    let parts = Parts::of(bundle, topic)?;
    let (event, person) = record::read(&parts, topic)?;
    let reference = topic.as_str().to_owned();
    let what = What::read(event, reference, &person, claims.sent_at).map_err(renamed)?;
    let id = identity(topic, &what.record().number)?;
    let pins = what.pins();
    Ok(Decoded {
        operation,
        identity: Identity::Content(id),
        purpose: match topic {
            Topic::BirthRegistered => PURPOSE.to_owned(),
            Topic::DeathRegistered => DEATH_PURPOSE.to_owned(),
        },
        lines: 1,
        provinces: None,
        asked: BTreeSet::new(),
        // what is carried: what the database adds of its own makes no other message
        payload: Bytes::from(registry::encode(&person)),
        objection: None,
        synthetic: pins.iter().all(|pin| pin.is_synthetic()),
        persons: pins
            .into_iter()
            .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
            .collect(),
        request: Request {
            sent_at: claims.sent_at,
            what,
        },
        claims,
    })
}

/// A message is known by topic and registration number: a `/` in a number would be in no id.
pub(crate) fn identity(topic: Topic, number: &str) -> Result<MessageId, Fault> {
    let id = format!("{}-{number}", topic.as_str());
    MessageId::parse(&id).map_err(|_| invalid("bad-code", NUMBER))
}

/// The field in the fault: the registration number.
pub(crate) const NUMBER: &str = "registration-number";

/// A member of the record by the name that it has in the bundle.
fn renamed(fault: Fault) -> Fault {
    let name = match fault.wrong_field() {
        Some("UIN") => "NATIONAL_ID",
        Some("BRN" | "DRN") => NUMBER,
        Some("sex") => "gender",
        Some("birth_date") => "birthDate",
        Some("death_date") => "deceasedDateTime",
        Some("sub_region_code") => "district",
        Some("region_code") => "state",
        Some("address_line1") => "line",
        Some("registration_date") => "lastModified",
        Some("initial_facility") => "initialFacility",
        Some("notice_code") => "noticeCode",
        _ => return fault,
    };
    fault.field(name)
}

#[cfg(test)]
pub(crate) mod tests;
