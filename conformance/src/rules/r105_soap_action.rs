//! The header block names the service; `SOAPAction` says nothing, and neither does a byte-order mark.

use http::HeaderValue;

use super::prelude::*;
use crate::security_server::soap;

pub(super) const RULE: Rule = Rule {
    id: "105-soap-action",
    title: "Any SOAPAction and a byte-order mark change nothing",
    citation: "SOAP 1.1 §6.1.1; X-Road SOAP message protocol 4.0; XML 1.0 §4.3.3",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    for action in [
        None,
        Some(""),
        Some("\"\""),
        Some("\"urn:another\""),
        Some("NopHoSo"),
    ] {
        let letter = unknown_dossier();
        let mut request = letter.request()?;
        request.headers_mut().remove("soapaction");
        if let Some(action) = action {
            let value = HeaderValue::from_static(action);
            request.headers_mut().insert("soapaction", value);
        }
        found_nothing(&letter, &server.send(request).await?)?;
    }
    let letter = unknown_dossier();
    let marked = ["\u{feff}", &letter.envelope()].concat();
    let request = soap::request("text/xml", marked.into_bytes())?;
    found_nothing(&letter, &server.send(request).await?)
}
