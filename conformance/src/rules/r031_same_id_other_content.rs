//! An id names one content for ever.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "031-same-id-other-content",
    title: "The same id with other content is a conflict",
    citation: "design §2, room 6",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(Some("one")));
    let first = draft.sign(&tax.identity().sign)?;
    answered(tax, &first).await?;
    draft.body = tax::ping_body(Some("two"));
    let reply = tax
        .client()
        .send(draft.sign(&tax.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::Conflict, &["same-id-other-content"])
}
