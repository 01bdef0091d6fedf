//! Extended key usage is checked: a server certificate is no client certificate (RFC 5280 §4.2.1.12).

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "004-wrong-usage-certificate",
    title: "A certificate for servers gets no answer as a client's",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    let identity = context.hostile("wrong-usage")?;
    turned_away(tax, &context.client(Some(&identity))?).await
}
