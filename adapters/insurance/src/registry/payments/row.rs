//! Orders, transactions and lines as they are kept.

use schemas::proto::insurance::{Booking, LedgerEntry, Payer, PaymentOrder, Transaction};

use crate::registry::Error;
use crate::sql::{self, Row, Sql, values};

/// A query of orders, as [`read`] reads them.
macro_rules! orders {
    ($rest:literal) => {
        concat!(
            "SELECT o.reference, o.dossier, d.procedure, o.state, o.vnd, o.page, o.quoted_at, o.valid_until, o.url,
               o.asked, o.bill, d.state, d.applicant_name, d.applicant_pin
             FROM payment_orders o JOIN dossiers d ON d.code = o.dossier ",
            $rest
        )
    };
}
pub(super) use orders;

/// A query of transactions, as [`entry_of`] reads them.
macro_rules! entries {
    ($rest:literal) => {
        concat!(
            "SELECT id, reference, vnd, bank, paid_at, heard_by, heard_at, reason, refunded, refunded_by, refunded_why
             FROM payments ",
            $rest
        )
    };
}

/// The order of a reference.
pub(super) fn order(sql: &Sql, reference: &str) -> Result<Option<PaymentOrder>, Error> {
    let found = sql.query_opt(orders!("WHERE o.reference = ?1"), values![reference], read)?;
    Ok(found.map(|(order, _)| order))
}

/// The orders of a dossier, the newest first: at most one is not over.
pub(super) fn of_dossier(sql: &Sql, dossier: &str) -> Result<Vec<PaymentOrder>, Error> {
    let found = sql.query(
        orders!("WHERE o.dossier = ?1 ORDER BY o.reference DESC"),
        values![dossier],
        read,
    )?;
    Ok(found.into_iter().map(|(order, _)| order).collect())
}

/// An order, by its reference or its dossier's code, and who pays; of a dossier's orders the paid one, else the newest.
pub(super) fn with_payer(sql: &Sql, name: &str) -> Result<Option<(PaymentOrder, Payer)>, Error> {
    let found = sql.query_opt(
        orders!(
            "WHERE o.reference = ?1 OR o.dossier = ?1
             ORDER BY CASE o.state WHEN 3 THEN 0 ELSE 1 END, o.reference DESC LIMIT 1"
        ),
        values![name],
        read,
    )?;
    Ok(found)
}

pub(super) fn read(row: &Row<'_>) -> Result<(PaymentOrder, Payer), sql::Error> {
    let order = PaymentOrder {
        reference: row.get(0)?,
        dossier: row.get(1)?,
        procedure: row.get(2)?,
        state: row.get(3)?,
        vnd: row.get(4)?,
        page: row.get(5)?,
        quoted_at: row.get(6)?,
        valid_until: row.get(7)?,
        url: row.get(8)?,
        asked: row.get(9)?,
        bill: row.get(10)?,
        dossier_state: row.get(11)?,
    };
    let payer = Payer {
        name: row.get(12)?,
        pin: row.get(13)?,
    };
    Ok((order, payer))
}

/// A transaction of the ledger.
pub(super) fn entry(sql: &Sql, id: &str) -> Result<Option<LedgerEntry>, Error> {
    Ok(sql.query_opt(entries!("WHERE id = ?1"), values![id], entry_of)?)
}

/// The transactions of an order, oldest first.
pub(super) fn entries(sql: &Sql, reference: &str) -> Result<Vec<LedgerEntry>, Error> {
    Ok(sql.query(
        entries!("WHERE reference = ?1 ORDER BY heard_at, id"),
        values![reference],
        entry_of,
    )?)
}

fn entry_of(row: &Row<'_>) -> Result<LedgerEntry, sql::Error> {
    let reason: String = row.get(7)?;
    Ok(LedgerEntry {
        transaction: Some(Transaction {
            id: row.get(0)?,
            reference: row.get(1)?,
            vnd: row.get(2)?,
            bank: row.get(3)?,
            paid_at: row.get(4)?,
        }),
        heard_by: row.get(5)?,
        heard_at: row.get(6)?,
        booked: reason.is_empty(),
        reason,
        refunded: row.get(8)?,
        refunded_by: row.get(9)?,
        refunded_why: row.get(10)?,
    })
}

/// SI numbers of those of whom an order's page tells a group that the state supports.
pub(super) fn supported(sql: &Sql, reference: &str) -> Result<Vec<String>, Error> {
    Ok(sql.query(
        "SELECT n.number FROM contribution_lines l JOIN numbers n ON n.person = l.person
         WHERE l.reference = ?1 AND l.supported = 1 AND n.scheme = 'si' AND n.valid_to IS NULL ORDER BY l.line",
        values![reference],
        |row| row.get(0),
    )?)
}

/// What was booked of an order.
pub(super) fn bookings(sql: &Sql, reference: &str) -> Result<Vec<Booking>, Error> {
    Ok(sql.query(
        "SELECT line, kind, transaction_id, period, months, vnd, card_number, card_serial FROM contribution_lines
         WHERE reference = ?1 AND transaction_id <> '' ORDER BY line",
        values![reference],
        |row| {
            Ok(Booking {
                line: row.get(0)?,
                kind: row.get(1)?,
                transaction: row.get(2)?,
                period: row.get(3)?,
                months: row.get(4)?,
                vnd: row.get(5)?,
                card: row.get(6)?,
                serial: row.get(7)?,
            })
        },
    )?)
}
