//! A placeholder in the place of the signature proves nothing.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "072-hospital-unsigned",
    title: "A notice without its unit's signature is refused",
    citation: "QĐ 130/QĐ-BYT, CHUKYDONVI; Decree 188/2025/NĐ-CP art. 69.9",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let draft = hospital.draft(&hospital.next_birth()?);
    let sent = draft.with_signature(hospital.identity(), "");
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["no-signature"])
}
