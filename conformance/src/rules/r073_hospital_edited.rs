//! The signature is over the element as it stands.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "073-hospital-edited",
    title: "A notice changed after its unit signed it is refused",
    citation: "W3C XML Signature 1.1 §3.2.1",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let hospital = context.hospital()?;
    let draft = hospital.draft(&hospital.next_birth()?);
    let signed = draft.sign(hospital.identity())?;
    let sent = bent_notice(signed, |text| text.replacen("<SO_CON>1<", "<SO_CON>2<", 1))?;
    let reply = hospital.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["digest-mismatch"])
}
