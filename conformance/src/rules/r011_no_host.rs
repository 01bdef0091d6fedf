//! HTTP/1.1 demands a Host header.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "011-no-host",
    title: "A request without Host is refused",
    citation: "RFC 9112 §3.2",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let reply = raw(tax, &ping(tax)?.raw("")).await?;
    refused(&reply, FaultCode::Framing, &["no-host"])
}
