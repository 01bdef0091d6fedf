//! Security servers pass redirects on and follow none, so a service that redirects is a service that is lost.

use super::prelude::*;
use crate::security_server;

pub(super) const RULE: Rule = Rule {
    id: "094-xroad-no-redirect",
    title: "No path is answered with a redirect",
    citation: "X-Road REST message protocol r1 §4.3: 3xx is passed and never followed",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    for path in [
        "/portal/v1/dossiers/",
        "//portal/v1/dossiers",
        "/portal/v1/./dossiers",
        "/portal/v1/%64ossiers",
        "/portal",
        "/",
    ] {
        let mut sent = others_dossier(context)?;
        sent.path = path;
        let request = server.bring(security_server::PORTAL, &sent)?;
        let reply = server.send(request).await?;
        refused_on_the_road(&reply, FaultCode::UnknownRoute, "route")?;
        holds(
            reply.header("location").is_none(),
            &format!("{path} is sent elsewhere"),
        )?;
    }
    Ok(())
}
