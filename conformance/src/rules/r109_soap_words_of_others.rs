//! The header block is the security server's word: from anybody else it is nothing, and no second word may stand
//! beside it.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::{self, add};

pub(super) const RULE: Rule = Rule {
    id: "109-soap-words-of-others",
    title: "A header block counts from the security server alone, and alone",
    citation: "design §5: the peer is its certificate; X-Road SOAP message protocol 4.0: client",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let reply = context
        .portal()?
        .client()
        .send(unknown_dossier().request()?);
    let reply = reply.await?;
    let row = FaultCode::Unauthenticated.row();
    holds(
        reply.header("lienthong-fault") == Some(row.code) && reply.status == row.http,
        &format!("status {} to the portal itself", reply.status),
    )?;
    let server = context.server()?;
    for (name, value) in [
        (xroad::CLIENT, security_server::PORTAL),
        (xroad::ID, "another-message"),
    ] {
        let mut request = unknown_dossier().request()?;
        add(&mut request, name, value)?;
        let reply = server.send(request).await?;
        soap_refused(&reply, FaultCode::Malformed, "xroad-header-beside-soap")?;
    }
    let reply = brought_soap(context, |letter| {
        letter.block[0] = letter.block[0].replace(">portal<", ">other<");
    })
    .await?;
    soap_refused(
        &reply,
        FaultCode::Unauthenticated,
        "xroad-client-not-registered",
    )
    .map(drop)
}
