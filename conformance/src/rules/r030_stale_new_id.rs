//! Freshness is judged both ways, and only for what was never seen.

use super::prelude::*;
use crate::clock;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "030-stale-new-id",
    title: "A new id with an old or early clock is refused",
    citation: "design §5: freshness ±5 min for ids not seen before",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    for minutes in [-10, 10] {
        let mut draft = tax::Draft::new(tax.identity(), "tax.ping", tax::ping_body(None));
        let at = clock::now() + jiff::SignedDuration::from_mins(minutes);
        draft.sent_at = clock::rfc3339(at);
        let reply = tax
            .client()
            .send(draft.sign(&tax.identity().sign)?.request()?)
            .await?;
        refused(&reply, FaultCode::Stale, &["outside-window"])?;
    }
    Ok(())
}
