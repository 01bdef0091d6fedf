//! We ask the national population database whether a child is as we were told, before a number is given to it.
//!
//! `XacMinhThongTinNhanThan` (SOAP, through the national platform or to the database's own gateway): number, name and
//! date of birth are asked with, and nothing else leaves. Each question is a parcel of the database's lane: a
//! message asks one question, whoever carries it on, and its answer is its receipt. What the answer
//! says is compared here; what follows from it is the insurance database's to decide.
//!
//! **Own profile:** our detached JWS stands beside the question, and the database's beside its answer, bound to the
//! question as every answer between partners is.

mod compare;
mod desk;

use bytes::Bytes;
use gateway_core::{
    Operation,
    adapter::{Effect, ProofKind},
    ports::{Class, Parcel},
    sign::hex,
};
use roads::jws;
use schemas::{
    id::{MessageId, PartnerId},
    proto::{Message as _, insurance::Child},
    wire::population::{Citizen, Said, read},
};

pub use compare::compare;
pub use desk::{Desk, DeskConfig, House, Terms};

/// The question, as agreements name it; the fields are those that it tells the database.
pub static VERIFY: Operation = Operation {
    name: "population.verify",
    effect: Effect::Read,
    proof: ProofKind::Jws,
    fields: &["pin", "name", "birthDate"],
};

/// The purpose of questions, as agreements name it.
pub const PURPOSE: &str = "identity-verification";

/// The parcel of the question for a child of the message with this effect key.
#[must_use]
pub fn parcel(partner: &PartnerId, key: &[u8; 32], child: &Child) -> Parcel {
    // no more than what is asked with
    let asked = Child {
        pin: child.pin.clone(),
        name: child.name.clone(),
        birth_date: child.birth_date.clone(),
        ..Child::default()
    };
    let content = asked.encode_to_vec();
    // of the message alone: a digest of whom it is about could be tried out by whoever knows name and day
    let key = hex(key);
    let id = head(&key, 40);
    Parcel {
        id: format!("{PREFIX}{partner}.{id}"),
        partner: partner.clone(),
        subject: format!("{PREFIX}{id}"),
        sequence: 0,
        kind: KIND,
        content: Bytes::from(content),
        // a newborn's card waits for it
        class: Class::Urgent,
        due: None,
    }
}

/// Whom the database knows by the number that was asked for, as its receipt says; none where it is no receipt of a
/// question.
#[must_use]
pub fn told(receipt: &[u8]) -> Option<Vec<Citizen>> {
    match read(&jws::carried(receipt)?.payload) {
        Ok(Said::Found(_, citizens)) => Some(citizens),
        Ok(Said::Fault) | Err(_) => None,
    }
}

/// The id of the question that a parcel is.
fn id_of(parcel: &str, partner: &PartnerId) -> Option<MessageId> {
    let rest = parcel
        .strip_prefix(PREFIX)?
        .strip_prefix(partner.as_str())?;
    MessageId::parse(rest.strip_prefix('.')?).ok()
}

fn head(text: &str, digits: usize) -> &str {
    text.get(..digits).unwrap_or(text)
}

const KIND: &str = "population.question";
const PREFIX: &str = "population.";

#[cfg(test)]
mod tests;
