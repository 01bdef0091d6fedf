//! The id under which a message is remembered is the one that was signed.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::add;

pub(super) const RULE: Rule = Rule {
    id: "086-xroad-id",
    title: "The X-Road-Id is the message's id, and there is one",
    citation: "X-Road REST message protocol r1 §4.3: X-Road-Id",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let reply = brought(context, |request| {
        request.headers_mut().remove(xroad::ID);
        Ok(())
    })
    .await?;
    refused_on_the_road(&reply, FaultCode::Malformed, "xroad-id-missing")?;
    let reply = brought(context, |request| {
        request.headers_mut().remove(xroad::ID);
        add(request, xroad::ID, "another-message")
    })
    .await?;
    refused_on_the_road(&reply, FaultCode::BadSignature, "xroad-id-differs")
}
