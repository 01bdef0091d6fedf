//! The server's word is taken for the partners that it is registered for, and for no other.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "085-xroad-stranger",
    title: "A client that is not registered behind this server is refused",
    citation: "design §5: relayed senders are registered with their relay",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let request = server.bring("VN/GOV/000.00.00.X98/other", &others_dossier(context)?)?;
    let reply = server.send(request).await?;
    refused_on_the_road(
        &reply,
        FaultCode::Unauthenticated,
        "xroad-client-not-registered",
    )
}
