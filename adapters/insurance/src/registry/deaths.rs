//! A registered death ends cards and participation with its day; one that was none gives everything back.
//!
//! A death may come before the birth of whom it tells, or twice by two offices: it waits for its PIN, and the
//! second report changes nothing. A person is dead as long as one report stands.

mod again;
mod closures;
mod parse;

use schemas::fault::FaultCode;
use schemas::id::Pin;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    DeathCase, FuneralState, GetDeathCasesRequest, GetDeathCasesResponse, RegisterDeathRequest,
    RegisterDeathResponse, WithdrawDeathRequest, WithdrawDeathResponse,
};

use super::effects::Asked;
use super::hospitals::newborns;
use super::people::Known;
use super::{Error, Registry, Tx, births, facts, people, subscriptions, told};
use crate::sql::{Sql, values};
pub(super) use again::{notice, was_replaced};
pub(super) use closures::forget_temporary;
use parse::Death;

impl Registry {
    /// Registers a death: the same key, or the same case with no other facts ([`births::again`]), gives the same answer.
    ///
    /// # Errors
    /// `INVALID`, `CONFLICT` or `AMBIGUOUS-SUBJECT`; nothing is changed then.
    pub async fn register_death(
        &self,
        mut request: RegisterDeathRequest,
    ) -> Result<RegisterDeathResponse, Error> {
        let context = facts::context(request.context.take())?;
        facts::word(&request.case_id, 64, "case_id")?;
        let asked = Asked::new("Deaths.Register", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            let case = take(tx, &context.sender, &request, facts)?;
            Ok(RegisterDeathResponse { case: Some(case) })
        })
        .await
    }

    /// Takes one of the sender's deaths back; again by another case changes nothing.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the sender has no such case; nothing is changed then.
    pub async fn withdraw_death(
        &self,
        mut request: WithdrawDeathRequest,
    ) -> Result<WithdrawDeathResponse, Error> {
        let context = facts::context(request.context.take())?;
        facts::word(&request.case_id, 64, "case_id")?;
        let asked = Asked::new("Deaths.Withdraw", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, _| {
            withdraw(tx, &context.sender, &request)?;
            let case = case_of(tx.sql, &context.sender, &request.withdraws)?;
            Ok(WithdrawDeathResponse { case })
        })
        .await
    }

    /// The newest state of up to 3 of the sender's own deaths, in the order asked.
    ///
    /// # Errors
    /// `INVALID` where none or more than 3 are asked for.
    pub async fn death_cases(
        &self,
        request: GetDeathCasesRequest,
    ) -> Result<GetDeathCasesResponse, Error> {
        let sender = facts::context(request.context)?.sender;
        match request.case_ids.len() {
            0 => return Err(facts::invalid("missing", "case_ids")),
            1..=CASES_MAX => {}
            _ => return Err(facts::invalid("too-many", "case_ids")),
        }
        self.read("death-cases", move |sql| {
            let case = |case_id: &String| {
                Ok(
                    case_of(sql, &sender, case_id)?.unwrap_or_else(|| DeathCase {
                        case_id: case_id.clone(),
                        ..DeathCase::default()
                    }),
                )
            };
            let cases = request.case_ids.iter().map(case);
            Ok(GetDeathCasesResponse {
                cases: cases.collect::<Result<_, Error>>()?,
            })
        })
        .await
    }
}

/// Lets the deaths that waited for this PIN meet their person, before a card is thought of.
///
/// One whose facts are another person's goes on waiting.
pub(super) fn meet(tx: &Tx<'_>, person: i64, pin: &Pin) -> Result<(), Error> {
    let waiting: Vec<(String, String, Vec<u8>)> = tx.sql.query(
        "SELECT sender, case_id, facts FROM deaths WHERE pin = ?1 AND person IS NULL ORDER BY sender, case_id LIMIT 20",
        values![pin.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (sender, case_id, facts) in &waiting {
        let known = people::by_pin(tx.sql, pin)?.ok_or(Error::Corrupt("a PIN just given"))?;
        let said = RegisterDeathRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored death"))?;
        if recognise(tx.sql, &known, &Death::parse(&tx.sight(), &said)?).is_err() {
            tracing::warn!(target: "lienthong::registry", case = case_id, "a death under the PIN of another person waits");
            continue;
        }
        tx.sql.execute(
            "UPDATE deaths SET person = ?3 WHERE sender = ?1 AND case_id = ?2",
            values![sender, case_id, person],
        )?;
        told::death(tx, sender, case_id)?;
    }
    if waiting.is_empty() {
        return Ok(());
    }
    match standing(tx.sql, person)? {
        Some(died_on) => close(tx, person, &died_on),
        None => Ok(()),
    }
}

/// Ends what a death ends, and tells it of the births of whoever died.
fn close(tx: &Tx<'_>, person: i64, died_on: &str) -> Result<(), Error> {
    closures::close(tx, person, died_on)?;
    told::births_of(tx, person)
}

/// Whether a person is dead, as the row stands now.
pub(super) fn is_dead(sql: &Sql, person: i64) -> Result<bool, Error> {
    Ok(sql.query_one(
        "SELECT died_on IS NOT NULL FROM people WHERE id = ?1",
        values![person],
        |row| row.get(0),
    )?)
}

/// Writes a death down, or gives the case where it is written down already.
pub(super) fn take(
    tx: &Tx<'_>,
    sender: &str,
    said: &RegisterDeathRequest,
    facts: &[u8],
) -> Result<DeathCase, Error> {
    facts::word(&said.case_id, 64, "case_id")?;
    match stored(tx, sender, &said.case_id)? {
        Some(known) => {
            told_again(tx, sender, &known, said)?;
            case_of(tx.sql, sender, &said.case_id)?
                .ok_or(Error::Corrupt("a death that was just read"))
        }
        None => register(tx, sender, said, facts),
    }
}

/// Takes a death that is known as `stored` when it is told again; `CONFLICT` where something differs.
fn told_again(
    tx: &Tx<'_>,
    sender: &str,
    stored: &[u8],
    said: &RegisterDeathRequest,
) -> Result<(), Error> {
    let known =
        RegisterDeathRequest::decode(stored).map_err(|_| Error::Corrupt("a stored death"))?;
    let all = births::again::deaths(&known, said).ok_or_else(births::again::other_facts)?;
    if all != known {
        Death::parse(&tx.sight(), &all)?;
        tx.sql.execute(
            "UPDATE deaths SET facts = ?3 WHERE sender = ?1 AND case_id = ?2",
            values![sender, said.case_id, all.encode_to_vec()],
        )?;
    }
    Ok(())
}

fn register(
    tx: &Tx<'_>,
    sender: &str,
    said: &RegisterDeathRequest,
    facts: &[u8],
) -> Result<DeathCase, Error> {
    let death = Death::parse(&tx.sight(), said)?;
    let died_on = death.died_on.to_string();
    let mut funeral = FuneralState::None;
    let mut person = None;
    if let Some(known) = deceased(tx.sql, &death)? {
        recognise(tx.sql, &known, &death)?;
        match day_of(tx.sql, known.id)? {
            None => {
                close(tx, known.id, &died_on)?;
                if took_part(tx.sql, known.id)? {
                    funeral = FuneralState::Open;
                }
            }
            Some(day) if day == died_on => {}
            Some(_) => {
                return Err(Error::refused(
                    FaultCode::Conflict,
                    "death-on-another-day",
                    "died_on",
                ));
            }
        }
        person = Some(known.id);
    }
    tx.sql.execute(
        "INSERT INTO deaths (sender, case_id, facts, pin, person, died_on, funeral, updated_at, notice_number, replaces_number)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        values![
            sender,
            said.case_id,
            facts,
            death.pin.as_ref().map_or("", Pin::as_str),
            person,
            died_on,
            funeral as i32,
            facts::instant(tx.now),
            said.proof_number,
            said.replaces_number,
        ],
    )?;
    subscriptions::death(tx, sender, &said.case_id)?;
    told::death(tx, sender, &said.case_id)?;
    case_of(tx.sql, sender, &said.case_id)?.ok_or(Error::Corrupt("a death just written"))
}

/// Whom the numbers name; nobody yet where the PIN stands alone and nobody has it.
fn deceased(sql: &Sql, death: &Death) -> Result<Option<Known>, Error> {
    let by_pin = match &death.pin {
        Some(pin) => people::by_pin(sql, pin)?,
        None => None,
    };
    let Some(number) = &death.si_number else {
        return Ok(by_pin);
    };
    let unknown = || {
        Error::refused(
            FaultCode::UnknownSubject,
            "unknown-person",
            "deceased.si_number",
        )
    };
    let by_number = people::by_si_number(sql, number)?.ok_or_else(unknown)?;
    match by_pin.is_none_or(|known| known.id == by_number.id) {
        true => Ok(Some(by_number)),
        false => Err(Error::refused(
            FaultCode::AmbiguousSubject,
            "pin-of-another-person",
            "deceased.pin",
        )),
    }
}

/// The facts must be those of the person whom the number names: nobody is declared dead by a slip of a digit. What
/// a hospital calls a child that has no name is none; day and sex must be told of it.
fn recognise(sql: &Sql, known: &Known, death: &Death) -> Result<(), Error> {
    let born = &death.birth_date;
    let is_unnamed = || {
        Ok::<_, Error>(
            !born.is_empty() && death.sex.is_some() && newborns::of(sql, known.id)?.is_some(),
        )
    };
    let is_named = known.match_key == death.name.match_key;
    let same = (is_named || is_unnamed()?)
        && (born.is_empty() || known.birth_date.starts_with(born.as_str()))
        && death
            .sex
            .is_none_or(|sex| i32::from(sex.code()) == known.sex);
    if !same {
        return Err(Error::refused(
            FaultCode::AmbiguousSubject,
            "pin-of-another-person",
            "deceased.pin",
        ));
    }
    match death.died_on.to_string() >= known.birth_date {
        true => Ok(()),
        false => Err(facts::invalid("before-birth", "died_on")),
    }
}

/// Takes a death of a sender back; again by another case changes nothing.
pub(super) fn withdraw(
    tx: &Tx<'_>,
    sender: &str,
    said: &WithdrawDeathRequest,
) -> Result<(), Error> {
    let found: Option<(Option<i64>, Option<String>, Vec<u8>)> = tx.sql.query_opt(
        "SELECT person, withdrawn_by, facts FROM deaths WHERE sender = ?1 AND case_id = ?2",
        values![sender, said.withdraws],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let unknown = || Error::refused(FaultCode::UnknownSubject, "unknown-case", "withdraws");
    let (person, withdrawn_by, facts) = found.ok_or_else(unknown)?;
    if withdrawn_by.is_some() {
        return Ok(());
    }
    mark(tx, sender, &said.withdraws, &said.case_id)?;
    let Some(person) = person else {
        return told::death(tx, sender, &said.withdraws);
    };
    withdraw_notice(tx, person, &facts, &said.case_id)?;
    if standing(tx.sql, person)?.is_some() {
        return told::deaths_of(tx, person);
    }
    give_back(tx, person)?;
    births::finish(tx, person)?;
    told::births_of(tx, person)?;
    told::deaths_of(tx, person)
}

/// A report that stands no more, and by what.
fn mark(tx: &Tx<'_>, sender: &str, case_id: &str, by: &str) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE deaths SET withdrawn_by = ?3, updated_at = ?4 WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id, by, facts::instant(tx.now)],
    )?;
    Ok(())
}

/// Nobody says any more that this person died: the allowance's case ends, and what was closed is as it was.
fn give_back(tx: &Tx<'_>, person: i64) -> Result<(), Error> {
    tx.sql.execute(
        "UPDATE deaths SET funeral = 2 WHERE person = ?1 AND funeral = 1",
        values![person],
    )?;
    closures::reopen(tx, person)
}

/// A hospital's notice that the registered death rests on falls with it: the civil register is the one to say who
/// is dead.
fn withdraw_notice(tx: &Tx<'_>, person: i64, facts: &[u8], by: &str) -> Result<(), Error> {
    let said = RegisterDeathRequest::decode(facts).map_err(|_| Error::Corrupt("a stored death"))?;
    if said.record.is_none() || said.death_notice.is_empty() {
        return Ok(());
    }
    let reports: Vec<(String, Vec<u8>)> = tx.sql.query(
        "SELECT sender, facts FROM deaths WHERE person = ?1 AND case_id = ?2 AND withdrawn_by IS NULL ORDER BY sender LIMIT 20",
        values![person, said.death_notice],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (sender, facts) in reports {
        let notice = RegisterDeathRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored death"))?;
        if notice.record.is_none() && notice.death_notice == said.death_notice {
            mark(tx, &sender, &notice.case_id, by)?;
        }
    }
    Ok(())
}

/// The day of a death that stands.
fn standing(sql: &Sql, person: i64) -> Result<Option<String>, Error> {
    Ok(sql.query_opt(
        "SELECT died_on FROM deaths WHERE person = ?1 AND withdrawn_by IS NULL ORDER BY died_on LIMIT 1",
        values![person],
        |row| row.get(0),
    )?)
}

/// The day on which a person died, as the row stands now.
fn day_of(sql: &Sql, person: i64) -> Result<Option<String>, Error> {
    Ok(sql.query_one(
        "SELECT died_on FROM people WHERE id = ?1",
        values![person],
        |row| row.get(0),
    )?)
}

/// Whether a person ever took part in social insurance: only then is there an allowance to ask for.
fn took_part(sql: &Sql, person: i64) -> Result<bool, Error> {
    Ok(sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM employments WHERE person = ?1)",
        values![person],
        |row| row.get(0),
    )?)
}

/// A death of a sender as it was told.
pub(super) fn stored(tx: &Tx<'_>, sender: &str, case_id: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(tx.sql.query_opt(
        "SELECT facts FROM deaths WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| row.get(0),
    )?)
}

/// Two requests tell the same death where nothing differs but the time they were received at.
pub(super) fn same_facts(stored: &[u8], said: &RegisterDeathRequest) -> Result<bool, Error> {
    let mut known =
        RegisterDeathRequest::decode(stored).map_err(|_| Error::Corrupt("a stored death"))?;
    known.received_at.clone_from(&said.received_at);
    Ok(known == *said)
}

/// A death of a sender as it stands now.
pub(super) fn case_of(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<DeathCase>, Error> {
    let found: Option<(DeathCase, Option<i64>)> = sql.query_opt(
        "SELECT updated_at, died_on, funeral, withdrawn_by, person FROM deaths WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| {
            let withdrawn_by: Option<String> = row.get(3)?;
            let case = DeathCase {
                case_id: case_id.to_owned(),
                known: true,
                updated_at: row.get(0)?,
                died_on: row.get(1)?,
                funeral: row.get(2)?,
                withdrawn_by: withdrawn_by.unwrap_or_default(),
                ..DeathCase::default()
            };
            Ok((case, row.get(4)?))
        },
    )?;
    let Some((mut case, person)) = found else {
        return Ok(None);
    };
    if let Some(person) = person {
        case.si_number = people::number_of(sql, person, "si")?.unwrap_or_default();
    }
    Ok(Some(case))
}

const CASES_MAX: usize = 3;
