//! What dossiers cost, what was paid for them, and what became of the money.
//!
//! A dossier of a procedure that has to be paid for has an order: its amount and the lines of the contribution that
//! is booked once it is paid. One that is over may be followed by another; at most one is not over. Each transaction of the platform is one row of the ledger, for ever: booked, or a
//! refund case. It refuses to know the platform's words and who asks when: that is the gateway's.

mod book;
mod charge;
mod ends;
mod lists;
mod row;
mod statement;

use jiff::{SignedDuration, Timestamp, ToSpan as _};
use schemas::date::portal_time;
use schemas::fault::FaultCode;
use schemas::id::ProcedureCode;
use schemas::json::{self, Limits};
use schemas::procedure::{Filled, Pays, Procedure};
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    AskedPaymentRequest, AskedPaymentResponse, BillPaymentRequest, BillPaymentResponse, HeardBy,
    OpenPaymentRequest, OpenPaymentResponse, PaymentOrder, PaymentState, RecordPaymentRequest,
    RecordPaymentResponse, SubmitDossierRequest, Transaction,
};

use super::effects::Asked;
use super::facts::{self, invalid};
use super::life::{self, By, InWork, Payment, Standing, Stopped};
use super::{Error, Registry, Tx};
use crate::sql::values;
pub(super) use book::{Money, Seen, by_officer, give_back, refund_reason, weigh};
use charge::{Charge, Payers};
pub(super) use ends::{expire, expired};

impl Registry {
    /// The platform takes a payment: its dossier comes to state 6 and tells where to pay. After the quote's last instant the
    /// order is over, and a new one with the price of the day takes its place: nobody is told to pay what is no price any more.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such order, `INVALID` where a part is malformed.
    pub async fn open_payment(
        &self,
        mut said: OpenPaymentRequest,
    ) -> Result<OpenPaymentResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Payments.Open", &context, said.encode_to_vec())?;
        let after = seconds(said.ask_after)?;
        let url = facts::word(&said.url, 500, "url")?;
        if !url.starts_with("https://") {
            return Err(invalid("malformed-id", "url"));
        }
        self.effect(asked, move |tx, _| {
            let order = order(tx, &said.reference)?;
            if order.state() == PaymentState::Quoted && is_over(tx, &order)? {
                ends::replace(tx, &order)?;
            } else if order.state() == PaymentState::Quoted {
                tx.sql.execute(
                    "UPDATE payment_orders SET state = 2, url = ?2, asked = 0, ask_at = ?3 WHERE reference = ?1",
                    values![order.reference, url, later(tx, after)],
                )?;
                if let Some(Standing::InWork(dossier)) = life::open(tx, &order.dossier)? {
                    awaiting_payment(tx, dossier, &order, &url)?;
                }
            }
            Ok(OpenPaymentResponse {
                order: row::order(tx.sql, &said.reference)?,
            })
        })
        .await
    }

    /// Takes one transaction of the platform: booked, or a refund case; known under any key.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such order, `CONFLICT` where the transaction was told otherwise,
    /// `INVALID` where a part is malformed.
    pub async fn record_payment(
        &self,
        mut said: RecordPaymentRequest,
    ) -> Result<RecordPaymentResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Payments.Record", &context, said.encode_to_vec())?;
        let heard_by = said.heard_by();
        if matches!(heard_by, HeardBy::Unspecified | HeardBy::Officer) {
            return Err(invalid("unknown-code", "heard_by"));
        }
        let transaction = transaction(said.transaction)?;
        self.effect(asked, move |tx, _| book::record(tx, &transaction, heard_by))
            .await
    }

    /// The platform was asked once more; unpaid after its last instant, the order is over and its dossier stopped.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such order, `INVALID` where a part is malformed.
    pub async fn asked_payment(
        &self,
        mut said: AskedPaymentRequest,
    ) -> Result<AskedPaymentResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Payments.Asked", &context, said.encode_to_vec())?;
        let after = seconds(said.ask_after)?;
        let answered = facts::moment(&said.answered_at, "answered_at")?;
        self.effect(asked, move |tx, _| {
            let order = order(tx, &said.reference)?;
            if order.asked == said.asked {
                ask_again(tx, &order, answered, after)?;
            }
            Ok(AskedPaymentResponse {
                order: row::order(tx.sql, &said.reference)?,
            })
        })
        .await
    }

    /// Keeps the number of the platform's receipt.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such order, `RULE-REFUSED` where it is not paid, `INVALID` where a part
    /// is malformed.
    pub async fn bill_payment(
        &self,
        mut said: BillPaymentRequest,
    ) -> Result<BillPaymentResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Payments.Bill", &context, said.encode_to_vec())?;
        let bill = facts::word(&said.bill, 64, "bill")?;
        self.effect(asked, move |tx, _| {
            let order = order(tx, &said.reference)?;
            if order.state() != PaymentState::Paid {
                return Err(rule("payment-state", "reference"));
            }
            tx.sql.execute(
                "UPDATE payment_orders SET bill = ?2, ask_at = NULL WHERE reference = ?1",
                values![order.reference, bill],
            )?;
            Ok(BillPaymentResponse {
                order: row::order(tx.sql, &said.reference)?,
            })
        })
        .await
    }
}

/// Proves at the door that a form has a price; a procedure that asks for no payment has none.
pub(super) fn quotable(
    tx: &Tx<'_>,
    procedure: &Procedure,
    form: &Filled,
    (applicant, employer): (i64, Option<i64>),
) -> Result<(), Error> {
    let payers = Payers {
        form,
        applicant,
        employer,
    };
    match procedure.pays {
        Some(pays) => charge::of(tx, pays, &payers).map(drop),
        None => Ok(()),
    }
}

/// Gives a dossier in work its order, where its procedure has to be paid for and it has none, or none that is not over.
///
/// What had a price when it came in and has none now is left to a person.
pub(super) fn order_for(tx: &Tx<'_>, dossier: &str, procedure: &str) -> Result<(), Error> {
    match charged(tx, dossier, procedure) {
        Ok(()) => Ok(()),
        Err(Error::Refused(refusal)) => {
            let reason = refusal.reason();
            tracing::warn!(target: "lienthong::registry", dossier, reason, "a dossier has no price any more");
            Ok(())
        }
        Err(error) => Err(error),
    }
}

fn charged(tx: &Tx<'_>, dossier: &str, procedure: &str) -> Result<(), Error> {
    let code = ProcedureCode::parse(procedure).ok();
    let row = code.and_then(|code| tx.params.procedures.find(&code, tx.today));
    let Some((row, pays)) = row.and_then(|row| Some((row, row.pays?))) else {
        return Ok(());
    };
    let orders = row::of_dossier(tx.sql, dossier)?;
    if orders.iter().any(|one| one.state() != PaymentState::Over) {
        return Ok(());
    }
    let charge = charge_of(tx, dossier, row, pays)?;
    let before = orders.first().map_or("", |newest| &newest.reference);
    write(tx, (dossier, before), &charge)
}

fn charge_of(
    tx: &Tx<'_>,
    dossier: &str,
    procedure: &'static Procedure,
    pays: Pays,
) -> Result<Charge, Error> {
    let (facts, applicant, employer): (Vec<u8>, i64, Option<i64>) = tx.sql.query_one(
        "SELECT facts, person, employer FROM dossiers WHERE code = ?1",
        values![dossier],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let corrupt = || Error::Corrupt("a dossier's form");
    let told = SubmitDossierRequest::decode(facts.as_slice()).map_err(|_| corrupt())?;
    let members = json::read(told.form.as_bytes(), &Limits::default()).map_err(|_| corrupt())?;
    let form = procedure.form.fill(&members).map_err(|_| corrupt())?;
    let payers = Payers {
        form: &form,
        applicant,
        employer,
    };
    charge::of(tx, pays, &payers)
}

/// Writes an order of a dossier after the one before, whose reference is empty where there was none.
fn write(tx: &Tx<'_>, (dossier, before): (&str, &str), charge: &Charge) -> Result<(), Error> {
    let reference = reference(dossier, before, tx.now)?;
    let vnd = i64::try_from(charge.quote.vnd()).map_err(|_| Error::Corrupt("a quote"))?;
    let now = facts::instant(tx.now);
    tx.sql.execute(
        "INSERT INTO payment_orders (reference, dossier, state, vnd, page, quoted_at, valid_until, url, asked, ask_at, bill)
         VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, '', 0, ?5, '')",
        values![
            reference,
            dossier,
            vnd,
            charge.page(),
            now,
            facts::instant(charge.valid_until),
        ],
    )?;
    for (nth, line) in (1_i64..).zip(&charge.lines) {
        tx.sql.execute(
            "INSERT INTO contribution_lines (reference, line, kind, person, household, employer, period, months, vnd,
               card_number, card_serial, transaction_id, booked_at, supported)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, '', '', ?11)",
            values![
                reference,
                nth,
                line.kind,
                line.person,
                line.household,
                line.employer,
                line.period,
                line.months,
                line.vnd,
                line.card,
                i64::from(line.supported),
            ],
        )?;
    }
    Ok(())
}

/// MaThamChieu: "dvc", the dossier's code in letters and digits, the time in Viet Nam. Of two orders of one dossier in
/// the same second, or after a clock went back, the later one has the second after the earlier one's: references are
/// unique and in the order in which they were given.
fn reference(dossier: &str, before: &str, now: Timestamp) -> Result<String, Error> {
    let code: String = dossier
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let of = |at| format!("dvc{code}{}", portal_time::format(at));
    let reference = of(now);
    if *before < *reference {
        return Ok(reference);
    }
    let corrupt = || Error::Corrupt("a reference");
    let at = before.len().checked_sub(TIME_DIGITS);
    let at = at.and_then(|at| before.get(at..)).ok_or_else(corrupt)?;
    let at = portal_time::parse(at).map_err(|_| corrupt())?;
    Ok(of(at.saturating_add(1.second()).map_err(|_| corrupt())?))
}

fn ask_again(
    tx: &Tx<'_>,
    order: &PaymentOrder,
    answered: Timestamp,
    after: u32,
) -> Result<(), Error> {
    let until = facts::moment(&order.valid_until, "valid_until")
        .map_err(|_| Error::Corrupt("the last instant of an order"))?;
    let is_over = answered > until;
    let (state, ask_at) = match order.state() {
        PaymentState::Open if is_over => (PaymentState::Over, None),
        PaymentState::Over => return Ok(()),
        // a receipt that is not there after so many questions is asked for by a person
        PaymentState::Paid if order.asked >= BILL_ASKS_MAX => (PaymentState::Paid, None),
        state => (state, Some(later(tx, after))),
    };
    tx.sql.execute(
        "UPDATE payment_orders SET state = ?2, asked = asked + 1, ask_at = ?3 WHERE reference = ?1",
        values![order.reference, state as i32, ask_at],
    )?;
    if state == PaymentState::Over
        && let Some(Standing::Payment(dossier)) = life::open(tx, &order.dossier)?
    {
        dossier.go::<Stopped>(tx, UNPAID)?;
    }
    Ok(())
}

/// Whether the last instant of an order has passed.
fn is_over(tx: &Tx<'_>, order: &PaymentOrder) -> Result<bool, Error> {
    let until = facts::moment(&order.valid_until, "valid_until")
        .map_err(|_| Error::Corrupt("the last instant of an order"))?;
    Ok(tx.now > until)
}

/// Takes a dossier in work to the state in which it is paid for.
fn awaiting_payment(
    tx: &Tx<'_>,
    dossier: life::At<InWork>,
    order: &PaymentOrder,
    url: &str,
) -> Result<life::At<Payment>, Error> {
    let (text, tells_page) = to_pay(order, url);
    let supported = match tells_page {
        true => row::supported(tx.sql, &order.reference)?,
        false => Vec::new(),
    };
    let by = By {
        reason: "",
        officer: "",
        text: &text,
        supported: &supported,
    };
    dossier.go_by::<Payment>(tx, &by)
}

/// What the applicant is told: how much, for what, until when, and where; and whether the whole page is in it.
fn to_pay(order: &PaymentOrder, url: &str) -> (String, bool) {
    let mut text = format!(
        "Số tiền phải nộp: {} đ; mã tham chiếu {}; nộp trước {}",
        order.vnd, order.reference, order.valid_until
    );
    if !url.is_empty() {
        text.push_str(&format!("; nộp tại {url}"));
    }
    let lines: Vec<&str> = order.page.lines().map(str::trim).collect();
    let page = lines.iter().filter(|line| !line.is_empty());
    let page = page.copied().collect::<Vec<_>>().join("; ");
    let fits = text.chars().count() + page.chars().count() < TOLD_CHARS_MAX;
    if fits {
        text.push_str(&format!(". {page}"));
    }
    (text, fits)
}

fn transaction(said: Option<Transaction>) -> Result<Transaction, Error> {
    let said = said.ok_or_else(|| invalid("missing", "transaction"))?;
    facts::word(&said.id, 64, "transaction")?;
    facts::word(&said.reference, 64, "reference")?;
    super::dossiers::bounded(&said.bank, 64, "transaction")?;
    facts::moment(&said.paid_at, "transaction")?;
    match (1..=VND_MAX).contains(&said.vnd) {
        true => Ok(said),
        false => Err(invalid("bad-amount", "transaction")),
    }
}

fn order(tx: &Tx<'_>, reference: &str) -> Result<PaymentOrder, Error> {
    row::order(tx.sql, reference)?.ok_or_else(unknown)
}

fn unknown() -> Error {
    Error::refused(FaultCode::UnknownSubject, "unknown-payment", "reference")
}

fn rule(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, field)
}

fn seconds(after: u32) -> Result<u32, Error> {
    match (1..=86_400).contains(&after) {
        true => Ok(after),
        false => Err(invalid("malformed-number", "ask_after")),
    }
}

fn later(tx: &Tx<'_>, after: u32) -> String {
    let at = tx
        .now
        .saturating_add(SignedDuration::from_secs(i64::from(after)));
    facts::instant(at.unwrap_or(tx.now))
}

const UNPAID: &str = "Quá hạn nộp tiền";
/// More than any quote: a slip, or an attack.
const VND_MAX: i64 = 1_000_000_000_000;
/// What the portal is told at most; a page that is longer is shown by `lienthong payment show` alone.
const TOLD_CHARS_MAX: usize = 1_000;
const BILL_ASKS_MAX: u32 = 20;
/// The time at the end of a reference.
const TIME_DIGITS: usize = 14;
