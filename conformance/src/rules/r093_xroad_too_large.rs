//! A body over the limit is refused by what it announces, before one byte of it is sent.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server;

pub(super) const RULE: Rule = Rule {
    id: "093-xroad-too-large",
    title: "A body over the limit is an error of the road before it is sent",
    citation: "X-Road REST message protocol r1 §4.6; RFC 9110 §15.5.14",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let sent = others_dossier(context)?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}: {}\r\n{}: {}\r\n\
         Content-Length: 4294967296\r\n\r\n",
        sent.path,
        xroad::CLIENT,
        security_server::PORTAL,
        xroad::ID,
        sent.id
    );
    let seen = server.client().raw(head.as_bytes()).await?;
    let reply = seen.reply;
    let reply = reply.ok_or_else(|| Stop::Failed("closed without a reply".to_owned()))?;
    refused_on_the_road(&reply, FaultCode::TooLarge, "body-bytes")?;
    holds(seen.closed, "the connection stayed open")
}
