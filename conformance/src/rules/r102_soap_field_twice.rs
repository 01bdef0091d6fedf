//! A field that stands twice means two things to two readers.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "102-soap-field-twice",
    title: "A field of the header block that stands twice is refused",
    citation: "X-Road SOAP message protocol 4.0: header fields; X-Road code duplicate_header_field",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    for at in 0..unknown_dossier().block.len() {
        let reply = brought_soap(context, |letter| {
            let line = letter.block[at].clone();
            letter.block.push(line);
        })
        .await?;
        let fault = soap_refused(&reply, FaultCode::Malformed, "soap-header-twice")?;
        let said = schemas::wire::xroad::canonical(&fault.code);
        holds(said == "client.duplicate_header_field", &fault.code)?;
    }
    Ok(())
}
