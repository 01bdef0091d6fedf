//! Births and deaths that are held here, for other registries that may know them: by the person's own number.
//!
//! What is told is what is true now: the birth with its corrections, the death that stands. Whom nobody has registered
//! here is not told from whom nobody knows.

use schemas::id::Pin;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    FindVitalEventRequest, FindVitalEventResponse, RegisterBirthRequest, RegisterDeathRequest,
    VitalEvent, VitalEventKind,
};

use super::{Error, Registry, corrections, facts, people};
use crate::sql::{Sql, values};

impl Registry {
    /// The birth or the death of whoever has or had this PIN, where one was registered.
    ///
    /// # Errors
    /// `INVALID` for a number that is none, or a kind that is none.
    pub async fn vital_event(
        &self,
        request: FindVitalEventRequest,
    ) -> Result<FindVitalEventResponse, Error> {
        let kind = request.kind();
        facts::context(request.context)?;
        let pin =
            Pin::parse(&request.pin).map_err(|_| facts::invalid("malformed-number", "pin"))?;
        self.read("vital-event", move |sql| {
            let event = match kind {
                VitalEventKind::Birth => birth(sql, &pin)?,
                VitalEventKind::Death => death(sql, &pin)?,
                VitalEventKind::Unspecified => return Err(facts::invalid("unknown-code", "kind")),
            };
            Ok(FindVitalEventResponse { event })
        })
        .await
    }
}

/// The case that was told first; others tell of the same child.
pub(super) fn birth(sql: &Sql, pin: &Pin) -> Result<Option<VitalEvent>, Error> {
    let Some(person) = people::by_pin(sql, pin)? else {
        return Ok(None);
    };
    let found: Option<(String, String, Vec<u8>)> = sql.query_opt(
        "SELECT sender, case_id, facts FROM birth_cases WHERE person = ?1 ORDER BY updated_at, sender, case_id LIMIT 1",
        values![person.id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((sender, case_id, facts)) = found else {
        return Ok(None);
    };
    let told = RegisterBirthRequest::decode(facts.as_slice())
        .map_err(|_| Error::Corrupt("a stored birth"))?;
    let told = corrections::as_it_stands(sql, &sender, &case_id, told)?;
    let child = told.child.unwrap_or_default();
    Ok(Some(VitalEvent {
        pin: child.pin,
        name: child.name,
        sex: child.sex,
        birth_date: child.birth_date,
        residence_commune: child.residence_commune,
        mother: told.mother,
        father: told.father,
        record: told.record,
        died_on: String::new(),
    }))
}

/// By the person, who may have had other PINs; by the PIN where nobody is insured under it.
pub(super) fn death(sql: &Sql, pin: &Pin) -> Result<Option<VitalEvent>, Error> {
    let facts: Option<Vec<u8>> = match people::by_pin(sql, pin)? {
        Some(person) => sql.query_opt(
            "SELECT facts FROM deaths WHERE person = ?1 AND withdrawn_by IS NULL ORDER BY died_on, sender, case_id LIMIT 1",
            values![person.id],
            |row| row.get(0),
        )?,
        None => sql.query_opt(
            "SELECT facts FROM deaths WHERE pin = ?1 AND withdrawn_by IS NULL ORDER BY died_on, sender, case_id LIMIT 1",
            values![pin.as_str()],
            |row| row.get(0),
        )?,
    };
    let Some(facts) = facts else {
        return Ok(None);
    };
    let told = RegisterDeathRequest::decode(facts.as_slice())
        .map_err(|_| Error::Corrupt("a stored death"))?;
    let deceased = told.deceased.unwrap_or_default();
    Ok(Some(VitalEvent {
        pin: pin.as_str().to_owned(),
        name: deceased.name,
        sex: deceased.sex,
        birth_date: deceased.birth_date,
        residence_commune: String::new(),
        mother: None,
        father: None,
        record: told.record,
        died_on: told.died_on,
    }))
}
