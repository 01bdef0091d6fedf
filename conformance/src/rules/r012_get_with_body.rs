//! A body where none belongs is where requests are smuggled.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "012-get-with-body",
    title: "GET with a body is refused",
    citation: "RFC 9110 §9.3.1",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let bytes = format!(
        "GET {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
        tax::PATH
    );
    let reply = raw(tax, bytes.as_bytes()).await?;
    refused(&reply, FaultCode::Framing, &["body-on-a-bodyless-method"])
}
