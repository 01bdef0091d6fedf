//! A facility speaks for itself.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "075-hospital-of-another",
    title: "A notice in the name of another facility is refused",
    citation: "PL02, maCskcb; Decree 188/2025/NĐ-CP art. 69.9",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let mut draft = hospital.draft(&hospital.next_birth()?);
    draft.facility = "01002".to_owned();
    let sent = draft.sign(hospital.identity())?;
    let reply = hospital.client().send(sent.request()?).await?;
    let reasons = ["unknown-sender", "peer-may-not-carry-sender"];
    refused(&reply, FaultCode::Unauthenticated, &reasons)
}
