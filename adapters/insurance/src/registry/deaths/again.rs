//! A hospital's notice of a death that is issued again (`SO_BAOTU_BD`).
//!
//! It names the one before by its number and book, and stands for it under a code of its own: what followed from the one before
//! follows from it, also where it tells of another day or of somebody else. Where no book is told the number is that of a notice of the same
//! person alone, since a number is one in its book only. One whose first notice never came is a first one; the first one is refused
//! when it comes late.

use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{DeathCase, Deceased, RegisterDeathRequest};

use super::super::{Error, Tx, births, told};
use super::{give_back, is_dead, mark, register, standing, stored, take};
use crate::sql::values;

/// Writes a hospital's notice down, in the place of the one that it names; one that is written down already gives its case.
pub(in crate::registry) fn notice(
    tx: &Tx<'_>,
    sender: &str,
    said: &RegisterDeathRequest,
    facts: &[u8],
) -> Result<DeathCase, Error> {
    if stored(tx, sender, &said.case_id)?.is_none() {
        if is_replaced(tx, sender, said)? {
            return Err(conflict());
        }
        if let Some(before) = before(tx, sender, said)? {
            return replace(tx, sender, &before, (said, facts));
        }
    }
    take(tx, sender, said, facts)
}

/// Whether a report that stands no more was replaced by another.
pub(in crate::registry) fn was_replaced(
    tx: &Tx<'_>,
    sender: &str,
    said: &RegisterDeathRequest,
    case: &DeathCase,
) -> Result<bool, Error> {
    match stored(tx, sender, &case.withdrawn_by)? {
        Some(by) => Ok(names(&decoded(&by)?, said)),
        None => Ok(false),
    }
}

/// A notice as it is kept.
struct Kept {
    case_id: String,
    person: Option<i64>,
    withdrawn_by: Option<String>,
    said: RegisterDeathRequest,
}

/// The notice that another one names; none where it never came or was taken back.
fn before(tx: &Tx<'_>, sender: &str, said: &RegisterDeathRequest) -> Result<Option<Kept>, Error> {
    if said.replaces_number.is_empty() {
        return Ok(None);
    }
    type Row = (String, Option<i64>, Option<String>, Vec<u8>);
    let rows: Vec<Row> = tx.sql.query(
        "SELECT case_id, person, withdrawn_by, facts FROM deaths WHERE sender = ?1 AND notice_number = ?2 ORDER BY case_id LIMIT 200",
        values![sender, said.replaces_number],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let mut found = None;
    for (case_id, person, withdrawn_by, facts) in rows {
        let one = Kept {
            case_id,
            person,
            withdrawn_by,
            said: decoded(&facts)?,
        };
        if !names(said, &one.said) {
            continue;
        }
        match &one.withdrawn_by {
            None if found.is_some() => {
                return Err(Error::refused(
                    FaultCode::RuleRefused,
                    "which-notice",
                    "code",
                ));
            }
            None => found = Some(one),
            // another stands for it already
            Some(by) => {
                if let Some(by) = stored(tx, sender, by)?
                    && names(&decoded(&by)?, &one.said)
                {
                    return Err(conflict());
                }
            }
        }
    }
    Ok(found)
}

/// Whether another notice has come already that stands for this one.
fn is_replaced(tx: &Tx<'_>, sender: &str, said: &RegisterDeathRequest) -> Result<bool, Error> {
    if said.proof_number.is_empty() {
        return Ok(false);
    }
    let others: Vec<Vec<u8>> = tx.sql.query(
        "SELECT facts FROM deaths WHERE sender = ?1 AND replaces_number = ?2 ORDER BY case_id LIMIT 200",
        values![sender, said.proof_number],
        |row| row.get(0),
    )?;
    for facts in others {
        if names(&decoded(&facts)?, said) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn replace(
    tx: &Tx<'_>,
    sender: &str,
    before: &Kept,
    (said, facts): (&RegisterDeathRequest, &[u8]),
) -> Result<DeathCase, Error> {
    mark(tx, sender, &before.case_id, &said.case_id)?;
    if let Some(person) = before.person
        && standing(tx.sql, person)?.is_none()
    {
        give_back(tx, person)?;
    }
    let case = register(tx, sender, said, facts)?;
    match before.person {
        None => told::death(tx, sender, &before.case_id)?,
        Some(person) => {
            // it was somebody else who died
            if !is_dead(tx.sql, person)? {
                births::finish(tx, person)?;
                told::births_of(tx, person)?;
            }
            told::deaths_of(tx, person)?;
        }
    }
    Ok(case)
}

/// Whether a notice says that it stands for another: by number and book, or by the number and the person.
fn names(by: &RegisterDeathRequest, one: &RegisterDeathRequest) -> bool {
    let is_number = !by.replaces_number.is_empty() && by.replaces_number == one.proof_number;
    is_number
        && match (by.replaces_book.as_str(), one.proof_book.as_str()) {
            ("", _) | (_, "") => is_same(by.deceased.as_ref(), one.deceased.as_ref()),
            (book, of) => book == of,
        }
}

fn is_same(one: Option<&Deceased>, other: Option<&Deceased>) -> bool {
    let alike = |one: &str, other: &str| !one.is_empty() && one == other;
    one.zip(other).is_some_and(|(one, other)| {
        alike(&one.pin, &other.pin) || alike(&one.si_number, &other.si_number)
    })
}

fn decoded(facts: &[u8]) -> Result<RegisterDeathRequest, Error> {
    RegisterDeathRequest::decode(facts).map_err(|_| Error::Corrupt("a stored death"))
}

fn conflict() -> Error {
    Error::refused(FaultCode::Conflict, "notice-was-replaced", "code")
}
