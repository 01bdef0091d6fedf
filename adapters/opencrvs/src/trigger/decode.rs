//! What is asked for as the record that a registry of the DCI kind would tell of, and that a typed birth or death. What a value must
//! be is checked there (`dci`).

use std::collections::BTreeSet;

use bytes::Bytes;
use dci::{DEATH_PURPOSE, PURPOSE, What};
use gateway_core::{
    Claims, Decoded, Identity, Operation,
    ports::{Person, PersonNumber},
};
use roads::dci::{moment, unreadable};
use schemas::{
    date::day_in_viet_nam,
    fault::Fault,
    wire::{
        dci::{self as registry, IdentifierType, ParentFacts, VietNam, VitalEvent},
        opencrvs::{self as wire, EventDocument, FullName, Topic},
    },
};
use serde::Serialize;

use super::{Asked, Request, TRIGGER_BIRTH, TRIGGER_DEATH, TRIGGER_OTHER, state::State};
use crate::decode::{NUMBER, identity, invalid};

/// Reads a trigger of these claims.
pub(super) fn decode(claims: Claims, bytes: &[u8]) -> Result<Decoded<Request>, Fault> {
    let (operation, topic) = match claims.operation.as_str() {
        name if name == TRIGGER_BIRTH.name => (&TRIGGER_BIRTH, Topic::BirthRegistered),
        name if name == TRIGGER_DEATH.name => (&TRIGGER_DEATH, Topic::DeathRegistered),
        _ => return Ok(let_be(claims, bytes)),
    };
    let record = wire::decode_event(bytes).map_err(unreadable)?;
    let state = State::of(&record, claims.id.as_str())?;
    let number = number(&record, &state)?;
    // as the webhooks of 1.x have it
    identity(topic, number)?;
    let (event, person) = match topic {
        Topic::BirthRegistered => (VitalEvent::LiveBirth, birth(&state, number)?),
        Topic::DeathRegistered => (VitalEvent::Death, death(&state, number)?),
    };
    let reference = claims.id.as_str().to_owned();
    let what = What::read(event, reference, &person, claims.sent_at).map_err(renamed)?;
    let content = Content {
        event: &record.id,
        person: &person,
    };
    let payload = serde_json::to_vec(&content).unwrap_or_default();
    let pins: Vec<_> = what.pins().into_iter().cloned().collect();
    let asked = Asked {
        sent_at: claims.sent_at,
        topic,
        what,
        event: record.id,
        action: claims.id.as_str().to_owned(),
    };
    Ok(Decoded {
        identity: Identity::Envelope,
        purpose: purpose(topic).to_owned(),
        payload: Bytes::from(payload),
        synthetic: pins.iter().all(|pin| pin.is_synthetic()),
        persons: pins
            .into_iter()
            .map(|pin| Person::named(vec![PersonNumber::Pin(pin)]))
            .collect(),
        ..plain(claims, operation, Request::Register(Box::new(asked)))
    })
}

/// What is carried of a trigger: what its registry adds of its own makes no other message.
#[derive(Serialize)]
struct Content<'a> {
    event: &'a str,
    person: &'a registry::Person,
}

/// What a birth or a death is told for.
pub(super) fn purpose(topic: Topic) -> &'static str {
    match topic {
        Topic::BirthRegistered => PURPOSE,
        Topic::DeathRegistered => DEATH_PURPOSE,
    }
}

/// Any other action: remembered nowhere.
fn let_be(claims: Claims, bytes: &[u8]) -> Decoded<Request> {
    Decoded {
        payload: Bytes::copy_from_slice(bytes),
        ..plain(claims, &TRIGGER_OTHER, Request::Other)
    }
}

fn plain(claims: Claims, operation: &'static Operation, request: Request) -> Decoded<Request> {
    Decoded {
        claims,
        operation,
        identity: Identity::Fresh,
        purpose: PURPOSE.to_owned(),
        asked: BTreeSet::new(),
        lines: 1,
        provinces: None,
        payload: Bytes::new(),
        objection: None,
        // it names nobody
        synthetic: true,
        persons: Vec::new(),
        request,
    }
}

/// Own profile: the number that the action has; where the registry gives none, its tracking id is the number.
fn number<'a>(record: &'a EventDocument, state: &State<'a>) -> Result<&'a str, Fault> {
    let said = [
        state.asked.registration_number.as_deref(),
        Some(record.tracking_id.as_str()),
    ];
    let mut said = said.into_iter().flatten().map(str::trim);
    said.find(|text| !text.is_empty())
        .ok_or_else(|| invalid("missing-field", NUMBER))
}

fn birth(state: &State<'_>, number: &str) -> Result<registry::Person, Fault> {
    let name = state.name("child.name")?;
    let name = name.ok_or_else(|| invalid("missing-field", "child.name"))?;
    let [mother, father] = [
        parent(state, "mother.name", "mother.dob")?,
        parent(state, "father.name", "father.dob")?,
    ];
    Ok(registry::Person {
        identifiers: identifiers(state.text("child.nid")?, IdentifierType::Brn, number),
        name: Some(said(name)),
        sex: state.text("child.gender")?,
        birth_date: state.text("child.dob")?,
        addresses: vec![registry::Address {
            line1: state.text("child.addressLine")?,
            commune: state.text("child.commune")?,
            ..registry::Address::default()
        }],
        parent1: state
            .text("mother.nid")?
            .filter(|_| mother.is_some())
            .map(pin),
        parent2: state
            .text("father.nid")?
            .filter(|_| father.is_some())
            .map(pin),
        viet_nam: Some(VietNam {
            facility: state.text("child.initialFacility")?,
            notice: state.text("child.birthNoticeCode")?,
            ethnicity: state.text("child.ethnicity")?,
            nationality: state.text("child.nationality")?,
            guardian: guardian(state, mother.as_ref(), father.as_ref())?,
            mother,
            father,
            ..registered(state)?
        }),
        ..registry::Person::default()
    })
}

fn death(state: &State<'_>, number: &str) -> Result<registry::Person, Fault> {
    let name = state.name("deceased.name")?;
    let name = name.ok_or_else(|| invalid("missing-field", "deceased.name"))?;
    Ok(registry::Person {
        identifiers: identifiers(state.text("deceased.nid")?, IdentifierType::Drn, number),
        name: Some(said(name)),
        sex: state.text("deceased.gender")?,
        birth_date: state.text("deceased.dob")?,
        death_date: state.text("eventDetails.date")?,
        viet_nam: Some(VietNam {
            notice: state.text("deceased.deathNoticeCode")?,
            ..registered(state)?
        }),
        ..registry::Person::default()
    })
}

/// The day on which it was asked for: it is registered under that day, or not at all.
fn registered(state: &State<'_>) -> Result<VietNam, Fault> {
    let at = moment(&state.asked.created_at, "createdAt")?;
    Ok(VietNam {
        registered_on: Some(day_in_viet_nam(at).to_string()),
        ..VietNam::default()
    })
}

fn identifiers(
    told: Option<String>,
    kind: IdentifierType,
    number: &str,
) -> Vec<registry::Identifier> {
    let record = registry::Identifier {
        kind: kind.as_str().to_owned(),
        value: number.to_owned(),
    };
    told.map(pin).into_iter().chain([record]).collect()
}

fn pin(value: String) -> registry::Identifier {
    registry::Identifier {
        kind: IdentifierType::Uin.as_str().to_owned(),
        value,
    }
}

/// A parent of whom nobody knows a name is none.
fn parent(
    state: &State<'_>,
    name: &'static str,
    born: &'static str,
) -> Result<Option<ParentFacts>, Fault> {
    let Some(name) = state.name(name)? else {
        return Ok(None);
    };
    Ok(Some(ParentFacts {
        name: said(name),
        birth_date: state.text(born)?,
    }))
}

/// Whoever asks for the registration; nobody where that is not said, which makes it a parent.
fn guardian(
    state: &State<'_>,
    mother: Option<&ParentFacts>,
    father: Option<&ParentFacts>,
) -> Result<Option<registry::Guardian>, Fault> {
    let Some(relation) = state.text("informant.relation")? else {
        return Ok(None);
    };
    let of = |one: Option<&ParentFacts>| one.map(|one| one.name.clone());
    let (relation, name) = match relation.as_str() {
        "MOTHER" => ("mother", of(mother)),
        "FATHER" => ("father", of(father)),
        _ => ("requester", state.name("informant.name")?.map(said)),
    };
    Ok(Some(registry::Guardian {
        name: name.ok_or_else(|| invalid("missing-field", "informant.name"))?,
        relation: relation.to_owned(),
        phone: None,
    }))
}

fn said(name: FullName) -> registry::Name {
    registry::Name {
        surname: name.surname,
        second_name: name.middlename,
        given_name: name.firstname,
        ..registry::Name::default()
    }
}

/// A member of the record by the name that it has in the declaration.
fn renamed(fault: Fault) -> Fault {
    let name = match fault.wrong_field() {
        Some("UIN") => "nid",
        Some("BRN" | "DRN") => NUMBER,
        Some("sex") => "gender",
        Some("birth_date") => "dob",
        Some("death_date") => "eventDetails.date",
        Some("sub_region_code") => "child.commune",
        Some("address_line1") => "child.addressLine",
        Some("registration_date") => "createdAt",
        Some("initial_facility") => "child.initialFacility",
        Some("notice_code") => "noticeCode",
        _ => return fault,
    };
    fault.field(name)
}
