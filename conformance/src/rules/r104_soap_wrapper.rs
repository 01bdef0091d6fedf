//! The element in the body has the name of the service that the header block names, and is alone.

use super::prelude::*;
use crate::security_server::soap;

pub(super) const RULE: Rule = Rule {
    id: "104-soap-wrapper",
    title: "A body that is not the one wrapper of its service is refused",
    citation: "X-Road SOAP message protocol 4.0: document/literal wrapped",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    for (from, to, reason) in [
        (
            "<id:serviceCode>TraCuuTrangThaiHoSo",
            "<id:serviceCode>NopHoSo",
            "soap-service-code",
        ),
        ("</soapenv:Body>", "<por:b/></soapenv:Body>", "soap-body"),
        (
            "<soapenv:Body>",
            "<soapenv:Body/><soapenv:Body>",
            "soap-structure",
        ),
        (
            "<soapenv:Body>",
            "<soapenv:Body soapenv:encodingStyle=\"x\">",
            "soap-encoding",
        ),
    ] {
        let text = unknown_dossier().envelope();
        let bent = text.replacen(from, to, 1);
        let request = soap::request("text/xml", bent.into_bytes())?;
        soap_refused(&server.send(request).await?, FaultCode::Malformed, reason)?;
    }
    Ok(())
}
