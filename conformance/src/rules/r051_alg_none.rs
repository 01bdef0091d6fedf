//! A message that says it needs no signature has none.

use super::prelude::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(super) const RULE: Rule = Rule {
    id: "051-alg-none",
    title: "alg none is refused in every spelling",
    citation: "RFC 8725 §3.1; CVE-2015-9235",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    for name in ["none", "None", "NONE", "nOnE"] {
        let draft = registry.result_draft(&[CASE], "01").set("alg", name);
        let protected =
            URL_SAFE_NO_PAD.encode(serde_json::Value::Object(draft.header.clone()).to_string());
        let sent = draft.with_signature(format!("{protected}.."));
        let reply = registry.client().send(sent.request()?).await?;
        refused(
            &reply,
            FaultCode::BadSignature,
            &["alg-none", "alg-unknown"],
        )?;
    }
    Ok(())
}
