//! Who does not understand crit must refuse; this profile understands none.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "052-unknown-crit",
    title: "An unknown critical extension is refused",
    citation: "RFC 7515 §4.1.11",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    for critical in [
        serde_json::json!(["exp"]),
        serde_json::json!([]),
        serde_json::json!(["b64"]),
    ] {
        let draft = registry.result_draft(&[CASE], "01").set("crit", critical);
        let reply = registry
            .client()
            .send(draft.sign(&registry.identity().sign)?.request()?)
            .await?;
        refused(&reply, FaultCode::BadSignature, &["crit-refused"])?;
    }
    Ok(())
}
