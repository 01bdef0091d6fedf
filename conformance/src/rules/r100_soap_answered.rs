//! The answer copies every field of the header block, in its order and with its value, and its body is the wrapper
//! of the service with `Response` behind its name.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "100-soap-answered",
    title: "A SOAP message is answered with its own header block",
    citation: "X-Road SOAP message protocol 4.0: header fields and body wrapper of a response",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let mut letter = unknown_dossier();
    let reply = server.send(letter.request()?).await?;
    found_nothing(&letter, &reply)?;
    // another order, and an entry of somebody else's
    letter = unknown_dossier();
    letter.block.reverse();
    letter.block.insert(
        1,
        "<o:x xmlns:o=\"urn:other\" k=\"1\">y &lt; z</o:x>".to_owned(),
    );
    let reply = server.send(letter.request()?).await?;
    found_nothing(&letter, &reply)
}
