//! Proven bytes become typed requests; every value is checked here and nowhere below.

mod birth;
mod check;
mod correction;
mod death;
mod facts;
mod form;
mod papers;
mod poll;

use std::collections::BTreeSet;

use birth::Head;
use bytes::Bytes;
use correction::Deed;
use gateway_core::{
    Claims, Decoded, Identity, Operation,
    ports::{Person, PersonNumber},
};
use schemas::{
    fault::{Fault, FaultCode},
    id::Pin,
    wire::civil::Module,
};

pub use birth::{Birth, Child, Guardian, Parent, Record, Relation};
pub use correction::{Correction, ParentChange, Supplement, Withdrawal};
pub use death::{Claimant, Death};
pub use facts::FactsAsked;
pub use papers::Paper;
pub use poll::Poll;

use crate::{BIRTH, CORRECTION, DEATH, DEATH_PURPOSE, FACTS, FACTS_PURPOSE, PURPOSE, RESULT};

/// What the civil registry can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `NhanDKHT` of module LTKS.
    Birth(Box<Birth>),
    /// `NhanDKHT` of module LTKT.
    Death(Box<Death>),
    /// `NhanDKHT` of module LTCC that corrects a birth.
    Correction(Box<Correction>),
    /// `NhanDKHT` of module LTCC with what was asked for of a birth.
    Supplement(Supplement),
    /// `NhanDKHT` of module LTCC that takes a death back.
    Withdrawal(Withdrawal),
    /// `LayKetQua`.
    Poll(Poll),
    /// `TraCuuGCS`.
    Facts(FactsAsked),
}

/// A message: what is asked for, and the papers whose files came with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What is asked for.
    pub request: Request,
    /// In the order in which they were attached.
    pub papers: Vec<Paper>,
}

/// Reads the request that the path and the proven operation name.
pub(crate) fn decode(path: &str, claims: Claims, bytes: &[u8]) -> Result<Decoded<Said>, Fault> {
    let operation = operation(path, &claims.operation)?;
    let Read {
        request,
        identity,
        synthetic,
        papers,
        objection,
    } = read(operation, bytes)?;
    Ok(Decoded {
        claims,
        operation,
        identity,
        purpose: purpose(&request).to_owned(),
        lines: 1,
        provinces: None,
        asked: asked(&request),
        payload: Bytes::copy_from_slice(bytes),
        synthetic,
        objection,
        persons: named(&request),
        request: Said { request, papers },
    })
}

/// What is read of a message.
struct Read {
    request: Request,
    /// The id under which it is remembered.
    identity: Identity,
    /// Whether it tells of nobody who is real.
    synthetic: bool,
    /// Its papers that have a file.
    papers: Vec<Paper>,
    /// What is wrong with its files.
    objection: Option<Fault>,
}

impl Read {
    /// What is not remembered, and has no files.
    fn question(request: Request, synthetic: bool) -> Self {
        Self {
            request,
            identity: Identity::Fresh,
            synthetic,
            papers: Vec::new(),
            objection: None,
        }
    }
}

fn read(operation: &Operation, bytes: &[u8]) -> Result<Read, Fault> {
    if operation.name == FACTS.name {
        let asked = facts::read(bytes)?;
        let synthetic = asked.mother.is_synthetic();
        return Ok(Read::question(Request::Facts(asked), synthetic));
    }
    let module = match operation.name {
        name if name == BIRTH.name => Module::Birth,
        name if name == DEATH.name => Module::Death,
        name if name == CORRECTION.name => Module::Correction,
        _ => return Ok(Read::question(Request::Poll(poll::read(bytes)?), false)),
    };
    let mut head = Head::read(bytes, module)?;
    let identity = Identity::Content(Head::message_id(module, &head.case_id)?);
    let papers = std::mem::take(&mut head.papers);
    let objection = head.objection.take();
    let (request, synthetic) = case(module, head)?;
    Ok(Read {
        request,
        identity,
        synthetic,
        papers,
        objection,
    })
}

/// A message of a module about a case, and whether it tells of nobody who is real.
fn case(module: Module, head: Head) -> Result<(Request, bool), Fault> {
    match module {
        Module::Birth => {
            let birth = birth::read(head)?;
            let synthetic = birth.child.pin.is_synthetic();
            Ok((Request::Birth(Box::new(birth)), synthetic))
        }
        Module::Death => {
            let death = death::read(head)?;
            let synthetic = death.pin.is_synthetic();
            Ok((Request::Death(Box::new(death)), synthetic))
        }
        _ => Ok(match correction::read(head)? {
            Deed::Withdraws(withdrawal) => (Request::Withdrawal(withdrawal), false),
            Deed::Corrects(one) => {
                let synthetic = one.pin.as_ref().is_some_and(Pin::is_synthetic);
                (Request::Correction(one), synthetic)
            }
            Deed::Supplements(one) => {
                let synthetic = one.facts.pin.as_ref().is_some_and(Pin::is_synthetic);
                (Request::Supplement(one), synthetic)
            }
        }),
    }
}

/// Whoever asks for facts asks for all of them; the agreement says which are told.
fn asked(request: &Request) -> BTreeSet<&'static str> {
    match request {
        Request::Facts(_) => FACTS.fields.iter().copied().collect(),
        _ => BTreeSet::new(),
    }
}

/// What the agreement must name: cards are for children, deaths for whom they end.
fn purpose(request: &Request) -> &'static str {
    match request {
        Request::Birth(_) | Request::Correction(_) | Request::Supplement(_) => PURPOSE,
        Request::Poll(poll) if poll.module == Module::Birth => PURPOSE,
        Request::Death(_) | Request::Withdrawal(_) | Request::Poll(_) => DEATH_PURPOSE,
        Request::Facts(_) => FACTS_PURPOSE,
    }
}

/// A birth names the child and its parents, as far as they have a number, a death the deceased; the others name
/// cases.
fn named(request: &Request) -> Vec<Person> {
    let pins: Vec<_> = match request {
        Request::Birth(birth) => {
            let parents = [&birth.mother, &birth.father].into_iter().flatten();
            let parents = parents.filter_map(|parent| parent.pin.as_ref());
            std::iter::once(&birth.child.pin).chain(parents).collect()
        }
        Request::Death(death) => vec![&death.pin],
        Request::Correction(one) => one.pin.iter().collect(),
        Request::Supplement(one) => one.facts.pin.iter().collect(),
        Request::Facts(asked) => vec![&asked.mother],
        Request::Withdrawal(_) | Request::Poll(_) => Vec::new(),
    };
    pins.into_iter()
        .map(|pin| Person::named(vec![PersonNumber::Pin(pin.clone())]))
        .collect()
}

/// A signature for one operation does not open the door of the other.
fn operation(path: &str, claimed: &str) -> Result<&'static Operation, Fault> {
    let operations: &[&'static Operation] = match path.rsplit('/').next() {
        Some("NhanDKHT") => &[&BIRTH, &DEATH, &CORRECTION],
        Some("LayKetQua") => &[&RESULT],
        Some("TraCuuGCS") => &[&FACTS],
        _ => return Err(Fault::new(FaultCode::UnknownRoute, "path")),
    };
    let found = operations.iter().find(|one| one.name == claimed);
    found
        .copied()
        .ok_or_else(|| Fault::new(FaultCode::Invalid, "operation-and-path-differ"))
}

#[cfg(test)]
pub(crate) mod tests;
