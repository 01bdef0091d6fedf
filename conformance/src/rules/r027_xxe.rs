//! Any document type declaration ends the reading.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "027-xxe",
    title: "An external entity is refused and never fetched",
    citation: "OWASP XXE; CVE-2013-4517 family",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let entity = "<!DOCTYPE TaxMessage [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    let sent = edited(ping(tax)?, |text| {
        Some(format!(
            "{entity}{}",
            text.replacen("<Nonce>", "<Nonce>&x;", 1)
        ))
    })?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Malformed, &["xml-doctype"])?;
    let told = String::from_utf8_lossy(&reply.body).into_owned();
    holds(!told.contains("root:"), "the answer tells a local file")
}
