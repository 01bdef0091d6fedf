//! Dossiers that wait for a person. Whoever looks at one says why, and is in the access ledger of its applicant, and of
//! the child whom a parent applied for, before they see anything; whoever decides is kept with the dossier.

use certs::digest::sha256;
use gateway_core::ports::{LookUp, PersonNumber};
use jiff::Timestamp;
use schemas::{
    date::day_in_viet_nam,
    id::ProcedureCode,
    procedure::Catalog,
    proto::{
        admin::{
            DecideDossierRequest, DecideDossierResponse, DossierLine, ListDossiersResponse,
            ShowDossierRequest, ShowDossierResponse,
        },
        insurance::{
            self as contract, DossierAct, DossierDecision, DossierPaper, DossierSupplement,
            WaitingDossier,
        },
    },
};
use tonic::Status;

use super::{
    AdminParts,
    office::{said_why, unavailable},
    reviews::{self, behind, said, soon},
};

pub(super) async fn list(parts: &AdminParts) -> Result<ListDossiersResponse, Status> {
    let request = contract::ListWaitingRequest {
        context: Some(asking(parts, Vec::new())),
    };
    let listed = behind(parts)?.waiting_dossiers(soon(), request).await;
    let now = parts.clock.now();
    Ok(ListDossiersResponse {
        dossiers: listed
            .map_err(said)?
            .dossiers
            .into_iter()
            .map(|waiting| line(waiting, now))
            .collect(),
    })
}

pub(super) async fn show(
    parts: &AdminParts,
    asked: ShowDossierRequest,
) -> Result<ShowDossierResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let request = contract::ShowDossierRequest {
        context: Some(asking(parts, Vec::new())),
        code: asked.code,
    };
    let found = behind(parts)?.show_dossier(soon(), request).await;
    let found = found.map_err(said)?;
    let dossier = found.dossier.unwrap_or_default();
    for number in [&dossier.applicant_pin, &found.subject_si_number] {
        enter(parts, number, who.clone(), why.clone()).await?;
    }
    tracing::warn!(code = dossier.code, "an operator looked at a dossier");
    let papers = papers_of(found.papers, found.supplements).into_iter();
    let now = parts.clock.now();
    Ok(ShowDossierResponse {
        applicant_name: dossier.applicant_name,
        applicant_pin: dossier.applicant_pin,
        acts_as: dossier.acts_as,
        form: found.form,
        papers: papers.map(|(at, paper)| paper_line(&at, &paper)).collect(),
        acts: found.acts.iter().map(act).collect(),
        dossier: Some(line(
            WaitingDossier {
                overdue: dossier
                    .due_at
                    .parse::<Timestamp>()
                    .is_ok_and(|due| due < now),
                code: dossier.code,
                procedure: dossier.procedure,
                owner: dossier.owner,
                state: dossier.state,
                step: found.step,
                received_at: dossier.received_at,
                due_at: dossier.due_at,
                supplement_due: String::new(),
            },
            now,
        )),
    })
}

/// Its papers in the order in which they are shown: those that came with it, then each supplement's with the time when it came.
pub(super) fn papers_of(
    papers: Vec<DossierPaper>,
    supplements: Vec<DossierSupplement>,
) -> Vec<(String, DossierPaper)> {
    let later = supplements.into_iter().flat_map(|one| {
        let papers = one.papers.into_iter();
        papers.map(move |paper| (one.at.clone(), paper))
    });
    let first = papers.into_iter().map(|paper| (String::new(), paper));
    first.chain(later).collect()
}

pub(super) async fn decide(
    parts: &AdminParts,
    asked: DecideDossierRequest,
) -> Result<DecideDossierResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let decision = WORDS
        .iter()
        .find(|(word, _)| *word == asked.decision)
        .map(|(_, decision)| *decision)
        .ok_or_else(|| Status::invalid_argument("approve, supplement, resume, stop or withdraw"))?;
    let mut key = format!("dossier/{}/{}/{}", asked.code, asked.step, asked.decision);
    // money that is given back leaves its dossier at its step, and other money may follow
    if !asked.paid.is_empty() {
        key.push_str(&format!("/{}", asked.paid));
    }
    let request = contract::DecideDossierRequest {
        context: Some(asking(parts, sha256(key.as_bytes()).to_vec())),
        code: asked.code.clone(),
        step: asked.step,
        decision: decision.into(),
        told: asked.told,
        days: asked.days,
        paid: asked.paid,
        who,
        why,
        paid_on: asked.paid_on,
        paid_vnd: asked.paid_vnd,
    };
    let decided = behind(parts)?.decide_dossier(soon(), request).await;
    let decided = decided.map_err(said)?;
    let dossier = decided.dossier.unwrap_or_default();
    tracing::warn!(
        code = asked.code,
        decision = asked.decision,
        "an operator decided a dossier"
    );
    Ok(DecideDossierResponse {
        state: dossier.state,
        refund: decided.refund,
    })
}

/// Writes the look into the ledger under a person's number, where there is one.
pub(super) async fn enter(
    parts: &AdminParts,
    number: &str,
    who: String,
    why: String,
) -> Result<(), Status> {
    let Some(number) = PersonNumber::parse(number) else {
        return Ok(());
    };
    let look_up = LookUp { number, who, why };
    let entered = parts.ledger.accesses(look_up, 1).await;
    entered.map(drop).map_err(unavailable)
}

/// In our own name: an operator is no partner.
pub(super) fn asking(parts: &AdminParts, key: Vec<u8>) -> contract::Context {
    contract::Context {
        rule: "dossier".to_owned(),
        purpose: "dossier-decision".to_owned(),
        ..reviews::asking(parts, key)
    }
}

fn line(waiting: WaitingDossier, now: Timestamp) -> DossierLine {
    let code = ProcedureCode::parse(&waiting.procedure).ok();
    let row = code.and_then(|code| Catalog::embedded().find(&code, day_in_viet_nam(now)));
    DossierLine {
        name: row.map_or_else(String::new, |row| row.vi.to_owned()),
        code: waiting.code,
        procedure: waiting.procedure,
        owner: waiting.owner,
        state: waiting.state,
        step: waiting.step,
        received_at: waiting.received_at,
        due_at: waiting.due_at,
        supplement_due: waiting.supplement_due,
        overdue: waiting.overdue,
    }
}

fn act(act: &DossierAct) -> String {
    let word = WORDS
        .iter()
        .find(|(_, decision)| *decision == act.decision())
        .map_or("?", |(word, _)| *word);
    let mut text = format!("{} {word} by {}: {}", act.at, act.who, act.why);
    for (name, more) in [("told", &act.told), ("paid", &act.paid)] {
        if !more.is_empty() {
            text.push_str(&format!("; {name}: {more}"));
        }
    }
    text
}

const WORDS: [(&str, DossierDecision); 5] = [
    ("approve", DossierDecision::Approve),
    ("supplement", DossierDecision::Supplement),
    ("resume", DossierDecision::Resume),
    ("stop", DossierDecision::Stop),
    ("withdraw", DossierDecision::Withdraw),
];

/// One paper as an operator reads it; with its time where it came later.
fn paper_line(at: &str, paper: &DossierPaper) -> String {
    let mut line = format!("{} {}", paper.code, paper.file_name);
    if paper.bytes > 0 {
        let (bytes, media_type, sha256) = (paper.bytes, &paper.media_type, &paper.sha256);
        line.push_str(&format!(" ({media_type}, {bytes} bytes, {sha256})"));
    }
    if !at.is_empty() {
        line.push_str(&format!(", came {at}"));
    }
    line
}
