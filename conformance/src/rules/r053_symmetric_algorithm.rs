//! A public key is never taken for a shared secret.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "053-symmetric-algorithm",
    title: "A symmetric algorithm is refused",
    citation: "RFC 8725 §3.1; CVE-2016-5431",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let draft = registry.result_draft(&[CASE], "01").set("alg", "HS256");
    let reply = registry
        .client()
        .send(draft.sign(&registry.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::BadSignature, &["alg-unknown"])
}
