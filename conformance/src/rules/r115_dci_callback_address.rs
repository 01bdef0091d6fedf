//! A message does not say whom we call.

use super::prelude::*;
use crate::crvs::Draft;

pub(super) const RULE: Rule = Rule {
    id: "115-dci-callback-address",
    title: "A DCI callback address that nobody registered is refused and not called",
    citation: "SPDCI API standards 1.0.0, MsgHeader sender_uri; err.sender_uri.invalid",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let crvs = context.crvs()?;
    let draft = Draft::notify(crvs.identity(), &[crvs.next_birth()?]);
    let sent = draft
        .set("sender_uri", "https://127.0.0.1:1/evil")
        .sign(crvs.identity())?;
    let reply = crvs.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Invalid, &["sender-uri-not-registered"])
}
