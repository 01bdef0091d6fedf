//! A mistyped code must not be told as an employer without data.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "040-bad-mst-check-digit",
    title: "A tax code with a wrong check digit is refused",
    citation: "Circular 86/2024/TT-BTC; the check digit as published (weights 31,29,23,19,17,13,7,5,3)",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let body = tax::verify_employer("9999999998", "2026-09", "arrears", tax::PURPOSE);
    let draft = tax::Draft::new(tax.identity(), "tax.verify-employer", body);
    let reply = tax
        .client()
        .send(draft.sign(&tax.identity().sign)?.request()?)
        .await?;
    refused(&reply, FaultCode::Invalid, &["mst-check-digit"])?;
    about(&reply, "Mst")
}
