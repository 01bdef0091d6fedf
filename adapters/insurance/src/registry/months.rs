//! A whole month in the order of its keys, batch by batch: what a reconciliation compares with.
//!
//! Each batch is one read of its own, so that no reader is held for as long as a caller takes to read; rows are of the
//! provinces asked for and of no other. What changes between two batches may be seen or not: a month whose statements
//! are closed does not change.

use schemas::codes::{communes, province_set::ProvinceSet, provinces};
use schemas::id::Period;
use schemas::proto::insurance::{
    EmployerMonth, PersonMonth, RecordBatch, RecordKind, StreamRecordsRequest,
};

use super::{Error, Registry, contributions::base_vnd, facts};
use crate::sql::{Sql, values};

impl Registry {
    /// The batch of a month that begins after a key; an empty one is the end.
    ///
    /// # Errors
    /// `INVALID` where the context, kind, period, provinces or key is malformed.
    pub async fn records(&self, request: StreamRecordsRequest) -> Result<RecordBatch, Error> {
        let asked = Asked::parse(request)?;
        self.read("records", move |sql| asked.answer(sql)).await
    }
}

/// Where a batch begins: a tax code, or a PIN and a tax code.
struct After {
    first: String,
    second: String,
}

struct Asked {
    kind: RecordKind,
    period: Period,
    /// The list that holds in the month, two digits each.
    provinces: Vec<String>,
    after: After,
}

impl Asked {
    fn parse(request: StreamRecordsRequest) -> Result<Self, Error> {
        let kind = request.kind();
        facts::context(request.context)?;
        if kind == RecordKind::Unspecified {
            return Err(facts::invalid("missing", "kind"));
        }
        let period = Period::parse(&request.period)
            .map_err(|_| facts::invalid("malformed-period", "period"))?;
        if ProvinceSet::parse(&request.provinces).is_none() {
            return Err(facts::invalid("malformed-province", "provinces"));
        }
        Ok(Self {
            kind,
            period,
            provinces: request.provinces,
            after: After::parse(&request.after)?,
        })
    }

    fn answer(&self, sql: &Sql) -> Result<RecordBatch, Error> {
        match self.kind {
            RecordKind::Person => self.persons(sql),
            RecordKind::Employer | RecordKind::Unspecified => self.employers(sql),
        }
    }

    fn employers(&self, sql: &Sql) -> Result<RecordBatch, Error> {
        let day = self.period.last_day();
        let text = format!(
            "SELECT e.mst, e.unit_code, e.name, e.commune, e.province, c.state, c.participants,
                    c.fund_vnd, c.due_vnd, c.paid_vnd
             FROM employers e JOIN contributions c ON c.employer = e.id
             WHERE e.mst > ?2 AND c.period = ?1 AND c.closed = 1{}
             ORDER BY e.mst LIMIT {ROWS}",
            self.within("e")
        );
        let employers = sql.query(
            &text,
            values![self.period.to_string(), self.after.first.as_str()],
            |row| {
                let (commune, province): (String, String) = (row.get(3)?, row.get(4)?);
                Ok(EmployerMonth {
                    tax_code: row.get(0)?,
                    unit_code: row.get(1)?,
                    name: row.get(2)?,
                    address: address(&commune, &province, day),
                    province,
                    state: row.get(5)?,
                    participants: row.get(6)?,
                    fund_vnd: row.get(7)?,
                    due_vnd: row.get(8)?,
                    paid_vnd: row.get(9)?,
                })
            },
        )?;
        let next = employers.last().map(|last| last.tax_code.clone());
        Ok(RecordBatch {
            next: next.unwrap_or_default(),
            employers,
            persons: Vec::new(),
        })
    }

    fn persons(&self, sql: &Sql) -> Result<RecordBatch, Error> {
        let text = format!(
            "SELECT n.number, s.number, e.mst, p.name, p.birth_date, e.province, w.salary_vnd
             FROM numbers n
             JOIN people p ON p.id = n.person
             JOIN employments w ON w.person = p.id
             JOIN employers e ON e.id = w.employer
             JOIN contributions c ON c.employer = e.id AND c.period = ?1 AND c.closed = 1
             LEFT JOIN numbers s ON s.person = p.id AND s.scheme = 'si'
             WHERE n.scheme = 'pin' AND n.valid_to IS NULL
               AND n.number >= ?2 AND (n.number > ?2 OR e.mst > ?3)
               AND w.from_period <= ?1 AND coalesce(w.to_period, ?1) >= ?1{}
             ORDER BY n.number, e.mst LIMIT {ROWS}",
            self.within("e")
        );
        let After { first, second } = &self.after;
        let persons = sql.query(
            &text,
            values![self.period.to_string(), first.as_str(), second.as_str()],
            |row| {
                let number: Option<String> = row.get(1)?;
                Ok(PersonMonth {
                    pin: row.get(0)?,
                    si_number: number.unwrap_or_default(),
                    tax_code: row.get(2)?,
                    name: row.get(3)?,
                    birth_date: row.get(4)?,
                    province: row.get(5)?,
                    base_vnd: base_vnd(row.get(6)?, self.period),
                })
            },
        )?;
        let next = persons
            .last()
            .map(|last| format!("{} {}", last.pin, last.tax_code));
        Ok(RecordBatch {
            next: next.unwrap_or_default(),
            employers: Vec::new(),
            persons,
        })
    }

    /// The row scope: of these provinces and of no other. Two digits each were proven, so they may stand in the text.
    fn within(&self, table: &str) -> String {
        match self.provinces.is_empty() {
            true => String::new(),
            false => format!(
                " AND {table}.province IN ('{}')",
                self.provinces.join("','")
            ),
        }
    }
}

impl After {
    fn parse(text: &str) -> Result<Self, Error> {
        let malformed = || facts::invalid("malformed-key", "after");
        let plain = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
        };
        let (first, second) = text.split_once(' ').unwrap_or((text, ""));
        match text.len() <= 32 && plain(first) && plain(second) {
            true => Ok(Self {
                first: first.to_owned(),
                second: second.to_owned(),
            }),
            false => Err(malformed()),
        }
    }
}

/// Commune and province by the names of a day; the codes where a list has no name.
pub(super) fn address(commune: &str, province: &str, day: jiff::civil::Date) -> String {
    let commune = communes::find(commune, day).map_or(commune, |one| one.name);
    let province = provinces::find(province, day).map_or(province, |one| one.name);
    format!("{commune}, {province}")
}

/// Rows of one batch; with the longest names far below the largest message.
const ROWS: usize = 1_500;
