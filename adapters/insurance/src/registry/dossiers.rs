//! Dossiers to reissue a lost or damaged card: taken in here, moved on by [`steps`](super::steps). Those of other
//! procedures come in by [`forms`], persons decide them by [`decisions`], and their applicants speak of them by [`said`].

pub(super) mod decisions;
mod forms;
mod said;

use jiff::civil::Date;
use schemas::date::{day_in_viet_nam, format_compact, in_viet_nam};
use schemas::fault::FaultCode;
use schemas::id::{CardNumber, DossierCode, Pin, ProcedureCode, SiNumber};
use schemas::procedure::{Decides, Procedure};
use schemas::proto::Message;
use schemas::proto::insurance::{
    Card, CardState, Context, Dossier, GetDossierRequest, GetDossierResponse, ReissueReason,
    SubmitReissueRequest, SubmitReissueResponse,
};

use super::effects::Asked;
use super::facts::{self, Name, invalid};
use super::people::{self, Known};
use super::representation::{self, Acting, ActsAs, Said};
use super::{Error, Registry, Tx, cards, counters, requests, steps};
use crate::sql::{Sql, values};

impl Registry {
    /// Takes in a dossier: the same key, or the same foreign id with the same facts, gives the same dossier.
    ///
    /// # Errors
    /// `INVALID`, `CONFLICT`, `UNKNOWN-SUBJECT` or `RULE-REFUSED`; nothing is changed then.
    pub async fn submit_reissue(
        &self,
        request: SubmitReissueRequest,
    ) -> Result<SubmitReissueResponse, Error> {
        let (context, said) = split(request)?;
        let asked = Asked::new("Dossiers.SubmitReissue", &context, said.encode_to_vec())?;
        self.effect(asked, move |tx, facts| {
            let dossier = match stored(tx, &context.sender, &said.foreign_id)? {
                Some(known) if same_facts(&known, &said) => {
                    readable(tx.sql, tx.today, &known.code)?
                }
                Some(_) => return Err(other_facts()),
                None => Some(take_in(tx, &context.sender, &said, facts)?),
            };
            Ok(SubmitReissueResponse { dossier })
        })
        .await
    }

    /// One of the sender's own dossiers as it stands now; without a child's card where whoever applied may no longer
    /// speak for the child.
    ///
    /// # Errors
    /// `INVALID` where the code is malformed, `UNKNOWN-SUBJECT` where the sender has no such dossier.
    pub async fn dossier(&self, request: GetDossierRequest) -> Result<GetDossierResponse, Error> {
        let sender = facts::context(request.context)?.sender;
        let code =
            DossierCode::parse(&request.code).map_err(|_| invalid("malformed-id", "code"))?;
        let today = day_in_viet_nam((self.shared.clock)());
        self.read("dossier", move |sql| {
            match readable(sql, today, code.as_str())? {
                Some(dossier) if dossier.owner == sender => Ok(GetDossierResponse {
                    dossier: Some(dossier),
                }),
                _ => Err(Error::refused(
                    FaultCode::UnknownSubject,
                    "unknown-dossier",
                    "code",
                )),
            }
        })
        .await
    }
}

/// What an applicant says, parsed.
struct Application {
    number: SiNumber,
    card: Option<CardNumber>,
    name: Name,
    pin: Option<Pin>,
    own_number: Option<SiNumber>,
    birth_date: Option<String>,
}

impl Application {
    fn parse(tx: &Tx<'_>, said: &SubmitReissueRequest) -> Result<Self, Error> {
        facts::word(&said.procedure, 64, "procedure")?;
        facts::moment(&said.submitted_at, "submitted_at")?;
        bounded(&said.phone, 32, "phone")?;
        bounded(&said.email, 254, "email")?;
        match ReissueReason::try_from(said.reason) {
            Ok(ReissueReason::Lost | ReissueReason::Damaged) => {}
            _ => return Err(invalid("unknown-code", "reason")),
        }
        let (number, card) = numbers(&said.card_or_si_number)?;
        let pin = match said.applicant_pin.is_empty() {
            true => None,
            false => Some(facts::pin(
                &said.applicant_pin,
                tx.params.population,
                "applicant_pin",
            )?),
        };
        let birth_date = match said.applicant_birth_date.is_empty() {
            true => None,
            false => {
                Some(facts::date(&said.applicant_birth_date, "applicant_birth_date")?.to_string())
            }
        };
        if pin.is_none() && birth_date.is_none() {
            return Err(invalid("nothing-to-match", "applicant_pin"));
        }
        Ok(Self {
            number,
            card,
            name: facts::name(&said.applicant_name, "applicant_name")?,
            pin,
            own_number: claimed(&said.applicant_si_number)?,
            birth_date,
        })
    }

    /// As what the applicant asks for the holder's card; refused where everything that was said is neither the holder's
    /// nor a representative's.
    fn acting(
        &self,
        tx: &Tx<'_>,
        holder: &Known,
        procedure: &Procedure,
    ) -> Result<(i64, ActsAs), Error> {
        let refused = |why| rule(why, "applicant_name");
        let (applicant, acts) = match self.representative(tx, holder, procedure)? {
            Some((applicant, acts)) => (applicant, acts.map_err(refused)?),
            None if self.is(tx.sql, holder)? => (holder.id, ActsAs::Holder),
            None => return Err(refused("not-the-holder")),
        };
        if let Some(number) = &self.own_number {
            own_number(tx.sql, number, applicant)?;
        }
        Ok((applicant, acts))
    }

    /// Whoever is logged in and is not the holder, and as what they speak or why not.
    fn representative(
        &self,
        tx: &Tx<'_>,
        holder: &Known,
        procedure: &Procedure,
    ) -> Result<Option<(i64, Acting)>, Error> {
        let logged_in = match &self.pin {
            Some(pin) if procedure.represented => people::by_pin(tx.sql, pin)?,
            _ => None,
        };
        let other = logged_in.filter(|known| known.id != holder.id);
        let Some(known) = other.filter(|known| self.says(known)) else {
            return Ok(None);
        };
        let acts = representation::acts_as(tx.sql, of_today(tx, procedure), &known, holder)?;
        Ok(Some((known.id, acts)))
    }

    /// Whether everything that was said of the applicant is this person's.
    fn is(&self, sql: &Sql, person: &Known) -> Result<bool, Error> {
        let same_pin = match &self.pin {
            None => true,
            Some(pin) => people::by_pin(sql, pin)?.is_some_and(|known| known.id == person.id),
        };
        Ok(same_pin && self.says(person))
    }

    /// Whether name and day of birth are this person's.
    fn says(&self, person: &Known) -> bool {
        let same_birth = self
            .birth_date
            .as_ref()
            .is_none_or(|date| *date == person.birth_date);
        same_birth && self.name.match_key == person.match_key
    }

    /// The card to reissue: the one that was named, else the holder's newest valid one.
    fn card(&self, tx: &Tx<'_>, holder: &Known) -> Result<Card, Error> {
        let today = tx.today.to_string();
        let card = match &self.card {
            Some(number) => {
                cards::newest(tx.sql, holder.id, number.as_str())?.ok_or_else(unknown_card)?
            }
            None => cards::valid_of(tx.sql, holder.id, &today)?.ok_or_else(not_valid)?,
        };
        match card.state == CardState::Valid as i32 && card.valid_to >= today {
            true => Ok(card),
            false => Err(not_valid()),
        }
    }
}

fn split(mut request: SubmitReissueRequest) -> Result<(Context, SubmitReissueRequest), Error> {
    let context = facts::context(request.context.take())?;
    facts::word(&request.foreign_id, 64, "foreign_id")?;
    Ok((context, request))
}

/// Two requests are one application where nothing differs but the time they were submitted at.
fn same_facts(stored: &Stored, said: &SubmitReissueRequest) -> bool {
    let known = SubmitReissueRequest::decode(stored.facts.as_slice());
    stored.procedure == said.procedure
        && known.is_ok_and(|mut known| {
            known.submitted_at.clone_from(&said.submitted_at);
            known == *said
        })
}

fn other_facts() -> Error {
    Error::refused(FaultCode::Conflict, "dossier-has-other-facts", "foreign_id")
}

/// The row of a procedure that is offered today and decided in one of these ways.
fn procedure(tx: &Tx<'_>, code: &str, decides: &[Decides]) -> Result<&'static Procedure, Error> {
    let unknown = || invalid("unknown-procedure", "procedure");
    let code = ProcedureCode::parse(code).map_err(|_| unknown())?;
    let row = tx.params.procedures.find(&code, tx.today);
    row.filter(|row| decides.contains(&row.decides))
        .ok_or_else(unknown)
}

/// What is asked today, for whoever speaks for another.
fn of_today(tx: &Tx<'_>, procedure: &Procedure) -> Said<'static> {
    Said {
        today: tx.today,
        procedure: procedure.code,
    }
}

/// The number that the sender says is the applicant's; none where it says none.
fn claimed(said: &str) -> Result<Option<SiNumber>, Error> {
    match said {
        "" => Ok(None),
        said => SiNumber::parse(said)
            .map(Some)
            .map_err(|_| invalid("malformed-number", "applicant_si_number")),
    }
}

/// Proves that a number is the applicant's own. Whether anybody else has it is not told.
fn own_number(sql: &Sql, number: &SiNumber, applicant: i64) -> Result<(), Error> {
    match people::by_si_number(sql, number)?.is_some_and(|known| known.id == applicant) {
        true => Ok(()),
        false => Err(rule("not-the-holder", "applicant_si_number")),
    }
}

fn rule(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, field)
}

fn numbers(text: &str) -> Result<(SiNumber, Option<CardNumber>), Error> {
    let malformed = |_| invalid("malformed-number", "card_or_si_number");
    match text.len() {
        15 => {
            let card = CardNumber::parse(text).map_err(malformed)?;
            Ok((card.si_number(), Some(card)))
        }
        _ => Ok((SiNumber::parse(text).map_err(malformed)?, None)),
    }
}

pub(super) fn bounded(text: &str, max: usize, field: &'static str) -> Result<(), Error> {
    match text.len() <= max && !text.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(invalid("malformed-text", field)),
    }
}

fn take_in(
    tx: &Tx<'_>,
    owner: &str,
    said: &SubmitReissueRequest,
    facts: &[u8],
) -> Result<Dossier, Error> {
    let application = Application::parse(tx, said)?;
    let procedure = procedure(tx, &said.procedure, &[Decides::ReissueCard])?;
    let holder = people::by_si_number(tx.sql, &application.number)?.ok_or_else(unknown_card)?;
    let (applicant, acts_as) = application.acting(tx, &holder, procedure)?;
    if holder.dead {
        return Err(rule("person-is-dead", "applicant_name"));
    }
    let card = application.card(tx, &holder)?;
    New {
        owner,
        foreign_id: &said.foreign_id,
        facts,
        procedure,
        said_procedure: &said.procedure,
        person: holder.id,
        applicant,
        acts_as,
        employer: None,
        card_number: &card.number,
        name: &application.name.text,
    }
    .write(tx)
}

/// A dossier that nothing stands against.
struct New<'a> {
    owner: &'a str,
    foreign_id: &'a str,
    facts: &'a [u8],
    procedure: &'static Procedure,
    said_procedure: &'a str,
    /// Whom it is about.
    person: i64,
    /// Who applies, and as what.
    applicant: i64,
    acts_as: ActsAs,
    employer: Option<i64>,
    card_number: &'a str,
    name: &'a str,
}

impl New<'_> {
    /// Writes it under a code of its own, and tells its first step.
    fn write(self, tx: &Tx<'_>) -> Result<Dossier, Error> {
        let code = next_code(tx)?;
        let pin = people::number_of(tx.sql, self.applicant, "pin")?.unwrap_or_default();
        tx.sql.execute(
            "INSERT INTO dossiers (code, owner, foreign_id, facts, procedure, state, step, person, employer,
               card_number, applicant_name, applicant_pin, received_at, due_at, updated_at, reason, awaits, acts_as)
             VALUES (?1, ?2, ?3, ?4, ?5, 1, 1, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?11, '', 0, ?13)",
            values![
                code,
                self.owner,
                self.foreign_id,
                self.facts,
                self.said_procedure,
                self.person,
                self.employer,
                self.card_number,
                self.name,
                pin,
                facts::instant(tx.now),
                facts::instant(self.procedure.due(&in_viet_nam(tx.now))),
                self.acts_as.word(),
            ],
        )?;
        requests::start(tx, &code, self.procedure)?;
        let dossier = by_code(tx.sql, &code)?.ok_or(Error::Corrupt("a dossier just written"))?;
        steps::tell(tx, &dossier, 1)?;
        Ok(dossier)
    }
}

/// `<organisation>-YYMMDD-NNNNNN`: one series per organisation and day in Viet Nam, without gaps.
fn next_code(tx: &Tx<'_>) -> Result<String, Error> {
    let organ = tx.params.organ_id.as_str();
    let day = format_compact(tx.today);
    let day = day.get(2..).ok_or(Error::Corrupt("the clock"))?;
    let series = format!("dossier:{organ}:");
    let again = counters::again(tx, &series);
    let (day, serial) = match &again {
        // a forgotten dossier has the code of its own day
        Some((name, serial)) => (name.get(series.len()..).unwrap_or(day), *serial),
        None => (day, counters::take(tx, &format!("{series}{day}"))?),
    };
    let code = DossierCode::parse(&format!("{organ}-{day}-{serial:06}"))
        .map_err(|_| Error::Corrupt("no dossier code is left for today"))?;
    Ok(code.as_str().to_owned())
}

/// A dossier that its sender has submitted before.
struct Stored {
    facts: Vec<u8>,
    code: String,
    procedure: String,
}

fn stored(tx: &Tx<'_>, owner: &str, foreign_id: &str) -> Result<Option<Stored>, Error> {
    Ok(tx.sql.query_opt(
        "SELECT facts, code, procedure FROM dossiers WHERE owner = ?1 AND foreign_id = ?2",
        values![owner, foreign_id],
        |row| {
            Ok(Stored {
                facts: row.get(0)?,
                code: row.get(1)?,
                procedure: row.get(2)?,
            })
        },
    )?)
}

/// A dossier as its sender may read it today.
fn readable(sql: &Sql, today: Date, code: &str) -> Result<Option<Dossier>, Error> {
    let Some(dossier) = by_code(sql, code)? else {
        return Ok(None);
    };
    let card = match representation::still_acts(sql, today, code)? {
        true => dossier.card,
        false => None,
    };
    Ok(Some(Dossier { card, ..dossier }))
}

/// A dossier as the contract tells it, whoever owns it.
pub(super) fn by_code(sql: &Sql, code: &str) -> Result<Option<Dossier>, Error> {
    let found: Option<(Dossier, i64, String, Option<u32>)> = sql.query_opt(
        "SELECT foreign_id, owner, procedure, state, applicant_name, applicant_pin, received_at, due_at,
           updated_at, reason, person, card_number, card_serial, acts_as
         FROM dossiers WHERE code = ?1",
        values![code],
        |row| {
            let dossier = Dossier {
                code: code.to_owned(),
                foreign_id: row.get(0)?,
                owner: row.get(1)?,
                procedure: row.get(2)?,
                state: row.get(3)?,
                applicant_name: row.get(4)?,
                applicant_pin: row.get(5)?,
                received_at: row.get(6)?,
                due_at: row.get(7)?,
                updated_at: row.get(8)?,
                reason: row.get(9)?,
                acts_as: row.get(13)?,
                card: None,
            };
            Ok((dossier, row.get(10)?, row.get(11)?, row.get(12)?))
        },
    )?;
    let Some((mut dossier, person, number, serial)) = found else {
        return Ok(None);
    };
    if let Some(serial) = serial {
        dossier.card = cards::print(sql, person, &number, serial)?;
    }
    Ok(Some(dossier))
}

fn unknown_card() -> Error {
    Error::refused(
        FaultCode::UnknownSubject,
        "unknown-card",
        "card_or_si_number",
    )
}

fn not_valid() -> Error {
    rule("card-not-valid", "card_or_si_number")
}
