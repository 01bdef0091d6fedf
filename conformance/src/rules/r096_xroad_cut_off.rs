//! A connection that ends in the middle leaves nothing half done, and the message itself can come again.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server;

pub(super) const RULE: Rule = Rule {
    id: "096-xroad-cut-off",
    title: "A connection that ends before, in or after a request harms no other and no repetition",
    citation: "X-Road REST message protocol r1 §4.6; design §6: exactly once",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let sent = others_dossier(context)?;
    let lines = format!(
        "Host: localhost\r\n{}: {}\r\n{}: {}\r\n",
        xroad::CLIENT,
        security_server::PORTAL,
        xroad::ID,
        sent.id
    );
    let whole = sent.raw(&lines);
    let body = whole.len() - sent.body.len();
    for end in [0, 20, body, body + sent.body.len() / 2, whole.len()] {
        server.client().abandon(&whole[..end]).await?;
    }
    let again = || server.bring(security_server::PORTAL, &sent);
    let first = server.send(again()?).await?;
    answered_by_the_service(&first, &sent.id)?;
    let second = server.send(again()?).await?;
    holds(
        first.body == second.body,
        "the repetition has another answer",
    )
}
