//! The platform's account of a day, held against the ledger and against what was booked.

use std::collections::BTreeMap;

use schemas::fault::FaultCode;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    ComparePaymentsRequest, ComparePaymentsResponse, NoteStatementRequest, NoteStatementResponse,
    PaymentDifference, SideTotal, Transaction,
};

use super::transaction;
use crate::registry::effects::Asked;
use crate::registry::facts::{self, invalid};
use crate::registry::{Error, Registry, Tx};
use crate::sql::{Sql, values};

impl Registry {
    /// Keeps a part of the platform's statement of a day.
    ///
    /// # Errors
    /// `INVALID` where a part is malformed, `CONFLICT` where the statement told a transaction otherwise before.
    pub async fn note_statement(
        &self,
        mut said: NoteStatementRequest,
    ) -> Result<NoteStatementResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Payments.NoteStatement", &context, said.encode_to_vec())?;
        let day = facts::date(&said.day, "day")?.to_string();
        if said.transactions.len() > PART_MAX {
            return Err(invalid("too-many", "transactions"));
        }
        let told = said.transactions.into_iter().map(Some).map(transaction);
        let told = told.collect::<Result<Vec<_>, _>>()?;
        let whole = said.whole;
        self.effect(asked, move |tx, _| {
            for one in &told {
                note(tx, &day, one)?;
            }
            if whole {
                tx.sql.execute(
                    "INSERT INTO payment_statement_days (day, noted_at) VALUES (?1, ?2) ON CONFLICT (day) DO NOTHING",
                    values![day, facts::instant(tx.now)],
                )?;
            }
            let noted: i64 = tx.sql.query_one(
                "SELECT count(*) FROM payment_statements WHERE day = ?1",
                values![day],
                |row| row.get(0),
            )?;
            Ok(NoteStatementResponse {
                noted: u32::try_from(noted).unwrap_or(u32::MAX),
            })
        })
        .await
    }

    /// Holds the three sides of a day against each other.
    ///
    /// # Errors
    /// `INVALID` where the day is malformed.
    pub async fn compare_payments(
        &self,
        request: ComparePaymentsRequest,
    ) -> Result<ComparePaymentsResponse, Error> {
        facts::context(request.context)?;
        let day = facts::date(&request.day, "day")?.to_string();
        self.read("payments.compare", move |sql| compare(sql, &day))
            .await
    }
}

fn note(tx: &Tx<'_>, day: &str, one: &Transaction) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO payment_statements (day, id, reference, vnd, paid_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (day, id) DO NOTHING",
        values![day, one.id, one.reference, one.vnd, one.paid_at],
    )?;
    let (reference, vnd): (String, i64) = tx.sql.query_one(
        "SELECT reference, vnd FROM payment_statements WHERE day = ?1 AND id = ?2",
        values![day, one.id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match reference == one.reference && vnd == one.vnd {
        true => Ok(()),
        false => Err(Error::refused(
            FaultCode::Conflict,
            "payment-has-other-facts",
            "transactions",
        )),
    }
}

/// One transaction as the ledger has it, and what the contributions under it add up to.
struct Kept {
    reference: String,
    vnd: i64,
    booked: i64,
    to_refund: bool,
}

fn compare(sql: &Sql, day: &str) -> Result<ComparePaymentsResponse, Error> {
    let whole: bool = sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM payment_statement_days WHERE day = ?1)",
        values![day],
        |row| row.get(0),
    )?;
    let told: BTreeMap<String, (String, i64)> = sql
        .query(
            "SELECT id, reference, vnd FROM payment_statements WHERE day = ?1",
            values![day],
            |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))),
        )?
        .into_iter()
        .collect();
    // what an officer saw elsewhere was not paid there
    let kept: BTreeMap<String, Kept> = sql
        .query(
            "SELECT p.id, p.reference, p.vnd, p.reason,
               (SELECT CAST(coalesce(sum(c.vnd), 0) AS BIGINT) FROM contribution_lines c
                WHERE c.transaction_id = p.id AND c.transaction_id <> '')
             FROM payments p WHERE p.paid_on = ?1 AND p.heard_by <> 4",
            values![day],
            |row| {
                let reason: String = row.get(3)?;
                let kept = Kept {
                    reference: row.get(1)?,
                    vnd: row.get(2)?,
                    booked: row.get(4)?,
                    to_refund: !reason.is_empty(),
                };
                Ok((row.get::<String>(0)?, kept))
            },
        )?
        .into_iter()
        .collect();
    let mut differences = Vec::new();
    for (id, (reference, vnd)) in &told {
        if let Some(kind) = told_otherwise(reference, *vnd, kept.get(id)) {
            differences.push(difference(kind, id, told.get(id), kept.get(id)));
        }
    }
    for (id, ours) in &kept {
        if whole && !told.contains_key(id) {
            differences.push(difference("not-in-statement", id, None, Some(ours)));
        }
        if let Some(kind) = booked_otherwise(ours) {
            differences.push(difference(kind, id, told.get(id), Some(ours)));
        }
    }
    differences.truncate(DIFFERENCES_MAX);
    let sum = |amounts: &mut dyn Iterator<Item = i64>| {
        amounts.fold(SideTotal::default(), |all, vnd| SideTotal {
            transactions: all.transactions + 1,
            vnd: all.vnd + vnd,
        })
    };
    let booked = kept.values().filter(|one| one.booked > 0);
    let refunds = kept.values().filter(|one| one.to_refund);
    Ok(ComparePaymentsResponse {
        whole,
        platform: Some(sum(&mut told.values().map(|(_, vnd)| *vnd))),
        ledger: Some(sum(&mut kept.values().map(|one| one.vnd))),
        booked: Some(sum(&mut booked.map(|one| one.booked))),
        refunds: Some(sum(&mut refunds.map(|one| one.vnd))),
        differences,
    })
}

fn told_otherwise(reference: &str, vnd: i64, ours: Option<&Kept>) -> Option<&'static str> {
    match ours {
        None => Some("not-in-ledger"),
        Some(ours) if ours.vnd != vnd => Some("another-amount"),
        Some(ours) if ours.reference != reference => Some("another-reference"),
        Some(_) => None,
    }
}

fn booked_otherwise(ours: &Kept) -> Option<&'static str> {
    match (ours.to_refund, ours.booked) {
        (false, 0) => Some("not-booked"),
        (false, booked) if booked == ours.vnd => None,
        (true, 0) => None,
        _ => Some("booked-otherwise"),
    }
}

fn difference(
    kind: &str,
    id: &str,
    told: Option<&(String, i64)>,
    ours: Option<&Kept>,
) -> PaymentDifference {
    let reference = told.map(|(reference, _)| reference.as_str());
    let reference = reference.or(ours.map(|ours| ours.reference.as_str()));
    PaymentDifference {
        kind: kind.to_owned(),
        transaction: id.to_owned(),
        reference: reference.unwrap_or_default().to_owned(),
        platform_vnd: told.map_or(0, |(_, vnd)| *vnd),
        ledger_vnd: ours.map_or(0, |ours| ours.vnd),
        registry_vnd: ours.map_or(0, |ours| ours.booked),
    }
}

/// Transactions in one part of a statement.
const PART_MAX: usize = 1_000;
const DIFFERENCES_MAX: usize = 1_000;
