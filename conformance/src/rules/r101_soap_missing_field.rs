//! Who calls, what, under which id and by which version: none of them may be missing.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "101-soap-missing-field",
    title: "A header block without client, service, id or version is refused",
    citation: "X-Road SOAP message protocol 4.0: mandatory header fields",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    for field in [
        "<xrd:client ",
        "<xrd:service ",
        "<xrd:id>",
        "<xrd:protocolVersion>",
    ] {
        let reply = brought_soap(context, |letter| {
            letter.block.retain(|line| !line.starts_with(field));
        })
        .await?;
        let fault = soap_refused(&reply, FaultCode::Malformed, "soap-header-field-missing")?;
        let said = schemas::wire::xroad::canonical(&fault.code);
        holds(said == "client.missing_header_field", &fault.code)?;
    }
    Ok(())
}
