//! The tax ledger: every discrepancy between the two departments from the day it was found until it is
//! settled or has expired, and every step of it.
//!
//! It refuses to know how discrepancies are found and who may see them: it is told what was found, and by
//! whose word each one moves.

mod finding;
mod moves;
mod note;
mod recheck;
mod row;
mod standing;

use schemas::fault::FaultCode;
use schemas::id::{PartnerId, Period, TaxId};
use schemas::proto::insurance::{
    Discrepancy, DiscrepancyState, GetDiscrepancyRequest, GetDiscrepancyResponse,
    ListDiscrepanciesRequest, ListDiscrepanciesResponse,
};

use super::{Error, Registry, facts};
use crate::sql::{Sql, values};
pub use finding::CATEGORIES;
pub use standing::{Disputed, Expired, Matched, Mismatched, Notified, Settled, Standing};

impl Registry {
    /// Discrepancies without their steps, the newest first: for the officer who follows them up.
    ///
    /// # Errors
    /// `INVALID` where a part of the filter is malformed; `UNKNOWN-SUBJECT` where `before` is unknown.
    pub async fn discrepancies(
        &self,
        request: ListDiscrepanciesRequest,
    ) -> Result<ListDiscrepanciesResponse, Error> {
        facts::context(request.context.clone())?;
        check(&request)?;
        let max = page(request.max)?;
        self.read("discrepancies", move |sql| {
            Ok(ListDiscrepanciesResponse {
                discrepancies: list(sql, &request, max)?,
            })
        })
        .await
    }

    /// One discrepancy with its steps.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is none of this id.
    pub async fn discrepancy(
        &self,
        request: GetDiscrepancyRequest,
    ) -> Result<GetDiscrepancyResponse, Error> {
        facts::context(request.context)?;
        self.read("discrepancy", move |sql| {
            let (seq, found) = row::by_id(sql, &request.id)?.ok_or_else(unknown)?;
            Ok(GetDiscrepancyResponse {
                discrepancy: Some(found),
                steps: row::steps(sql, seq)?,
            })
        })
        .await
    }
}

fn list(sql: &Sql, asked: &ListDiscrepanciesRequest, max: i64) -> Result<Vec<Discrepancy>, Error> {
    const OF_ONE: &str =
        "WHERE tax_code = ?7 AND (?1 = '' OR partner = ?1) AND (?2 = '' OR period = ?2)
          AND (state = ?3 OR ?3 = 0 AND state < 5) AND (?4 = '' OR category = ?4) AND seq < ?5
        ORDER BY seq DESC LIMIT ?6";
    const OF_ALL: &str = "WHERE (?1 = '' OR partner = ?1) AND (?2 = '' OR period = ?2)
          AND (state = ?3 OR ?3 = 0 AND state < 5) AND (?4 = '' OR category = ?4) AND seq < ?5
        ORDER BY seq DESC LIMIT ?6";
    let before = match asked.before.as_str() {
        "" => i64::MAX,
        id => row::by_id(sql, id)?.ok_or_else(unknown)?.0,
    };
    let ListDiscrepanciesRequest {
        partner,
        period,
        category,
        tax_code,
        ..
    } = asked;
    let state = asked.state;
    let rows = match tax_code.as_str() {
        "" => sql.query(
            &format!("{} {OF_ALL}", row::ROW),
            values![partner, period, state, category, before, max],
            row::read,
        )?,
        code => sql.query(
            &format!("{} {OF_ONE}", row::ROW),
            values![partner, period, state, category, before, max, code],
            row::read,
        )?,
    };
    Ok(rows.into_iter().map(|(_, found)| found).collect())
}

fn check(asked: &ListDiscrepanciesRequest) -> Result<(), Error> {
    let refused = [
        (
            PartnerId::parse(&asked.partner).is_err() && !asked.partner.is_empty(),
            facts::invalid("malformed-id", "partner"),
        ),
        (
            Period::parse(&asked.period).is_err() && !asked.period.is_empty(),
            facts::invalid("malformed-period", "period"),
        ),
        (
            TaxId::parse(&asked.tax_code).is_err() && !asked.tax_code.is_empty(),
            facts::invalid("malformed-tax-code", "tax_code"),
        ),
        (
            DiscrepancyState::try_from(asked.state).is_err(),
            facts::invalid("unknown-code", "state"),
        ),
    ];
    if let Some((_, error)) = refused.into_iter().find(|(wrong, _)| *wrong) {
        return Err(error);
    }
    match asked.category.as_str() {
        "" => Ok(()),
        code => finding::category(code),
    }
}

fn page(max: u32) -> Result<i64, Error> {
    match max {
        1..=1_000 => Ok(i64::from(max)),
        _ => Err(facts::invalid("too-many", "max")),
    }
}

fn unknown() -> Error {
    Error::refused(FaultCode::UnknownSubject, "unknown-discrepancy", "id")
}
