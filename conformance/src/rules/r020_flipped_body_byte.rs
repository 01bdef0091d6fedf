//! The digest is over every byte of the message.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "020-flipped-body-byte",
    title: "A byte changed after signing is refused",
    citation: "W3C XML Signature 1.1 §3.2",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let sent = edited(ping(tax)?, |text| text.replacen("<Nonce>", "<Nonce>x", 1))?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["digest-mismatch"])
}
