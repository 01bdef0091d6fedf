//! Corrections of a birth: name, sex, day, PIN and parents, each by a new message that names the case it corrects.
//!
//! The birth as it was told stays as it is, and so does every correction: what is true now is the one with the
//! others applied in their order. A card is printed again only where something changes that is printed on it:
//! name, sex, day of birth, or the guardian's name.

use schemas::fault::FaultCode;
use schemas::id::Pin;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    BirthCaseState, BirthChanges, CardState, CorrectBirthRequest, CorrectBirthResponse, Parent,
    Person, RegisterBirthRequest,
};

use super::births::{self, Birth, matching};
use super::effects::Asked;
use super::{Error, Registry, Tx, cards, deaths, facts, law, people, persons, supplements, told};
use crate::sql::{Sql, values};

impl Registry {
    /// Corrects one of the sender's births: the same key, or the same case with the same facts, gives the same answer.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the sender has no such birth; `INVALID`, `CONFLICT`, `AMBIGUOUS-SUBJECT` or
    /// `RULE-REFUSED` as for a birth with the corrected facts; nothing is changed then.
    pub async fn correct_birth(
        &self,
        mut request: CorrectBirthRequest,
    ) -> Result<CorrectBirthResponse, Error> {
        let context = facts::context(request.context.take())?;
        facts::word(&request.case_id, 64, "case_id")?;
        facts::word(&request.corrects, 64, "corrects")?;
        facts::moment(&request.received_at, "received_at")?;
        if request.reason.len() > REASON_BYTES_MAX {
            return Err(facts::invalid("malformed-text", "reason"));
        }
        let changes = request.changes.clone().unwrap_or_default();
        if changes == BirthChanges::default() {
            return Err(facts::invalid("missing", "changes"));
        }
        let asked = Asked::new("Births.Correct", &context, request.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            match stored(tx.sql, &context.sender, &request.case_id)? {
                Some(known) if same_facts(&known, &request)? => {}
                Some(_) => {
                    return Err(Error::refused(
                        FaultCode::Conflict,
                        "case-has-other-facts",
                        "case_id",
                    ));
                }
                None => correct(tx, &context.sender, &request, &changes, facts)?,
            }
            let case = births::case_of(tx.sql, &context.sender, &request.corrects)?;
            Ok(CorrectBirthResponse { case })
        })
        .await
    }
}

/// A birth as it was told, with the sender's supplements and then its corrections in their order.
pub(super) fn as_it_stands(
    sql: &Sql,
    sender: &str,
    case_id: &str,
    told: RegisterBirthRequest,
) -> Result<RegisterBirthRequest, Error> {
    let told = supplements::applied(sql, sender, case_id, told)?;
    let corrections: Vec<Vec<u8>> = sql.query(
        "SELECT facts FROM birth_corrections WHERE sender = ?1 AND corrects = ?2 ORDER BY nth",
        values![sender, case_id],
        |row| row.get(0),
    )?;
    corrections.iter().try_fold(told, |told, facts| {
        let said = CorrectBirthRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a stored correction"))?;
        Ok(applied(told, &said.changes.unwrap_or_default()))
    })
}

/// The case of the newest correction of a birth; empty where there is none.
pub(super) fn newest(sql: &Sql, sender: &str, case_id: &str) -> Result<String, Error> {
    let newest: Option<String> = sql.query_opt(
        "SELECT case_id FROM birth_corrections WHERE sender = ?1 AND corrects = ?2 ORDER BY nth DESC LIMIT 1",
        values![sender, case_id],
        |row| row.get(0),
    )?;
    Ok(newest.unwrap_or_default())
}

fn correct(
    tx: &Tx<'_>,
    sender: &str,
    said: &CorrectBirthRequest,
    changes: &BirthChanges,
    facts: &[u8],
) -> Result<(), Error> {
    let (person, told) = of_birth(tx.sql, sender, &said.corrects)?;
    let known = people::person(tx.sql, person)?;
    if known.dead {
        return Err(Error::refused(
            FaultCode::RuleRefused,
            "person-is-dead",
            "corrects",
        ));
    }
    let before = as_it_stands(tx.sql, sender, &said.corrects, told)?;
    // the child may have been corrected by another sender's message meanwhile
    let before = with_child(before, &known);
    let after = applied(before.clone(), changes);
    let birth = Birth::parse(&tx.sight(), &after)?;
    move_pin(tx, person, &birth.pin)?;
    tx.sql.execute(
        "UPDATE people SET name = ?2, match_key = ?3, birth_date = ?4, sex = ?5 WHERE id = ?1",
        values![
            person,
            birth.name.text,
            birth.name.match_key,
            birth.birth_date.to_string(),
            birth.sex_code(),
        ],
    )?;
    matching::correct(tx, person, birth.birth_date, &birth.origin)?;
    let parents = (&before.mother, &before.father) != (&after.mother, &after.father);
    persons::corrected(tx, person, &known, &birth, parents)?;
    let print = match is_printed(&before, &after) {
        true => print_again(tx, person, &birth)?,
        false => 0,
    };
    tx.sql.execute(
        "INSERT INTO birth_corrections (sender, case_id, corrects, nth, person, facts, print, at)
         SELECT ?1, ?2, ?3, count(*) + 1, ?4, ?5, ?6, ?7 FROM birth_corrections WHERE sender = ?1 AND corrects = ?3",
        values![
            sender,
            said.case_id,
            said.corrects,
            person,
            facts,
            print,
            facts::instant(tx.now),
        ],
    )?;
    tx.sql.execute(
        "UPDATE birth_cases SET updated_at = ?2 WHERE person = ?1",
        values![person, facts::instant(tx.now)],
    )?;
    told::births_of(tx, person)
}

/// Whose birth a case is, and how it was told.
fn of_birth(sql: &Sql, sender: &str, case_id: &str) -> Result<(i64, RegisterBirthRequest), Error> {
    let found: Option<(i64, Vec<u8>)> = sql.query_opt(
        "SELECT person, facts FROM birth_cases WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((person, facts)) = found else {
        return Err(match births::case_of(sql, sender, case_id)? {
            Some(case) if case.state() == BirthCaseState::Refused => {
                Error::refused(FaultCode::RuleRefused, "case-is-closed", "corrects")
            }
            // who the child is must be said first
            Some(_) => Error::refused(FaultCode::Conflict, "case-waits", "corrects"),
            None => Error::refused(FaultCode::UnknownSubject, "unknown-case", "corrects"),
        });
    };
    let told = RegisterBirthRequest::decode(facts.as_slice())
        .map_err(|_| Error::Corrupt("a stored birth"))?;
    Ok((person, told))
}

/// The birth with the child as it is kept now.
fn with_child(mut told: RegisterBirthRequest, known: &Person) -> RegisterBirthRequest {
    let child = told.child.get_or_insert_default();
    child.name.clone_from(&known.name);
    child.birth_date.clone_from(&known.birth_date);
    child.sex = known.sex;
    if !known.pin.is_empty() {
        child.pin.clone_from(&known.pin);
    }
    told
}

/// The birth with what a correction names; what it leaves empty stays.
pub(super) fn applied(
    mut told: RegisterBirthRequest,
    changes: &BirthChanges,
) -> RegisterBirthRequest {
    let child = told.child.get_or_insert_default();
    replace(&mut child.pin, &changes.pin);
    replace(&mut child.name, &changes.name);
    replace(&mut child.birth_date, &changes.birth_date);
    if changes.sex != 0 {
        child.sex = changes.sex;
    }
    for (parent, change, relation) in [
        (&mut told.mother, &changes.mother, "mother"),
        (&mut told.father, &changes.father, "father"),
    ] {
        let Some(change) = change.as_ref().filter(|one| **one != Parent::default()) else {
            continue;
        };
        let parent = parent.get_or_insert_default();
        replace(&mut parent.name, &change.name);
        replace(&mut parent.birth_date, &change.birth_date);
        replace(&mut parent.pin, &change.pin);
        if let Some(guardian) = told
            .guardian
            .as_mut()
            .filter(|one| one.relation == relation)
        {
            replace(&mut guardian.name, &change.name);
        }
    }
    told
}

fn replace(text: &mut String, change: &str) {
    if !change.is_empty() {
        change.clone_into(text);
    }
}

/// Whether something changes that is printed on a card.
fn is_printed(before: &RegisterBirthRequest, after: &RegisterBirthRequest) -> bool {
    let printed = |told: &RegisterBirthRequest| {
        let child = told.child.clone().unwrap_or_default();
        let guardian = told.guardian.clone().unwrap_or_default();
        (child.name, child.sex, child.birth_date, guardian.name)
    };
    printed(before) != printed(after)
}

/// The person goes on under another PIN; the one before stays theirs, as a past one. Nobody else's is taken.
fn move_pin(tx: &Tx<'_>, person: i64, pin: &Pin) -> Result<(), Error> {
    let known = people::by_pin(tx.sql, pin)?;
    if known.as_ref().is_some_and(|known| known.id != person) {
        return Err(Error::refused(
            FaultCode::AmbiguousSubject,
            "pin-of-another-person",
            "child.pin",
        ));
    }
    if people::number_of(tx.sql, person, "pin")?.as_deref() == Some(pin.as_str()) {
        return Ok(());
    }
    tx.sql.execute(
        "UPDATE numbers SET valid_to = ?2 WHERE person = ?1 AND scheme = 'pin' AND valid_to IS NULL",
        values![person, tx.today.to_string()],
    )?;
    match known {
        // theirs before: it is theirs again
        Some(_) => drop(tx.sql.execute(
            "UPDATE numbers SET valid_to = NULL WHERE number = ?1 AND scheme = 'pin'",
            values![pin.as_str()],
        )?),
        None => births::give(tx, person, ("pin", pin.as_str()), tx.today)?,
    }
    deaths::meet(tx, person, pin)
}

/// Prints the valid card again, with the validity of the day of birth as it is now; gives the new print's serial, 0
/// where there is no card to print. A child who is too old by the corrected day has no card any more.
fn print_again(tx: &Tx<'_>, person: i64, birth: &Birth) -> Result<u32, Error> {
    let Some(mut card) = cards::valid_of(tx.sql, person, &tx.today.to_string())? else {
        return Ok(0);
    };
    let mut rule = cards::rule_of(tx.sql, person, &card)?;
    if card.number.starts_with(births::CHILD) {
        let Some(validity) = law::child_card(birth.birth_date, tx.today) else {
            cards::end(tx, person, &card, CardState::Revoked)?;
            return Ok(0);
        };
        // what was valid under another day of birth is as it was: only another day changes it
        if card.valid_from != validity.from.to_string() {
            card.valid_from = validity.from.to_string();
            card.valid_to = validity.to.to_string();
            rule = validity.rule;
        }
    }
    let card = cards::print_again(tx, person, card, &rule)?;
    tx.sql.execute(
        "UPDATE birth_cases SET card_rule = ?3 WHERE person = ?1 AND card_number = ?2",
        values![person, card.number, rule],
    )?;
    Ok(card.serial)
}

fn stored(sql: &Sql, sender: &str, case_id: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(sql.query_opt(
        "SELECT facts FROM birth_corrections WHERE sender = ?1 AND case_id = ?2",
        values![sender, case_id],
        |row| row.get(0),
    )?)
}

/// Two requests tell the same correction where nothing differs but the time they were received at.
fn same_facts(stored: &[u8], said: &CorrectBirthRequest) -> Result<bool, Error> {
    let mut known =
        CorrectBirthRequest::decode(stored).map_err(|_| Error::Corrupt("a stored correction"))?;
    known.received_at.clone_from(&said.received_at);
    Ok(known == *said)
}

/// Most bytes of a reason.
const REASON_BYTES_MAX: usize = 4_096;
