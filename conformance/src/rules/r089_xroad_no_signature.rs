//! What the road attests is what the agreement accepts; here it demands the sender's own signature.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "089-xroad-no-signature",
    title: "The server's word alone is not enough where the agreement demands a signature",
    citation: "design §5: relayed senders",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let reply = brought(context, |request| {
        request.headers_mut().remove("x-jws-signature");
        Ok(())
    })
    .await?;
    refused_on_the_road(&reply, FaultCode::Forbidden, "body-signature-demanded")
}
