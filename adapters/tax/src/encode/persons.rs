//! Whom the answer tells of, for the access ledger: all numbers of one person together.

use gateway_core::{
    policy::Permit,
    ports::{Person, PersonNumber},
};
use schemas::{
    id::TaxId,
    proto::insurance::{GetContributionsResponse, GetParticipationResponse},
    wire::tax::{Asked, Key, PersonField, Question, Request, VerifyIndividual},
};

use super::{employer, person};
use crate::{Outcome, bulk, perform::LineOutcome};

/// A comparison tells no field, only that the person was asked about.
pub(crate) fn told(permit: &Permit, request: &Request, outcome: &Outcome) -> Vec<Person> {
    let compares = matches!(
        request,
        Request::VerifyIndividual(VerifyIndividual {
            question: Question::Claim(_),
            ..
        })
    );
    if let Some(owners) = owners(permit, request, outcome) {
        return owners;
    }
    let fields: Vec<&'static str> = match compares {
        true => Vec::new(),
        false => permit
            .disclosed()
            .iter()
            .filter_map(|word| PersonField::parse(word))
            .map(PersonField::as_str)
            .collect(),
    };
    match outcome {
        Outcome::Contributions(found) => known(found, &fields).into_iter().collect(),
        Outcome::Many(lines) => lines
            .iter()
            .filter_map(|line| match line {
                LineOutcome::Person(found) => known(found, &fields),
                LineOutcome::Employer(_) | LineOutcome::Refused(_) => None,
            })
            .collect(),
        Outcome::Told(told) => bulk::persons(permit, told),
        Outcome::Participation(_)
        | Outcome::Noted(_)
        | Outcome::LookedUp(_)
        | Outcome::Resent(_)
        | Outcome::Disputed(_)
        | Outcome::Announced
        | Outcome::Taken(_)
        | Outcome::NotPermitted
        | Outcome::Pong => Vec::new(),
    }
}

/// Whose household businesses the answer tells of: their tax code is the owner's own number. None where the question
/// is about no employer.
fn owners(permit: &Permit, request: &Request, outcome: &Outcome) -> Option<Vec<Person>> {
    let told = |code: &TaxId, found: &GetParticipationResponse| {
        let TaxId::Pin(pin) = code else {
            return None;
        };
        let told = employer::told(permit, found);
        (!told.is_empty()).then(|| Person {
            numbers: vec![PersonNumber::Pin(pin.clone())],
            told,
        })
    };
    match (request, outcome) {
        (Request::VerifyEmployer(ask), Outcome::Participation(found)) => {
            Some(told(&ask.mst, found).into_iter().collect())
        }
        (Request::VerifyMany(ask), Outcome::Many(lines)) => match &ask.asked {
            Asked::Employers { keys, .. } => {
                let lines = keys.iter().zip(lines);
                let owners = lines.filter_map(|line| match line {
                    (Key::Good(code), LineOutcome::Employer(found)) => told(code, found),
                    _ => None,
                });
                Some(owners.collect())
            }
            Asked::Individuals { .. } => None,
        },
        _ => None,
    }
}

fn known(found: &GetContributionsResponse, told: &[&'static str]) -> Option<Person> {
    let pin = person::pin(&found.pin).ok().flatten();
    let si_number = person::si_number(&found.si_number).ok().flatten();
    let numbers: Vec<PersonNumber> = pin
        .map(PersonNumber::Pin)
        .into_iter()
        .chain(si_number.map(PersonNumber::Si))
        .collect();
    (found.found && !numbers.is_empty()).then(|| Person {
        numbers,
        told: told.to_vec(),
    })
}
