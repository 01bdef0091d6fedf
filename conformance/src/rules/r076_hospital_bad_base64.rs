//! The reader of a fault knows that 205 is said for it.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "076-hospital-bad-base64",
    title: "A file that is no base64 is refused as 205",
    citation: "PL02, maKetQua 205",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let draft = hospital.draft(&hospital.next_birth()?);
    let sent = draft.carrying(hospital.identity(), "<HSDLGCS/>");
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Malformed, &["bad-base64"])
}
