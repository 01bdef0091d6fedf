//! A resend may carry a new time and a new signature over the same content.

use super::prelude::*;
use crate::clock;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "033-resend-signed-again",
    title: "A resend signed again gets the stored answer",
    citation: "design §5: the content digest leaves time and signature out",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let mut draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(Some("again")));
    let first = answered(tax, &draft.sign(&tax.identity().sign)?).await?;
    draft.sent_at = clock::rfc3339(clock::now() - jiff::SignedDuration::from_mins(8));
    let again = answered(tax, &draft.sign(&tax.identity().sign)?).await?;
    holds(
        first.body == again.body,
        "the second answer has other bytes",
    )
}
