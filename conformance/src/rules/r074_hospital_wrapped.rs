//! What is read is what is signed, and there is one of it.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "074-hospital-wrapped",
    title: "A second notice beside the signed one is refused",
    citation: "W3C XML Signature Best Practices, 2.1",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let draft = hospital.draft(&hospital.next_birth()?);
    let other = hospital.next_birth()?.element("Id-other");
    let signed = draft.sign(hospital.identity())?;
    let sent = bent_notice(signed, |text| {
        text.replacen("<HSDLGCS>", &format!("<HSDLGCS>{other}"), 1)
    })?;
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["signed-element"])
}
