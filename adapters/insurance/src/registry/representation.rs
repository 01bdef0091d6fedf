//! Who may apply for whom: a parent for a child under age, as the civil registry told the birth.
//!
//! What somebody says of themselves proves nothing here, nor does a household's list, which is declared.

use jiff::civil::Date;
use schemas::codes::representation::is_under_age;
use schemas::id::Pin;
use schemas::proto::Message as _;
use schemas::proto::insurance::{Parent, RegisterBirthRequest};

use super::people::{self, Known};
use super::{Error, Tx, corrections, facts};
use crate::sql::values;

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
    tx: &Tx<'_>,
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
    if applicant.dead || !is_under_age(born, tx.today) {
        return Ok(None);
    }
    let births = births(tx, person.id)?;
    let is = |parent: &dyn Fn(&RegisterBirthRequest) -> Option<&Parent>| {
        let told = births.iter().filter_map(parent);
        let mut told = told.filter(|one| **one != Parent::default()).peekable();
        // two registers that name two mothers prove none
        match told.peek().is_none() {
            true => Ok(false),
            false => all(told, |one| is_told(tx, one, applicant)),
        }
    };
    if is(&|birth| birth.mother.as_ref())? {
        return Ok(Some(ActsAs::Mother));
    }
    let father = is(&|birth| birth.father.as_ref())?;
    Ok(father.then_some(ActsAs::Father))
}

fn all<'a>(
    mut told: impl Iterator<Item = &'a Parent>,
    holds: impl Fn(&Parent) -> Result<bool, Error>,
) -> Result<bool, Error> {
    told.try_fold(true, |so_far, one| Ok(so_far && holds(one)?))
}

/// Whether the parent whom a birth tells is this person: by PIN, also a past one, and by name.
fn is_told(tx: &Tx<'_>, parent: &Parent, applicant: &Known) -> Result<bool, Error> {
    let Ok(pin) = Pin::parse(&parent.pin) else {
        return Ok(false);
    };
    let same = people::by_pin(tx.sql, &pin)?.is_some_and(|known| known.id == applicant.id);
    let named =
        facts::name(&parent.name, "name").is_ok_and(|name| name.match_key == applicant.match_key);
    Ok(same && named)
}

/// The births of a person as they stand now: every register's word, corrected.
fn births(tx: &Tx<'_>, person: i64) -> Result<Vec<RegisterBirthRequest>, Error> {
    let told: Vec<(String, String, Vec<u8>)> = tx.sql.query(
        "SELECT sender, case_id, facts FROM birth_cases WHERE person = ?1 ORDER BY sender, case_id",
        values![person],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let stands = |(sender, case_id, facts): (String, String, Vec<u8>)| {
        let said = RegisterBirthRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored birth"))?;
        corrections::as_it_stands(tx.sql, &sender, &case_id, said)
    };
    told.into_iter().map(stands).collect()
}
