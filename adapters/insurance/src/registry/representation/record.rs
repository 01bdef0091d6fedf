//! Who represents whom, as an officer has seen it on paper: a court's or a commune's decision, a letter, an enterprise's
//! registration. What was recorded is ended, never deleted or changed; a paper that was wrong is ended from its first
//! day and recorded anew.

use jiff::civil::Date;
use schemas::codes::representation::{Basis, Kind, is_under_age};
use schemas::fault::FaultCode;
use schemas::id::ProcedureCode;
use schemas::procedure::Applicant;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    EndRepresentationRequest, EndRepresentationResponse, ListRepresentationsRequest,
    ListRepresentationsResponse, NamedPerson, RecordRepresentationRequest,
    RecordRepresentationResponse, Representation,
};

use crate::registry::effects::Asked;
use crate::registry::facts::{self, invalid};
use crate::registry::groups::words;
use crate::registry::people::{self, Known};
use crate::registry::{Error, Registry, Tx};
use crate::sql::{self, Row, Sql, values};

impl Registry {
    /// Records that somebody represents a person or an employer; the same again is the same record.
    ///
    /// # Errors
    /// `INVALID` where a part is malformed, `UNKNOWN-SUBJECT` and `RULE-REFUSED` where somebody is nobody, has another name, is
    /// dead or of an age that it is not for, `CONFLICT` where the same paper was recorded otherwise.
    pub async fn record_representation(
        &self,
        mut said: RecordRepresentationRequest,
    ) -> Result<RecordRepresentationResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Representations.Record", &context, said.encode_to_vec())?;
        let paper = Paper::parse(said)?;
        self.effect(asked, move |tx, _| {
            paper.scope_is_offered(tx)?;
            let id = paper.write(tx)?;
            Ok(RecordRepresentationResponse {
                representation: Some(row(tx.sql, id)?.ok_or(Error::Corrupt("what was written"))?),
            })
        })
        .await
    }

    /// Ends what was recorded, from a day on; the same again changes nothing.
    ///
    /// # Errors
    /// `INVALID` where a part is malformed, `UNKNOWN-SUBJECT` where there is none, `CONFLICT` where it was ended otherwise.
    pub async fn end_representation(
        &self,
        mut said: EndRepresentationRequest,
    ) -> Result<EndRepresentationResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Representations.End", &context, said.encode_to_vec())?;
        let from = facts::date(&said.from, "from")?;
        for (text, field) in [(&said.by, "by"), (&said.who, "who"), (&said.why, "why")] {
            words(text, field)?;
        }
        self.effect(asked, move |tx, _| {
            let id = i64::try_from(said.id).map_err(|_| unknown("unknown-representation", "id"))?;
            end(tx, id, from, &said)?;
            Ok(EndRepresentationResponse {
                representation: row(tx.sql, id)?,
            })
        })
        .await
    }

    /// Everything that was recorded of a person, on either side, or of an employer; the newest first.
    ///
    /// # Errors
    /// `INVALID` where the number is malformed, `UNKNOWN-SUBJECT` where nobody has it.
    pub async fn representations(
        &self,
        said: ListRepresentationsRequest,
    ) -> Result<ListRepresentationsResponse, Error> {
        facts::context(said.context)?;
        self.read("representations", move |sql| {
            let ids: Vec<i64> = match said.tax_code.as_str() {
                "" => {
                    let person = people::by_any_number(sql, &said.number)?;
                    let person = person.ok_or_else(|| unknown("unknown-person", "number"))?;
                    sql.query(
                        "SELECT id FROM representations WHERE person = ?1 OR representative = ?1 ORDER BY id DESC LIMIT 200",
                        values![person.id],
                        |row| row.get(0),
                    )?
                }
                code => sql.query(
                    "SELECT id FROM representations WHERE employer = ?1 ORDER BY id DESC LIMIT 200",
                    values![employer(sql, code)?],
                    |row| row.get(0),
                )?,
            };
            let rows = ids.into_iter().filter_map(|id| row(sql, id).transpose());
            Ok(ListRepresentationsResponse {
                representations: rows.collect::<Result<_, _>>()?,
            })
        })
        .await
    }
}

/// A paper whose every part is well formed.
struct Paper {
    kind: Kind,
    basis: Basis,
    from: Date,
    to: Option<Date>,
    representative: NamedPerson,
    represented: Represented,
    /// What of it is kept as it was said.
    said: RecordRepresentationRequest,
}

enum Represented {
    Person(NamedPerson),
    Employer(String),
}

impl Paper {
    fn parse(mut said: RecordRepresentationRequest) -> Result<Self, Error> {
        for (text, field) in [
            (&said.document, "document"),
            (&said.who, "who"),
            (&said.why, "why"),
        ] {
            words(text, field)?;
        }
        let kind = Kind::of_word(&said.kind).ok_or_else(|| invalid("unknown-code", "kind"))?;
        let basis = Basis::of_word(&said.basis).ok_or_else(|| invalid("unknown-code", "basis"))?;
        if !kind.rests_on(basis) {
            return Err(invalid("wrong-kind", "basis"));
        }
        let represented = match (said.person.take(), std::mem::take(&mut said.tax_code)) {
            (Some(person), code) if code.is_empty() => Represented::Person(person),
            (None, code) if !code.is_empty() => Represented::Employer(code),
            _ => return Err(invalid("missing", "person")),
        };
        let fits = match &represented {
            Represented::Person(_) => kind.is_of_persons(),
            Represented::Employer(_) => kind.is_of_enterprises(),
        };
        if !fits {
            return Err(invalid("wrong-kind", "kind"));
        }
        let representative = said.representative.take();
        let representative = representative.ok_or_else(|| invalid("missing", "representative"))?;
        let from = facts::date(&said.from, "from")?;
        let to = match said.to.as_str() {
            "" => None,
            to => Some(facts::date(to, "to")?),
        };
        let to = kind.last_day(from, to);
        if to.is_some_and(|to| to < from) {
            return Err(invalid("span-backwards", "to"));
        }
        if said.procedures.len() > PROCEDURES_MAX {
            return Err(invalid("too-many", "procedures"));
        }
        said.procedures.sort();
        said.procedures.dedup();
        Ok(Self {
            kind,
            basis,
            from,
            to,
            representative,
            represented,
            said,
        })
    }

    /// Every procedure that is named takes the word of such a representative.
    fn scope_is_offered(&self, tx: &Tx<'_>) -> Result<(), Error> {
        let unknown = || invalid("unknown-procedure", "procedures");
        for code in &self.said.procedures {
            let code = ProcedureCode::parse(code).map_err(|_| unknown())?;
            let found = tx.params.procedures.find(&code, tx.today);
            let found = found.filter(|row| row.code == code.as_str());
            let takes = found.is_some_and(|row| match self.represented {
                Represented::Person(_) => row.represented,
                Represented::Employer(_) => row.applicant != Applicant::Person,
            });
            if !takes {
                return Err(unknown());
            }
        }
        Ok(())
    }

    /// The row, new or the one that says the same.
    fn write(&self, tx: &Tx<'_>) -> Result<i64, Error> {
        let representative = &self.representative;
        let acts = living(tx, representative, "representative")?;
        if is_under_age(super::born(&acts)?, tx.today) {
            return Err(rule("under-age", "representative"));
        }
        let (person, employer) = match &self.represented {
            Represented::Person(said) => (Some(self.person(tx, said, &acts)?), None),
            Represented::Employer(code) => (None, Some(employer(tx.sql, code)?)),
        };
        let (from, to) = (self.from.to_string(), last(self.to));
        let procedures = self.said.procedures.join(" ");
        let known: Option<(i64, [String; 5])> = tx.sql.query_opt(
            "SELECT id, kind, basis, from_on, to_on, procedures FROM representations
             WHERE representative = ?1 AND document = ?2 AND (person = ?3 OR employer = ?4)",
            values![acts.id, self.said.document, person, employer],
            |row| {
                let same = [
                    row.get(1)?,
                    row.get(2)?,
                    row.get(3)?,
                    row.get(4)?,
                    row.get(5)?,
                ];
                Ok((row.get(0)?, same))
            },
        )?;
        let (kind, basis) = (self.kind.word(), self.basis.word());
        match known {
            Some((id, same)) if same == [kind, basis, &from, &to, &procedures] => Ok(id),
            Some(_) => Err(Error::refused(
                FaultCode::Conflict,
                "representation-has-other-facts",
                "document",
            )),
            None => Ok(tx.sql.query_one(
                "INSERT INTO representations (representative, person, employer, kind, basis, document, from_on, to_on,
                   procedures, who, why, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) RETURNING id",
                values![
                    acts.id,
                    person,
                    employer,
                    kind,
                    basis,
                    self.said.document,
                    from,
                    to,
                    procedures,
                    self.said.who,
                    self.said.why,
                    facts::instant(tx.now)
                ],
                |row| row.get(0),
            )?),
        }
    }

    /// Who is represented: somebody else, alive, of the age that it is for; who has a guardian authorises nobody.
    fn person(&self, tx: &Tx<'_>, said: &NamedPerson, acts: &Known) -> Result<i64, Error> {
        let person = living(tx, said, "person")?;
        if person.id == acts.id {
            return Err(rule("represents-themselves", "representative"));
        }
        let born = super::born(&person)?;
        if !self.kind.fits_age(born, self.from) {
            let reason = match is_under_age(born, self.from) {
                true => "under-age",
                false => "of-full-age",
            };
            return Err(rule(reason, "person"));
        }
        let guarded: bool = tx.sql.query_one(
            "SELECT EXISTS (SELECT 1 FROM representations
               WHERE person = ?1 AND kind = 'adult-guardian' AND from_on <= ?2
                 AND (to_on = '' OR to_on >= ?2) AND (ended_on = '' OR ended_on > ?2))",
            values![person.id, self.from.to_string()],
            |row| row.get(0),
        )?;
        match guarded && self.kind == Kind::Authorised {
            true => Err(rule("has-a-guardian", "person")),
            false => Ok(person.id),
        }
    }
}

fn living(tx: &Tx<'_>, said: &NamedPerson, field: &'static str) -> Result<Known, Error> {
    let known = people::named(tx, &said.number, &said.name, field)?;
    match known.dead {
        true => Err(rule("person-is-dead", field)),
        false => Ok(known),
    }
}

fn employer(sql: &Sql, code: &str) -> Result<i64, Error> {
    let found = sql.query_opt(
        "SELECT id FROM employers WHERE mst = ?1",
        values![code],
        |row| row.get(0),
    )?;
    found.ok_or_else(|| unknown("unknown-employer", "tax_code"))
}

fn end(tx: &Tx<'_>, id: i64, from: Date, said: &EndRepresentationRequest) -> Result<(), Error> {
    let found: Option<(String, String, String)> = tx.sql.query_opt(
        "SELECT to_on, ended_on, ended_by FROM representations WHERE id = ?1",
        values![id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (to, ended_on, ended_by) = found.ok_or_else(|| unknown("unknown-representation", "id"))?;
    let from = from.to_string();
    if !to.is_empty() && to < from {
        return Err(invalid("span-backwards", "from"));
    }
    match ended_on.as_str() {
        "" => {}
        known if known == from && ended_by == said.by => return Ok(()),
        _ => {
            return Err(Error::refused(FaultCode::Conflict, "ended-already", "from"));
        }
    }
    tx.sql.execute(
        "UPDATE representations SET ended_on = ?2, ended_by = ?3, ended_who = ?4, ended_why = ?5, ended_at = ?6
         WHERE id = ?1",
        values![id, from, said.by, said.who, said.why, facts::instant(tx.now)],
    )?;
    Ok(())
}

/// One as the contract tells it.
fn row(sql: &Sql, id: i64) -> Result<Option<Representation>, Error> {
    let found: Option<(Representation, i64, Option<i64>, Option<i64>)> = sql.query_opt(
        "SELECT id, kind, basis, document, from_on, to_on, procedures, who, why, at, ended_on, ended_by, ended_who,
           ended_why, representative, person, employer
         FROM representations WHERE id = ?1",
        values![id],
        |row| Ok((told(row)?, row.get(14)?, row.get(15)?, row.get(16)?)),
    )?;
    let Some((mut told, representative, person, employer)) = found else {
        return Ok(None);
    };
    told.representative = Some(people::person(sql, representative)?);
    if let Some(person) = person {
        told.person = Some(people::person(sql, person)?);
    }
    if let Some(employer) = employer {
        told.tax_code = sql.query_one(
            "SELECT mst FROM employers WHERE id = ?1",
            values![employer],
            |row| row.get(0),
        )?;
    }
    Ok(Some(told))
}

fn told(row: &Row<'_>) -> Result<Representation, sql::Error> {
    let id: i64 = row.get(0)?;
    let procedures: String = row.get(6)?;
    Ok(Representation {
        id: u64::try_from(id).unwrap_or_default(),
        kind: row.get(1)?,
        basis: row.get(2)?,
        document: row.get(3)?,
        from: row.get(4)?,
        to: row.get(5)?,
        procedures: procedures.split_whitespace().map(str::to_owned).collect(),
        who: row.get(7)?,
        why: row.get(8)?,
        at: row.get(9)?,
        ended_on: row.get(10)?,
        ended_by: row.get(11)?,
        ended_who: row.get(12)?,
        ended_why: row.get(13)?,
        ..Representation::default()
    })
}

/// A last day as it is kept; empty where it has none.
fn last(day: Option<Date>) -> String {
    day.map_or_else(String::new, |day| day.to_string())
}

fn unknown(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::UnknownSubject, reason, field)
}

fn rule(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, field)
}

const PROCEDURES_MAX: usize = 16;
