//! An answer is never a request, whoever signed it.

use super::prelude::*;

pub(super) const RULE: Rule = Rule {
    id: "036-reflected-answer",
    title: "The gateway's own answer sent back is refused",
    citation: "THREATS M3: reflection",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let sent = ping(tax)?;
    let mut reflected = sent.clone();
    reflected.body = answered(tax, &sent).await?.body.to_vec();
    let reply = tax.client().send(reflected.request()?).await?;
    let told = fault_of(&reply)?;
    let codes = ["UNAUTHENTICATED", "WRONG-ENVIRONMENT"];
    holds(
        codes.contains(&told.code.as_str()),
        &format!("fault {told}"),
    )
}
