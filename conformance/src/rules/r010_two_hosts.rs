//! Two readers could take two different hosts.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "010-two-hosts",
    title: "Two Host headers are refused",
    citation: "RFC 9112 §3.2",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let reply = raw(
        tax,
        &ping(tax)?.raw("Host: localhost\r\nHost: localhost\r\n"),
    )
    .await?;
    refused(&reply, FaultCode::Framing, &["two-hosts"])
}
