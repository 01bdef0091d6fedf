//! What an applicant says of a dossier that is on its way: the papers that were missing, or that it is taken back.
//!
//! Each is said through the dossier's own sender, about its own applicant, once; it takes one step of the table of
//! [`life`](crate::registry::life), and is told like every other.

use schemas::date::in_viet_nam;
use schemas::fault::FaultCode;
use schemas::id::ProcedureCode;
use schemas::procedure::Procedure;
use schemas::proto::Message as _;
use schemas::proto::insurance::{
    Dossier, DossierDecision as Word, DossierSupplement, SupplementDossierRequest,
    SupplementDossierResponse, WithdrawDossierRequest, WithdrawDossierResponse,
};

use super::forms::kept;
use super::{bounded, by_code};
use crate::registry::effects::Asked;
use crate::registry::facts::{self, invalid};
use crate::registry::life::{self, At, By, InWork, Standing, Supplement, Withdrawn};
use crate::registry::{Error, Registry, Tx, representation};
use crate::sql::{Sql, values};

impl Registry {
    /// Takes the papers that were missing: the dossier is worked on again. The same ones again change nothing.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the sender has no such dossier, `RULE-REFUSED` where it is another applicant's, they may no longer
    /// speak for the child, none are asked for or their day is over, `CONFLICT` where the same supplement was told otherwise,
    /// `INVALID` where a part is malformed.
    pub async fn supplement_dossier(
        &self,
        mut said: SupplementDossierRequest,
    ) -> Result<SupplementDossierResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Dossiers.Supplement", &context, said.encode_to_vec())?;
        facts::word(&said.supplement_id, 64, "supplement_id")?;
        facts::moment(&said.sent_at, "sent_at")?;
        bounded(&said.text, TEXT_BYTES_MAX, "text")?;
        self.effect(asked, move |tx, _| {
            let told = Told {
                owner: &context.sender,
                code: &said.code,
                procedure: &said.procedure,
                pin: &said.applicant_pin,
            };
            told.of_applicant(tx)?;
            match known(tx.sql, &said)? {
                Some(before) if before == content(&said) => {}
                Some(_) => {
                    return Err(Error::refused(
                        FaultCode::Conflict,
                        "supplement-has-other-facts",
                        "supplement_id",
                    ));
                }
                None => supplement(tx, &said)?,
            }
            let dossier = by_code(tx.sql, &said.code)?;
            Ok(SupplementDossierResponse { dossier })
        })
        .await
    }

    /// Takes a dossier back at its applicant's word.
    ///
    /// # Errors
    /// `UNKNOWN-SUBJECT` where the sender has no such dossier, `RULE-REFUSED` where it is another applicant's, they may no longer
    /// speak for the child or it has ended, `INVALID` where a part is malformed.
    pub async fn withdraw_dossier(
        &self,
        mut said: WithdrawDossierRequest,
    ) -> Result<WithdrawDossierResponse, Error> {
        let context = facts::context(said.context.take())?;
        let asked = Asked::new("Dossiers.Withdraw", &context, said.encode_to_vec())?;
        facts::moment(&said.sent_at, "sent_at")?;
        bounded(&said.text, TEXT_BYTES_MAX, "text")?;
        self.effect(asked, move |tx, _| {
            let told = Told {
                owner: &context.sender,
                code: &said.code,
                procedure: &said.procedure,
                pin: &said.applicant_pin,
            };
            told.of_applicant(tx)?;
            withdraw(tx, &said)?;
            let dossier = by_code(tx.sql, &said.code)?;
            Ok(WithdrawDossierResponse { dossier })
        })
        .await
    }
}

/// Of which dossier somebody speaks, and who.
struct Told<'a> {
    owner: &'a str,
    code: &'a str,
    procedure: &'a str,
    pin: &'a str,
}

impl Told<'_> {
    /// The dossier is the sender's, and whoever speaks is its applicant and still may. Another sender's is unknown.
    fn of_applicant(&self, tx: &Tx<'_>) -> Result<(), Error> {
        let found = by_code(tx.sql, self.code)?;
        let mine = |one: &Dossier| one.owner == self.owner && one.procedure == self.procedure;
        let unknown = || Error::refused(FaultCode::UnknownSubject, "unknown-dossier", "code");
        let dossier = found.filter(mine).ok_or_else(unknown)?;
        if dossier.applicant_pin != self.pin {
            return Err(rule("not-the-applicant", "applicant_pin"));
        }
        match representation::still_acts(tx.sql, tx.today, self.code)? {
            true => Ok(()),
            false => Err(rule("not-the-holder", "applicant_pin")),
        }
    }
}

fn supplement(tx: &Tx<'_>, said: &SupplementDossierRequest) -> Result<(), Error> {
    let Some(Standing::Supplement(dossier)) = life::open(tx, &said.code)? else {
        return Err(rule("supplement-not-asked", "code"));
    };
    let due: Option<String> = tx.sql.query_one(
        "SELECT supplement_due FROM dossiers WHERE code = ?1",
        values![said.code],
        |row| row.get(0),
    )?;
    if due.is_some_and(|due| due < facts::instant(tx.now)) {
        return Err(rule("supplement-too-late", "code"));
    }
    let procedure = row(tx, dossier.procedure())
        .ok_or_else(|| Error::refused(FaultCode::Invalid, "unknown-procedure", "procedure"))?;
    papers(procedure, said)?;
    keep(tx, said)?;
    go_on(tx, dossier, procedure, &said.text)
}

/// At least one paper, each of those that the procedure knows.
fn papers(procedure: &Procedure, said: &SupplementDossierRequest) -> Result<(), Error> {
    if said.papers.is_empty() {
        return Err(invalid("missing-paper", "papers"));
    }
    for paper in &said.papers {
        if !procedure
            .papers
            .iter()
            .any(|known| known.code == paper.code)
        {
            return Err(invalid("unknown-paper", "papers"));
        }
        facts::word(&paper.file_id, 64, "papers")?;
        bounded(&paper.file_name, 800, "papers")?;
        kept(paper)?;
    }
    Ok(())
}

/// The time limit begins anew with what was missing (own profile), and a person looks again.
fn go_on(
    tx: &Tx<'_>,
    dossier: At<Supplement>,
    procedure: &Procedure,
    text: &str,
) -> Result<(), Error> {
    dossier.supplement_until(tx, None)?;
    dossier.due(tx, procedure.due(&in_viet_nam(tx.now)))?;
    let dossier = dossier.go_by::<InWork>(tx, &by(&with(SUPPLEMENTED, text)))?;
    dossier.await_person(tx)
}

fn keep(tx: &Tx<'_>, said: &SupplementDossierRequest) -> Result<(), Error> {
    tx.sql.execute(
        "INSERT INTO dossier_supplements (dossier, id, facts, at) VALUES (?1, ?2, ?3, ?4)",
        values![
            said.code,
            said.supplement_id,
            content(said),
            facts::instant(tx.now)
        ],
    )?;
    Ok(())
}

fn known(sql: &Sql, said: &SupplementDossierRequest) -> Result<Option<Vec<u8>>, Error> {
    Ok(sql.query_opt(
        "SELECT facts FROM dossier_supplements WHERE dossier = ?1 AND id = ?2",
        values![said.code, said.supplement_id],
        |row| row.get(0),
    )?)
}

/// What a supplement says, whenever it was sent.
fn content(said: &SupplementDossierRequest) -> Vec<u8> {
    let content = SupplementDossierRequest {
        context: None,
        sent_at: String::new(),
        ..said.clone()
    };
    content.encode_to_vec()
}

/// The supplements of a dossier as they came.
pub(super) fn supplements(sql: &Sql, code: &str) -> Result<Vec<DossierSupplement>, Error> {
    let rows: Vec<(Vec<u8>, String)> = sql.query(
        "SELECT facts, at FROM dossier_supplements WHERE dossier = ?1 ORDER BY at, id",
        values![code],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let read = |(facts, at): (Vec<u8>, String)| {
        let said = SupplementDossierRequest::decode(facts.as_slice())
            .map_err(|_| Error::Corrupt("a supplement"))?;
        Ok(DossierSupplement {
            id: said.supplement_id,
            papers: said.papers,
            text: said.text,
            at,
        })
    };
    rows.into_iter().map(read).collect()
}

fn withdraw(tx: &Tx<'_>, said: &WithdrawDossierRequest) -> Result<(), Error> {
    let text = with(WITHDRAWN, &said.text);
    let by = by(&text);
    let standing = life::open(tx, &said.code)?;
    let step = standing.as_ref().map_or(0, Standing::step);
    match standing {
        Some(Standing::Registered(dossier)) => drop(dossier.go_by::<Withdrawn>(tx, &by)?),
        Some(Standing::Received(dossier)) => drop(dossier.go_by::<Withdrawn>(tx, &by)?),
        Some(Standing::InWork(dossier)) => drop(dossier.go_by::<Withdrawn>(tx, &by)?),
        Some(Standing::Supplement(dossier)) => drop(dossier.go_by::<Withdrawn>(tx, &by)?),
        Some(Standing::Payment(dossier)) => drop(dossier.go_by::<Withdrawn>(tx, &by)?),
        _ => return Err(rule("dossier-state", "code")),
    }
    tx.sql.execute(
        "INSERT INTO dossier_acts (dossier, step, decision, who, why, told, paid, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', ?7)",
        values![
            said.code,
            step,
            i32::from(Word::Withdraw),
            APPLICANT,
            said.text,
            text,
            facts::instant(tx.now)
        ],
    )?;
    Ok(())
}

fn row(tx: &Tx<'_>, procedure: &str) -> Option<&'static Procedure> {
    let code = ProcedureCode::parse(procedure).ok()?;
    tx.params.procedures.find(&code, tx.today)
}

fn with(what: &str, text: &str) -> String {
    match text.trim() {
        "" => what.to_owned(),
        text => format!("{what}: {text}"),
    }
}

fn by(text: &str) -> By<'_> {
    By {
        reason: "",
        officer: APPLICANT,
        text,
        supported: &[],
    }
}

fn rule(reason: &'static str, field: &'static str) -> Error {
    Error::refused(FaultCode::RuleRefused, reason, field)
}

/// In whose name these steps are told.
const APPLICANT: &str = "Người nộp hồ sơ";
const SUPPLEMENTED: &str = "Đã bổ sung giấy tờ";
const WITHDRAWN: &str = "Công dân yêu cầu rút hồ sơ";
/// Most bytes of what an applicant says.
const TEXT_BYTES_MAX: usize = 400;
