//! The detached signature is over the exact body.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "054-json-flipped-byte",
    title: "A JSON byte changed after signing is refused",
    citation: "RFC 7515 §5.2",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let draft = registry.result_draft(&[CASE], "01");
    let mut sent = draft.sign(&registry.identity().sign)?;
    sent.body = String::from_utf8_lossy(&sent.body)
        .replace("000001", "000002")
        .into_bytes();
    let reply = registry.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["signature-mismatch"])
}
