//! The right names under a foreign authority are worth nothing.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "002-unknown-ca-certificate",
    title: "A certificate of an unknown authority gets no answer",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    let identity = context.hostile("unknown-ca")?;
    turned_away(tax, &context.client(Some(&identity))?).await
}
