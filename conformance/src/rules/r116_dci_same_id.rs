//! An id is of one message.

use super::prelude::*;
use crate::crvs::Draft;

pub(super) const RULE: Rule = Rule {
    id: "116-dci-same-id",
    title: "A DCI message id that was used for other content is refused",
    citation: "SPDCI API standards 1.0.0, rjct.message_id.duplicate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let crvs = context.crvs()?;
    let first = Draft::notify(crvs.identity(), &[crvs.next_birth()?]);
    let sent = first.sign(crvs.identity())?;
    let reply = crvs.client().send(sent.request()?).await?;
    crvs.judge(&sent, &reply)?;
    let other = Draft::notify(crvs.identity(), &[crvs.next_birth()?]);
    let sent = other.set("message_id", sent.id).sign(crvs.identity())?;
    let reply = crvs.client().send(sent.request()?).await?;
    refused(&reply, FaultCode::Conflict, &["same-id-other-content"])
}
