//! A route takes the media type of its words and no other.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "016-wrong-media-type",
    title: "Another media type is refused",
    citation: "RFC 9110 §15.5.16",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut sent = ping(tax)?;
    sent.content_type = "application/json";
    let reply = tax.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::UnsupportedMediaType, &["media-type"])
}
