//! A case that its sender tells of again, by the same road or by another.
//!
//! One registration is told by two roads that do not carry the same members: a member that one of them leaves out is no
//! contradiction. So what is told again is the same case where nothing that both tell differs. What the first telling left
//! out, and is only kept, is kept from then on. What says who somebody is, or what a card is made of, is not added so:
//! by it the child might be another whom we know, and that is for a correction, or a person, to say.

use schemas::fault::FaultCode;
use schemas::proto::Message;
use schemas::proto::insurance::{CivilRecord, RegisterBirthRequest, RegisterDeathRequest};

use super::super::{Error, Tx};
use super::{Birth, CaseKey};
use crate::sql::values;

/// Takes a birth that is known as `stored` when it is told again.
///
/// # Errors
/// `CONFLICT`, `case-has-other-facts`, where something differs; nothing is changed then.
pub(super) fn birth(
    tx: &Tx<'_>,
    case: &CaseKey<'_>,
    stored: &[u8],
    said: &RegisterBirthRequest,
) -> Result<(), Error> {
    let stored =
        RegisterBirthRequest::decode(stored).map_err(|_| Error::Corrupt("a stored birth"))?;
    let all = births(&stored, said).ok_or_else(other_facts)?;
    if all == stored {
        return Ok(());
    }
    let birth = Birth::parse(&tx.sight(), &all)?;
    let facts = all.encode_to_vec();
    // a case that was in review has its facts in both
    for table in [
        "UPDATE birth_cases SET facts = ?3 WHERE sender = ?1 AND case_id = ?2",
        "UPDATE birth_reviews SET facts = ?3 WHERE sender = ?1 AND case_id = ?2",
    ] {
        tx.sql
            .execute(table, values![case.sender, case.case_id, facts])?;
    }
    // where a person decides, nobody has been given the facts yet
    tx.sql.execute(
        "UPDATE people SET ethnicity = CASE ethnicity WHEN '' THEN ?3 ELSE ethnicity END,
             nationality = CASE nationality WHEN '' THEN ?4 ELSE nationality END
         WHERE id = (SELECT person FROM birth_cases WHERE sender = ?1 AND case_id = ?2)",
        values![
            case.sender,
            case.case_id,
            birth.ethnicity,
            birth.nationality
        ],
    )?;
    Ok(())
}

/// What of a death that is known as `stored` is known when it is told again: as it was, or with what is only kept.
/// None where something differs.
pub(in crate::registry) fn deaths(
    stored: &RegisterDeathRequest,
    said: &RegisterDeathRequest,
) -> Option<RegisterDeathRequest> {
    let (mut known, mut said) = (stored.clone(), said.clone());
    said.received_at.clone_from(&known.received_at);
    if let (Some(known), Some(said)) = (&known.deceased, &mut said.deceased) {
        silent(&mut said.sex, &known.sex);
        silent(&mut said.birth_date, &known.birth_date);
    }
    silent(&mut said.death_notice, &known.death_notice);
    silent(&mut said.claimant, &known.claimant);
    register(&mut known.record, &mut said.record);
    (known == said).then_some(known)
}

fn births(
    stored: &RegisterBirthRequest,
    said: &RegisterBirthRequest,
) -> Option<RegisterBirthRequest> {
    let (mut known, mut said) = (stored.clone(), said.clone());
    said.received_at.clone_from(&known.received_at);
    if let (Some(known), Some(said)) = (&mut known.child, &mut said.child) {
        either(&mut known.ethnicity, &mut said.ethnicity);
        either(&mut known.nationality, &mut said.nationality);
        either(&mut known.residence_detail, &mut said.residence_detail);
        either(&mut known.declaration_kind, &mut said.declaration_kind);
    }
    for (known, said) in [
        (&known.mother, &mut said.mother),
        (&known.father, &mut said.father),
    ] {
        silent(said, known);
        if let (Some(known), Some(said)) = (known, said) {
            silent(&mut said.birth_date, &known.birth_date);
            silent(&mut said.pin, &known.pin);
        }
    }
    if let (Some(known), Some(said)) = (&mut known.guardian, &mut said.guardian) {
        either(&mut known.phone, &mut said.phone);
    }
    silent(&mut said.birth_notice, &known.birth_notice);
    silent(
        &mut said.poor_household_certificate,
        &known.poor_household_certificate,
    );
    register(&mut known.record, &mut said.record);
    (known == said).then_some(known)
}

/// Where it stands in the register: book, page and place are only kept; number and day must be the same.
fn register(known: &mut Option<CivilRecord>, said: &mut Option<CivilRecord>) {
    if let (Some(known), Some(said)) = (known, said) {
        either(&mut known.book, &mut said.book);
        either(&mut known.page, &mut said.page);
        either(&mut known.commune, &mut said.commune);
    }
}

/// Either may leave it out.
fn either<T: Clone + Default + PartialEq>(known: &mut T, said: &mut T) {
    silent(said, known);
    silent(known, said);
}

/// The one may leave out what the other has.
fn silent<T: Clone + Default + PartialEq>(one: &mut T, other: &T) {
    if *one == T::default() {
        one.clone_from(other);
    }
}

pub(in crate::registry) fn other_facts() -> Error {
    Error::refused(FaultCode::Conflict, "case-has-other-facts", "case_id")
}
