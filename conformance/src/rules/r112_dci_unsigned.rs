//! Whoever takes unsigned messages takes anybody's.

use super::prelude::*;
use crate::crvs::Draft;

pub(super) const RULE: Rule = Rule {
    id: "112-dci-unsigned",
    title: "A DCI message without a signature is refused",
    citation: "SPDCI API standards 1.0.0, MsgSignature; err.signature.missing",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let crvs = context.crvs()?;
    let draft = Draft::notify(crvs.identity(), &[crvs.next_birth()?]);
    let sent = draft.carrying(crvs.identity(), None);
    let reply = crvs.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::BadSignature, &["no-signature"])
}
