//! What stands open, who paid, and a person's word that money was given back.

use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    DuePayment, ListDuePaymentsRequest, ListDuePaymentsResponse, ListPaymentsRequest,
    ListPaymentsResponse, PaymentState, RefundPaymentRequest, RefundPaymentResponse,
    ShowPaymentRequest, ShowPaymentResponse,
};

use super::row::{self, orders};
use super::{rule, unknown};
use crate::registry::effects::Asked;
use crate::registry::facts::{self, invalid};
use crate::registry::{Error, Registry};
use crate::sql::values;

impl Registry {
    /// Orders of which something has to be asked now, those that have waited longest first, at most 200 that are open
    /// or paid and 200 that are to be opened: what nobody answers of those holds up none of these.
    ///
    /// # Errors
    /// `INVALID` where the context is malformed.
    pub async fn due_payments(
        &self,
        request: ListDuePaymentsRequest,
    ) -> Result<ListDuePaymentsResponse, Error> {
        facts::context(request.context)?;
        let now = facts::instant((self.shared.clock)());
        self.read("payments.due", move |sql| {
            let mut found = sql.query(
                orders!(
                    "WHERE o.ask_at <= ?1 AND o.state <> 1 ORDER BY o.ask_at, o.reference LIMIT 200"
                ),
                values![now],
                row::read,
            )?;
            // nobody pays for a dossier that ended before the platform was told, nor a price that is none any more
            found.extend(sql.query(
                orders!(
                    "WHERE o.ask_at <= ?1 AND o.state = 1 AND d.state = 4 AND o.valid_until >= ?1
                     ORDER BY o.ask_at, o.reference LIMIT 200"
                ),
                values![now],
                row::read,
            )?);
            let due = found.into_iter().map(|(order, payer)| DuePayment {
                order: Some(order),
                payer: Some(payer),
            });
            Ok(ListDuePaymentsResponse { due: due.collect() })
        })
        .await
    }

    /// Payments, the newest first; none of an applicant's facts.
    ///
    /// # Errors
    /// `INVALID` where a part of the filter is malformed.
    pub async fn payments(
        &self,
        request: ListPaymentsRequest,
    ) -> Result<ListPaymentsResponse, Error> {
        facts::context(request.context.clone())?;
        if PaymentState::try_from(request.state).is_err() {
            return Err(invalid("unknown-code", "state"));
        }
        if !(1..=500).contains(&request.max) {
            return Err(invalid("too-many", "max"));
        }
        self.read("payments.list", move |sql| {
            let before = match request.before.as_str() {
                "" => "~".to_owned(),
                before => before.to_owned(),
            };
            let found = match request.to_refund {
                true => sql.query(
                    orders!(
                        "WHERE o.reference IN (SELECT p.reference FROM payments p WHERE p.reason <> '' AND p.refunded = '')
                           AND (?1 = 0 OR o.state = ?1) AND o.reference < ?2
                         ORDER BY o.reference DESC LIMIT ?3"
                    ),
                    values![request.state, before, request.max],
                    row::read,
                )?,
                false => sql.query(
                    orders!(
                        "WHERE (?1 = 0 OR o.state = ?1) AND o.reference < ?2
                         ORDER BY o.reference DESC LIMIT ?3"
                    ),
                    values![request.state, before, request.max],
                    row::read,
                )?,
            };
            Ok(ListPaymentsResponse {
                orders: found.into_iter().map(|(order, _)| order).collect(),
            })
        })
        .await
    }

    /// One payment with its transactions and what was booked.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is none of this reference or dossier.
    pub async fn payment(&self, request: ShowPaymentRequest) -> Result<ShowPaymentResponse, Error> {
        facts::context(request.context)?;
        let name = facts::word(&request.reference, 64, "reference")?;
        self.read("payments.show", move |sql| {
            let (order, payer) = row::with_payer(sql, &name)?.ok_or_else(unknown)?;
            Ok(ShowPaymentResponse {
                entries: row::entries(sql, &order.reference)?,
                bookings: row::bookings(sql, &order.reference)?,
                supported: row::supported(sql, &order.reference)?,
                order: Some(order),
                payer: Some(payer),
            })
        })
        .await
    }

    /// A person says that the money of a refund case was given back.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such transaction, `RULE-REFUSED` where it was booked, `CONFLICT` where it
    /// was given back before, `INVALID` where something is missing.
    pub async fn refund_payment(
        &self,
        mut said: RefundPaymentRequest,
    ) -> Result<RefundPaymentResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Payments.Refund", &context, said.encode_to_vec())?;
        for (text, field) in [(&said.who, "who"), (&said.why, "why")] {
            if text.trim().is_empty() || text.len() > WORDS_BYTES_MAX {
                return Err(invalid("missing", field));
            }
        }
        facts::word(&said.refunded, 64, "refunded")?;
        self.effect(asked, move |tx, _| {
            let known = row::entry(tx.sql, &said.transaction)?.ok_or_else(|| {
                Error::refused(FaultCode::UnknownSubject, "unknown-payment", "transaction")
            })?;
            if known.booked {
                return Err(rule("not-to-refund", "transaction"));
            }
            if !known.refunded.is_empty() {
                return Err(Error::refused(
                    FaultCode::Conflict,
                    "refunded-already",
                    "transaction",
                ));
            }
            tx.sql.execute(
                "UPDATE payments SET refunded = ?2, refunded_by = ?3, refunded_why = ?4 WHERE id = ?1",
                values![said.transaction, said.refunded, said.who, said.why],
            )?;
            Ok(RefundPaymentResponse {
                entry: row::entry(tx.sql, &said.transaction)?,
            })
        })
        .await
    }
}

const WORDS_BYTES_MAX: usize = 2_000;
