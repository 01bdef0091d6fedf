//! Nothing outside the signed message may steer its handling.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "017-query-string",
    title: "A query on a route is refused",
    citation: "design §2, room 2: framing",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut sent = ping(tax)?;
    sent.path = "/tax/v1/messages?as=dvclt";
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Framing, &["query-not-accepted"])
}
