//! One version of the protocol, one of SOAP.

use super::prelude::*;
use crate::security_server::soap;

pub(super) const RULE: Rule = Rule {
    id: "103-soap-version",
    title: "Another version of the protocol or of SOAP is refused",
    citation: "X-Road SOAP message protocol 4.0: protocolVersion; SOAP 1.1 §4.4.1: VersionMismatch",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    for version in ["3.1", "4", "4.00", ""] {
        let reply = brought_soap(context, |letter| {
            let line = letter.block.last_mut();
            if let Some(line) = line {
                *line = format!("<xrd:protocolVersion>{version}</xrd:protocolVersion>");
            }
        })
        .await?;
        soap_refused(&reply, FaultCode::Malformed, "soap-protocol-version")?;
    }
    let newer = unknown_dossier().envelope().replace(
        "http://schemas.xmlsoap.org/soap/envelope/",
        "http://www.w3.org/2003/05/soap-envelope",
    );
    let request = soap::request("text/xml", newer.into_bytes())?;
    let reply = context.server()?.send(request).await?;
    let fault = soap_refused(&reply, FaultCode::Malformed, "soap-version")?;
    holds(fault.code.ends_with(":VersionMismatch"), &fault.code)
}
