//! The length is judged before one byte of the body is read.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "025-too-large",
    title: "A body over the limit is refused by its announced length",
    citation: "RFC 9110 §15.5.14; design §7",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let bytes = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/xml\r\nContent-Length: 67108864\r\n\r\n",
        tax::PATH
    );
    let reply = raw(tax, bytes.as_bytes()).await?;
    refused(&reply, FaultCode::TooLarge, &["body-bytes"])
}
