//! What persons decide of dossiers: those that wait, one of them, and a person's word.
//!
//! Whoever decides names the step that they saw: where the dossier has moved since, they look again. A word takes
//! one step of the table of [`life`], by type; it is kept with who said it and why, and the applicant is told
//! what is meant for them.

use jiff::Timestamp;
use schemas::calendar;
use schemas::date::in_viet_nam;
use schemas::fault::FaultCode;
use schemas::id::{DossierCode, ProcedureCode};
use schemas::procedure::Procedure;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    DecideDossierRequest, DecideDossierResponse, Dossier, DossierAct, DossierDecision as Word,
    ListWaitingRequest, ListWaitingResponse, ShowDossierRequest, ShowDossierResponse,
    SubmitDossierRequest, WaitingDossier,
};

use super::said::supplements;
use super::{bounded, by_code};
use crate::registry::effects::Asked;
use crate::registry::facts::{self, invalid};
use crate::registry::life::{
    self, At, By, Done, InWork, Payment, Standing, Stopped, Supplement, Withdrawn,
};
use crate::registry::payments::{self, Money, Seen};
use crate::registry::{Error, Registry, Tx, people, representation, steps};
use crate::sql::{self, Row, Sql, values};

impl Registry {
    /// Dossiers that wait for a person or for their applicant, those due first, at most 100; none of an
    /// applicant's facts.
    ///
    /// # Errors
    /// `INVALID` where the context is malformed.
    pub async fn waiting_dossiers(
        &self,
        request: ListWaitingRequest,
    ) -> Result<ListWaitingResponse, Error> {
        facts::context(request.context)?;
        let now = facts::instant((self.shared.clock)());
        self.read("dossiers.awaiting", move |sql| {
            let dossiers = sql.query(
                "SELECT code, procedure, owner, state, step, received_at, due_at, supplement_due FROM dossiers
                 WHERE awaits = 1 ORDER BY due_at, code LIMIT 100",
                &[],
                |row| waiting(row, &now),
            )?;
            Ok(ListWaitingResponse { dossiers })
        })
        .await
    }

    /// One dossier of any owner, as it was told, and what persons did about it.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such dossier.
    pub async fn show_dossier(
        &self,
        request: ShowDossierRequest,
    ) -> Result<ShowDossierResponse, Error> {
        facts::context(request.context)?;
        let code = code(&request.code)?;
        self.read("dossiers.show", move |sql| {
            let dossier = by_code(sql, &code)?.ok_or_else(unknown)?;
            let (facts, step): (Vec<u8>, u32) = sql.query_one(
                "SELECT facts, step FROM dossiers WHERE code = ?1",
                values![code],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            // of a reissue the facts are another message, and no form
            let told = SubmitDossierRequest::decode(facts.as_slice()).unwrap_or_default();
            let is_form = told.procedure == dossier.procedure && !told.form.is_empty();
            let (form, papers) = match is_form {
                true => (told.form, told.papers),
                false => Default::default(),
            };
            Ok(ShowDossierResponse {
                dossier: Some(dossier),
                step,
                form,
                papers,
                subject_si_number: subject(sql, &code)?,
                acts: acts(sql, &code)?,
                supplements: supplements(sql, &code)?,
            })
        })
        .await
    }

    /// Takes a person's word; safe to repeat under its key.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where there is no such dossier, `CONFLICT` where it has moved since it was looked at or the
    /// payment was named before, `RULE-REFUSED` where it stands otherwise or whoever applied may no longer be given anything
    /// of the child's, `INVALID` where something is missing.
    pub async fn decide_dossier(
        &self,
        mut request: DecideDossierRequest,
    ) -> Result<DecideDossierResponse, Error> {
        let context = facts::context(request.context.take())?;
        let asked = Asked::new("Dossiers.Decide", &context, request.encode_to_vec())?;
        let code = code(&request.code)?;
        for (text, field) in [(&request.who, "who"), (&request.why, "why")] {
            if text.trim().is_empty() || text.len() > WORDS_BYTES_MAX {
                return Err(invalid("missing", field));
            }
        }
        bounded(&request.told, TOLD_BYTES_MAX, "told")?;
        self.effect(asked, move |tx, _| {
            decide(tx, &code, &request)?;
            let dossier = by_code(tx.sql, &code)?;
            let refund = payments::refund_reason(tx, &request.paid)?;
            Ok(DecideDossierResponse { dossier, refund })
        })
        .await
    }
}

/// Ends every dossier whose applicant has let the day of a supplement pass; gives their codes.
pub(in crate::registry) fn lapsed(sql: &Sql, now: &str) -> Result<Vec<String>, Error> {
    Ok(sql.query(
        "SELECT code FROM dossiers WHERE awaits = 1 AND state = 5 AND supplement_due < ?1 ORDER BY code LIMIT 200",
        values![now],
        |row| row.get(0),
    )?)
}

/// Stops a dossier whose supplement is overdue; false where it has moved meanwhile.
pub(in crate::registry) fn lapse(tx: &Tx<'_>, code: &str) -> Result<bool, Error> {
    let now = facts::instant(tx.now);
    let due: Option<Option<String>> = tx.sql.query_opt(
        "SELECT supplement_due FROM dossiers WHERE code = ?1",
        values![code],
        |row| row.get(0),
    )?;
    let over = due.flatten().is_some_and(|due| due < now);
    match life::open(tx, code)? {
        Some(Standing::Supplement(dossier)) if over => {
            dossier.go::<Stopped>(tx, LAPSED)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn decide(tx: &Tx<'_>, code: &str, asked: &DecideDossierRequest) -> Result<(), Error> {
    let standing = life::open(tx, code)?.ok_or_else(unknown)?;
    if standing.step() != asked.step {
        return Err(Error::refused(
            FaultCode::Conflict,
            "moved-meanwhile",
            "step",
        ));
    }
    let dossier = by_code(tx.sql, code)?.ok_or_else(unknown)?;
    let procedure = row(tx, &dossier);
    let word = Word::try_from(asked.decision).unwrap_or(Word::Unspecified);
    if matches!(word, Word::Supplement | Word::Stop | Word::Withdraw)
        && asked.told.trim().is_empty()
    {
        return Err(invalid("missing", "told"));
    }
    if word != Word::Approve && !asked.paid.is_empty() {
        return Err(invalid("payment-not-asked", "paid"));
    }
    for (is_said, field) in [
        (!asked.paid_on.is_empty(), "paid_on"),
        (asked.paid_vnd != 0, "paid_vnd"),
    ] {
        if is_said && asked.paid.is_empty() {
            return Err(invalid("payment-not-asked", field));
        }
    }
    let told = Said { asked, procedure };
    match (word, standing) {
        (Word::Unspecified, _) => return Err(invalid("missing", "decision")),
        (Word::Approve, Standing::InWork(dossier)) => told.approve(tx, dossier)?,
        (Word::Approve, Standing::Payment(dossier)) => told.approve_paid(tx, dossier)?,
        (
            Word::Approve,
            Standing::Withdrawn(_)
            | Standing::Stopped(_)
            | Standing::Done(_)
            | Standing::HandedOut(_),
        ) if told.is_paid() => told.keep_paid(tx, (code, &dossier.procedure))?,
        (Word::Supplement, Standing::InWork(dossier)) => told.ask_supplement(tx, dossier)?,
        (Word::Resume, Standing::Supplement(dossier)) => told.resume(tx, dossier)?,
        (Word::Stop, Standing::Received(dossier)) => told.stop(tx, dossier)?,
        (Word::Stop, Standing::InWork(dossier)) => told.stop(tx, dossier)?,
        (Word::Stop, Standing::Supplement(dossier)) => told.stop(tx, dossier)?,
        (Word::Stop, Standing::Payment(dossier)) => told.stop(tx, dossier)?,
        (Word::Withdraw, Standing::Registered(dossier)) => told.withdraw(tx, dossier)?,
        (Word::Withdraw, Standing::Received(dossier)) => told.withdraw(tx, dossier)?,
        (Word::Withdraw, Standing::InWork(dossier)) => told.withdraw(tx, dossier)?,
        (Word::Withdraw, Standing::Supplement(dossier)) => told.withdraw(tx, dossier)?,
        (Word::Withdraw, Standing::Payment(dossier)) => told.withdraw(tx, dossier)?,
        _ => return Err(rule("dossier-state", "decision")),
    }
    keep(tx, code, asked)
}

/// A person's word about a dossier of a procedure.
struct Said<'a> {
    asked: &'a DecideDossierRequest,
    procedure: Option<&'static Procedure>,
}

impl Said<'_> {
    fn by<'b>(&'b self, reason: &'b str, text: &'b str) -> By<'b> {
        By {
            reason,
            officer: &self.asked.who,
            text,
            supported: &[],
        }
    }

    fn approve(&self, tx: &Tx<'_>, dossier: At<InWork>) -> Result<(), Error> {
        if steps::by_rule(tx, dossier.procedure()) {
            return Err(rule("decided-by-rule", "decision"));
        }
        // money that came is the employer's or the person's, whoever applied
        if !self.pays() {
            still_acts(tx, dossier.code_of())?;
        }
        match (self.pays(), self.asked.paid.is_empty()) {
            (true, true) => return Err(rule("payment-not-named", "paid")),
            (false, false) => return Err(invalid("payment-not-asked", "paid")),
            (true, false) => {
                let of = (dossier.code_of(), dossier.procedure());
                let money = self.weigh(tx, of, false)?;
                return match money.is_due() {
                    true => {
                        let by = self.by("", &self.asked.told);
                        payments::by_officer(tx, dossier, &money, &by)
                    }
                    false => payments::give_back(tx, Some(dossier), &money, &self.asked.who),
                };
            }
            (false, true) => {}
        }
        dossier.go_by::<Done>(tx, &self.by("", &self.asked.told))?;
        Ok(())
    }

    /// The platform waits for the money, and it was seen elsewhere.
    fn approve_paid(&self, tx: &Tx<'_>, dossier: At<Payment>) -> Result<(), Error> {
        if self.asked.paid.is_empty() {
            return Err(rule("payment-not-named", "paid"));
        }
        let money = self.weigh(tx, (dossier.code_of(), dossier.procedure()), false)?;
        if !money.is_due() {
            return payments::give_back(tx, Some(dossier), &money, &self.asked.who);
        }
        let by = self.by("", &self.asked.told);
        let dossier = dossier.go_by::<InWork>(tx, &by)?;
        payments::by_officer(tx, dossier, &money, &by)
    }

    /// The dossier has ended, and money for it was seen: it is given back.
    fn keep_paid(&self, tx: &Tx<'_>, of: (&str, &str)) -> Result<(), Error> {
        let money = self.weigh(tx, of, true)?;
        payments::give_back(tx, None::<At<InWork>>, &money, &self.asked.who)
    }

    fn weigh(&self, tx: &Tx<'_>, of: (&str, &str), is_ended: bool) -> Result<Money, Error> {
        fresh_payment(tx, &self.asked.paid)?;
        let seen = Seen {
            id: &self.asked.paid,
            on: &self.asked.paid_on,
            vnd: self.asked.paid_vnd,
        };
        payments::weigh(tx, of, seen, is_ended)
    }

    fn pays(&self) -> bool {
        self.procedure.is_some_and(|row| row.pays.is_some())
    }

    /// Whether money was seen of a procedure that has to be paid for.
    fn is_paid(&self) -> bool {
        self.pays() && !self.asked.paid.is_empty()
    }

    fn ask_supplement(&self, tx: &Tx<'_>, dossier: At<InWork>) -> Result<(), Error> {
        if steps::by_rule(tx, dossier.procedure()) {
            return Err(rule("decided-by-rule", "decision"));
        }
        if !(1..=SUPPLEMENT_DAYS_MAX).contains(&self.asked.days) {
            return Err(invalid("malformed-number", "days"));
        }
        let days = u16::try_from(self.asked.days).unwrap_or_default();
        let due = end_of(tx.now, days);
        let text = format!(
            "{} (hạn bổ sung: {})",
            self.asked.told.trim(),
            schemas::date::format_slash(in_viet_nam(due).date())
        );
        let dossier = dossier.go_by::<Supplement>(tx, &self.by("", &text))?;
        dossier.await_person(tx)?;
        dossier.supplement_until(tx, Some(due))
    }

    /// The time limit begins anew with what was missing (own profile).
    fn resume(&self, tx: &Tx<'_>, dossier: At<Supplement>) -> Result<(), Error> {
        dossier.supplement_until(tx, None)?;
        if let Some(row) = self.procedure {
            dossier.due(tx, row.due(&in_viet_nam(tx.now)))?;
        }
        let dossier = dossier.go_by::<InWork>(tx, &self.by("", &self.asked.told))?;
        dossier.await_person(tx)
    }

    fn stop<S: life::Step<Stopped>>(&self, tx: &Tx<'_>, dossier: At<S>) -> Result<(), Error> {
        let told = self.asked.told.trim();
        dossier.go_by::<Stopped>(tx, &self.by(told, told))?;
        Ok(())
    }

    fn withdraw<S: life::Step<Withdrawn>>(&self, tx: &Tx<'_>, dossier: At<S>) -> Result<(), Error> {
        let told = self.asked.told.trim();
        dossier.go_by::<Withdrawn>(tx, &self.by("", told))?;
        Ok(())
    }
}

/// Nothing is approved for whoever acts for the person no more.
fn still_acts(tx: &Tx<'_>, code: &str) -> Result<(), Error> {
    match representation::still_acts(tx.sql, tx.today, code)? {
        true => Ok(()),
        false => Err(rule("not-the-holder", "decision")),
    }
}

/// One payment pays for one dossier.
fn fresh_payment(tx: &Tx<'_>, reference: &str) -> Result<(), Error> {
    facts::word(reference, 64, "paid")?;
    let used: bool = tx.sql.query_one(
        "SELECT EXISTS (SELECT 1 FROM dossier_acts WHERE paid = ?1 AND paid <> '')",
        values![reference],
        |row| row.get(0),
    )?;
    match used {
        true => Err(Error::refused(
            FaultCode::Conflict,
            "payment-used-already",
            "paid",
        )),
        false => Ok(()),
    }
}

fn keep(tx: &Tx<'_>, code: &str, asked: &DecideDossierRequest) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO dossier_acts (dossier, step, decision, who, why, told, paid, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        values![
            code,
            asked.step,
            asked.decision,
            asked.who,
            asked.why,
            asked.told,
            asked.paid,
            facts::instant(tx.now),
        ],
    )?;
    Ok(())
}

/// The SI number of the person whom a dossier is about, where somebody else applied; empty of one's own.
fn subject(sql: &Sql, code: &str) -> Result<String, Error> {
    let person: Option<i64> = sql.query_opt(
        "SELECT person FROM dossiers WHERE code = ?1 AND acts_as <> ''",
        values![code],
        |row| row.get(0),
    )?;
    match person {
        Some(person) => Ok(people::number_of(sql, person, "si")?.unwrap_or_default()),
        None => Ok(String::new()),
    }
}

fn acts(sql: &Sql, code: &str) -> Result<Vec<DossierAct>, Error> {
    Ok(sql.query(
        "SELECT step, decision, who, why, told, paid, at FROM dossier_acts WHERE dossier = ?1 ORDER BY step, at, paid",
        values![code],
        |row| {
            Ok(DossierAct {
                step: row.get(0)?,
                decision: row.get(1)?,
                who: row.get(2)?,
                why: row.get(3)?,
                told: row.get(4)?,
                paid: row.get(5)?,
                at: row.get(6)?,
            })
        },
    )?)
}

fn waiting(row: &Row<'_>, now: &str) -> Result<WaitingDossier, sql::Error> {
    let due_at: String = row.get(6)?;
    let supplement_due: Option<String> = row.get(7)?;
    Ok(WaitingDossier {
        code: row.get(0)?,
        procedure: row.get(1)?,
        owner: row.get(2)?,
        state: row.get(3)?,
        step: row.get(4)?,
        received_at: row.get(5)?,
        overdue: due_at.as_str() < now,
        due_at,
        supplement_due: supplement_due.unwrap_or_default(),
    })
}

/// The end of the working hours of the last of so many working days.
fn end_of(now: Timestamp, working_days: u16) -> Timestamp {
    calendar::Limit::of(&in_viet_nam(now), working_days).due_at()
}

fn row(tx: &Tx<'_>, dossier: &Dossier) -> Option<&'static Procedure> {
    let code = ProcedureCode::parse(&dossier.procedure).ok()?;
    tx.params.procedures.find(&code, tx.today)
}

fn code(text: &str) -> Result<String, Error> {
    match DossierCode::parse(text) {
        Ok(code) => Ok(code.as_str().to_owned()),
        Err(_) => Err(invalid("malformed-id", "code")),
    }
}

fn unknown() -> Error {
    Error::refused(FaultCode::UnknownSubject, "unknown-dossier", "code")
}

fn rule(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, field)
}

/// Most bytes of a name and of a reason, and of what an applicant is told.
const WORDS_BYTES_MAX: usize = 2_000;
const TOLD_BYTES_MAX: usize = 800;
/// Most working days for a supplement.
const SUPPLEMENT_DAYS_MAX: u32 = 60;
const LAPSED: &str = "Quá hạn bổ sung giấy tờ";
