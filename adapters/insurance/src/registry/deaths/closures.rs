//! What a death closes: valid cards and open employments, each with its end before.

use schemas::proto::insurance::CardState;

use super::super::{Error, Tx, law};
use crate::sql::values;

/// Ends cards and participation with the day of death; again changes nothing.
pub(super) fn close(tx: &Tx<'_>, person: i64, died_on: &str) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE people SET died_on = ?2 WHERE id = ?1",
        values![person, died_on],
    )?;
    close_cards(tx, person, died_on)?;
    close_employments(tx, person, died_on)
}

/// Everything is as it was before the death.
pub(super) fn reopen(tx: &Tx<'_>, person: i64) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE people SET died_on = NULL WHERE id = ?1",
        values![person],
    )?;
    let closed: Vec<(String, String, i64, Option<String>)> = tx.sql.query(
        "SELECT kind, what, serial, ended FROM death_closures WHERE person = ?1 ORDER BY kind, what, serial",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    for (kind, what, serial, ended) in closed {
        match kind.as_str() {
            "card" => tx.sql.execute(
                "UPDATE cards SET state = 1, valid_to = ?4 WHERE person = ?1 AND number = ?2 AND serial = ?3",
                values![person, what, serial, ended],
            )?,
            _ => tx.sql.execute(
                "UPDATE employments SET to_period = ?3 WHERE person = ?1 AND from_period = ?2",
                values![person, what, ended],
            )?,
        };
    }
    tx.sql.execute(
        "DELETE FROM death_closures WHERE person = ?1",
        values![person],
    )?;
    Ok(())
}

/// A temporary card that the death ended does not come back with the person: its notice was taken back.
pub(in crate::registry) fn forget_temporary(tx: &Tx<'_>, person: i64) -> Result<(), Error> {
    let closed: Vec<(String, i64, String)> = tx.sql.query(
        "SELECT d.what, d.serial, c.rule FROM death_closures d
         JOIN cards c ON c.person = d.person AND c.number = d.what AND c.serial = d.serial
         WHERE d.person = ?1 AND d.kind = 'card' ORDER BY d.what, d.serial",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (number, serial, _) in closed.iter().filter(|one| law::is_temporary(&one.2)) {
        tx.sql.execute(
            "DELETE FROM death_closures WHERE person = ?1 AND kind = 'card' AND what = ?2 AND serial = ?3",
            values![person, number, serial],
        )?;
    }
    Ok(())
}

fn close_cards(tx: &Tx<'_>, person: i64, died_on: &str) -> Result<(), Error> {
    let valid: Vec<(String, i64, String, String)> = tx.sql.query(
        "SELECT number, serial, valid_from, valid_to FROM cards WHERE person = ?1 AND state = 1 ORDER BY number",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    for (number, serial, valid_from, valid_to) in valid {
        let ends = valid_to.as_str().min(died_on).max(&valid_from);
        tx.sql.execute(
            "UPDATE cards SET state = ?4, valid_to = ?5 WHERE person = ?1 AND number = ?2 AND serial = ?3",
            values![person, number, serial, CardState::Revoked as i32, ends],
        )?;
        remember(tx, person, ("card", &number, serial), Some(&valid_to))?;
    }
    Ok(())
}

/// Employments end with the month of the death, which is insured in full.
fn close_employments(tx: &Tx<'_>, person: i64, died_on: &str) -> Result<(), Error> {
    let month = died_on.get(..7).unwrap_or(died_on);
    let open: Vec<(String, Option<String>)> = tx.sql.query(
        "SELECT from_period, to_period FROM employments
         WHERE person = ?1 AND from_period <= ?2 AND (to_period IS NULL OR to_period > ?2)",
        values![person, month],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (from, to) in open {
        tx.sql.execute(
            "UPDATE employments SET to_period = ?3 WHERE person = ?1 AND from_period = ?2",
            values![person, from, month],
        )?;
        remember(tx, person, ("employment", &from, 0), to.as_deref())?;
    }
    Ok(())
}

fn remember(
    tx: &Tx<'_>,
    person: i64,
    closed: (&str, &str, i64),
    ended: Option<&str>,
) -> Result<(), Error> {
    let (kind, what, serial) = closed;
    tx.sql.execute(
        "INSERT INTO death_closures (person, kind, what, serial, ended) VALUES (?1, ?2, ?3, ?4, ?5)",
        values![person, kind, what, serial, ended],
    )?;
    Ok(())
}
