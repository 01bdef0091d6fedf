//! Proven bytes become typed notices; every value is checked here and nowhere below.

mod birth;
mod check;
mod death;

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    Claims, Decoded, Identity, Operation,
    ports::{Person, PersonNumber},
};
use schemas::{
    fault::{Fault, FaultCode},
    id::{FacilityCode, MessageId},
    wire::hospital::{BirthPaper, DeathPaper, Kind, Packet},
};

pub use birth::Birth;
pub use death::Death;

use crate::{BIRTH_NOTICE, DEATH_NOTICE, DEATH_PURPOSE, PACKET, PURPOSE};
use check::{invalid, paper};

/// What a hospital tells at once: one notice, or those of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Whose key signed it.
    pub facility: FacilityCode,
    /// When it came, RFC 3339.
    pub received_at: String,
    /// In the order in which they were told.
    pub notices: Vec<Notice>,
}

/// One notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Of a birth.
    Birth(Box<Birth>),
    /// Of a death.
    Death(Box<Death>),
}

/// Reads what the proven element tells; its name must be the one that the operation is for.
pub(crate) fn decode(claims: Claims, bytes: &[u8]) -> Result<Decoded<Request>, Fault> {
    let facility = facility(&claims)?;
    let (operation, id, notices) = read(&claims.operation, bytes, &facility)?;
    // of a packet's Id nothing was checked yet
    let id = MessageId::parse(&id).map_err(|_| invalid("bad-code", "Id"))?;
    Ok(Decoded {
        operation,
        identity: Identity::Content(id),
        purpose: purpose(&notices).to_owned(),
        lines: notices.len() as u64,
        provinces: None,
        asked: asked(&notices),
        payload: Bytes::copy_from_slice(bytes),
        objection: None,
        synthetic: notices.iter().all(is_synthetic),
        persons: notices.iter().flat_map(named).collect(),
        request: Request {
            facility,
            received_at: claims.sent_at.to_string(),
            notices,
        },
        claims,
    })
}

type Told = (&'static Operation, String, Vec<Notice>);

fn read(operation: &str, bytes: &[u8], facility: &FacilityCode) -> Result<Told, Fault> {
    if operation == BIRTH_NOTICE.name {
        let birth = birth::read(&BirthPaper::read(bytes).map_err(paper)?)?;
        let id = birth.message_id();
        return Ok((&BIRTH_NOTICE, id, vec![Notice::Birth(Box::new(birth))]));
    }
    if operation == DEATH_NOTICE.name {
        let death = death::read(&DeathPaper::read(bytes).map_err(paper)?, facility)?;
        let id = format!("{}-{}-{}", Kind::Death.as_str(), death.code, death.id);
        return Ok((&DEATH_NOTICE, id, vec![Notice::Death(Box::new(death))]));
    }
    let packet = Packet::read(bytes).map_err(paper)?;
    let files = packet.cases.iter().flatten();
    let notices = files.map(|file| match Kind::parse(&file.kind) {
        Some(Kind::Birth) => {
            let birth = birth::read(&BirthPaper::read(&file.content).map_err(paper)?)?;
            Ok(Notice::Birth(Box::new(birth)))
        }
        Some(Kind::Death) => {
            let death = death::read(&DeathPaper::read(&file.content).map_err(paper)?, facility)?;
            Ok(Notice::Death(Box::new(death)))
        }
        _ => Err(invalid("paper-not-for-us", "LOAIHOSO")),
    });
    let notices = notices.collect::<Result<Vec<_>, Fault>>()?;
    let id = format!("{}-{}", Kind::Packet.as_str(), packet.id);
    Ok((&PACKET, id, notices))
}

/// The facility is the one whose key proved the bytes: the sender's name says which.
fn facility(claims: &Claims) -> Result<FacilityCode, Fault> {
    let code = claims.sender.as_str().strip_prefix("cskcb-");
    let code = code.map(str::to_ascii_uppercase).unwrap_or_default();
    FacilityCode::parse(&code)
        .ok()
        .filter(|facility| facility.partner() == claims.sender)
        .ok_or_else(|| Fault::new(FaultCode::Invalid, "bad-facility").field("maCskcb"))
}

/// A packet that tells of a death is for what a death ends.
fn purpose(notices: &[Notice]) -> &'static str {
    match notices.iter().any(|one| matches!(one, Notice::Death(_))) {
        true => DEATH_PURPOSE,
        false => PURPOSE,
    }
}

/// Whoever tells of a birth wants to know the card.
fn asked(notices: &[Notice]) -> BTreeSet<&'static str> {
    match notices.iter().any(|one| matches!(one, Notice::Birth(_))) {
        true => BIRTH_NOTICE.fields.iter().copied().collect(),
        false => BTreeSet::new(),
    }
}

fn is_synthetic(notice: &Notice) -> bool {
    match notice {
        Notice::Birth(birth) => birth
            .mother_pin
            .as_ref()
            .is_some_and(|pin| pin.is_synthetic()),
        Notice::Death(death) => {
            let numbers = [
                death.pin.as_ref().map(|pin| pin.is_synthetic()),
                death.si_number.as_ref().map(|number| number.is_synthetic()),
            ];
            numbers.iter().flatten().all(|synthetic| *synthetic)
        }
    }
}

fn named(notice: &Notice) -> Vec<Person> {
    let numbers: Vec<PersonNumber> = match notice {
        Notice::Birth(birth) => birth
            .mother_pin
            .iter()
            .cloned()
            .map(PersonNumber::Pin)
            .collect(),
        Notice::Death(death) => {
            let pin = death.pin.iter().cloned().map(PersonNumber::Pin);
            pin.chain(death.si_number.iter().cloned().map(PersonNumber::Si))
                .collect()
        }
    };
    numbers
        .into_iter()
        .map(|number| Person::named(vec![number]))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
