//! A message is for whom it names.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "035-other-receiver",
    title: "A message to another receiver is refused",
    citation: "design §5: audience",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(None));
    draft.receiver = "somebody-else".to_owned();
    let reply = tax
        .client()
        .send(draft.sign(&tax.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::WrongEnvironment, &["receiver"])
}
