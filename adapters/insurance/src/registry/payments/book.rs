//! One transaction becomes one contribution and one card each, or a refund case.

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use schemas::date::{VIET_NAM, day_in_viet_nam};
use schemas::fault::FaultCode;
use schemas::proto::insurance::{
    HeardBy, LedgerEntry, PaymentOrder, PaymentState, RecordPaymentResponse, Transaction,
};

use super::charge::{self, MONTHS_PAID, MORE_THAN_OWED};
use super::{awaiting_payment, ends, order, row, rule};
use crate::registry::facts::{self, invalid};
use crate::registry::life::{self, At, By, Done, InWork, Payment, Standing, Step, Stopped};
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
            let dossier = awaiting_payment(tx, dossier, &order, &order.url)?;
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

/// Money that an officer saw elsewhere, as they tell it.
#[derive(Debug, Clone, Copy)]
pub(in crate::registry) struct Seen<'a> {
    /// The bank's reference.
    pub(in crate::registry) id: &'a str,
    /// YYYY-MM-DD in Viet Nam; empty: today.
    pub(in crate::registry) on: &'a str,
    /// 0: what was quoted.
    pub(in crate::registry) vnd: i64,
}

/// Money that was seen, held against the quote of the day on which it was paid.
pub(in crate::registry) struct Money {
    order: PaymentOrder,
    told: Transaction,
    /// Of the refund case; empty: it can be booked.
    reason: &'static str,
    /// Whether that reason is the end of its dossier.
    stops: bool,
}

impl Money {
    /// Whether it can be booked.
    pub(in crate::registry) fn is_due(&self) -> bool {
        self.reason.is_empty()
    }
}

/// Holds money that an officer saw against the dossier's quotes: the one that was the newest on the day of payment.
pub(in crate::registry) fn weigh(
    tx: &Tx<'_>,
    (dossier, procedure): (&str, &str),
    seen: Seen<'_>,
    is_ended: bool,
) -> Result<Money, Error> {
    let mut orders = row::of_dossier(tx.sql, dossier)?;
    if orders.is_empty() && !is_ended {
        super::charged(tx, dossier, procedure)?;
        orders = row::of_dossier(tx.sql, dossier)?;
    }
    let id = facts::word(seen.id, 64, "paid")?;
    let paid_at = moment_of(tx, seen.on)?;
    let was_quoted = |order: &&PaymentOrder| {
        let at = order.quoted_at.parse().map(day_in_viet_nam);
        at.is_ok_and(|day| day <= day_in_viet_nam(paid_at))
    };
    let order = orders.iter().find(was_quoted).or(orders.last());
    let order = order.ok_or_else(|| rule("payment-state", "paid"))?;
    let vnd = match seen.vnd {
        0 if orders.iter().all(|other| other.vnd == order.vnd) => order.vnd,
        // two prices were told: which was paid is the officer's to say
        0 => return Err(invalid("missing", "paid_vnd")),
        vnd if (1..=super::VND_MAX).contains(&vnd) => vnd,
        _ => return Err(invalid("bad-amount", "paid_vnd")),
    };
    if row::entry(tx.sql, seen.id)?.is_some() {
        return Err(used_already());
    }
    let told = Transaction {
        id,
        reference: order.reference.clone(),
        vnd,
        bank: String::new(),
        paid_at: facts::instant(paid_at),
    };
    let is_paid = |order: &PaymentOrder| order.state() == PaymentState::Paid;
    let (reason, stops) = match is_ended {
        _ if orders.iter().any(is_paid) => ("paid-twice", false),
        true => ("dossier-ended", false),
        false if order.vnd != vnd => ("amount-differs", false),
        false if is_late(order, &told)? => ("paid-too-late", false),
        false => unbookable(tx, order)?.map_or(("", false), |reason| (reason, true)),
    };
    Ok(Money {
        order: order.clone(),
        told,
        reason,
        stops,
    })
}

/// Today: now; a day before: its noon, since whoever saw the money knows no hour.
fn moment_of(tx: &Tx<'_>, on: &str) -> Result<Timestamp, Error> {
    if on.is_empty() {
        return Ok(tx.now);
    }
    let day = facts::date(on, "paid_on")?;
    match day.cmp(&tx.today) {
        Ordering::Greater => Err(invalid("in-the-future", "paid_on")),
        Ordering::Equal => Ok(tx.now),
        Ordering::Less => VIET_NAM
            .to_timestamp(day.at(12, 0, 0, 0))
            .map_err(|_| invalid("malformed-date", "paid_on")),
    }
}

/// Books money that an officer saw, and ends its dossier well.
pub(in crate::registry) fn by_officer(
    tx: &Tx<'_>,
    dossier: At<InWork>,
    money: &Money,
    by: &By<'_>,
) -> Result<(), Error> {
    let serial = book(tx, &money.order, &money.told)?;
    keep(tx, &money.told, HeardBy::Officer, "")?;
    finish(tx, dossier, serial, by)
}

/// Keeps money that an officer saw as a refund case; where a rule no longer holds its dossier stops, as it does on the
/// platform's path, else it stays where it is. None: the dossier has ended.
pub(in crate::registry) fn give_back<S: Step<Stopped>>(
    tx: &Tx<'_>,
    dossier: Option<At<S>>,
    money: &Money,
    officer: &str,
) -> Result<(), Error> {
    keep(tx, &money.told, HeardBy::Officer, money.reason)?;
    if let Some(dossier) = dossier.filter(|_| money.stops) {
        ends::all_but(tx, &money.order, "")?;
        let by = By {
            reason: NOT_BOOKABLE,
            officer,
            text: NOT_BOOKABLE,
            supported: &[],
        };
        dossier.go_by::<Stopped>(tx, &by)?;
    }
    Ok(())
}

/// Why money that was seen is a refund case; empty: it was booked, or none was named.
pub(in crate::registry) fn refund_reason(tx: &Tx<'_>, id: &str) -> Result<String, Error> {
    Ok(row::entry(tx.sql, id)?.map_or_else(String::new, |entry| entry.reason))
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
        ends::all_but(tx, order, "")?;
        dossier.go::<Stopped>(tx, NOT_BOOKABLE)?;
        return Ok(reason);
    }
    let text = format!("Đã nộp {} đ; mã giao dịch {}", told.vnd, told.id);
    let by = By {
        reason: "",
        officer: PLATFORM,
        text: &text,
        supported: &[],
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
    ends::all_but(tx, order, &order.reference)?;
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
