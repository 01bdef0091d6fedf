//! A stolen message is worth nothing on another connection.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "037-carried-by-another",
    title: "A message carried by a partner that is not its relay is refused",
    citation: "design §5: peer and sender are two",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let (tax, other) = (context.tax()?, context.dvclt()?);
    let reply = other.client().send(ping(tax)?.request()?).await?;
    refused(
        &reply,
        FaultCode::Unauthenticated,
        &["peer-may-not-carry-sender"],
    )
}
