//! Children whom a hospital's notice has told of and no registration yet: they have a number, a temporary card, and
//! no PIN.
//!
//! A registration names one by the notice's code and the mother's PIN, where day and sex agree: what a hospital calls
//! a child is not its name. Of several children of one birth a name decides that is the same, or that all are told
//! of and only one is left; else a person does.

use schemas::id::Sex;

use super::super::births::Newcomer;
use super::super::births::matching::{
    BornAlike, Candidate, Told, is_named_alike, weigh_or_nothing,
};
use super::super::{Error, Tx, cards, people};
use super::again;
use crate::sql::{Sql, values};
use schemas::proto::insurance::CardState;

/// The notice of a child.
pub(in crate::registry) struct Notice {
    pub(super) sender: String,
    pub(super) code: String,
    pub(super) paper: String,
    pub(super) children: u32,
    /// Taken back by the hospital: it proves nothing any more.
    pub(super) withdrawn: bool,
}

/// One who may be the child of a registration.
pub(in crate::registry) struct Newborn {
    pub(in crate::registry) known: BornAlike,
    pub(in crate::registry) notice: Notice,
}

/// The notice that a person is known by.
pub(in crate::registry) fn notice_of(sql: &Sql, person: i64) -> Result<Option<Notice>, Error> {
    Ok(sql.query_opt(
        "SELECT sender, code, children, paper, withdrawn_by IS NOT NULL FROM birth_notices WHERE person = ?1",
        values![person],
        |row| {
            Ok(Notice {
                sender: row.get(0)?,
                code: row.get(1)?,
                children: row.get(2)?,
                paper: row.get(3)?,
                withdrawn: row.get(4)?,
            })
        },
    )?)
}

/// The notice of a person whom no registration has named.
pub(in crate::registry) fn of(sql: &Sql, person: i64) -> Result<Option<Notice>, Error> {
    match people::number_of(sql, person, "pin")? {
        Some(_) => Ok(None),
        None => notice_of(sql, person),
    }
}

/// Which of them the child of a registration is: the one that it surely is, or all that it may be.
pub(in crate::registry) fn judge(
    sql: &Sql,
    told: &Told<'_>,
    all: Vec<Newborn>,
) -> Result<(Option<Candidate>, Vec<Candidate>), Error> {
    let undetermined = i32::from(Sex::Undetermined.code());
    let fits = |one: &Newborn| {
        let sexes = [told.sex, one.known.sex];
        one.notice.children == 1 || sexes[0] == sexes[1] || sexes.contains(&undetermined)
    };
    let mut fitting: Vec<Newborn> = all.into_iter().filter(fits).collect();
    // a child whose notice was taken back is nobody's twin where another notice is named
    let stands = |one: &Newborn| !one.notice.withdrawn;
    let is_named = fitting.iter().filter(|one| stands(one));
    let is_named = is_named.map(|one| is_keyed(sql, told, one));
    if is_named
        .collect::<Result<Vec<bool>, Error>>()?
        .contains(&true)
    {
        fitting.retain(stands);
    }
    let keyed = fitting.iter().map(|one| is_keyed(sql, told, one));
    let keyed = keyed.collect::<Result<Vec<bool>, Error>>()?;
    let named: Vec<usize> = (fitting.iter().zip(&keyed).enumerate())
        .filter(|(_, (one, keyed))| **keyed && is_named_alike(told, &one.known))
        .map(|(at, _)| at)
        .collect();
    let certain = match (named.as_slice(), fitting.as_slice(), keyed.as_slice()) {
        (&[at], ..) => Some(at),
        (_, [one], [true]) if is_last(sql, one, told.sex)? => Some(0),
        _ => None,
    };
    if let Some(at) = certain {
        let one = fitting.swap_remove(at);
        return Ok((Some(candidate(told, one)), Vec::new()));
    }
    let doubtful = fitting.into_iter().map(|one| candidate(told, one));
    Ok((None, doubtful.collect()))
}

/// The code, which may be that of a notice which was issued again since, the mother's PIN and the sex; the day is that of the
/// search.
fn is_keyed(sql: &Sql, told: &Told<'_>, one: &Newborn) -> Result<bool, Error> {
    let (origin, known) = (told.origin, &one.known.origin);
    let is_of_her = !origin.mother_pin.is_empty()
        && origin.mother_pin == known.mother_pin
        && told.sex == one.known.sex;
    let is_named = || {
        Ok::<_, Error>(
            origin.notice == one.notice.code
                || again::stands_for(sql, &one.notice.sender, &one.notice.code, &origin.notice)?,
        )
    };
    Ok(is_of_her && !one.notice.withdrawn && is_named()?)
}

/// Whether no other child of the birth can be meant: there was one, or all are told of, and of none who may be
/// this one it is unknown whom the notice means.
fn is_last(sql: &Sql, one: &Newborn, sex: i32) -> Result<bool, Error> {
    let Notice {
        sender,
        code,
        children,
        ..
    } = &one.notice;
    if *children == 1 {
        return Ok(true);
    }
    let (told, unsettled): (i64, i64) = sql.query_one(
        "SELECT count(*), count(CASE WHEN person IS NULL AND sex = ?3 THEN 1 END)
         FROM birth_notices WHERE sender = ?1 AND code = ?2 AND withdrawn_by IS NULL",
        values![sender, code, sex],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(told == i64::from(*children) && unsettled == 0)
}

fn candidate(told: &Told<'_>, one: Newborn) -> Candidate {
    let mut score = weigh_or_nothing(told, &one.known);
    if one.notice.withdrawn {
        score.why.push("notice-withdrawn");
    }
    Candidate {
        person: one.known.person,
        score,
        origin: one.known.origin,
    }
}

/// A registration has named the child, or its notice was issued again: what is said of it now is so from now on.
pub(in crate::registry) fn name(
    tx: &Tx<'_>,
    person: i64,
    child: &Newcomer<'_>,
) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE people SET name = ?2, match_key = ?3, birth_date = ?4, sex = ?5, ethnicity = ?6, nationality = ?7, commune = ?8
         WHERE id = ?1",
        values![
            person,
            child.name.text,
            child.name.match_key,
            child.birth_date.to_string(),
            i32::from(child.sex.code()),
            child.ethnicity,
            child.nationality,
            child.commune,
        ],
    )?;
    Ok(())
}

/// The temporary card is over as soon as there is to be another, or its notice is taken back.
pub(in crate::registry) fn end_temporary(
    tx: &Tx<'_>,
    person: i64,
    state: CardState,
) -> Result<(), Error> {
    match cards::open_of(tx.sql, person)? {
        Some((card, rule)) if super::super::law::is_temporary(&rule) => {
            cards::end(tx, person, &card, state)
        }
        _ => Ok(()),
    }
}
