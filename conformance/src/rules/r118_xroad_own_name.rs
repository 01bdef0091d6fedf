//! Whose service is called says config: a message that names another member's is not taken, whoever brings it.

use schemas::wire::xroad;

use super::prelude::*;
use crate::security_server::{self, US, add};

pub(super) const RULE: Rule = Rule {
    id: "118-xroad-own-name",
    title: "A message for another member's service is refused",
    citation: "X-Road SOAP message protocol 4.0: service; X-Road REST message protocol r1 §4.3: X-Road-Service",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    for (from, to) in [
        (">vss<", ">other<"),
        (">000.00.00.X98<", ">000.00.00.X97<"),
        (">GOV<", ">COM<"),
        (">VN<", ">EE<"),
        ("<id:subsystemCode>vss</id:subsystemCode>", ""),
    ] {
        let reply = brought_soap(context, |letter| {
            letter.block[1] = letter.block[1].replace(from, to);
        })
        .await?;
        soap_refused(&reply, FaultCode::UnknownRoute, "xroad-service-not-ours")?;
    }
    let server = context.server()?;
    let other = US.replace("/vss", "/other/ask");
    for (named, code, reason) in [
        (
            other.as_str(),
            FaultCode::UnknownRoute,
            "xroad-service-not-ours",
        ),
        (US, FaultCode::Malformed, "xroad-service-malformed"),
    ] {
        let sent = others_dossier(context)?;
        let mut request = server.bring(security_server::PORTAL, &sent)?;
        add(&mut request, xroad::SERVICE, named)?;
        refused_on_the_road(&server.send(request).await?, code, reason)?;
    }
    Ok(())
}
