//! Who may apply for whom: a parent for a child under age, as the civil registry told the birth; a guardian, whoever was
//! authorised and whoever represents an employer, as an officer [recorded](record) the paper that says it.
//!
//! What somebody says of themselves proves nothing here, nor does a household's list, which is declared. The right is
//! proven when a dossier comes and again ([`still_acts`]) before its applicant is heard or given anything: until then a
//! register may be corrected, the parent may die, the child may come of age, a guardianship may end.

mod record;

use jiff::civil::Date;
use schemas::codes::representation::{Kind, is_under_age};
use schemas::id::{Pin, ProcedureCode};
use schemas::proto::Message as _;
use schemas::proto::insurance::{Parent, RegisterBirthRequest};

use super::people::{self, Known};
use super::{Error, corrections, facts};
use crate::sql::{self, Row, Sql, values};

/// As what somebody applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ActsAs {
    /// In their own name.
    Holder,
    /// The mother of a child under age.
    Mother,
    /// The father of a child under age.
    Father,
    /// Recorded as representing somebody, or an employer.
    Recorded(Kind),
}

impl ActsAs {
    /// The word of the contract.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Holder => "",
            Self::Mother => "mother",
            Self::Father => "father",
            Self::Recorded(kind) => kind.word(),
        }
    }
}

/// As what somebody may speak; else why not, in a word that tells a stranger nothing.
pub(super) type Acting = Result<ActsAs, &'static str>;

/// Who speaks about what, on which day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    pub(super) today: Date,
    /// The procedure's code, with or without an office's suffix.
    pub(super) procedure: &'a str,
}

/// As what an applicant may speak for a person; else why not, which tells a stranger nothing.
pub(super) fn acts_as(
    sql: &Sql,
    said: Said<'_>,
    applicant: &Known,
    person: &Known,
) -> Result<Acting, Error> {
    if applicant.id == person.id {
        return Ok(Ok(ActsAs::Holder));
    }
    if applicant.dead {
        return Ok(Err(STRANGER));
    }
    let born = born(person)?;
    if is_under_age(born, said.today)
        && !court_has_said(sql, said.today, person.id)?
        && let Some(parent) = parent(sql, applicant, person)?
    {
        return Ok(Ok(parent));
    }
    let rows = sql.query(
        "SELECT kind, from_on, to_on, ended_on, procedures FROM representations
         WHERE person = ?1 AND representative = ?2 ORDER BY id",
        values![person.id, applicant.id],
        standing,
    )?;
    Ok(best(rows, said, STRANGER, |kind| {
        kind.fits_age(born, said.today)
    }))
}

/// As what an applicant may speak for an employer. One of whom nobody was told who represents it is spoken for by
/// whoever its account belongs to; else only by those who were told.
pub(super) fn of_employer(
    sql: &Sql,
    said: Said<'_>,
    applicant: &Known,
    employer: i64,
) -> Result<Acting, Error> {
    let rows: Vec<(i64, Standing)> = sql.query(
        "SELECT kind, from_on, to_on, ended_on, procedures, representative FROM representations
         WHERE employer = ?1 ORDER BY id",
        values![employer],
        |row| Ok((row.get(5)?, standing(row)?)),
    )?;
    if rows.is_empty() {
        return Ok(Ok(ActsAs::Holder));
    }
    let own = rows.into_iter().filter(|(who, _)| *who == applicant.id);
    let own = own.map(|(_, row)| row).collect();
    Ok(best(own, said, NOT_OF_THE_EMPLOYER, |_| true))
}

/// What was recorded of a representation.
struct Standing {
    kind: String,
    from: String,
    to: String,
    ended: String,
    procedures: String,
}

fn standing(row: &Row<'_>) -> Result<Standing, sql::Error> {
    Ok(Standing {
        kind: row.get(0)?,
        from: row.get(1)?,
        to: row.get(2)?,
        ended: row.get(3)?,
        procedures: row.get(4)?,
    })
}

/// The first that stands and has the procedure in its scope; else why none does.
fn best(
    rows: Vec<Standing>,
    said: Said<'_>,
    nobody: &'static str,
    fits: impl Fn(Kind) -> bool,
) -> Acting {
    let today = said.today.to_string();
    let code = ProcedureCode::parse(said.procedure);
    let procedure = code.as_ref().map_or("", |code| code.national());
    let mut why = nobody;
    for row in rows {
        let Some(kind) = Kind::of_word(&row.kind) else {
            continue;
        };
        let in_time = row.from <= today
            && (row.to.is_empty() || today <= row.to)
            && (row.ended.is_empty() || today < row.ended);
        let mut scope = row.procedures.split_whitespace().peekable();
        let in_scope = scope.peek().is_none() || scope.any(|code| code == procedure);
        match in_time && fits(kind) {
            true if in_scope => return Ok(ActsAs::Recorded(kind)),
            true => why = OUTSIDE,
            false if why != OUTSIDE => why = NOT_IN_FORCE,
            false => {}
        }
    }
    Err(why)
}

/// Whether a court has given a child a guardian, in whose place the parents do not speak (own profile, by Civil Code
/// art. 47: a child has a guardian where its parents are not there or may not act).
fn court_has_said(sql: &Sql, today: Date, person: i64) -> Result<bool, Error> {
    Ok(sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM representations
           WHERE person = ?1 AND kind = 'guardian' AND basis = 'court' AND from_on <= ?2
             AND (to_on = '' OR to_on >= ?2) AND (ended_on = '' OR ended_on > ?2))",
        values![person, today.to_string()],
        |row| row.get(0),
    )?)
}

fn born(person: &Known) -> Result<Date, Error> {
    let born = person.birth_date.parse();
    born.map_err(|_| Error::Corrupt("a day of birth"))
}

/// As which parent of a child every register that told the birth names the applicant.
fn parent(sql: &Sql, applicant: &Known, person: &Known) -> Result<Option<ActsAs>, Error> {
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

/// Whether whoever applied for a dossier may still speak for whom it is about; for themselves always.
pub(super) fn still_acts(sql: &Sql, today: Date, dossier: &str) -> Result<bool, Error> {
    let represented: Option<(Known, String, String, Option<i64>)> = sql.query_opt(
        "SELECT p.id, p.match_key, p.birth_date, p.sex, p.died_on IS NOT NULL, d.applicant_pin, d.procedure, d.employer
         FROM dossiers d JOIN people p ON p.id = d.person WHERE d.code = ?1 AND d.acts_as <> ''",
        values![dossier],
        |row| Ok((people::known(row)?, row.get(5)?, row.get(6)?, row.get(7)?)),
    )?;
    let Some((person, pin, procedure, employer)) = represented else {
        return Ok(true);
    };
    let pin = Pin::parse(&pin).map_err(|_| Error::Corrupt("an applicant's number"))?;
    let Some(applicant) = people::by_pin(sql, &pin)? else {
        return Ok(false);
    };
    let procedure = procedure.as_str();
    let said = Said { today, procedure };
    let acts = match employer {
        Some(_) if applicant.dead => return Ok(false),
        Some(employer) => of_employer(sql, said, &applicant, employer)?,
        None => acts_as(sql, said, &applicant, &person)?,
    };
    Ok(acts.is_ok())
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

/// Nothing is told of whoever is asked about.
const STRANGER: &str = "not-the-holder";
const NOT_OF_THE_EMPLOYER: &str = "not-the-employer";
/// What was recorded is not to count yet, or no more.
const NOT_IN_FORCE: &str = "representation-not-in-force";
/// It stands, and not for this procedure.
const OUTSIDE: &str = "outside-representation";
