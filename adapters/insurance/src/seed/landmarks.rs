//! Facts of a seeded registry that the simulated agencies need, read from the file as it stands.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::work::with_check_digit;
use crate::registry::{Error, Registry};
use crate::sql::{self, Row, Sql, values};

/// Synthetic facts to ask about; every number lies in a reserved range.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landmarks {
    /// The day of the photograph, `yyyy-MM-dd`.
    pub as_of: String,
    /// The newest month that is closed for most employers, `yyyy-MM`.
    pub period: String,
    /// An active employer whose statement of `period` is closed; the largest.
    pub employer: EmployerMark,
    /// An employer with arrears at the end of `period`, where there is one.
    pub employer_in_arrears: Option<EmployerMark>,
    /// An employer whose statement of `period` is still open, where there is one.
    pub employer_incomplete: Option<EmployerMark>,
    /// A branch with a row of its own, where there is one.
    pub branch: Option<EmployerMark>,
    /// A household business, under its owner's PIN, where there is one.
    #[serde(default)]
    pub household: Option<EmployerMark>,
    /// A tax code with a right check digit that nobody has.
    pub unregistered_mst: String,
    /// A personal tax code that one person has, with that person's PIN, where there is one.
    #[serde(default)]
    pub personal_mst: Option<(String, String)>,
    /// A personal tax code that two persons have, where there is one.
    #[serde(default)]
    pub ambiguous_mst: Option<String>,
    /// Grown people with a valid card of an employee, fit for a reissue; at most 20.
    pub card_holders: Vec<PersonMark>,
    /// Women of 22 to 40, fit to be a newborn's mother; at most 20.
    pub mothers: Vec<PersonMark>,
    /// Communes in force on the day of the photograph in which people live, each with a facility of its province.
    pub places: Vec<PlaceMark>,
    /// A commune's code that ended on 2025-06-30.
    pub ended_commune: String,
    /// The first six-digit serial that no seeded PIN has: newborns of the simulated agencies start here.
    pub child_pin_serial_from: u32,
}

/// An employer to ask about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmployerMark {
    /// Tax code, canonical.
    pub mst: String,
    /// VSS unit code.
    pub unit_code: String,
    /// Its name.
    pub name: String,
}

/// A synthetic person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonMark {
    /// Name in NFC.
    pub name: String,
    /// PIN, 12 digits.
    pub pin: String,
    /// SI number, 10 digits.
    pub si_number: String,
    /// Card number, 15 characters; empty where the person was chosen without one.
    pub card_number: String,
    /// Birth date, `yyyy-MM-dd`.
    pub birth_date: String,
    /// Commune of residence, 5 digits.
    pub commune: String,
}

/// A place to be born in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceMark {
    /// Commune, 5 digits.
    pub commune: String,
    /// Its province, 2 digits.
    pub province: String,
    /// A facility of that province, 5 characters.
    pub facility: String,
}

/// Reads the landmarks; blocks.
///
/// # Errors
/// Where the file fails or was not seeded.
pub fn landmarks(registry: &Registry) -> Result<Landmarks, Error> {
    registry.aside(read)
}

fn read(sql: &Sql) -> Result<Landmarks, Error> {
    let as_of: String = sql.query_one(
        "SELECT value FROM meta WHERE name = 'seed-as-of'",
        &[],
        |row| row.get(0),
    )?;
    let day: Date = as_of
        .parse()
        .map_err(|_| Error::Corrupt("the day of the photograph"))?;
    let period: String = sql.query_one(
        "SELECT max(period) FROM contributions WHERE closed = 1",
        &[],
        |row| row.get(0),
    )?;
    Ok(Landmarks {
        employer: employer(
            sql,
            &period,
            "c.closed = 1 AND e.state = 1 AND c.arrears_vnd = 0",
        )?
        .ok_or(Error::Corrupt("no employer in the seed"))?,
        employer_in_arrears: employer(
            sql,
            &period,
            "c.closed = 1 AND e.state = 1 AND c.arrears_vnd > 0",
        )?,
        employer_incomplete: employer(sql, &period, "c.closed = 0")?,
        branch: employer(sql, &period, "c.closed = 1 AND e.mst LIKE '%-%'")?,
        household: employer(sql, &period, "c.closed = 1 AND e.mst LIKE '____________'")?,
        unregistered_mst: (i64::from(UNREGISTERED_FROM)..10_000_000)
            .find_map(with_check_digit)
            .ok_or(Error::Corrupt("no unregistered tax code"))?,
        personal_mst: personal_mst(sql)?,
        ambiguous_mst: ambiguous_mst(sql)?,
        card_holders: card_holders(sql, day)?,
        mothers: mothers(sql, day)?,
        places: places(sql, day)?,
        ended_commune: ended_commune()?,
        child_pin_serial_from: CHILD_PIN_SERIAL_FROM,
        as_of,
        period,
    })
}

fn employer(sql: &Sql, period: &str, which: &str) -> Result<Option<EmployerMark>, Error> {
    let text = format!(
        "SELECT e.mst, e.unit_code, e.name FROM employers e JOIN contributions c ON c.employer = e.id
         WHERE c.period = ?1 AND {which} ORDER BY c.participants DESC, e.id LIMIT 1"
    );
    Ok(sql.query_opt(&text, values![period], |row| {
        Ok(EmployerMark {
            mst: row.get(0)?,
            unit_code: row.get(1)?,
            name: row.get(2)?,
        })
    })?)
}

fn personal_mst(sql: &Sql) -> Result<Option<(String, String)>, Error> {
    Ok(sql.query_opt(
        "SELECT min(t.code), min(n.number) FROM tax_codes t
         JOIN numbers n ON n.person = t.person AND n.scheme = 'pin' AND n.valid_to IS NULL
         GROUP BY t.code HAVING count(*) = 1 ORDER BY t.code LIMIT 1",
        &[],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?)
}

fn ambiguous_mst(sql: &Sql) -> Result<Option<String>, Error> {
    Ok(sql.query_opt(
        "SELECT code FROM tax_codes GROUP BY code HAVING count(*) > 1 ORDER BY code LIMIT 1",
        &[],
        |row| row.get(0),
    )?)
}

fn card_holders(sql: &Sql, as_of: Date) -> Result<Vec<PersonMark>, Error> {
    let (in_a_year, of_age) = (
        as_of.saturating_add(1.year()),
        as_of.saturating_sub(20.years()),
    );
    people(
        sql,
        "c.number LIKE 'DN%' AND c.state = 1 AND c.valid_to > ?1 AND p.birth_date < ?2",
        (in_a_year, of_age),
    )
}

fn mothers(sql: &Sql, as_of: Date) -> Result<Vec<PersonMark>, Error> {
    let (oldest, youngest) = (
        as_of.saturating_sub(40.years()),
        as_of.saturating_sub(22.years()),
    );
    people(
        sql,
        "p.sex = 2 AND p.birth_date BETWEEN ?1 AND ?2",
        (oldest, youngest),
    )
}

fn people(sql: &Sql, which: &str, days: (Date, Date)) -> Result<Vec<PersonMark>, Error> {
    let text = format!(
        "SELECT p.name, pin.number, si.number, coalesce(c.number, ''), p.birth_date, p.commune
         FROM people p
         JOIN numbers pin ON pin.person = p.id AND pin.scheme = 'pin' AND pin.valid_to IS NULL
         JOIN numbers si ON si.person = p.id AND si.scheme = 'si'
         LEFT JOIN cards c ON c.person = p.id AND c.state = 1
         WHERE p.died_on IS NULL AND {which} ORDER BY p.id LIMIT 20"
    );
    let days = (days.0.to_string(), days.1.to_string());
    Ok(sql.query(&text, values![days.0, days.1], person)?)
}

fn person(row: &Row<'_>) -> Result<PersonMark, sql::Error> {
    Ok(PersonMark {
        name: row.get(0)?,
        pin: row.get(1)?,
        si_number: row.get(2)?,
        card_number: row.get(3)?,
        birth_date: row.get(4)?,
        commune: row.get(5)?,
    })
}

fn places(sql: &Sql, as_of: Date) -> Result<Vec<PlaceMark>, Error> {
    let communes: Vec<String> = sql.query(
        "SELECT commune FROM households GROUP BY commune ORDER BY count(*) DESC, commune LIMIT 10",
        &[],
        |row| row.get(0),
    )?;
    let place = |commune: String| {
        let province = schemas::codes::communes::province_of(&commune, as_of)?.to_owned();
        let facility = format!("{province}001");
        Some(PlaceMark {
            commune,
            province,
            facility,
        })
    };
    Ok(communes.into_iter().filter_map(place).collect())
}

fn ended_commune() -> Result<String, Error> {
    use schemas::codes::{communes, provinces};
    let eve = provinces::LAST_DAY_OF_63;
    let today = eve.tomorrow().map_err(|_| Error::Corrupt("the calendar"))?;
    communes::all(eve)
        .find(|old| communes::find(old.code, today).is_none())
        .map(|old| old.code.to_owned())
        .ok_or(Error::Corrupt("no commune that ended"))
}

/// Tax codes from here on are given to no employer.
pub(super) const UNREGISTERED_FROM: u32 = 9_000_000;
/// PIN serials from here on are given to no seeded person.
pub(super) const CHILD_PIN_SERIAL_FROM: u32 = 500_000;
