//! One transaction becomes one contribution and one card each, or a refund case.

use jiff::ToSpan as _;
use jiff::civil::Date;
use schemas::date::day_in_viet_nam;
use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    HeardBy, LedgerEntry, PaymentOrder, PaymentState, RecordPaymentResponse, Transaction,
};

use super::charge::{self, MONTHS_PAID, MORE_THAN_OWED};
use super::{awaiting_payment, order, row, rule};
use crate::registry::facts;
use crate::registry::life::{self, At, By, Done, InWork, Payment, Standing, Stopped};
use crate::registry::{Error, Tx, cards};
use crate::sql::values;

/// What a transaction of the platform does; the same one again does nothing.
pub(super) fn record(
    tx: &Tx<'_>,
    told: &Transaction,
    heard_by: HeardBy,
) -> Result<RecordPaymentResponse, Error> {
    if let Some(known) = row::entry(tx.sql, &told.id)? {
        return again(known, told);
    }
    let order = order(tx, &told.reference)?;
    let standing = life::open(tx, &order.dossier)?;
    let reason = match (order.state(), standing) {
        (PaymentState::Paid, _) => "paid-twice",
        (_, Some(Standing::InWork(_) | Standing::Payment(_))) if order.vnd != told.vnd => {
            "amount-differs"
        }
        (_, Some(Standing::InWork(_) | Standing::Payment(_))) if is_late(&order, told)? => {
            "paid-too-late"
        }
        (_, Some(Standing::InWork(dossier))) => {
            let dossier = awaiting_payment(tx, dossier, &order)?;
            settle(tx, &order, told, dossier)?
        }
        (_, Some(Standing::Payment(dossier))) => settle(tx, &order, told, dossier)?,
        _ => "dossier-ended",
    };
    keep(tx, told, heard_by, reason)?;
    Ok(RecordPaymentResponse {
        entry: row::entry(tx.sql, &told.id)?,
        again: false,
    })
}

/// An officer saw the money elsewhere: booked, or refused.
pub(in crate::registry) fn by_officer(
    tx: &Tx<'_>,
    dossier: At<InWork>,
    paid: &str,
    by: &By<'_>,
) -> Result<(), Error> {
    super::charged(tx, dossier.code_of(), dossier.procedure())?;
    let missing = || rule("payment-state", "paid");
    let order = row::of_dossier(tx.sql, dossier.code_of())?.ok_or_else(missing)?;
    if order.state() == PaymentState::Paid {
        return Err(missing());
    }
    if super::is_over(tx, &order)? {
        return Err(rule("paid-too-late", "paid"));
    }
    if row::entry(tx.sql, paid)?.is_some() {
        return Err(used_already());
    }
    if let Some(reason) = unbookable(tx, &order)? {
        return Err(rule(reason, "paid"));
    }
    let seen = Transaction {
        id: facts::word(paid, 64, "paid")?,
        reference: order.reference.clone(),
        vnd: order.vnd,
        bank: String::new(),
        paid_at: facts::instant(tx.now),
    };
    let serial = book(tx, &order, &seen)?;
    keep(tx, &seen, HeardBy::Officer, "")?;
    finish(tx, dossier, serial, by)
}

pub(in crate::registry) fn used_already() -> Error {
    Error::refused(FaultCode::Conflict, "payment-used-already", "paid")
}

fn again(known: LedgerEntry, told: &Transaction) -> Result<RecordPaymentResponse, Error> {
    let same = known
        .transaction
        .as_ref()
        .is_some_and(|known| known.reference == told.reference && known.vnd == told.vnd);
    match same {
        true => Ok(RecordPaymentResponse {
            entry: Some(known),
            again: true,
        }),
        false => Err(Error::refused(
            FaultCode::Conflict,
            "payment-has-other-facts",
            "transaction",
        )),
    }
}

fn is_late(order: &PaymentOrder, told: &Transaction) -> Result<bool, Error> {
    let corrupt = |_| Error::Corrupt("the last instant of an order");
    let until = facts::moment(&order.valid_until, "valid_until").map_err(corrupt)?;
    Ok(facts::moment(&told.paid_at, "transaction")? > until)
}

/// Books what was paid in full and in time; gives the reason of the refund case where a rule no longer holds, and
/// stops the dossier then.
fn settle(
    tx: &Tx<'_>,
    order: &PaymentOrder,
    told: &Transaction,
    dossier: At<Payment>,
) -> Result<&'static str, Error> {
    if let Some(reason) = unbookable(tx, order)? {
        tx.sql.execute(
            "UPDATE payment_orders SET state = 4, ask_at = NULL WHERE reference = ?1",
            values![order.reference],
        )?;
        dossier.go::<Stopped>(tx, NOT_BOOKABLE)?;
        return Ok(reason);
    }
    let text = format!("Đã nộp {} đ; mã giao dịch {}", told.vnd, told.id);
    let by = By {
        reason: "",
        officer: PLATFORM,
        text: &text,
    };
    let serial = book(tx, order, told)?;
    let dossier = dossier.go_by::<InWork>(tx, &by)?;
    let by = By { text: "", ..by };
    finish(tx, dossier, serial, &by)?;
    Ok("")
}

fn finish(
    tx: &Tx<'_>,
    dossier: At<InWork>,
    serial: Option<(String, u32)>,
    by: &By<'_>,
) -> Result<(), Error> {
    let dossier = match serial {
        None => dossier,
        Some((number, serial)) => {
            tx.sql.execute(
                "UPDATE dossiers SET card_number = ?2 WHERE code = ?1",
                values![dossier.code_of(), number],
            )?;
            dossier.with_card(serial)
        }
    };
    dossier.go_by::<Done>(tx, by)?;
    Ok(())
}

fn keep(tx: &Tx<'_>, told: &Transaction, heard_by: HeardBy, reason: &str) -> Result<(), Error> {
    let paid_at = facts::moment(&told.paid_at, "transaction")?;
    tx.sql.execute(
        "INSERT INTO payments (id, reference, vnd, bank, paid_at, paid_on, heard_by, heard_at, reason, refunded,
           refunded_by, refunded_why)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, '', '', '')",
        values![
            told.id,
            told.reference,
            told.vnd,
            told.bank,
            facts::instant(paid_at),
            day_in_viet_nam(paid_at).to_string(),
            heard_by as i32,
            facts::instant(tx.now),
            reason,
        ],
    )?;
    Ok(())
}

/// A line that waits for its money.
struct Line {
    nth: i64,
    kind: String,
    person: Option<i64>,
    employer: Option<i64>,
    period: String,
    months: u32,
    vnd: i64,
    card: String,
}

fn lines(tx: &Tx<'_>, order: &PaymentOrder) -> Result<Vec<Line>, Error> {
    Ok(tx.sql.query(
        "SELECT line, kind, person, employer, period, months, vnd, card_number FROM contribution_lines
         WHERE reference = ?1 ORDER BY line",
        values![order.reference],
        |row| {
            Ok(Line {
                nth: row.get(0)?,
                kind: row.get(1)?,
                person: row.get(2)?,
                employer: row.get(3)?,
                period: row.get(4)?,
                months: row.get(5)?,
                vnd: row.get(6)?,
                card: row.get(7)?,
            })
        },
    )?)
}

/// Why a contribution cannot be booked now, though it could be when it was quoted.
fn unbookable(tx: &Tx<'_>, order: &PaymentOrder) -> Result<Option<&'static str>, Error> {
    for line in lines(tx, order)? {
        let reason = match (line.kind.as_str(), line.person, line.employer) {
            ("household", Some(person), _) => card_reason(tx, person, &line.card)?,
            ("voluntary", Some(person), _) => {
                let paid = charge::months_are_paid(tx.sql, person, (&line.period, line.months))?;
                paid.then_some(MONTHS_PAID)
            }
            ("arrears", _, Some(employer)) => {
                let owed = charge::owed(tx.sql, employer, &line.period)?;
                (owed < line.vnd).then_some(MORE_THAN_OWED)
            }
            ("late", _, Some(_)) => None,
            _ => return Err(Error::Corrupt("a line of a contribution")),
        };
        if reason.is_some() {
            return Ok(reason);
        }
    }
    Ok(None)
}

fn card_reason(tx: &Tx<'_>, person: i64, number: &str) -> Result<Option<&'static str>, Error> {
    let dead: bool = tx.sql.query_one(
        "SELECT died_on IS NOT NULL FROM people WHERE id = ?1",
        values![person],
        |row| row.get(0),
    )?;
    let card = charge::card(tx.sql, person)?;
    Ok(match (dead, card) {
        (true, _) => Some("person-is-dead"),
        (false, Some(card)) if card.number == number => None,
        (false, _) => Some("card-not-valid"),
    })
}

/// Books every line of an order under a transaction; gives the applicant's card where it was renewed.
fn book(
    tx: &Tx<'_>,
    order: &PaymentOrder,
    told: &Transaction,
) -> Result<Option<(String, u32)>, Error> {
    let applicant: i64 = tx.sql.query_one(
        "SELECT person FROM dossiers WHERE code = ?1",
        values![order.dossier],
        |row| row.get(0),
    )?;
    let mut own = None;
    let mut sum = 0;
    for line in lines(tx, order)? {
        let serial = match (line.kind.as_str(), line.person, line.employer) {
            ("household", Some(person), _) => {
                let serial = renew(tx, person, &line)?;
                if person == applicant {
                    own = Some((line.card.clone(), serial));
                }
                serial
            }
            ("arrears", _, Some(employer)) => {
                pay_off(tx, employer, &line)?;
                0
            }
            _ => 0,
        };
        sum += line.vnd;
        let booked = tx.sql.execute(
            "UPDATE contribution_lines SET transaction_id = ?3, booked_at = ?4, card_serial = ?5
             WHERE reference = ?1 AND line = ?2 AND transaction_id = ''",
            values![
                order.reference,
                line.nth,
                told.id,
                facts::instant(tx.now),
                serial
            ],
        )?;
        if booked != 1 {
            return Err(Error::Corrupt("a contribution that was booked before"));
        }
    }
    if sum != order.vnd || told.vnd != order.vnd {
        return Err(Error::Corrupt("a contribution that is not what was paid"));
    }
    tx.sql.execute(
        "UPDATE payment_orders SET state = 3, asked = 0, ask_at = ?2 WHERE reference = ?1",
        values![order.reference, facts::instant(tx.now)],
    )?;
    Ok(own)
}

/// The next print of a household's card: its months begin where those of the print before end, or today.
fn renew(tx: &Tx<'_>, person: i64, line: &Line) -> Result<u32, Error> {
    let mut card = cards::newest(tx.sql, person, &line.card)?
        .ok_or(Error::Corrupt("a card that is to be renewed"))?;
    let day = |text: &str| text.parse::<Date>().map_err(|_| Error::Corrupt("a day"));
    let yesterday = tx.today.saturating_sub(1.day());
    let ends = day(&card.valid_to)?;
    if ends < yesterday {
        card.valid_from = tx.today.to_string();
    }
    let months = i32::try_from(line.months).unwrap_or(i32::MAX).months();
    let first = ends.max(yesterday).saturating_add(1.day());
    card.valid_to = first
        .saturating_add(months)
        .saturating_sub(1.day())
        .to_string();
    Ok(cards::print_again(tx, person, card, RENEWAL)?.serial)
}

/// What is owed for a month becomes less, and with it what is owed at the end of it and of every later one.
fn pay_off(tx: &Tx<'_>, employer: i64, line: &Line) -> Result<(), Error> {
    let paid = tx.sql.execute(
        "UPDATE contributions SET paid_vnd = paid_vnd + ?3
         WHERE employer = ?1 AND period = ?2 AND closed = 1 AND due_vnd - paid_vnd >= ?3",
        values![employer, line.period, line.vnd],
    )?;
    if paid != 1 {
        return Err(Error::Corrupt("a debt that is not owed"));
    }
    tx.sql.execute(
        "UPDATE contributions SET arrears_vnd = CASE WHEN arrears_vnd > ?3 THEN arrears_vnd - ?3 ELSE 0 END
         WHERE employer = ?1 AND period >= ?2",
        values![employer, line.period, line.vnd],
    )?;
    Ok(())
}

/// In whose name a dossier goes on that was paid for.
const PLATFORM: &str = "Nền tảng thanh toán";
const NOT_BOOKABLE: &str = "Không còn đủ điều kiện; số tiền đã nộp được hoàn trả";
/// Under which rule a card is printed that was paid for.
const RENEWAL: &str = "household-renewal";
