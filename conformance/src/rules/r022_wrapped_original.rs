//! The genuine message rides inside ds:Object while a forged one stands where it is read.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "022-wrapped-original",
    title: "A signed original wrapped beside a forged body is refused",
    citation: "W3C XML Signature 1.1 §8.1; signature wrapping variant 3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let forged = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(Some("forged")));
    let sent = edited(ping(tax)?, |text| {
        let (original, signature) = cut_signature(&text)?;
        let object = format!("<ds:Object>{original}</ds:Object></ds:Signature>");
        let signature = signature.replacen("</ds:Signature>", &object, 1);
        Some(
            forged
                .canonical()
                .replacen("</TaxMessage>", &format!("{signature}</TaxMessage>"), 1),
        )
    })?;
    let reply = tax.client().send(sent.request()?).await?;
    let reasons = [
        "signature-structure",
        "reference-not-root",
        "duplicate-id",
        "xml-too-deep",
    ];
    refused(&reply, FaultCode::BadSignature, &reasons)
}
