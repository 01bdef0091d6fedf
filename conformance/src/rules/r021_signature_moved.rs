//! The one signature is the last child of the root and refers to the root.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "021-signature-moved",
    title: "A signature moved to another element is refused",
    citation: "W3C XML Signature 1.1 §8.1; signature wrapping, USENIX Security 2012",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let sent = edited(ping(tax)?, |text| {
        let (rest, signature) = cut_signature(&text)?;
        Some(rest.replacen("</Ping>", &format!("{signature}</Ping>"), 1))
    })?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(
        &reply,
        FaultCode::BadSignature,
        &["signature-position", "no-signature"],
    )
}
