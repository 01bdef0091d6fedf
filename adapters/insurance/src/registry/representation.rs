//! Who may apply for whom: a parent for a child under age, as the civil registry told the birth.
//!
//! What somebody says of themselves proves nothing here, nor does a household's list, which is declared. The right is
//! proven when a dossier comes and again ([`still_acts`]) before its applicant is heard or given anything: until then a
//! register may be corrected, the parent may die, the child may come of age.

use jiff::civil::Date;
use schemas::codes::representation::is_under_age;
use schemas::id::Pin;
use schemas::proto::Message as _;
use schemas::proto::insurance::{Parent, RegisterBirthRequest};

use super::people::{self, Known};
use super::{Error, corrections, facts};
use crate::sql::{Sql, values};

/// As what somebody applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActsAs {
    /// In their own name.
    Holder,
    /// The mother of a child under age.
    Mother,
    /// The father of a child under age.
    Father,
}

impl ActsAs {
    /// The word of the contract.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Holder => "",
            Self::Mother => "mother",
            Self::Father => "father",
        }
    }
}

/// As what an applicant may speak for a person today; none for a stranger.
pub(super) fn acts_as(
    sql: &Sql,
    today: Date,
    applicant: &Known,
    person: &Known,
) -> Result<Option<ActsAs>, Error> {
    if applicant.id == person.id {
        return Ok(Some(ActsAs::Holder));
    }
    let born: Date = person
        .birth_date
        .parse()
        .map_err(|_| Error::Corrupt("a day of birth"))?;
    if applicant.dead || !is_under_age(born, today) {
        return Ok(None);
    }
    let births = births(sql, person.id)?;
    let is = |parent: &dyn Fn(&RegisterBirthRequest) -> Option<&Parent>| {
        let told = births.iter().filter_map(parent);
        let mut told = told.filter(|one| **one != Parent::default()).peekable();
        // two registers that name two mothers prove none
        match told.peek().is_none() {
            true => Ok(false),
            false => all(told, |one| is_told(sql, one, applicant)),
        }
    };
    if is(&|birth| birth.mother.as_ref())? {
        return Ok(Some(ActsAs::Mother));
    }
    let father = is(&|birth| birth.father.as_ref())?;
    Ok(father.then_some(ActsAs::Father))
}

/// Whether whoever applied for a dossier may still speak for the person whom it is about; for themselves always.
pub(super) fn still_acts(sql: &Sql, today: Date, dossier: &str) -> Result<bool, Error> {
    let represented: Option<(Known, String)> = sql.query_opt(
        "SELECT p.id, p.match_key, p.birth_date, p.sex, p.died_on IS NOT NULL, d.applicant_pin
         FROM dossiers d JOIN people p ON p.id = d.person WHERE d.code = ?1 AND d.acts_as <> ''",
        values![dossier],
        |row| Ok((people::known(row)?, row.get(5)?)),
    )?;
    let Some((person, pin)) = represented else {
        return Ok(true);
    };
    let pin = Pin::parse(&pin).map_err(|_| Error::Corrupt("an applicant's number"))?;
    match people::by_pin(sql, &pin)? {
        Some(applicant) => Ok(acts_as(sql, today, &applicant, &person)?.is_some()),
        None => Ok(false),
    }
}

fn all<'a>(
    mut told: impl Iterator<Item = &'a Parent>,
    holds: impl Fn(&Parent) -> Result<bool, Error>,
) -> Result<bool, Error> {
    told.try_fold(true, |so_far, one| Ok(so_far && holds(one)?))
}

/// Whether the parent whom a birth tells is this person: by PIN, also a past one, and by name.
fn is_told(sql: &Sql, parent: &Parent, applicant: &Known) -> Result<bool, Error> {
    let Ok(pin) = Pin::parse(&parent.pin) else {
        return Ok(false);
    };
    let same = people::by_pin(sql, &pin)?.is_some_and(|known| known.id == applicant.id);
    let named =
        facts::name(&parent.name, "name").is_ok_and(|name| name.match_key == applicant.match_key);
    Ok(same && named)
}

/// The births of a person as they stand now: every register's word, corrected.
fn births(sql: &Sql, person: i64) -> Result<Vec<RegisterBirthRequest>, Error> {
    let told: Vec<(String, String, Vec<u8>)> = sql.query(
        "SELECT sender, case_id, facts FROM birth_cases WHERE person = ?1 ORDER BY sender, case_id",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let stands = |(sender, case_id, facts): (String, String, Vec<u8>)| {
        let said = RegisterBirthRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored birth"))?;
        corrections::as_it_stands(sql, &sender, &case_id, said)
    };
    told.into_iter().map(stands).collect()
}
