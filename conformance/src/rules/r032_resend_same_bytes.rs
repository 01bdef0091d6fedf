//! The same bytes again are acted upon once; the stored answer comes back.

use super::prelude::*;
use crate::client::Reply;

pub(super) const RULE: Rule = Rule {
    id: "032-resend-same-bytes",
    title: "A resend gets the byte-identical stored answer",
    citation: "design §6: exactly once",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let sent = ping(tax)?;
    let first = answered(tax, &sent).await?;
    let again = answered(tax, &sent).await?;
    holds(
        first.body == again.body,
        "the second answer has other bytes",
    )?;
    let evidence = |reply: &Reply| reply.header("lienthong-evidence").map(str::to_owned);
    holds(
        evidence(&first) == evidence(&again),
        "the second answer has another evidence id",
    )
}
