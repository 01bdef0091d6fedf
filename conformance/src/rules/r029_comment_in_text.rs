//! Canonical XML drops comments, so a reader could see another text than the signer.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "029-comment-in-text",
    title: "A comment inside a signed text is refused",
    citation: "CVE-2017-11427 family",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let sent = edited(ping(tax)?, |text| {
        Some(text.replacen("</Nonce>", "<!-- x --></Nonce>", 1))
    })?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Malformed, &["xml-comment"])
}
