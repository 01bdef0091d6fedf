//! What the sender of a case is told unasked: how the case stands now, as a poll would tell it, each time that is
//! something else. The change row is written in the transaction of the change.

use schemas::proto::insurance::BirthCase;

use super::{Error, Tx, births, changes, deaths};
use crate::sql::values;

/// A birth that has just come to stand so.
pub(super) fn birth(tx: &Tx<'_>, sender: &str, case: &BirthCase) -> Result<(), Error> {
    changes::append_birth(tx, sender, case)
}

/// Every birth that a person is known by: the card of one is the card of all.
pub(super) fn births_of(tx: &Tx<'_>, person: i64) -> Result<(), Error> {
    let cases = cases_of(
        tx,
        "SELECT sender, case_id FROM birth_cases WHERE person = ?1 ORDER BY sender, case_id",
        person,
    )?;
    for (sender, case_id) in cases {
        if let Some(case) = births::case_of(tx.sql, &sender, &case_id)? {
            birth(tx, &sender, &case)?;
        }
    }
    Ok(())
}

/// A death that has just come to stand so.
pub(super) fn death(tx: &Tx<'_>, sender: &str, case_id: &str) -> Result<(), Error> {
    match deaths::case_of(tx.sql, sender, case_id)? {
        Some(case) => changes::append_death(tx, sender, &case),
        None => Ok(()),
    }
}

/// Every report of a person's death: where the last one is taken back the allowance's case ends for all.
pub(super) fn deaths_of(tx: &Tx<'_>, person: i64) -> Result<(), Error> {
    let cases = cases_of(
        tx,
        "SELECT sender, case_id FROM deaths WHERE person = ?1 ORDER BY sender, case_id",
        person,
    )?;
    let mut cases = cases.into_iter();
    cases.try_for_each(|(sender, case_id)| death(tx, &sender, &case_id))
}

fn cases_of(tx: &Tx<'_>, query: &'static str, person: i64) -> Result<Vec<(String, String)>, Error> {
    Ok(tx
        .sql
        .query(query, values![person], |row| Ok((row.get(0)?, row.get(1)?)))?)
}
