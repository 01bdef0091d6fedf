//! The hash belongs to answers; one on a request is ignored, like an exchange id that somebody made up.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::{self, add};

pub(super) const RULE: Rule = Rule {
    id: "087-xroad-claimed-hash",
    title: "A request hash that comes in is nobody's word",
    citation: "X-Road REST message protocol r1 §4.3: X-Road-Request-Hash, X-Road-Request-Id",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let sent = others_dossier(context)?;
    let mut request = server.bring(security_server::PORTAL, &sent)?;
    add(&mut request, xroad::REQUEST_HASH, "AAAA")?;
    let reply = server.send(request).await?;
    answered_by_the_service(&reply, &sent.id)?;
    holds(
        reply.header(xroad::REQUEST_HASH).is_none(),
        "a hash that only security servers make",
    )
}
