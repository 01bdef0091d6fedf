//! The answer proves which message it answers.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "061-json-answer-is-bound",
    title: "A JSON answer is signed and bound to id and content",
    citation: "design §5: answers bind (message id, content digest)",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let registry = context.dvclt()?;
    registry
        .send(
            &registry
                .result_draft(&[CASE], "01")
                .sign(&registry.identity().sign)?,
        )
        .await?;
    Ok(())
}
