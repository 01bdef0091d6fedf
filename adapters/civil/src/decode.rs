//! Proven bytes become typed requests; every value is checked here and nowhere below.

mod birth;
mod check;
mod form;
mod poll;

use std::collections::BTreeSet;

use bytes::Bytes;
use gateway_core::{
    Claims, Decoded, Identity, Operation,
    ports::{Person, PersonNumber},
};
use schemas::fault::{Fault, FaultCode};

pub use birth::{Birth, Child, Guardian, Parent, Record, Relation};
pub use poll::Poll;

use crate::{BIRTH, PURPOSE, RESULT};

/// What the civil registry can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `NhanDKHT` of module LTKS.
    Birth(Box<Birth>),
    /// `LayKetQua`.
    Poll(Poll),
}

/// Reads the request that the path and the proven operation name.
pub(crate) fn decode(path: &str, claims: Claims, bytes: &[u8]) -> Result<Decoded<Request>, Fault> {
    let operation = operation(path, &claims.operation)?;
    let (request, identity, synthetic) = match operation.name == BIRTH.name {
        true => {
            let birth = birth::read(bytes)?;
            let (id, synthetic) = (birth.message_id()?, birth.child.pin.is_synthetic());
            (
                Request::Birth(Box::new(birth)),
                Identity::Content(id),
                synthetic,
            )
        }
        false => (Request::Poll(poll::read(bytes)?), Identity::Fresh, false),
    };
    Ok(Decoded {
        claims,
        operation,
        identity,
        purpose: PURPOSE.to_owned(),
        asked: BTreeSet::new(),
        payload: Bytes::copy_from_slice(bytes),
        synthetic,
        persons: named(&request),
        request,
    })
}

/// A birth names the child and its parents, as far as they have a number; a poll names cases.
fn named(request: &Request) -> Vec<Person> {
    let Request::Birth(birth) = request else {
        return Vec::new();
    };
    let parents = [&birth.mother, &birth.father].into_iter().flatten();
    let pins = parents.filter_map(|parent| parent.pin.as_ref());
    std::iter::once(&birth.child.pin)
        .chain(pins)
        .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
        .collect()
}

/// A signature for one operation does not open the door of the other.
fn operation(path: &str, claimed: &str) -> Result<&'static Operation, Fault> {
    let operation = match path.rsplit('/').next() {
        Some("NhanDKHT") => &BIRTH,
        Some("LayKetQua") => &RESULT,
        _ => return Err(Fault::new(FaultCode::UnknownRoute, "path")),
    };
    match operation.name == claimed {
        true => Ok(operation),
        false => Err(Fault::new(FaultCode::Invalid, "operation-and-path-differ")),
    }
}

#[cfg(test)]
pub(crate) mod tests;
