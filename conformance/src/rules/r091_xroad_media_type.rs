//! The content type stands as the client wrote it, and one that is absent stays absent.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "091-xroad-media-type",
    title: "A message of another media type is an error of the road",
    citation: "X-Road REST message protocol r1 §4.3: Content-Type",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let reply = brought(context, |request| {
        request.headers_mut().remove("content-type");
        Ok(())
    })
    .await?;
    refused_on_the_road(&reply, FaultCode::UnsupportedMediaType, "media-type")
}
