//! A service's refusal is its own: relayed as it is, without X-Road-Error, under the request's id.

use super::prelude::*;
use crate::security_server;

pub(super) const RULE: Rule = Rule {
    id: "080-xroad-answered",
    title: "A signed message through its security server is answered under its X-Road-Id",
    citation: "X-Road REST message protocol r1 §4.3; §4.6: a provider's own errors",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let sent = others_dossier(context)?;
    let reply = server
        .send(server.bring(security_server::PORTAL, &sent)?)
        .await?;
    answered_by_the_service(&reply, &sent.id)
}
