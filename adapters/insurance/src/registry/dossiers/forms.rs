//! Dossiers of the procedures that a person decides: the form is proven against the procedure's row, everybody
//! whom it names against the registry.

use schemas::fault::FaultCode;
use schemas::id::SiNumber;
use schemas::json::{self, Limits};
use schemas::procedure::{Applicant, Decides, Filled, Named, Procedure, Role, Wrong};
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    Dossier, DossierPaper, SubmitDossierRequest, SubmitDossierResponse,
};

use super::{
    New, Stored, bounded, by_code, claimed, of_today, other_facts, own_number, procedure, rule,
    stored,
};
use crate::registry::effects::Asked;
use crate::registry::facts::{self, invalid};
use crate::registry::people::{self, Known};
use crate::registry::representation::{self, ActsAs};
use crate::registry::{Error, Registry, Tx, payments};
use crate::sql::values;

impl Registry {
    /// Takes in a dossier: the same key, or the same foreign id with the same facts, gives the same dossier.
    ///
    /// # Errors
    /// `INVALID`, `CONFLICT`, `UNKNOWN-SUBJECT` or `RULE-REFUSED`; nothing is changed then.
    pub async fn submit_dossier(
        &self,
        mut said: SubmitDossierRequest,
    ) -> Result<SubmitDossierResponse, Error> {
        let context = facts::context(said.context.take())?;
        facts::word(&said.foreign_id, 64, "foreign_id")?;
        let asked = Asked::new("Dossiers.Submit", &context, said.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            let dossier = match stored(tx, &context.sender, &said.foreign_id)? {
                Some(known) if same_facts(&known, &said) => by_code(tx.sql, &known.code)?,
                Some(_) => return Err(other_facts()),
                None => Some(take_in(tx, &context.sender, &said, facts)?),
            };
            Ok(SubmitDossierResponse { dossier })
        })
        .await
    }
}

/// Two requests are one dossier where nothing differs but the time they were submitted at.
fn same_facts(stored: &Stored, said: &SubmitDossierRequest) -> bool {
    let known = SubmitDossierRequest::decode(stored.facts.as_slice());
    stored.procedure == said.procedure
        && known.is_ok_and(|mut known| {
            known.submitted_at.clone_from(&said.submitted_at);
            known == *said
        })
}

fn take_in(
    tx: &Tx<'_>,
    owner: &str,
    said: &SubmitDossierRequest,
    facts: &[u8],
) -> Result<Dossier, Error> {
    facts::word(&said.procedure, 64, "procedure")?;
    facts::moment(&said.submitted_at, "submitted_at")?;
    bounded(&said.phone, 32, "phone")?;
    bounded(&said.email, 254, "email")?;
    let procedure = procedure(tx, &said.procedure, &[Decides::Person, Decides::Payment])?;
    let form = form(procedure, said)?;
    let (applicant, name) = applicant(tx, said)?;
    if let Some(number) = claimed(&said.applicant_si_number)? {
        own_number(tx.sql, &number, applicant.id)?;
    }
    let employer = employer(tx, procedure, said, &form)?;
    let (person, acts_as) = match employer {
        Some(employer) => (
            applicant.id,
            for_employer(tx, procedure, &applicant, employer)?,
        ),
        None => acting(tx, procedure, &form, &applicant)?,
    };
    let prover = Prover {
        applicant: applicant.id,
        person,
        employer,
    };
    for named in form.named() {
        prover.prove(tx, &named)?;
    }
    payments::quotable(tx, procedure, &form, (applicant.id, employer))?;
    New {
        owner,
        foreign_id: &said.foreign_id,
        facts,
        procedure,
        said_procedure: &said.procedure,
        person,
        applicant: applicant.id,
        acts_as,
        employer,
        card_number: "",
        name: &name.text,
    }
    .write(tx)
}

/// The form as the procedure's row has it, and its papers.
fn form(procedure: &'static Procedure, said: &SubmitDossierRequest) -> Result<Filled, Error> {
    let members = json::read(said.form.as_bytes(), &Limits::default())
        .map_err(|_| invalid("malformed-text", "form"))?;
    let wrong = |field| move |wrong: Wrong| Error::refused(FaultCode::Invalid, wrong.reason, field);
    let filled = procedure.form.fill(&members).map_err(wrong("form"))?;
    let papers: Vec<&str> = said
        .papers
        .iter()
        .map(|paper| paper.code.as_str())
        .collect();
    procedure.papers_suffice(&papers).map_err(wrong("papers"))?;
    for paper in &said.papers {
        facts::word(&paper.file_id, 64, "papers")?;
        bounded(&paper.file_name, 800, "papers")?;
        kept(paper)?;
    }
    Ok(filled)
}

/// A file that is kept at the gateway has a digest, a length and a type; a paper that stays at its sender has none.
pub(super) fn kept(paper: &DossierPaper) -> Result<(), Error> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let digest = paper.sha256.len() == 64 && paper.sha256.bytes().all(digit);
    let parts = (&*paper.sha256, paper.bytes, &*paper.media_type);
    match parts {
        ("", 0, "") => Ok(()),
        (_, 1.., "application/pdf" | "image/jpeg" | "image/png") if digest => Ok(()),
        _ => Err(invalid("malformed-text", "papers")),
    }
}

/// Who is logged in: known here under this PIN, with this name and day of birth, and alive.
fn applicant(tx: &Tx<'_>, said: &SubmitDossierRequest) -> Result<(Known, facts::Name), Error> {
    let pin = facts::pin(&said.applicant_pin, tx.params.population, "applicant_pin")?;
    let name = facts::name(&said.applicant_name, "applicant_name")?;
    let born = facts::date(&said.applicant_birth_date, "applicant_birth_date")?;
    let known = people::by_pin(tx.sql, &pin)?.ok_or_else(|| unknown_person("applicant_pin"))?;
    if known.match_key != name.match_key || known.birth_date != born.to_string() {
        return Err(rule("not-the-holder", "applicant_name"));
    }
    match known.dead {
        true => Err(rule("person-is-dead", "applicant_name")),
        false => Ok((known, name)),
    }
}

/// The employer whose account it is, and no other one in the form; none of a person's own dossier.
fn employer(
    tx: &Tx<'_>,
    procedure: &Procedure,
    said: &SubmitDossierRequest,
    form: &Filled,
) -> Result<Option<i64>, Error> {
    if procedure.applicant == Applicant::Person {
        return Ok(None);
    }
    let code = said.applicant_tax_code.as_str();
    let found: Option<(i64, String)> = tx.sql.query_opt(
        "SELECT id, unit_code FROM employers WHERE mst = ?1",
        values![code],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let Some((employer, unit)) = found else {
        return Err(Error::refused(
            FaultCode::UnknownSubject,
            "unknown-employer",
            "applicant_tax_code",
        ));
    };
    let same = |role, wanted: &str| form.of_role(role).all(|text| text == wanted);
    match same(Role::Employer, code) && same(Role::Unit, &unit) {
        true => Ok(Some(employer)),
        false => Err(rule("not-the-employer", "form")),
    }
}

/// As what the applicant speaks for the employer.
fn for_employer(
    tx: &Tx<'_>,
    procedure: &Procedure,
    applicant: &Known,
    employer: i64,
) -> Result<ActsAs, Error> {
    let acts = representation::of_employer(tx.sql, of_today(tx, procedure), applicant, employer)?;
    acts.map_err(|why| rule(why, "applicant_pin"))
}

/// Whom a form is about, and as what the applicant speaks for them: the first holder whom it names who is not the
/// applicant, where the procedure takes a representative's word and the applicant is one.
fn acting(
    tx: &Tx<'_>,
    procedure: &Procedure,
    form: &Filled,
    applicant: &Known,
) -> Result<(i64, ActsAs), Error> {
    for number in form.of_role(Role::Holder) {
        let number = SiNumber::parse(number).map_err(|_| invalid("malformed-number", "form"))?;
        let person =
            people::by_si_number(tx.sql, &number)?.ok_or_else(|| unknown_person("form"))?;
        if person.id == applicant.id {
            continue;
        }
        let acts = match procedure.represented {
            true => representation::acts_as(tx.sql, of_today(tx, procedure), applicant, &person)?,
            false => Err("not-the-holder"),
        };
        let acts = acts.map_err(|why| rule(why, "form"))?;
        return Ok((person.id, acts));
    }
    Ok((applicant.id, ActsAs::Holder))
}

/// Whose word a form has to agree with.
struct Prover {
    applicant: i64,
    /// Whom it is about.
    person: i64,
    employer: Option<i64>,
}

impl Prover {
    /// Proves that somebody whom a form names is who the form says: by number, by name where a line has one, by role.
    fn prove(&self, tx: &Tx<'_>, named: &Named<'_>) -> Result<(), Error> {
        let number =
            SiNumber::parse(named.number).map_err(|_| invalid("malformed-number", "form"))?;
        let person =
            people::by_si_number(tx.sql, &number)?.ok_or_else(|| unknown_person("form"))?;
        if let Some(name) = named.name
            && facts::name(name, "form")?.match_key != person.match_key
        {
            return Err(rule("not-the-holder", "form"));
        }
        if person.dead {
            return Err(rule("person-is-dead", "form"));
        }
        let (holds, reason) = match named.role {
            Role::Holder => (person.id == self.person, "not-the-holder"),
            Role::HouseholdMember => (
                person.id == self.applicant || one_household(tx, person.id, self.applicant)?,
                "not-of-the-household",
            ),
            Role::Employee => (works_for(tx, person.id, self.employer)?, "not-an-employee"),
            Role::Insured | Role::Employer | Role::Unit => (true, ""),
        };
        match holds {
            true => Ok(()),
            false => Err(rule(reason, "form")),
        }
    }
}

fn one_household(tx: &Tx<'_>, one: i64, other: i64) -> Result<bool, Error> {
    Ok(tx.sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM people a JOIN people b ON a.household = b.household
           WHERE a.id = ?1 AND b.id = ?2)",
        values![one, other],
        |row| row.get(0),
    )?)
}

fn works_for(tx: &Tx<'_>, person: i64, employer: Option<i64>) -> Result<bool, Error> {
    Ok(tx.sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM employments WHERE person = ?1 AND employer = ?2 AND to_period IS NULL)",
        values![person, employer],
        |row| row.get(0),
    )?)
}

fn unknown_person(field: &'static str) -> Error {
    Error::refused(FaultCode::UnknownSubject, "unknown-person", field)
}
