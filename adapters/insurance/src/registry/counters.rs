//! Numbers that are given once: each is taken in the transaction that uses it and never again.

use schemas::id::SiNumber;

use super::{Error, Population, Tx};
use crate::sql::values;

/// The number that this very change took from a counter whose name begins so, where the registry was
/// restored and has forgotten it: counter and value.
pub(super) fn again(tx: &Tx<'_>, name: &str) -> Option<(String, u64)> {
    let (name, value) = tx.marks.again(&tx.key.get()?, name)?;
    tx.minted.borrow_mut().push((name.clone(), value));
    Some((name, u64::try_from(value).ok()?))
}

/// The next value of a counter, from 1.
pub(super) fn take(tx: &Tx<'_>, name: &str) -> Result<u64, Error> {
    let value: i64 = tx.sql.query_one(
        "INSERT INTO counters (name, value) VALUES (?1, 1)
         ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value",
        values![name],
        |row| row.get(0),
    )?;
    tx.minted.borrow_mut().push((name.to_owned(), value));
    u64::try_from(value).map_err(|_| Error::Corrupt("a negative counter"))
}

/// A new social insurance number: in the reserved block 99 for synthetic people, never there for real ones.
pub(super) fn si_number(tx: &Tx<'_>) -> Result<SiNumber, Error> {
    let count = match again(tx, SI_COUNTER) {
        Some((_, count)) => count,
        None => take(tx, SI_COUNTER)?,
    };
    let number = match tx.params.population {
        Population::Synthetic => format!("99{count:08}"),
        Population::Real => format!("{count:010}"),
    };
    let number = SiNumber::parse(&number)
        .map_err(|_| Error::Corrupt("no social insurance number is left"))?;
    match number.is_synthetic() == (tx.params.population == Population::Synthetic) {
        true => Ok(number),
        false => Err(Error::Corrupt("no social insurance number is left")),
    }
}

/// The counter of social insurance numbers.
pub(crate) const SI_COUNTER: &str = "si";
