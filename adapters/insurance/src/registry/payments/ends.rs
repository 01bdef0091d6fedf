//! What ends an order without its money: its last instant, or what became of its dossier.

use schemas::proto::insurance::{PaymentOrder, PaymentState};

use super::{is_over, order, order_for};
use crate::registry::life::{self, Standing};
use crate::registry::{Error, Tx};
use crate::sql::{Sql, values};

/// Orders that were never opened and whose last instant has passed, those that ended first first, at most 200. While
/// papers are awaited there is nothing to pay, so those of state 5 wait for their dossier.
pub(in crate::registry) fn expired(sql: &Sql, now: &str) -> Result<Vec<String>, Error> {
    Ok(sql.query(
        "SELECT o.reference FROM payment_orders o JOIN dossiers d ON d.code = o.dossier
         WHERE o.state = 1 AND o.valid_until < ?1 AND d.state <> 5 ORDER BY o.valid_until, o.reference LIMIT 200",
        values![now],
        |row| row.get(0),
    )?)
}

/// Ends an order that was never opened in its time; false where something became of it meanwhile.
pub(in crate::registry) fn expire(tx: &Tx<'_>, reference: &str) -> Result<bool, Error> {
    let order = order(tx, reference)?;
    match order.state() == PaymentState::Quoted && is_over(tx, &order)? {
        true => replace(tx, &order),
        false => Ok(false),
    }
}

/// Ends an order that was never opened; its dossier in work gets one with the price of the day, under a reference of
/// its own. What has no price any more is left to a person.
pub(super) fn replace(tx: &Tx<'_>, order: &PaymentOrder) -> Result<bool, Error> {
    let standing = life::open(tx, &order.dossier)?;
    if matches!(standing, Some(Standing::Supplement(_))) {
        return Ok(false);
    }
    all_but(tx, order, "")?;
    if let Some(Standing::InWork(dossier)) = standing {
        order_for(tx, dossier.code_of(), dossier.procedure())?;
    }
    Ok(true)
}

/// Ends every order of a dossier that was not paid, but for the one of this reference.
pub(super) fn all_but(tx: &Tx<'_>, order: &PaymentOrder, reference: &str) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE payment_orders SET state = 4, ask_at = NULL WHERE dossier = ?1 AND reference <> ?2 AND state < 3",
        values![order.dossier, reference],
    )?;
    Ok(())
}
