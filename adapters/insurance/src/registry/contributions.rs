//! What one person contributed by whom: the months with a closed statement and the base of each.

use std::collections::BTreeSet;

use schemas::codes::reference_levels;
use schemas::fault::FaultCode;
use schemas::id::{Mst, Period, Pin, SiNumber};
use schemas::proto::insurance::get_contributions_request::Number;
use schemas::proto::insurance::{GetContributionsRequest, GetContributionsResponse, Stretch};

use super::{Error, Registry, facts, people};
use crate::sql::{Sql, values};

impl Registry {
    /// One person's contributions over some months, both ends included.
    ///
    /// A month counts where the employer's statement of it is closed; where the person worked in a month
    /// that is not closed the answer is incomplete.
    ///
    /// # Errors
    /// `INVALID` where the context, number or span is malformed; `AMBIGUOUS-SUBJECT` where several people
    /// are known under a personal tax code.
    pub async fn contributions(
        &self,
        request: GetContributionsRequest,
    ) -> Result<GetContributionsResponse, Error> {
        let asked = Asked::parse(request)?;
        self.read("contributions", move |sql| asked.answer(sql))
            .await
    }
}

/// One person's month; none where several people are known under the number.
pub(super) fn month(
    sql: &Sql,
    number: Number,
    period: &str,
) -> Result<Option<GetContributionsResponse>, Error> {
    let month = Period::parse(period).map_err(|_| Error::Corrupt("a stored month"))?;
    let asked = Asked {
        number,
        from: month,
        to: month,
    };
    match asked.answer(sql) {
        Ok(answer) => Ok(Some(answer)),
        Err(Error::Refused(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A question, every part of it checked.
struct Asked {
    number: Number,
    from: Period,
    to: Period,
}

/// One employment, cut to the months asked.
struct Work {
    employer: i64,
    tax_code: String,
    salary_vnd: i64,
    from: Period,
    to: Period,
}

impl Asked {
    fn parse(request: GetContributionsRequest) -> Result<Self, Error> {
        facts::context(request.context)?;
        let number = request
            .number
            .ok_or_else(|| facts::invalid("missing", "number"))?;
        let well_formed = match &number {
            Number::Pin(pin) => Pin::parse(pin).is_ok(),
            Number::SiNumber(number) => SiNumber::parse(number).is_ok(),
            Number::TaxCode(code) => Mst::parse(code).is_ok_and(|code| code.branch().is_none()),
        };
        if !well_formed {
            return Err(facts::invalid("malformed-number", "number"));
        }
        let month = |text: &str, field| {
            Period::parse(text).map_err(|_| facts::invalid("malformed-period", field))
        };
        let (from, to) = (month(&request.from, "from")?, month(&request.to, "to")?);
        match count(from, to) {
            ..=0 => Err(facts::invalid("span-backwards", "to")),
            1..=MONTHS_MAX => Ok(Self { number, from, to }),
            _ => Err(facts::invalid("span-too-long", "to")),
        }
    }

    fn answer(&self, sql: &Sql) -> Result<GetContributionsResponse, Error> {
        let Some(id) = self.person(sql)? else {
            return Ok(GetContributionsResponse::default());
        };
        let person = people::person(sql, id)?;
        let mut answer = GetContributionsResponse {
            found: true,
            name: person.name,
            birth_date: person.birth_date,
            pin: person.pin,
            si_number: person.si_number,
            ..GetContributionsResponse::default()
        };
        let mut months = BTreeSet::new();
        for work in self.works(sql, id)? {
            let closed = closed_months(sql, &work)?;
            answer.incomplete |=
                i32::try_from(closed.len()).ok() != Some(count(work.from, work.to));
            for &month in &closed {
                answer.base_total_vnd += base_vnd(work.salary_vnd, month);
            }
            answer.stretches.extend(stretches(&work, &closed));
            months.extend(closed);
        }
        answer.months = u32::try_from(months.len()).map_err(|_| Error::Corrupt("a count"))?;
        Ok(answer)
    }

    fn person(&self, sql: &Sql) -> Result<Option<i64>, Error> {
        let known = match &self.number {
            Number::Pin(pin) => people::by_number(sql, "pin", pin)?,
            Number::SiNumber(number) => people::by_number(sql, "si", number)?,
            Number::TaxCode(code) => return by_tax_code(sql, code),
        };
        Ok(known.map(|known| known.id))
    }

    fn works(&self, sql: &Sql, person: i64) -> Result<Vec<Work>, Error> {
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let rows = sql.query(
            "SELECT w.employer, e.mst, w.salary_vnd, w.from_period, coalesce(w.to_period, ?3)
             FROM employments w JOIN employers e ON e.id = w.employer
             WHERE w.person = ?1 AND w.from_period <= ?3 AND coalesce(w.to_period, ?3) >= ?2
             ORDER BY w.from_period",
            values![person, from, to],
            |row| {
                let (first, last): (String, String) = (row.get(3)?, row.get(4)?);
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, first, last))
            },
        )?;
        let month = |text: &str| Period::parse(text).map_err(|_| Error::Corrupt("a period"));
        let cut = |(employer, tax_code, salary_vnd, first, last): (_, _, _, String, String)| {
            Ok(Work {
                employer,
                tax_code,
                salary_vnd,
                from: month(&first)?.max(self.from),
                to: month(&last)?.min(self.to),
            })
        };
        rows.into_iter().map(cut).collect()
    }
}

fn by_tax_code(sql: &Sql, code: &str) -> Result<Option<i64>, Error> {
    let people: Vec<i64> = sql.query(
        "SELECT person FROM tax_codes WHERE code = ?1 ORDER BY person LIMIT 2",
        values![code],
        |row| row.get(0),
    )?;
    match people.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(*one)),
        _ => Err(Error::refused(
            FaultCode::AmbiguousSubject,
            "several-people",
            "tax_code",
        )),
    }
}

fn closed_months(sql: &Sql, work: &Work) -> Result<Vec<Period>, Error> {
    let (from, to) = (work.from.to_string(), work.to.to_string());
    let months: Vec<String> = sql.query(
        "SELECT period FROM contributions
         WHERE employer = ?1 AND period >= ?2 AND period <= ?3 AND closed = 1 ORDER BY period",
        values![work.employer, from, to],
        |row| row.get(0),
    )?;
    let month = |text: &String| Period::parse(text).map_err(|_| Error::Corrupt("a period"));
    months.iter().map(month).collect()
}

/// Consecutive months with one base become one stretch.
fn stretches(work: &Work, months: &[Period]) -> Vec<Stretch> {
    let mut all: Vec<(Period, Period, i64)> = Vec::new();
    for &month in months {
        let base = base_vnd(work.salary_vnd, month);
        match all.last_mut() {
            Some((_, to, same)) if *same == base && to.next() == Some(month) => *to = month,
            _ => all.push((month, month, base)),
        }
    }
    let told = |(from, to, base_vnd): (Period, Period, i64)| Stretch {
        tax_code: work.tax_code.clone(),
        from: from.to_string(),
        to: to.to_string(),
        base_vnd,
    };
    all.into_iter().map(told).collect()
}

/// The salary, at most the cap that held on the first day of the month.
pub(super) fn base_vnd(salary_vnd: i64, month: Period) -> i64 {
    reference_levels::salary_cap_vnd(month.first_day())
        .and_then(|cap| i64::try_from(cap).ok())
        .map_or(salary_vnd, |cap| salary_vnd.min(cap))
}

/// Months from one to the other, both included.
fn count(from: Period, to: Period) -> i32 {
    let at = |period: Period| i32::from(period.year()) * 12 + i32::from(period.month());
    at(to) - at(from) + 1
}

const MONTHS_MAX: i32 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn month(text: &str) -> Period {
        Period::parse(text).unwrap()
    }

    fn work(salary_vnd: i64) -> Work {
        Work {
            employer: 1,
            tax_code: "9900000016".into(),
            salary_vnd,
            from: month("2026-01"),
            to: month("2026-12"),
        }
    }

    #[test]
    fn a_gap_and_a_change_of_the_cap_begin_a_new_stretch() {
        let months = ["2026-01", "2026-02", "2026-04"].map(month);
        let told = stretches(&work(10_000_000), &months);
        let spans: Vec<_> = told.iter().map(|one| (&*one.from, &*one.to)).collect();
        assert_eq!(spans, [("2026-01", "2026-02"), ("2026-04", "2026-04")]);
        // 20 reference levels, which rise on 2026-07-01
        let months = ["2026-05", "2026-06", "2026-07"].map(month);
        let bases: Vec<_> = stretches(&work(90_000_000), &months)
            .iter()
            .map(|one| (one.to.clone(), one.base_vnd))
            .collect();
        let expected = [("2026-06", 46_800_000), ("2026-07", 50_600_000)];
        assert_eq!(bases, expected.map(|(to, base)| (to.to_owned(), base)));
    }

    #[test]
    fn months_are_counted_with_both_ends() {
        assert_eq!(count(month("2026-01"), month("2026-01")), 1);
        assert_eq!(count(month("2025-12"), month("2026-02")), 3);
        assert_eq!(count(month("2026-02"), month("2026-01")), 0);
    }
}
