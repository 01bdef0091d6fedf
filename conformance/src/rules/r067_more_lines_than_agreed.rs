//! The sandbox agrees 500 lines; whoever was agreed a thousand cannot try this.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "067-more-lines-than-agreed",
    title: "More lines than the agreement allows are refused",
    citation: "Law 91/2025/QH15 art. 3; the agreement's own number of lines",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let keys: Vec<String> = (1..=501_u16)
        .map(|branch| format!("{}-{branch:03}", tax::UNKNOWN_MST))
        .collect();
    let body = tax::verify_many(&keys.join(","), "2026-09", "arrears");
    let reply = signed(tax, "tax.verify-many", body).await?;
    refused(&reply, FaultCode::Forbidden, &["more-lines-than-agreed"])
}
