//! The client's identifier is mandatory.

use schemas::wire::xroad;

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "081-xroad-no-client",
    title: "A message without X-Road-Client is an error of the road",
    citation: "X-Road REST message protocol r1 §4.3: X-Road-Client",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let reply = brought(context, |request| {
        request.headers_mut().remove(xroad::CLIENT);
        Ok(())
    })
    .await?;
    refused_on_the_road(&reply, FaultCode::Unauthenticated, "xroad-client-missing")
}
