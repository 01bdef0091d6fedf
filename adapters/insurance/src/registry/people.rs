//! People: one row each, found by any number they ever had, or by birth date and name together.

use jiff::civil::Date;
use schemas::fault::FaultCode;
use schemas::id::{CardNumber, Pin, SiNumber};
use schemas::proto::insurance::{FindRequest, FindResponse, Person};

use super::{Error, Registry, Tx, facts};
use crate::sql::{self, Row, Sql, values};

impl Registry {
    /// People who match; at most `limit`, 5 where it is 0, never more than 50.
    ///
    /// Whatever is given must fit: a number, a birth date, a name in any Unicode form.
    ///
    /// # Errors
    /// `INVALID` where neither a number nor birth date and name together are given.
    pub async fn find(&self, request: FindRequest) -> Result<FindResponse, Error> {
        facts::context(request.context.clone())?;
        let wanted = Wanted::parse(&request)?;
        self.read("find", move |sql| {
            Ok(FindResponse {
                people: wanted.find(sql)?,
            })
        })
        .await
    }
}

/// A person as the rules need them: the row's id beside what the contract tells.
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) match_key: String,
    pub(super) birth_date: String,
    pub(super) sex: i32,
    pub(super) dead: bool,
}

struct Wanted {
    number: Option<Number>,
    match_key: Option<String>,
    birth_date: Option<Date>,
    limit: usize,
}

/// A number in the scheme that it is kept under.
struct Number {
    scheme: &'static str,
    text: String,
}

impl Wanted {
    fn parse(request: &FindRequest) -> Result<Self, Error> {
        let number = match request.number.is_empty() {
            true => None,
            false => Some(Number::parse(&request.number)?),
        };
        let match_key = match request.name.is_empty() {
            true => None,
            false => Some(facts::name(&request.name, "name")?.match_key),
        };
        let birth_date = match request.birth_date.is_empty() {
            true => None,
            false => Some(facts::date(&request.birth_date, "birth_date")?),
        };
        match (&number, &match_key, birth_date) {
            (Some(_), _, _) | (None, Some(_), Some(_)) => {}
            (None, Some(_), None) => return Err(facts::invalid("name-alone", "birth_date")),
            (None, None, _) => return Err(facts::invalid("nothing-to-match", "number")),
        }
        let limit = match request.limit {
            0 => LIMIT_DEFAULT,
            limit => usize::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX),
        };
        Ok(Self {
            number,
            match_key,
            birth_date,
            limit,
        })
    }

    fn find(&self, sql: &Sql) -> Result<Vec<Person>, Error> {
        let candidates = match (&self.number, &self.match_key, self.birth_date) {
            (Some(number), _, _) => number.holder(sql)?.into_iter().collect(),
            (None, Some(match_key), Some(birth_date)) => {
                by_birth_and_name(sql, &birth_date.to_string(), match_key, self.limit)?
            }
            _ => Vec::new(),
        };
        let fits = |known: &Known| {
            self.match_key
                .as_ref()
                .is_none_or(|key| *key == known.match_key)
                && self
                    .birth_date
                    .is_none_or(|date| date.to_string() == known.birth_date)
        };
        candidates
            .iter()
            .filter(|known| fits(known))
            .map(|known| person(sql, known.id))
            .collect()
    }
}

impl Number {
    fn parse(text: &str) -> Result<Self, Error> {
        let malformed = |_| facts::invalid("malformed-number", "number");
        match text.len() {
            12 => Pin::parse(text)
                .map(|pin| Self {
                    scheme: "pin",
                    text: pin.as_str().into(),
                })
                .map_err(malformed),
            15 => CardNumber::parse(text)
                .map(|card| Self::si(&card.si_number()))
                .map_err(malformed),
            _ => SiNumber::parse(text)
                .map(|number| Self::si(&number))
                .map_err(malformed),
        }
    }

    fn si(number: &SiNumber) -> Self {
        Self {
            scheme: "si",
            text: number.as_str().into(),
        }
    }

    fn holder(&self, sql: &Sql) -> Result<Option<Known>, Error> {
        by_number(sql, self.scheme, &self.text)
    }
}

/// The person who has or had this PIN.
pub(super) fn by_pin(sql: &Sql, pin: &Pin) -> Result<Option<Known>, Error> {
    by_number(sql, "pin", pin.as_str())
}

/// The person who has this social insurance number.
pub(super) fn by_si_number(sql: &Sql, number: &SiNumber) -> Result<Option<Known>, Error> {
    by_number(sql, "si", number.as_str())
}

/// The person who has or had a PIN or has an SI or card number.
pub(super) fn by_any_number(sql: &Sql, number: &str) -> Result<Option<Known>, Error> {
    Number::parse(number)?.holder(sql)
}

/// Somebody whom a person names: known under the number, a PIN or an SI number, and under the name.
pub(super) fn named(
    tx: &Tx<'_>,
    number: &str,
    name: &str,
    field: &'static str,
) -> Result<Known, Error> {
    let name = facts::name(name, field)?;
    let known = match number.len() {
        12 => by_pin(tx.sql, &facts::pin(number, tx.params.population, field)?)?,
        _ => {
            let number =
                SiNumber::parse(number).map_err(|_| facts::invalid("malformed-number", field))?;
            by_si_number(tx.sql, &number)?
        }
    };
    let unknown = || Error::refused(FaultCode::UnknownSubject, "unknown-person", field);
    let known = known.ok_or_else(unknown)?;
    match known.match_key == name.match_key {
        true => Ok(known),
        false => Err(Error::refused(
            FaultCode::RuleRefused,
            "not-the-holder",
            field,
        )),
    }
}

pub(super) fn by_number(sql: &Sql, scheme: &str, number: &str) -> Result<Option<Known>, Error> {
    Ok(sql.query_opt(
        "SELECT p.id, p.match_key, p.birth_date, p.sex, p.died_on IS NOT NULL
         FROM numbers n JOIN people p ON p.id = n.person WHERE n.number = ?1 AND n.scheme = ?2",
        values![number, scheme],
        known,
    )?)
}

fn by_birth_and_name(
    sql: &Sql,
    birth_date: &str,
    match_key: &str,
    limit: usize,
) -> Result<Vec<Known>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    Ok(sql.query(
        "SELECT id, match_key, birth_date, sex, died_on IS NOT NULL
         FROM people WHERE birth_date = ?1 AND match_key = ?2 ORDER BY id LIMIT ?3",
        values![birth_date, match_key, limit],
        known,
    )?)
}

/// The first five columns of a row: id, match_key, birth_date, sex and whether they are dead.
pub(super) fn known(row: &Row<'_>) -> Result<Known, sql::Error> {
    Ok(Known {
        id: row.get(0)?,
        match_key: row.get(1)?,
        birth_date: row.get(2)?,
        sex: row.get(3)?,
        dead: row.get(4)?,
    })
}

/// What the contract tells of one person; the numbers are those in force now.
pub(super) fn person(sql: &Sql, id: i64) -> Result<Person, Error> {
    let mut person = sql.query_one(
        "SELECT name, birth_date, sex, commune, died_on IS NOT NULL FROM people WHERE id = ?1",
        values![id],
        |row| {
            Ok(Person {
                name: row.get(0)?,
                birth_date: row.get(1)?,
                sex: row.get(2)?,
                commune: row.get(3)?,
                dead: row.get(4)?,
                ..Person::default()
            })
        },
    )?;
    person.si_number = number_of(sql, id, "si")?.unwrap_or_default();
    person.pin = number_of(sql, id, "pin")?.unwrap_or_default();
    Ok(person)
}

/// The number of a person in a scheme that is in force now.
pub(super) fn number_of(sql: &Sql, person: i64, scheme: &str) -> Result<Option<String>, Error> {
    Ok(sql.query_opt(
        "SELECT number FROM numbers WHERE person = ?1 AND scheme = ?2 AND valid_to IS NULL",
        values![person, scheme],
        |row| row.get(0),
    )?)
}

const LIMIT_DEFAULT: usize = 5;
const LIMIT_MAX: usize = 50;
