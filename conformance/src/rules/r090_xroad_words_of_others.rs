//! Identity headers count on one connection only: that of the registered server.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::{self, add};

pub(super) const RULE: Rule = Rule {
    id: "090-xroad-words-of-others",
    title: "From anybody but the security server the same headers are nothing",
    citation: "design §5: the peer is its certificate; X-Road REST message protocol r1 §4.3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let portal = context.portal()?;
    let mut request = others_dossier(context)?.request()?;
    request.headers_mut().remove("x-jws-signature");
    for (name, value) in [
        (xroad::CLIENT, security_server::PORTAL),
        (xroad::ID, "another-message"),
    ] {
        add(&mut request, name, value)?;
    }
    let reply = portal.client().send(request).await?;
    refused(&reply, FaultCode::BadSignature, &["no-signature"])
}
