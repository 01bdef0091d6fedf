//! Where there is no time left nothing is begun, and the error is the road's: 5xx with type, message and detail.

use super::prelude::*;
use crate::security_server::add;

pub(super) const RULE: Rule = Rule {
    id: "095-xroad-no-time",
    title: "What cannot be done in time is an error of the server's kind",
    citation: "X-Road REST message protocol r1 §4.6: errors of the service's side",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let reply = brought(context, |request| add(request, "lienthong-timeout-ms", "2")).await?;
    holds(reply.status >= 500, &format!("status {}", reply.status))?;
    refused_on_the_road(&reply, FaultCode::DeadlineExceeded, "no-time-left")
}
