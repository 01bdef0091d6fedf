//! Who has asked about a person. Whoever looks it up says why, and is in the ledger before they see it.

use gateway_core::ports::{AccessStory, Asker, LookUp, PersonNumber};
use schemas::proto::admin::{AccessLine, AccessRequest, AccessResponse};
use tonic::Status;

use super::{
    AdminParts,
    office::{page, said_why, unavailable},
};

pub(super) async fn accesses(
    parts: &AdminParts,
    asked: AccessRequest,
) -> Result<AccessResponse, Status> {
    let (who, why) = said_why(asked.who, asked.why)?;
    let number = PersonNumber::parse(&asked.person).ok_or_else(|| {
        Status::invalid_argument("a PIN, a social insurance number or a card number")
    })?;
    let look_up = LookUp { number, who, why };
    let max = page(asked.max);
    let stories = parts.ledger.accesses(look_up, max).await;
    let stories = stories.map_err(unavailable)?;
    // about whom stands in the journal and the ledger, as a keyed digest
    tracing::warn!(rows = stories.len(), "an operator looked a person up");
    Ok(AccessResponse {
        accesses: stories.iter().map(line).collect(),
    })
}

pub(super) fn line(story: &AccessStory) -> AccessLine {
    let line = AccessLine {
        at: story.at.to_string(),
        evidence: story.evidence.to_string(),
        journal: story.journal,
        ..AccessLine::default()
    };
    match &story.asker {
        Asker::Partner {
            sender,
            operation,
            rule,
            purpose,
            fields,
        } => AccessLine {
            partner: sender.as_str().to_owned(),
            operation: operation.clone(),
            rule: rule.clone(),
            purpose: purpose.clone(),
            fields: fields.clone(),
            ..line
        },
        Asker::Operator(act) => AccessLine {
            operator: match act {
                Some(act) => act.who.clone(),
                None => "(in a detached part of the journal)".to_owned(),
            },
            operation: "access".to_owned(),
            why: act.as_ref().map(|act| act.why.clone()).unwrap_or_default(),
            ..line
        },
    }
}
