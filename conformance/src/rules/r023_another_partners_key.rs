//! The key is chosen by the registered sender, never by the message.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "023-another-partners-key",
    title: "A signature by another partner's key is refused",
    citation: "W3C XML Signature 1.1 §3.2.2; design §5",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let (tax, other) = (context.tax()?, context.dvclt()?);
    let draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(None));
    let sent = draft.sign(&other.identity().sign)?;
    let reply = tax.client().send(sent.request()?).await?;
    refused(
        &reply,
        FaultCode::BadSignature,
        &[
            "signature-mismatch",
            "algorithm-mismatch",
            "algorithm-refused",
        ],
    )
}
