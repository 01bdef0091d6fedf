//! A security server hears of a path that nobody serves in its own words.

use super::prelude::*;
use crate::security_server;

pub(super) const RULE: Rule = Rule {
    id: "092-xroad-unknown-service",
    title: "An unknown path is an unknown service",
    citation: "X-Road REST message protocol r1 §4.6",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let mut sent = others_dossier(context)?;
    sent.path = "/portal/v9/dossiers";
    let reply = server
        .send(server.bring(security_server::PORTAL, &sent)?)
        .await?;
    refused_on_the_road(&reply, FaultCode::UnknownRoute, "route")
}
