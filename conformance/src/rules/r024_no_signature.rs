//! The operation demands a proof; a certificate on the connection is none.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "024-no-signature",
    title: "A message without signature is refused",
    citation: "design §4: signed XML",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(None));
    let sent = draft.prepared(draft.canonical().into_bytes());
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["no-signature"])
}
