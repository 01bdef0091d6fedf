//! Two readers must not see two messages.

use super::prelude::*;
use crate::crvs::Draft;

pub(super) const RULE: Rule = Rule {
    id: "113-dci-other-message",
    title: "A DCI body that shows another message than is signed is refused",
    citation: "SPDCI API standards 1.0.0, MsgSignature; RFC 7515 §8",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let crvs = context.crvs()?;
    let signed = Draft::notify(crvs.identity(), &[crvs.next_birth()?]);
    let signature = signed.signature(crvs.identity())?;
    let shown = Draft {
        message: Draft::notify(crvs.identity(), &[crvs.next_birth()?]).message,
        ..signed
    };
    let sent = shown.carrying(crvs.identity(), Some(&signature));
    let reply = crvs.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["dci-payload-differs"])
}
