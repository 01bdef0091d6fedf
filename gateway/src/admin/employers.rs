//! What happened to an employer, by an officer's word: kept in the registry with who and why, and told to whoever watches.

use certs::digest::sha256;
use schemas::proto::{
    Message as _,
    admin::{RecordEmployerRequest, RecordEmployerResponse},
    insurance::{self as contract, ClosedMonth, NoticeKind, ParticipationState},
};
use tonic::Status;

use super::{
    AdminParts,
    office::said_why,
    reviews::{self, behind, said, soon},
};

pub(super) async fn record(
    parts: &AdminParts,
    asked: RecordEmployerRequest,
) -> Result<RecordEmployerResponse, Status> {
    let (who, why) = said_why(asked.who.clone(), asked.why.clone())?;
    let kind = KINDS.iter().find(|(word, _)| *word == asked.kind);
    let Some((_, kind)) = kind else {
        let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
        return Err(Status::invalid_argument(words.join(", ")));
    };
    let month = (!asked.period.is_empty()).then(|| ClosedMonth {
        period: asked.period.clone(),
        participants: asked.participants,
        fund_vnd: asked.fund_vnd,
        due_vnd: asked.due_vnd,
        paid_vnd: asked.paid_vnd,
    });
    let request = contract::RecordEmployerRequest {
        context: Some(contract::Context {
            rule: "employer".to_owned(),
            purpose: "employer-record".to_owned(),
            ..reviews::asking(parts, key(&asked).to_vec())
        }),
        tax_code: asked.tax_code,
        kind: (*kind).into(),
        effective_on: asked.effective_on,
        unit_code: asked.unit_code,
        name: asked.name,
        commune: asked.commune,
        merged_into: asked.merged_into,
        month,
        who,
        why,
    };
    let recorded = behind(parts)?.record_employer(soon(), request).await;
    let recorded = recorded.map_err(said)?;
    let change = recorded.change.unwrap_or_default();
    tracing::warn!(
        unit = change.unit_code,
        kind = asked.kind,
        told = recorded.told,
        "an operator recorded a change of an employer"
    );
    let state = match change.state() {
        ParticipationState::Active => "active",
        ParticipationState::Suspended => "suspended",
        ParticipationState::Closed => "closed",
        ParticipationState::Unspecified => "",
    };
    Ok(RecordEmployerResponse {
        unit_code: change.unit_code,
        state: state.to_owned(),
        told: recorded.told,
    })
}

/// Of what is said, whoever says it: the same again is the same record.
fn key(asked: &RecordEmployerRequest) -> [u8; 32] {
    let what = RecordEmployerRequest {
        who: String::new(),
        why: String::new(),
        ..asked.clone()
    };
    sha256(&[b"employer/".as_slice(), &what.encode_to_vec()].concat())
}

const KINDS: [(&str, NoticeKind); 7] = [
    ("registered", NoticeKind::Registered),
    ("dissolved", NoticeKind::Dissolved),
    ("suspended", NoticeKind::Suspended),
    ("resumed", NoticeKind::Resumed),
    ("moved", NoticeKind::Moved),
    ("merged", NoticeKind::Merged),
    ("headcount", NoticeKind::Headcount),
];
