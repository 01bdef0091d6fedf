//! Trust comes from the registration, never from the message.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "055-embedded-key",
    title: "A key inside the protected header is refused",
    citation: "RFC 8725 §3.10; CVE-2018-0114",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let key = serde_json::json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"});
    let draft = registry.result_draft(&[CASE], "01").set("jwk", key);
    let reply = registry
        .client()
        .send(draft.sign(&registry.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::BadSignature, &["embedded-key-refused"])
}
