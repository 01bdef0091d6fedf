//! Nobody speaks to the gateway without a certificate.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "001-no-certificate",
    title: "A connection without a client certificate gets no answer",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    turned_away(tax, &context.client(None)?).await
}
