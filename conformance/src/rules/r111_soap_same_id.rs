//! A replayed message has its first answer, and its id serves for nothing else.

use super::prelude::*;
use crate::security_server::soap::Letter;

pub(super) const RULE: Rule = Rule {
    id: "111-soap-same-id",
    title: "The same SOAP message has the same answer, another one under its id has none",
    citation: "X-Road SOAP message protocol 4.0: id; design §6: exactly once",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let server = context.server()?;
    let letter = unknown_dossier();
    let first = server.send(letter.request()?).await?;
    found_nothing(&letter, &first)?;
    let again = server.send(letter.request()?).await?;
    holds(
        again.body == first.body,
        "the repetition has another answer",
    )?;
    let bends: [fn(&mut Letter); 2] = [
        |letter| {
            letter.body = letter.body.replace("999998", "999997");
        },
        |letter| letter.block[3] = "<xrd:userId>VN2</xrd:userId>".to_owned(),
    ];
    for bend in bends {
        let mut other = letter.clone();
        bend(&mut other);
        let reply = server.send(other.request()?).await?;
        soap_refused(&reply, FaultCode::Conflict, "same-id-other-content")?;
    }
    Ok(())
}
