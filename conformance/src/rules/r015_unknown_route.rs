//! A path that no system has is 404 with our fault, not silence.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "015-unknown-route",
    title: "An unknown route is told as such",
    citation: "RFC 9110 §15.5.5",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut sent = ping(tax)?;
    sent.path = "/tax/v9/messages";
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::UnknownRoute, &["route"])
}
