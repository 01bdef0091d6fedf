//! Each part of an identifier is percent-encoded UTF-8; however it is encoded, it is one name.

use super::prelude::*;
use crate::security_server;

pub(super) const RULE: Rule = Rule {
    id: "083-xroad-encoded-client",
    title: "A percent-encoded client is the same client",
    citation: "X-Road REST message protocol r1 §4.3: percent-encoding",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let sent = others_dossier(context)?;
    let encoded = security_server::PORTAL.replacen("GOV", "%47%4fV", 1);
    let reply = server.send(server.bring(&encoded, &sent)?).await?;
    answered_by_the_service(&reply, &sent.id)
}
