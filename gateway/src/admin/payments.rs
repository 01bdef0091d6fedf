//! Payments, as operators see them: amounts, states and what became of each transaction; nothing of who pays. A page that
//! tells somebody's group is told to whoever says why, and is in the ledger of accesses before they see it.

use certs::digest::sha256;
use jiff::civil::Date;
use schemas::proto::{
    admin::{
        ListPaymentsRequest, ListPaymentsResponse, PaymentLine, ReconcilePaymentsRequest,
        ReconcilePaymentsResponse, RefundPaymentRequest, RefundPaymentResponse, ShowPaymentRequest,
        ShowPaymentResponse,
    },
    insurance::{
        self as contract, Booking, LedgerEntry, PaymentDifference, PaymentOrder, PaymentState,
        SideTotal,
    },
};
use tonic::Status;

use super::{
    AdminParts,
    dossiers::enter,
    office::said_why,
    reviews::{self, behind, said, soon},
};

pub(super) async fn list(
    parts: &AdminParts,
    asked: ListPaymentsRequest,
) -> Result<ListPaymentsResponse, Status> {
    let state = match asked.state.as_str() {
        "" => PaymentState::Unspecified,
        word => STATES
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, state)| *state)
            .ok_or_else(|| Status::invalid_argument("quoted, open, paid or over"))?,
    };
    let request = contract::ListPaymentsRequest {
        context: Some(asking(parts, Vec::new())),
        state: state.into(),
        to_refund: asked.to_refund,
        before: asked.before,
        max: asked.max.clamp(1, 500),
    };
    let listed = behind(parts)?.payments(soon(), request).await;
    let orders = listed.map_err(said)?.orders;
    Ok(ListPaymentsResponse {
        payments: orders.into_iter().map(line).collect(),
    })
}

pub(super) async fn show(
    parts: &AdminParts,
    asked: ShowPaymentRequest,
) -> Result<ShowPaymentResponse, Status> {
    let request = contract::ShowPaymentRequest {
        context: Some(asking(parts, Vec::new())),
        reference: asked.reference,
    };
    let shown = behind(parts)?.payment(soon(), request).await;
    let shown = shown.map_err(said)?;
    let mut order = shown.order.unwrap_or_default();
    let mut page = std::mem::take(&mut order.page);
    if !shown.supported.is_empty() {
        match asked.why.is_empty() {
            true => page.clear(),
            false => {
                let (who, why) = said_why(asked.who, asked.why)?;
                for number in &shown.supported {
                    enter(parts, number, who.clone(), why.clone()).await?;
                }
            }
        }
    }
    Ok(ShowPaymentResponse {
        page,
        payment: Some(line(order)),
        entries: shown.entries.iter().map(entry).collect(),
        bookings: shown.bookings.iter().map(booking).collect(),
    })
}

pub(super) async fn refund(
    parts: &AdminParts,
    asked: RefundPaymentRequest,
) -> Result<RefundPaymentResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let key = format!("payment/refund/{}/{}", asked.transaction, asked.refunded);
    let request = contract::RefundPaymentRequest {
        context: Some(asking(parts, sha256(key.as_bytes()).to_vec())),
        transaction: asked.transaction.clone(),
        refunded: asked.refunded,
        who,
        why,
    };
    let done = behind(parts)?.refund_payment(soon(), request).await;
    let done = done.map_err(said)?.entry.unwrap_or_default();
    tracing::warn!(
        transaction = asked.transaction,
        "an operator says that a payment was given back"
    );
    Ok(RefundPaymentResponse {
        entry: entry(&done),
    })
}

pub(super) async fn reconcile(
    parts: &AdminParts,
    asked: ReconcilePaymentsRequest,
) -> Result<ReconcilePaymentsResponse, Status> {
    let day: Date = asked
        .day
        .parse()
        .map_err(|_| Status::invalid_argument("a day, yyyy-MM-dd"))?;
    let request = contract::ComparePaymentsRequest {
        context: Some(asking(parts, Vec::new())),
        day: day.to_string(),
    };
    let compared = behind(parts)?.compare_payments(soon(), request).await;
    let compared = compared.map_err(said)?;
    let sides = [
        ("platform", &compared.platform),
        ("ledger", &compared.ledger),
        ("booked", &compared.booked),
        ("to refund", &compared.refunds),
    ];
    Ok(ReconcilePaymentsResponse {
        whole: compared.whole,
        sides: sides
            .into_iter()
            .map(|(name, total)| side(name, total.as_ref()))
            .collect(),
        differences: compared.differences.iter().map(difference).collect(),
    })
}

/// In our own name: an operator is no partner.
fn asking(parts: &AdminParts, key: Vec<u8>) -> contract::Context {
    contract::Context {
        rule: "payment".to_owned(),
        purpose: portal::payment::PURPOSE.to_owned(),
        ..reviews::asking(parts, key)
    }
}

fn line(order: PaymentOrder) -> PaymentLine {
    let state = STATES.iter().find(|(_, state)| *state == order.state());
    PaymentLine {
        state: state.map_or("?", |(word, _)| *word).to_owned(),
        reference: order.reference,
        dossier: order.dossier,
        procedure: order.procedure,
        vnd: order.vnd,
        quoted_at: order.quoted_at,
        valid_until: order.valid_until,
        dossier_state: order.dossier_state,
        bill: order.bill,
    }
}

fn entry(entry: &LedgerEntry) -> String {
    let paid = entry.transaction.clone().unwrap_or_default();
    let by = entry
        .heard_by()
        .as_str_name()
        .trim_start_matches("HEARD_BY_");
    let mut text = format!(
        "{} {} đ, paid {}, heard {} by {}",
        paid.id,
        paid.vnd,
        paid.paid_at,
        entry.heard_at,
        by.to_lowercase()
    );
    match (entry.booked, entry.refunded.is_empty()) {
        (true, _) => text.push_str(": booked"),
        (false, true) => text.push_str(&format!(": TO REFUND ({})", entry.reason)),
        (false, false) => text.push_str(&format!(
            ": refunded ({}) as {} by {}: {}",
            entry.reason, entry.refunded, entry.refunded_by, entry.refunded_why
        )),
    }
    text
}

fn booking(line: &Booking) -> String {
    let mut text = format!(
        "{} {} đ, {} months from {}, under {}",
        line.kind, line.vnd, line.months, line.period, line.transaction
    );
    if line.serial > 0 {
        text.push_str(&format!(", print {} of the card", line.serial));
    }
    text
}

fn side(name: &str, total: Option<&SideTotal>) -> String {
    let total = total.copied().unwrap_or_default();
    format!("{name}: {} payments, {} đ", total.transactions, total.vnd)
}

fn difference(one: &PaymentDifference) -> String {
    format!(
        "{}: {} of {}, platform {} đ, ledger {} đ, booked {} đ",
        one.kind,
        one.transaction,
        one.reference,
        one.platform_vnd,
        one.ledger_vnd,
        one.registry_vnd
    )
}

const STATES: [(&str, PaymentState); 4] = [
    ("quoted", PaymentState::Quoted),
    ("open", PaymentState::Open),
    ("paid", PaymentState::Paid),
    ("over", PaymentState::Over),
];
