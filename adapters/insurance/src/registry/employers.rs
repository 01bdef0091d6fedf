//! Employers and what they paid for whom, month by month.

mod ageing;
mod record;
mod said;
mod watch;

use schemas::id::{Period, TaxId};
use schemas::proto::insurance::{
    D02Change, GetParticipationRequest, GetParticipationResponse, Unit, Units,
};

use super::{Error, Registry, facts};
use crate::sql::{Sql, values};

impl Registry {
    /// Participation of one employer in one month, and of what else is known only what was asked for.
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
        let asked = Asked::parse(request)?;
        self.read("participation", move |sql| asked.answer(sql))
            .await
    }
}

/// One employer's month and nothing beside it; nothing found where the code or month is none.
pub(super) fn month(
    sql: &Sql,
    tax_code: &str,
    period: &str,
) -> Result<GetParticipationResponse, Error> {
    let (Ok(code), Ok(period)) = (TaxId::parse(tax_code), Period::parse(period)) else {
        return Ok(GetParticipationResponse::default());
    };
    let asked = Asked {
        code,
        period: period.to_string(),
        units: false,
        ageing: false,
        last_d02: false,
        registered_from: false,
    };
    asked.answer(sql)
}

/// A question, every part of it checked.
struct Asked {
    code: TaxId,
    period: String,
    units: bool,
    ageing: bool,
    last_d02: bool,
    registered_from: bool,
}

struct Employer {
    id: i64,
    name: String,
    unit_code: String,
    state: i32,
}

impl Asked {
    fn parse(request: GetParticipationRequest) -> Result<Self, Error> {
        facts::context(request.context)?;
        let code = TaxId::parse(&request.tax_code)
            .map_err(|_| facts::invalid("malformed-tax-code", "tax_code"))?;
        let period = Period::parse(&request.period)
            .map_err(|_| facts::invalid("malformed-period", "period"))?;
        Ok(Self {
            code,
            period: period.to_string(),
            units: request.with_units,
            ageing: request.with_ageing,
            last_d02: request.with_last_d02,
            registered_from: request.with_registered_from,
        })
    }

    fn answer(&self, sql: &Sql) -> Result<GetParticipationResponse, Error> {
        let Some(employer) = employer(sql, &self.code)? else {
            return Ok(GetParticipationResponse::default());
        };
        let closed = closed_month(sql, &employer, &self.period)?;
        let first = match closed.is_none() || self.registered_from {
            true => first_statement(sql, employer.id)?,
            false => None,
        };
        let mut answer = match closed {
            Some(month) => month,
            None if first.as_ref().is_some_and(|first| self.period < *first) => {
                return Ok(GetParticipationResponse::default());
            }
            None => open_month(&employer),
        };
        self.add(sql, &employer, &mut answer)?;
        if self.registered_from {
            answer.registered_from = first.unwrap_or_default();
        }
        Ok(answer)
    }

    /// What was asked for beside the month itself.
    fn add(
        &self,
        sql: &Sql,
        employer: &Employer,
        answer: &mut GetParticipationResponse,
    ) -> Result<(), Error> {
        if self.units {
            answer.units = Some(units(sql, &self.code)?);
        }
        if self.ageing && !answer.incomplete {
            let age = ageing::of(sql, employer.id, &self.period, answer.arrears_vnd)?;
            answer.ageing = Some(age);
        }
        if self.last_d02 {
            answer.last_d02 = last_d02(sql, employer.id, &self.period)?;
        }
        Ok(())
    }
}

fn open_month(employer: &Employer) -> GetParticipationResponse {
    GetParticipationResponse {
        found: true,
        incomplete: true,
        state: employer.state,
        name: employer.name.clone(),
        unit_code: employer.unit_code.clone(),
        ..GetParticipationResponse::default()
    }
}

fn employer(sql: &Sql, code: &TaxId) -> Result<Option<Employer>, Error> {
    Ok(sql.query_opt(
        "SELECT id, name, unit_code, state FROM employers WHERE mst = ?1",
        values![code.as_str()],
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
                incomplete: false,
                state: row.get(0)?,
                participants: row.get(1)?,
                fund_vnd: row.get(2)?,
                due_vnd: row.get(3)?,
                paid_vnd: row.get(4)?,
                arrears_vnd: row.get(5)?,
                ..open_month(employer)
            })
        },
    )?)
}

fn first_statement(sql: &Sql, employer: i64) -> Result<Option<String>, Error> {
    Ok(sql.query_one(
        "SELECT min(period) FROM contributions WHERE employer = ?1",
        values![employer],
        |row| row.get(0),
    )?)
}

/// The branches of an enterprise: their codes begin with its own. Nothing is under a branch or a household.
fn units(sql: &Sql, code: &TaxId) -> Result<Units, Error> {
    let TaxId::Mst(mst) = code else {
        return Ok(Units::default());
    };
    if mst.branch().is_some() {
        return Ok(Units::default());
    }
    // '.' is the character after '-'
    let (from, to) = (format!("{}-", mst.root()), format!("{}.", mst.root()));
    let count: i64 = sql.query_one(
        "SELECT count(*) FROM employers WHERE mst > ?1 AND mst < ?2",
        values![from, to],
        |row| row.get(0),
    )?;
    let units = sql.query(
        "SELECT mst, unit_code, state FROM employers WHERE mst > ?1 AND mst < ?2 ORDER BY mst LIMIT 100",
        values![from, to],
        |row| {
            Ok(Unit {
                tax_code: row.get(0)?,
                unit_code: row.get(1)?,
                state: row.get(2)?,
            })
        },
    )?;
    let count = u32::try_from(count).map_err(|_| Error::Corrupt("a count"))?;
    Ok(Units { count, units })
}

fn last_d02(sql: &Sql, employer: i64, period: &str) -> Result<Option<D02Change>, Error> {
    Ok(sql.query_opt(
        "SELECT period, submitted_on, plan, joined, gone FROM d02
         WHERE employer = ?1 AND period <= ?2 ORDER BY period DESC LIMIT 1",
        values![employer, period],
        |row| {
            Ok(D02Change {
                period: row.get(0)?,
                submitted_on: row.get(1)?,
                plan: row.get(2)?,
                joined: row.get(3)?,
                gone: row.get(4)?,
            })
        },
    )?)
}
