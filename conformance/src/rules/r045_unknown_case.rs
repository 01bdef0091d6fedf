//! A poll is answered; what is not known is said, not guessed.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "045-unknown-case",
    title: "LayKetQua for a case that nobody sent is answered without a state",
    citation: "domain facts §2.1, step 6",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    let answer = registry
        .send(
            &registry
                .result_draft(&[CASE], "01")
                .sign(&registry.identity().sign)?,
        )
        .await?;
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let state = body
        .pointer("/value/0/trangThai")
        .is_some_and(|state| !state.is_null());
    holds(!state, "a state was told for a case that nobody sent")
}
