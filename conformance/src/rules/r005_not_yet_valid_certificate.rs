//! A certificate counts only from its first day.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "005-not-yet-valid-certificate",
    title: "A certificate that has not begun gets no answer",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    let identity = context.hostile("not-yet-valid")?;
    turned_away(tax, &context.client(Some(&identity))?).await
}
