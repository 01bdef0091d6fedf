//! A sender_id is a name and no address.

use super::prelude::*;
use crate::crvs::Draft;

pub(super) const RULE: Rule = Rule {
    id: "114-dci-unknown-sender",
    title: "A DCI sender whom nobody registered is refused, and no key of it is fetched",
    citation: "SPDCI API standards 1.0.0, err.sender_id.invalid",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let crvs = context.crvs()?;
    let draft = Draft::notify(crvs.identity(), &[crvs.next_birth()?]);
    let sent = draft
        .set("sender_id", "https://127.0.0.1:1/nobody")
        .sign(crvs.identity())?;
    let reply = crvs.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Unauthenticated, &["unknown-sender"])
}
