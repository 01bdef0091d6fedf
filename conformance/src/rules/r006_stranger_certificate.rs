//! Being issued by our authority is not being a partner.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "006-stranger-certificate",
    title: "A good certificate of nobody registered gets no answer",
    citation: "RFC 8446 §4.4.2; design §5: mutual TLS, the peer is its certificate",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    control(tax).await?;
    let identity = context.hostile("stranger")?;
    turned_away(tax, &context.client(Some(&identity))?).await
}
