//! A branch carries the ten digits of its enterprise.

use super::prelude::*;
use crate::tax;

pub(super) const RULE: Rule = Rule {
    id: "065-branch-of-another-parent",
    title: "A branch named under another enterprise is refused",
    citation: "Circular 86/2024/TT-BTC (13-digit codes of dependent units)",
    check: |context| Box::pin(check(context)),
};

async fn check(context: &Context) -> Result<(), Stop> {
    let tax = context.tax()?;
    let body = tax::verify_branch(
        &format!("{}-001", tax::UNKNOWN_MST),
        Some(tax::OTHER_MST),
        "2026-09",
        "arrears",
        tax::PURPOSE,
    );
    let reply = signed(tax, "tax.verify-employer", body).await?;
    refused(&reply, FaultCode::Invalid, &["branch-of-another-parent"])?;
    about(&reply, "Parent")
}
