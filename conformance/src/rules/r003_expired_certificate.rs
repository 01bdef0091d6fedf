//! A certificate that has ended proves nothing any more.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "003-expired-certificate",
    title: "An expired certificate gets no answer",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    let identity = context.hostile("expired")?;
    turned_away(tax, &context.client(Some(&identity))?).await
}
