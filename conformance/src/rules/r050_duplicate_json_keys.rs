//! Two readers could take two different values.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "050-duplicate-json-keys",
    title: "Duplicate JSON keys are refused, however they are escaped",
    citation: "RFC 8259 §4; RFC 7493 §2.3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    for twin in ["\"maTinh\"", "\"ma\\u0054inh\""] {
        let body =
            format!(r#"{{"maDinhDanhHoSo":["{CASE}"],"maTinh":"01",{twin}:"79","module":"LTKS"}}"#);
        let mut draft = registry.result_draft(&[CASE], "01");
        draft.body = body.into_bytes();
        let reply = registry
            .client()
            .send(draft.sign(&registry.identity().sign)?.request()?)
            .await?;
        refused(&reply, FaultCode::Malformed, &["json-duplicate-key"])?;
    }
    Ok(())
}
