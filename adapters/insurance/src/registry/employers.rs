//! Employers and what they paid for whom, month by month.

use schemas::id::{Mst, Period};
use schemas::proto::insurance::{GetParticipationRequest, GetParticipationResponse};

use super::{Error, Registry, facts};
use crate::sql::{Sql, values};

impl Registry {
    /// Participation of one employer in one month.
    ///
    /// No row under the code, or a month before the employer's first statement: not found. A month
    /// whose statement is not closed, the future included: incomplete, without figures. A branch is
    /// its own row and never answers for its root.
    ///
    /// # Errors
    /// `INVALID` where the context, tax code or period is malformed.
    pub async fn participation(
        &self,
        request: GetParticipationRequest,
    ) -> Result<GetParticipationResponse, Error> {
        facts::context(request.context)?;
        let mst = Mst::parse(&request.tax_code)
            .map_err(|_| facts::invalid("malformed-tax-code", "tax_code"))?;
        let period = Period::parse(&request.period)
            .map_err(|_| facts::invalid("malformed-period", "period"))?;
        self.read("participation", move |sql| answer(sql, &mst, period))
            .await
    }
}

struct Employer {
    id: i64,
    name: String,
    unit_code: String,
    state: i32,
}

fn answer(sql: &Sql, mst: &Mst, period: Period) -> Result<GetParticipationResponse, Error> {
    let Some(employer) = employer(sql, mst)? else {
        return Ok(GetParticipationResponse::default());
    };
    let period = period.to_string();
    if let Some(month) = closed_month(sql, &employer, &period)? {
        return Ok(month);
    }
    if precedes_first_statement(sql, employer.id, &period)? {
        return Ok(GetParticipationResponse::default());
    }
    Ok(GetParticipationResponse {
        found: true,
        incomplete: true,
        state: employer.state,
        name: employer.name,
        unit_code: employer.unit_code,
        ..GetParticipationResponse::default()
    })
}

fn employer(sql: &Sql, mst: &Mst) -> Result<Option<Employer>, Error> {
    Ok(sql.query_opt(
        "SELECT id, name, unit_code, state FROM employers WHERE mst = ?1",
        values![mst.as_str()],
        |row| {
            Ok(Employer {
                id: row.get(0)?,
                name: row.get(1)?,
                unit_code: row.get(2)?,
                state: row.get(3)?,
            })
        },
    )?)
}

fn closed_month(
    sql: &Sql,
    employer: &Employer,
    period: &str,
) -> Result<Option<GetParticipationResponse>, Error> {
    Ok(sql.query_opt(
        "SELECT state, participants, fund_vnd, due_vnd, paid_vnd, arrears_vnd
         FROM contributions WHERE employer = ?1 AND period = ?2 AND closed = 1",
        values![employer.id, period],
        |row| {
            Ok(GetParticipationResponse {
                found: true,
                incomplete: false,
                state: row.get(0)?,
                name: employer.name.clone(),
                unit_code: employer.unit_code.clone(),
                participants: row.get(1)?,
                fund_vnd: row.get(2)?,
                due_vnd: row.get(3)?,
                paid_vnd: row.get(4)?,
                arrears_vnd: row.get(5)?,
            })
        },
    )?)
}

fn precedes_first_statement(sql: &Sql, employer: i64, period: &str) -> Result<bool, Error> {
    let first: Option<String> = sql.query_one(
        "SELECT min(period) FROM contributions WHERE employer = ?1",
        values![employer],
        |row| row.get(0),
    )?;
    Ok(first.is_some_and(|first| period < first.as_str()))
}
